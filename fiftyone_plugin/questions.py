"""Questions that were asked of a stored comparison: kept in its record, listed, and their images saved or tagged."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from latentdiff.errors import InputError
from latentdiff.results.schema import is_number

from .asking import Answer
from .hypotheses import check_tag, tags_of, view_name_problem
from .store import database
from .store import feedback as journal
from .store.groups import split
from .store.run import ComparisonRun
from .store.runs import record_of

QUESTIONS = 20
"""Kept with a comparison, the newest ones."""
IMAGES = 24
"""Of each side, kept with a question."""


def keep_question(run: ComparisonRun, answer: Answer) -> dict[str, Any]:
    """Keep a question and its answer with its comparison; one group of many keeps none.

    Returns:
        The question as it is kept: ``phrase``, ``rates``, ``auroc``, ``p_value``, ``ids`` (by side, best first, at most 24), ``notes``.
    """
    found = answer.found
    kept = {
        "phrase": found.text,
        "rates": {"A": found.rate_a, "B": found.rate_b},
        "auroc": found.auroc,
        "p_value": found.p_value,
        "ids": {side: answer.ids[side][:IMAGES] for side in "AB"},
        "notes": list(answer.notes),
        "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }
    if split(run.name)[1] is None:
        with database.explained(f"the question about {run.name!r}", run.dataset):
            journal.append(record_of(run.dataset, run.name), kept, journal.QUESTIONS, QUESTIONS)
    return kept


def kept_questions(run: ComparisonRun) -> list[dict[str, Any]]:
    """Questions that were asked of a comparison, newest first, a phrase once; what is damaged is none."""
    stored = run.config.get(journal.QUESTIONS)
    found: dict[str, dict[str, Any]] = {}
    for one in reversed(stored if isinstance(stored, list) else []):
        if _is_question(one):
            found.setdefault(one["phrase"], one)
    return list(found.values())


def _is_question(one: Any) -> bool:
    if not isinstance(one, dict) or not isinstance(one.get("phrase"), str):
        return False
    rates, ids = ({side: by.get(side) if isinstance(by, dict) else None for side in "AB"} for by in (one.get("rates"), one.get("ids")))
    numbers = all(map(is_number, (*rates.values(), one.get("auroc"), one.get("p_value"))))
    return numbers and all(isinstance(own, list) and all(isinstance(i, str) for i in own) for own in ids.values())


def find_question(run: ComparisonRun, phrase: Any) -> dict[str, Any]:
    """A kept question by its phrase.

    Raises:
        InputError: it was not asked, or is not kept any more.
    """
    found = next((one for one in kept_questions(run) if one["phrase"] == phrase), None)
    if found is None:
        raise InputError(f"comparison {run.name!r} was not asked about {phrase!r}, or no longer knows it; ask again")
    return found


def keep_images(
    run: ComparisonRun, phrase: str, side: str, *, view: str = "", tag: str = "", overwrite: bool = False, onto: bool = True
) -> int:
    """Save the images of one side that show a phrase best as a view, or tag them.

    Args:
        run: the comparison.
        phrase: of a question that it was asked.
        side: "A" or "B".
        view: name of the saved view; empty: none.
        tag: the tag; empty: none.
        overwrite: replace a saved view of that name.
        onto: whether other images may carry the tag already.

    Returns:
        How many images.

    Raises:
        InputError: no such question or side, neither view nor tag, or a name that is taken.
    """
    if side not in ("A", "B"):
        raise InputError(f'side is "A" or "B", not {side!r}')
    ids = find_question(run, phrase)["ids"][side]
    if not view.strip() and not tag.strip():
        raise InputError("name the view or the tag")
    images = run.sides[side].select([str(i) for i in ids])
    problem = view_name_problem(images._root_dataset, view, overwrite) if view.strip() else None
    if problem:
        raise InputError(problem)
    if tag.strip():
        check_tag(tag, {} if onto else tags_of(run, side), onto)
    if view.strip():
        about = f"LatentDiff {run.name!r}: shows {phrase!r} best, of {run.sides[side].name!r}"
        images._root_dataset.save_view(view.strip(), images, description=about, overwrite=overwrite)
    if tag.strip():
        (images.tag_samples if run.sides[side].labels is None else images.tag_labels)(tag.strip())
    return len(ids)

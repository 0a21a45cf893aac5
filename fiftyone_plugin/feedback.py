"""Feedback on findings that is kept: judged, renamed, noted, merged, undone; and what later comparisons of the dataset make of it."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from typing import Any

from latentdiff.config import CompareConfig
from latentdiff.errors import InputError
from latentdiff.report.group_figures import shortened
from latentdiff.results.feedback import ACCEPTED, OPEN, REJECTED, SAID, meant, said_of
from latentdiff.results.hypothesis import Hypothesis

from .store import database
from .store import feedback as journal
from .store.groups import split
from .store.run import ComparisonRun
from .store.runs import list_comparisons, load_comparison, record_of
from .store.targets import as_dataset

SURE = 2
"""Comparisons in which a word has to be rejected before it sinks: of once, one cannot tell a wrong word from a wrong place for it."""

LETTERS = 40
"""Of a name, in what undo says that it takes back."""


def judge_finding(dataset: Any, run: str, finding: Hypothesis | int | str, **said: str) -> ComparisonRun:
    """Say something of a finding of a stored comparison; it is kept with the comparison, and reports show it. No test hangs on it.

    A rejected finding, and one that is a part of another, has no card. Words that were rejected in two comparisons or more rank
    lower in later ones of the dataset; a concept that was renamed keeps that name in later comparisons with the same SAE.

    Args:
        dataset: ``fo.Dataset`` or its name.
        run: the comparison's name; of one that holds groups, "cameras:front" is the group "front" against the rest.
        finding: one of its candidates; its rank among those that pass (0 = best); or its text.
        said: ``state`` ("accepted", "rejected"), ``name``, ``note``, ``merged`` (text of the finding that it is a part of); "" takes it
            back, and so does a blank name, or one that is the finding's own words. At least one. What is so already is not said again:
            there is nothing more to undo.

    Returns:
        The comparison with all that was said; see ``.feedback``.

    Raises:
        RunError: there is no such run. InputError: no such finding, or something else is said.

    Example:
        >>> judge_finding(dataset, "summer_vs_winter", 0, state="accepted", name="a kite in the sky").feedback[0].name
        'a kite in the sky'
    """
    dataset = as_dataset(dataset)
    if not said:
        raise InputError(f"say something of the finding: {', '.join(SAID)}")
    opened = load_comparison(dataset, run)
    h = _finding(opened, finding)
    opened.comparison.judged(h, **said)  # says what is wrong with it before anything is written
    before = said_of(opened.feedback, h)
    new = {name: value for name, value in meant(h, said).items() if value != getattr(before, name)}
    if not new:
        return opened
    with database.explained(f"feedback on {run!r}", dataset):
        name, group = split(run)
        journal.append(record_of(dataset, name), journal.line(h, new, group))
    return load_comparison(dataset, run)


def undo_feedback(dataset: Any, run: str) -> ComparisonRun:
    """Take back what was said last of a comparison's findings.

    Args:
        dataset: ``fo.Dataset`` or its name.
        run: the comparison's name; "cameras:front" is one group of a run, and what was said last may be of another of its groups.

    Raises:
        RunError: there is no such run. InputError: nothing was said.
    """
    dataset = as_dataset(dataset)
    if not journal.lines(load_comparison(dataset, run).config):
        raise InputError(f"nothing was said of the findings of comparison {run!r}")
    with database.explained(f"feedback on {run!r}", dataset):
        journal.take_back(record_of(dataset, split(run)[0]))
    return load_comparison(dataset, run)


def last_said(run: ComparisonRun) -> str:
    """What :func:`undo_feedback` would take back, such as "rename of “bus” to “coach”"; empty where nothing was said.

    Args:
        run: the comparison; of one group of many, what was said last may be of another group, which is named then.
    """
    lines = journal.lines(run.config)
    if not lines:
        return ""
    *earlier, last = lines
    of, group = last["finding"], last.get(journal.GROUP)
    before: dict[str, Any] = {}
    for one in earlier:
        before |= one["said"] if (one["finding"], one.get(journal.GROUP)) == (of, group) else {}
    here = group == split(run.name)[1]
    h = journal.find(run.candidates, of) if here else None  # by its words of now: a concept may have got a name since
    text = _quoted(before.get("name") or (h.text if h else of.get("text")))
    before, said = (_with_names(run, h, one) for one in (before, last["said"]))
    acts = [_act(text, before.get(name), name, value) for name, value in said.items()]
    return f"{', '.join(filter(None, acts))}{'' if here else f' in {shortened(str(group), LETTERS)}'}"


def _with_names(run: ComparisonRun, h: Hypothesis | None, said: dict[str, Any]) -> dict[str, Any]:
    """What was said of a finding; what it is a part of by the name that its card has."""
    called = {one.text: one.name for one in run.feedback if h and one.side == h.side and one.name}
    return {**said, "merged": called[said["merged"]]} if said.get("merged") in called else said


def _act(text: str, before: Any, what: str, value: Any) -> str:
    """One thing that was said of a finding: ``text``, what was so before, and what is so now."""
    if what == "state":
        return f"{text} {value}" if value else f"{text} no longer {before or 'judged'}"
    if what == "name":
        return f"rename of {text} to {_quoted(value)}" if value else f"name {text} taken back"
    if what == "note":
        return f"note on {text}" if value else f"note on {text} removed"
    return (f"{text} as a part of {_quoted(value)}" if value else f"{text} no part of {_quoted(before)}") if what == "merged" else ""


def _quoted(name: Any) -> str:
    return f"“{shortened(str(name), LETTERS)}”"


def _finding(run: ComparisonRun, finding: Any) -> Hypothesis:
    if isinstance(finding, Hypothesis):
        return finding
    if isinstance(finding, int) and not isinstance(finding, bool):
        if not 0 <= finding < len(run.hypotheses):
            raise InputError(f"comparison {run.name!r} has {len(run.hypotheses)} findings; there is no number {finding!r}")
        return run.hypotheses[finding]
    found = [h for h in run.candidates if h.text == finding]
    if not found:
        raise InputError(f"comparison {run.name!r} has no finding {finding!r}")
    return found[0]


def rejected_words(dataset: Any) -> tuple[str, ...]:
    """Words that were rejected in ``SURE`` comparisons of a dataset or more, and accepted in none; numbered concepts are no words."""
    now: dict[tuple[str, str, str], str] = {}
    for run in list_comparisons(dataset):
        for one in sorted(journal.lines(run.config), key=lambda one: str(one.get("at"))):
            finding = one["finding"]
            if "state" in one["said"] and finding.get("text") != f"concept {finding.get('concept')}":
                now[str(run), str(one.get(journal.GROUP)), str(finding.get("text"))] = str(one["said"]["state"])
    rejected = Counter(word for _, word in {(run, word) for (run, _, word), state in now.items() if state == REJECTED})
    accepted = {word for (*_, word), state in now.items() if state == ACCEPTED}
    return tuple(sorted(word for word, count in rejected.items() if count >= SURE and word not in accepted))


def past_rejected(config: CompareConfig | None, dataset: Any) -> CompareConfig:
    """The choices that any comparison of a dataset goes by: with the words that people rejected in earlier ones."""
    config = config or CompareConfig()
    return dataclasses.replace(config, rejected=tuple(dict.fromkeys([*config.rejected, *rejected_words(dataset)])))


def inherited(dataset: Any, sae: str | None, found: Mapping[Any, tuple[Hypothesis, ...]]) -> list[dict[str, Any]]:
    """Lines of a new comparison's journal: the names that people gave concepts of the same SAE.

    Args:
        dataset: ``fo.Dataset``.
        sae: key of the SAE; None where it is not known.
        found: candidates of the new comparison, by group; of two sides by None.
    """
    names: dict[int, str] = {}
    lines = [one for other in list_comparisons(dataset) if sae and other.config.get("sae") == sae for one in journal.lines(other.config)]
    for one in sorted(lines, key=lambda one: str(one.get("at"))):
        concept, name = one["finding"].get("concept"), one["said"].get("name")
        if concept is not None and name is not None:
            names[concept] = name
    named = [(group, h, names.get(h.concept, OPEN)) for group, of in found.items() for h in of if h.concept is not None]
    return [journal.line(h, {"name": name}, group) for group, h, name in named if name]

"""A stored comparison → the plain, small dictionaries that the panel draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from latentdiff.report.arranging import Arrangement, heading
from latentdiff.report.beside import STATES
from latentdiff.report.beside import beside as changed
from latentdiff.report.content import THUMBNAILS, content, rejected
from latentdiff.report.fields import FieldRow, beside_text, left_out_fields, sentence
from latentdiff.report.finding import Card, card, named
from latentdiff.report.shifts import shifts_counted
from latentdiff.report.text import apart, coming, isolated
from latentdiff.results.comparison import Comparison
from latentdiff.results.feedback import ACCEPTED, REJECTED, said_of
from latentdiff.results.known import known_text

CARDS = 6
"""Cards per side at first, and how many more each time one asks for more: a hundred cards make the browser slow."""


STOPPED = "First answer: what was to bring better concepts was stopped, or failed."
FIELDS = 30
"""Fields listed in their tab."""


def board(run: Any, cards: int = CARDS, how: dict[str, str] | None = None) -> dict[str, Any]:
    """All that the panel shows of one run.

    Args:
        run: a ``ComparisonRun``.
        cards: at most so many a side.
        how: fields of an :class:`~latentdiff.report.arranging.Arrangement`; None: all, best first.

    Returns:
        JSON: ``name``, ``verdict``, ``differs``, ``level`` (alpha), ``notes`` (what was left out, or sent to a server), ``shifts``
        (slight ones in words, ``shifted``: how many), and per side ("A", "B")
        its name, count, what is counted, cards, how many more, and their tree as (depth, label, whether it is a card),
        the leads of a side without cards, and thumbnails of its ``typical`` images; ``given``: what
        was set aside; ``fields``: those that differ, ``more_fields`` and whether any were ``tested``; ``ask``: why it
        cannot be asked about a phrase, or None; ``pair``: whether it is of two sides, and no group of many; ``gap``: whether a gap can be
        closed; ``questions``: phrases that it was asked about; ``unnamed``: whether words can be had for what has none;
        ``first``: of a first answer, what to say of it, whether the final one is being made, and whether it can be finished; else None;
        ``rejected``: (rank, phrase) of what was rejected; ``undo``: what was said last, in words; empty: nothing.
    """
    from fiftyone_plugin.asking import can_ask
    from fiftyone_plugin.feedback import last_said
    from fiftyone_plugin.naming import cannot_name
    from fiftyone_plugin.questions import kept_questions

    order = Arrangement(**(how or {}))
    said = content(apart(run.comparison), _names(run), cards=cards, page=CARDS, how=order)
    untested = list(left_out_fields(said.comparison))
    elsewhere = {*untested, *rejected(said.comparison, _names(run))}  # in the tab of fields, and in the row of what was rejected
    sides = {}
    for side in "AB":
        made = [{**_drawn(run, said.comparison, one), "group": heading(one, order)} for one in said.cards[side]]
        leads = [_lead(run, said.comparison, *one) for one in said.leads[side]]
        strip = {"exemplars": [str(run.sides[side].ids[row]) for row in said.typical[side][:THUMBNAILS]], "thumbnails": []}
        add_thumbnails(run, side, [*made, *leads, strip])
        tree = [[b.depth, b.label, b.hypothesis is not None] for b in said.trees[side]]
        things, count = "patches" if run.sides[side].labels else "images", run.counts[side]["compared"]
        sides[side] = {"name": said.names[side], "count": count, "things": things, "cards": made, "more": said.more[side], "tree": tree}
        sides[side] |= {"leads": leads, "typical": strip["thumbnails"], "none": said.without_cards(side)}
    return {
        "name": run.name,
        "verdict": said.verdict,
        "differs": bool(run.differs),
        "level": float(run.comparison.config.alpha),
        "notes": [note for note in said.notes if note not in elsewhere],
        "shifts": list(said.shifts),
        "shifted": shifts_counted(said.comparison),
        "untested": untested,
        "given": [str(name) for name in (run.comparison.info.get("given") or {}).get("names") or []],
        "fields": [_field(*field, said.names) for field in zip(said.fields[:FIELDS], run.comparison.fields, strict=False)],
        "more_fields": max(0, len(said.fields) - FIELDS),
        "tested": bool(run.comparison.tested_fields),
        "sides": sides,
        "ask": can_ask(run),
        "pair": is_pair(run),
        "gap": bool(run.differs) and not run.sides["A"].labels,
        "questions": [one["phrase"] for one in kept_questions(run)],
        "undo": last_said(run),
        "rejected": [[i, isolated(named(h, said_of(run.feedback, h)))] for i, h in enumerate(run.hypotheses) if _is_rejected(run, h)],
        "first": _first(run),
        "unnamed": is_pair(run) and not run.comparison.info.get("words") and cannot_name(run) is None,
    }


def _first(run: Any) -> dict[str, Any] | None:
    from fiftyone_plugin.naming import cannot_finish
    from fiftyone_plugin.store.summary import RunSummary

    summary = RunSummary(run.name, run.config)
    if not summary.provisional:
        return None
    going = summary.going_on
    return {"text": coming(run.comparison) if going else STOPPED, "going": going, "finish": not going and cannot_finish(run) is None}


def _lead(run: Any, told: Comparison, one: Card, standing: str) -> dict[str, Any]:
    """What comes near a finding and is none: a card without a rank."""
    return {**_drawn(run, told, one), "rank": f"c{_place(told.candidates, one.hypothesis)}", "standing": standing}


def _is_rejected(run: Any, h: Any) -> bool:
    return said_of(run.feedback, h).state == REJECTED


def _place(among: Sequence[Any], h: Any) -> int:
    return next(i for i, one in enumerate(among) if one is h)


def _field(row: FieldRow, d: Any, names: dict[str, str]) -> dict[str, str]:
    """A field as texts that keep to themselves, and ``d`` of the run: what the form is asked to set aside."""
    text = sentence(row, names).removeprefix(f"{row.title}: ")
    return {"name": d.field if d.is_tail else d.name, "title": row.title, "text": f"{text}, q {row.q}"}


def _names(run: Any) -> tuple[str, str]:
    return isolated(run.sides["A"].name), isolated(run.sides["B"].name)


def _drawn(run: Any, told: Comparison, one: Card) -> dict[str, Any]:
    h = one.hypothesis
    own = run.candidates[_place(told.candidates, h)]  # as the run has it
    return {
        "rank": one.rank if one.rank < 0 else _place(run.hypotheses, own),
        "side": h.side,
        "text": one.phrase,
        "named": one.named,
        "weak": one.guess,
        "accepted": ACCEPTED in one.said,
        "said": list(one.said),
        "tells": one.tells,
        "path": list(one.path),
        "leans": one.leans,
        "also": list(one.also),
        "along": beside_text(h.fields[0]) if h.fields else "",
        "known": known_text(own, named(own, said_of(run.feedback, own))) if is_pair(run) else None,
        "rates": one.rates,
        "shares": {"A": float(h.rate_a), "B": float(h.rate_b)},
        "images": one.images,
        "badges": [list(badge) for badge in one.badges],
        "exemplars": run.exemplars(own)[:THUMBNAILS],
        "thumbnails": [],
        "copy": one.as_text(run.name),
    }


def is_pair(run: Any) -> bool:
    """Whether a comparison is of two sides, and no group of many: those can be compared again past what is known."""
    from fiftyone_plugin.store.groups import split

    return split(run.name)[1] is None


def detail(run: Any, hypothesis: Any) -> dict[str, Any]:
    """What unfolds below a card: ``facts`` and ``concept``, rows of what something is called, its value, and what it means.

    Args:
        run: a ``ComparisonRun``.
        hypothesis: one of its candidates.
    """
    told = apart(run.comparison)
    one = card(told, told.candidates[_place(run.candidates, hypothesis)], -1, dict(zip("AB", _names(run), strict=True)))
    return {"facts": [list(fact) for fact in one.details], "concept": [list(fact) for fact in one.concept]}


BESIDE = 20
"""Differences of each kind that are told where two comparisons stand beside each other."""
ALWAYS = ("stayed", "new", "gone")
"""What has a heading also where there is nothing below it."""


def beside(before: Any, after: Any) -> dict[str, Any]:
    """What became of the differences of one comparison in another.

    Returns:
        JSON: ``before`` and ``after`` (names), and ``lists``: of what became of them so, a heading, lines, and how many more there are.
    """
    runs = before.name, after.name
    told = changed(apart(before.comparison), apart(after.comparison), (_names(before), _names(after)), runs)
    lists = []
    for state, text in STATES.items():
        lines = [one.text for one in told if one.state == state]
        if lines or state in ALWAYS:
            more = max(0, len(lines) - BESIDE)
            lists.append([state, text.format(before=before.name, after=after.name), lines[:BESIDE], more])
    return {"before": before.name, "after": after.name, "lists": lists}


def answer_thumbnails(dataset: Any, answer: dict[str, Any]) -> dict[str, list[str]]:
    """By side, addresses of the images that show a question's phrase best; none where the comparison is gone meanwhile."""
    from fiftyone_plugin.hypotheses import open_comparison
    from latentdiff.errors import LatentDiffError

    strips = {side: {"exemplars": answer["ids"][side][:THUMBNAILS], "thumbnails": []} for side in "AB"}
    try:
        run = open_comparison(dataset, answer["run"])
    except LatentDiffError:
        return {side: [] for side in "AB"}
    for side, strip in strips.items():
        add_thumbnails(run, side, [strip])
    return {side: strip["thumbnails"] for side, strip in strips.items()}


def add_thumbnails(run: Any, side: str, cards: list[dict[str, Any]]) -> None:
    """Addresses of the exemplars' images, read in one query for the whole side; a patch's picture travels in its address."""
    from fiftyone_plugin.reporting import patch_boxes, patch_thumbnail

    place = run.sides[side]
    wanted = sorted({i for one in cards for i in one["exemplars"]})
    if place.dataset is None or not wanted:
        return
    view = place.select(wanted)
    if place.labels:
        found = {i: patch_thumbnail(path, box) for i, path, box in patch_boxes(place, view)}
    else:
        found = {i: f"/media?filepath={quote(path)}" for i, path in zip(*view.values(["id", "filepath"]), strict=True)}
    for one in cards:
        one["thumbnails"] = [found[i] for i in one["exemplars"] if found.get(i)]

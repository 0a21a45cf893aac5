"""A stored comparison → the plain, small dictionaries that the panel draws."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from latentdiff.report.content import THUMBNAILS, content
from latentdiff.report.fields import FieldRow, beside_text, sentence
from latentdiff.report.finding import Card, card
from latentdiff.report.text import isolated

CARDS = 6
"""Cards per side at first, and how many more each time one asks for more: a hundred cards make the browser slow."""


FIELDS = 30
"""Fields listed in their tab."""


def board(run: Any, cards: int = CARDS) -> dict[str, Any]:
    """All that the panel shows of one run.

    Args:
        run: a ``ComparisonRun``.
        cards: at most so many a side.

    Returns:
        JSON: ``name``, ``verdict``, ``differs``, ``notes`` (what was left out, or sent to a server), and per side ("A", "B")
        its name, count, what is counted, cards, how many more, and their tree as (depth, label, whether it is a card); ``given``: what
        was set aside; ``fields``: those that differ, ``more_fields`` and whether any were ``tested``; ``ask``: why it cannot be asked
        about a phrase, or None; ``pair``: whether it is of two sides, and no group of many; ``gap``: whether a gap can be closed.
    """
    from fiftyone_plugin.asking import can_ask

    said = content(run.comparison, _names(run), cards=cards)
    sides = {}
    for side in "AB":
        made = [_drawn(run, one) for one in said.cards[side]]
        add_thumbnails(run, side, made)
        tree = [[b.depth, b.label, b.hypothesis is not None] for b in said.trees[side]]
        things, count = "patches" if run.sides[side].labels else "images", run.counts[side]["compared"]
        sides[side] = {"name": said.names[side], "count": count, "things": things, "cards": made, "more": said.more[side], "tree": tree}
    return {
        "name": run.name,
        "verdict": said.verdict,
        "differs": bool(run.differs),
        "notes": list(said.notes),
        "given": [str(name) for name in (run.comparison.info.get("given") or {}).get("names") or []],
        "fields": [_field(row, said.names) for row in said.fields[:FIELDS]],
        "more_fields": max(0, len(said.fields) - FIELDS),
        "tested": bool(run.comparison.tested_fields),
        "sides": sides,
        "ask": can_ask(run),
        "pair": is_pair(run),
        "gap": bool(run.differs) and not run.sides["A"].labels,
    }


def _field(row: FieldRow, names: dict[str, str]) -> dict[str, str]:
    d = row.difference
    text = sentence(row, names).removeprefix(f"{row.title}: ")
    return {"name": d.field if d.is_tail else d.name, "title": row.title, "text": f"{text}, q {row.q}"}


def _names(run: Any) -> tuple[str, str]:
    return isolated(run.sides["A"].name), isolated(run.sides["B"].name)


def _drawn(run: Any, one: Card) -> dict[str, Any]:
    h = one.hypothesis
    known = f"concept {h.concept}" if h.weak and h.concept is not None else h.text
    return {
        "rank": one.rank,
        "side": h.side,
        "text": h.text,
        "weak": bool(h.weak),
        "path": list(h.path),
        "also": list(one.also),
        "along": beside_text(h.fields[0]) if h.fields else "",
        "known": known if is_pair(run) else None,
        "rates": one.rates,
        "shares": {"A": float(h.rate_a), "B": float(h.rate_b)},
        "images": one.images,
        "badges": [list(badge) for badge in one.badges],
        "exemplars": run.exemplars(h)[:THUMBNAILS],
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
    one = card(run.comparison, hypothesis, -1, dict(zip("AB", _names(run), strict=True)))
    return {"facts": [list(fact) for fact in one.details], "concept": [list(fact) for fact in one.concept]}


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

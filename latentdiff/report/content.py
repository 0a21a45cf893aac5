"""A comparison → the plain texts that every kind of report shows: one place where a number becomes words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..embed.opening import said_unread
from ..embed.ranges import said_ranges
from ..results.comparison import Comparison
from ..results.feedback import REJECTED, said_of
from ..results.hypothesis import Hypothesis
from ..results.storage import LEFT_OUT
from .arranging import Arrangement, arranged
from .fields import FieldRow, field_rows, left_out_fields, looked_past
from .finding import SIDES, Card, card
from .leads import lead_cards, leads
from .shifts import shifts
from .text import images, isolated, verdict
from .tree import Branch, as_tree
from .vectors import misfit, repeated, unlike_lengths

CARDS = 10
"""Cards per side; further ones are counted."""
USUAL = Arrangement()
THUMBNAILS = 5
"""Exemplars on a card."""


@dataclass(frozen=True)
class Content:
    """All that a report says."""

    comparison: Comparison
    how: Arrangement
    """Which findings have cards, in which order."""
    title: str
    names: dict[str, str]
    """What people call side "A" and "B"."""
    verdict: str
    counts: dict[str, int]
    """Images compared, by side."""
    notes: tuple[str, ...]
    """What was left out, and what describing images did and sent."""
    shifts: tuple[str, ...]
    """Slight shifts, which are no findings: a sentence for each kind of either side."""
    cards: dict[str, tuple[Card, ...]]
    """By side, best first."""
    more: dict[str, int]
    """Differences found beyond the cards, by side."""
    leads: dict[str, tuple[tuple[Card, str], ...]]
    """Of sides without a finding: what comes nearest to one, perhaps chance, each with how far it is from one."""
    typical: dict[str, tuple[int, ...]]
    """By side, rows of its most telling, diverse images, best first."""
    trees: dict[str, tuple[Branch, ...]]
    """The same differences from coarse to fine, by side; empty where concepts have no groups."""
    fields: tuple[FieldRow, ...]
    """Fields of the images that differ, best first."""

    @property
    def below(self) -> tuple[str, ...]:
        """Sentences on what is no finding, for texts without cards: slight shifts, and what comes nearest to a finding."""
        return (*self.shifts, *leads(self.comparison, (self.names["A"], self.names["B"])))

    def without_cards(self, side: str) -> str:
        """Why a side has no card."""
        found = [said_of(self.comparison.feedback, h) for h in self.comparison.hypotheses if h.side == side]
        if not found:
            return "Nothing is found more often here."
        if all(said.hidden for said in found):
            return "What is found more often here was rejected."
        asked = f"has the words “{isolated(self.how.search.strip())}”" if self.how.search.strip() else "passes the filter"
        return f"Nothing that is found more often here {asked}."


def content(
    comparison: Comparison,
    names: Sequence[str] | None = None,
    title: str | None = None,
    cards: int = CARDS,
    page: int | None = None,
    how: Arrangement = USUAL,
) -> Content:
    """What there is to say about a comparison.

    Args:
        comparison: the result.
        names: what people call A and B; None: as stored with it, else "A" and "B".
        title: headline; None makes one of the names, which does not say that they differ where they do not.
        cards: differences per side, >= 1.
        page: how many of them were shown at first; None: all.
        how: which of them, in which order.
    """
    a, b = (str(name) for name in names or comparison.info.get("names") or SIDES)
    passed, called = comparison.hypotheses, {"A": a, "B": b}
    rank = {id(h): i for i, h in enumerate(passed)}
    best: dict[str, list[Hypothesis]] = {}
    count: dict[str, int] = {}
    for side in SIDES:
        best[side], count[side] = arranged(comparison, side, cards, page or cards, how)
    shown = {side: tuple(card(comparison, h, rank[id(h)], called) for h in best[side]) for side in SIDES}
    return Content(
        comparison=comparison,
        how=how,
        title=title or (f"How {a} and {b} differ" if comparison.differs else f"{a} and {b} compared"),
        names=called,
        verdict=verdict(comparison, a, b),
        counts={
            "A": int(comparison.info.get("n_a", len(comparison.log_ratio_a))),
            "B": int(comparison.info.get("n_b", len(comparison.log_ratio_b))),
        },
        notes=(
            *left_out(comparison.info, (a, b)),
            *(note for said in (looked_past, unlike_lengths, misfit, repeated) for note in said(comparison, (a, b))),
            *left_out_fields(comparison),
            *description(comparison),
            *rejected(comparison, (a, b)),
        ),
        shifts=shifts(comparison, (a, b)),
        cards=shown,
        more={side: count[side] - len(shown[side]) for side in SIDES},
        leads={side: lead_cards(comparison, side, called) for side in SIDES},
        typical={side: typical(comparison, side) for side in SIDES},
        trees={side: as_tree(comparison, best[side]) for side in SIDES},
        fields=field_rows(comparison),
    )


def typical(comparison: Comparison, side: str) -> tuple[int, ...]:
    """Rows of the images by which a side is told most surely, best first; none where that was not asked (methods of others)."""
    rows = ((comparison.info.get("exemplars") or {}).get(side) or {}).get("rows") or ()
    return tuple(int(row) for row in rows)


def left_out(info: Mapping[str, Any], names: Sequence[str]) -> tuple[str, ...]:
    """Sentences about images that were not compared, and how deep ones were drawn, by a comparison's ``info``; empty where all were."""
    said, notes = info.get("left_out") or {}, []
    if said.get("overlap"):
        notes.append(f"{images(said['overlap'])} on both sides left out")
    dropped = info.get("dropped_rows") or {}
    for side, name in zip(SIDES, names, strict=True):
        counted: Mapping[str, Any] = said.get(side) or {"bad": len(dropped.get(side) or ())}
        for kind, why in LEFT_OUT.items():
            if counted.get(kind):
                notes.append(f"{images(counted[kind])} of {name} {why} left out")
        passed_over = said_unread((info.get("passed_over") or {}).get(side) or {})
        if passed_over:
            notes.append(f"{name}: {passed_over}")
    equal = info.get("equal_rows") or {}
    for side, name in zip(SIDES, names, strict=True):
        if equal.get(side):
            notes.append(f"{images(equal[side])} of {name} whose vector equals another one of it to the bit")
    if equal.get("overlap"):
        notes.append(f"{images(equal['overlap'])} of one side whose vector equals one of the other to the bit")
    drawn = said_ranges(info.get("deep") or {})
    return (*notes, *([drawn] if drawn else []), *map(str, info.get("remarks") or ()))


def description(comparison: Comparison) -> tuple[str, ...]:
    """Sentences about describing the images: why it ended early, what has no caption or test, what was sent; empty where all is well."""
    told = comparison.info.get("describe") or {}
    notes = [f"describing the most telling images ended early: {told['error']}"] if told.get("error") else []
    if told.get("captions_failed"):
        notes.append(f"{images(told['captions_failed'])} without a caption, first: {told.get('first_failure')}")
    if told.get("untested"):
        notes.append(f"proposed but not tested, for want of a text encoder: {', '.join(told['untested'][:5])}")
    for url, account in (told.get("sent") or {}).items():
        about = "about " if account.get("estimated") else ""
        tokens = account.get("prompt_tokens", 0) + account.get("completion_tokens", 0)
        failed = f" ({account['failed_calls']:,} failed)" if account.get("failed_calls") else ""
        calls = account.get("calls", 0)
        requests = f"{calls:,} request{'' if calls == 1 else 's'}{failed}"
        notes.append(f"sent to {url}: {requests}, {images(account.get('images', 0))}, {about}{tokens:,} tokens")
    return tuple(notes)


def rejected(comparison: Comparison, names: Sequence[str]) -> tuple[str, ...]:
    """A sentence for each side of which people rejected findings: they have no cards."""
    notes = []
    for side, name in zip(SIDES, names, strict=True):
        words = [one.name or one.text for one in comparison.feedback if one.side == side and one.state == REJECTED]
        if words:
            notes.append(f"rejected by hand, more in {name}: {', '.join(words)}")
    return tuple(notes)


RENEWED = {
    "grown": "renewed when there were half as many vectors again",
    "unfit": "renewed when vectors did not fit it",
    "one-sided": "renewed when it knew one side better than the other",
}
"""Why a kept SAE was trained anew."""


def version_text(version: int, why: str) -> str:
    """Which of the SAEs of a space it is: "no. 2, renewed when vectors did not fit it"."""
    return ", ".join(filter(None, (f"no. {version}", RENEWED.get(why))))

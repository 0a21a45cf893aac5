"""A comparison → the plain texts that every kind of report shows: one place where a number becomes words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..results.comparison import Comparison
from ..results.hypothesis import Hypothesis
from .concept import concept_facts
from .text import p_text, percent, title, verdict
from .tree import Branch, as_tree

SIDES = ("A", "B")
CARDS = 10
"""Cards per side; further ones are counted."""
SHIFTS = 5
"""Slight shifts named per side; further ones are counted."""
THUMBNAILS = 5
"""Exemplars on a card."""
SOURCES = {
    "sae": ("concept", "A pattern of the sparse autoencoder that fires on more images of one side than of the other."),
    "dre": ("typical images", "A phrase that fits the most typical images of one side better than those of the other."),
    "word": ("words", "A word that fits the best images of one side better than the best of the other."),
}
"""Branch → its name and what that means."""
MEANING = {
    "rates": "The bars: the share of each side's images that show it.",
    "difference": "The gap between the two rates in percentage points; in brackets what holds the truth in 95 of 100 such studies. "
    "Not measurable: the images that show it do not stand apart from the others, so the rates are rough.",
    "pattern fires on": "Shares of the two sides on which the concept behind it fires; the bars count what shows what the name says.",
    "overlaps with": "At least half of its images show that difference too, and too few are left to test it by itself.",
    "along with it": "Also differ, but only along with this one: without its images they no longer do.",
    "q": "Of all findings at least this sure, the share that would be false alarms. Only what stays below the study's level is listed.",
    "AUROC": "How well this alone tells the two sides' images apart: 0.5 not at all, 1 perfectly. What few images show stays near 0.5.",
    "AUC": "How well all vectors together tell the sides' images apart, on images that were not learnt from. It belongs to the verdict.",
    "p": "How often two sets that do not differ would look this different. It belongs to the verdict.",
    "score": "How much likelier an image is on one side than on the other, as a logarithm: 0 could be from either.",
    "how sure": "Of a concept, −log10 of its q: 2 is one false alarm in a hundred, 3 one in a thousand.",
    "name": "How well the words fit the images. “looks like” marks a guess: the difference is real, its name perhaps not. Look at them.",
}
"""What each number says, for readers who know no statistics."""
READING = (*MEANING.items(), *((f"found as “{name}”", meaning) for name, meaning in SOURCES.values()))
"""How to read a report: term and meaning."""


@dataclass(frozen=True)
class Card:
    """One difference, as texts."""

    hypothesis: Hypothesis
    rank: int
    """Place among the hypotheses that pass, 0 = best."""
    also: tuple[str, ...]
    """Other wordings, at most three."""
    rates: dict[str, str]
    """Share of each side's images that show it, in percent."""
    images: dict[str, int]
    """How many images of each side show it."""
    facts: tuple[tuple[str, str, str], ...]
    """(name, value, explanation) of what else is known: difference, q, AUROC, branch, name."""
    concept: tuple[tuple[str, str, str], ...] = ()
    """The same of the concept behind it; see :func:`concept_facts`."""


@dataclass(frozen=True)
class Content:
    """All that a report says."""

    comparison: Comparison
    title: str
    names: dict[str, str]
    """What people call side "A" and "B"."""
    verdict: str
    counts: dict[str, int]
    """Images compared, by side."""
    notes: tuple[str, ...]
    """What was left out, and what describing images did and sent."""
    cards: dict[str, tuple[Card, ...]]
    """By side, best first."""
    more: dict[str, int]
    """Differences found beyond the cards, by side."""
    trees: dict[str, tuple[Branch, ...]]
    """The same differences from coarse to fine, by side; empty where concepts have no groups."""


def content(comparison: Comparison, names: Sequence[str] | None = None, title: str | None = None, cards: int = CARDS) -> Content:
    """What there is to say about a comparison.

    Args:
        comparison: the result.
        names: what people call A and B; None: as stored with it, else "A" and "B".
        title: headline; None makes one of the names.
        cards: differences per side, >= 1.
    """
    a, b = (str(name) for name in names or comparison.info.get("names") or SIDES)
    passed = comparison.hypotheses
    rank = {id(h): i for i, h in enumerate(passed)}
    shown = {side: tuple(_card(comparison, h, rank[id(h)], {"A": a, "B": b}) for h in comparison.top(side, cards)) for side in SIDES}
    return Content(
        comparison=comparison,
        title=title or f"How {a} and {b} differ",
        names={"A": a, "B": b},
        verdict=verdict(comparison, a, b),
        counts={
            "A": int(comparison.info.get("n_a", len(comparison.log_ratio_a))),
            "B": int(comparison.info.get("n_b", len(comparison.log_ratio_b))),
        },
        notes=(*left_out(comparison, (a, b)), *repeated(comparison, (a, b)), *description(comparison), *shifts(comparison, (a, b))),
        cards=shown,
        more={side: sum(h.side == side for h in passed) - len(shown[side]) for side in SIDES},
        trees={side: as_tree(comparison, comparison.top(side, cards)) for side in SIDES},
    )


REPEATED = 0.01
"""Share of a side's images that repeat others from which it is said."""
LEFT_OUT = (
    ("missing", "without a vector"),
    ("bad", "that could not be read or have a broken vector"),
    ("repeated", "listed again"),
)
"""Kinds of images that are not compared, as they are counted per side, in words."""


def left_out(comparison: Comparison, names: Sequence[str]) -> tuple[str, ...]:
    """Sentences about images that were not compared; empty where all were."""
    said, notes = comparison.info.get("left_out") or {}, []
    if said.get("overlap"):
        notes.append(f"{images(said['overlap'])} on both sides left out")
    dropped = comparison.info.get("dropped_rows") or {}
    for side, name in zip(SIDES, names, strict=True):
        counted: Mapping[str, Any] = said.get(side) or {"bad": len(dropped.get(side) or ())}
        for kind, why in LEFT_OUT:
            if counted.get(kind):
                notes.append(f"{images(counted[kind])} of {name} {why} left out")
    return tuple(notes)


def repeated(comparison: Comparison, names: Sequence[str]) -> tuple[str, ...]:
    """Sentences about images that repeat others, with the remedy; empty where hardly any does."""
    said, (a, b), notes = comparison.info.get("repeats") or {}, names, []
    for side, name in zip(SIDES, names, strict=True):
        if said.get(side, 0) > REPEATED:
            remedy = "leave repeats out, or name what belongs together (groups)"
            notes.append(f"{said[side]:.0%} of the images of {name} nearly repeat others of it and are no independent evidence: {remedy}")
    shared = max(said.get("shared_a", 0), said.get("shared_b", 0))
    if shared > REPEATED:
        remedy = f"compare {a} and {b} as pairs or by groups, or leave these out"
        notes.append(f"{shared:.0%} of the images of one side nearly repeat images of the other: {remedy}")
    return tuple(notes)


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
        requests = f"{account.get('calls', 0):,} requests{failed}"
        notes.append(f"sent to {url}: {requests}, {images(account.get('images', 0))}, {about}{tokens:,} tokens")
    return tuple(notes)


def shifts(comparison: Comparison, names: Sequence[str]) -> tuple[str, ...]:
    """A sentence for each side whose scores are a little higher for some words, though (next to) no image crosses over."""
    notes = []
    for side, name in zip(SIDES, names, strict=True):
        words = [title(h) for h in comparison.shifts if h.side == side]
        more = f" and {len(words) - SHIFTS} more" if len(words) > SHIFTS else ""
        if words:
            notes.append(f"a slight shift of {name} towards {', '.join(words[:SHIFTS])}{more}, with next to no image that crosses over")
    return tuple(notes)


def images(count: int) -> str:
    """ "1 image" or "1,234 images"."""
    return f"{count:,} image" if count == 1 else f"{count:,} images"


def _card(comparison: Comparison, h: Hypothesis, rank: int, names: Mapping[str, str]) -> Card:
    return Card(
        hypothesis=h,
        rank=rank,
        also=tuple(dict.fromkeys(w for w in (*h.also, *h.words) if w != h.text))[:3],
        rates={"A": percent(h.rate_a), "B": percent(h.rate_b)},
        images={side: len(comparison.rows_showing(h, side)) for side in SIDES},
        facts=tuple(_facts(h, names)),
        concept=concept_facts(comparison, h),
    )


def further_facts(h: Hypothesis, names: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """(name, value, explanation) of what stands beside a difference: the firing of its pattern, and the differences that it goes with.

    Args:
        h: the difference.
        names: what people call side "A" and "B".
    """
    rows = []
    if math.isfinite(h.fires_a) and math.isfinite(h.fires_b):
        rows.append(("pattern fires on", f"{percent(h.fires_a)} of {names['A']}, {percent(h.fires_b)} of {names['B']}"))
    rows += [(name, ", ".join(texts)) for name, texts in (("overlaps with", h.overlaps), ("along with it", h.echoes)) if texts]
    return [(name, value, MEANING[name]) for name, value in rows]


def interval_text(h: Hypothesis) -> str:
    """The interval of a difference in points, "not measurable", or nothing for methods that give none."""
    low, high = h.interval
    if math.isfinite(low) and math.isfinite(high):
        return f"{_points(low)} to {_points(high)}"
    return "not measurable" if h.source in SOURCES else ""


def _facts(h: Hypothesis, names: Mapping[str, str]) -> list[tuple[str, str, str]]:
    sure = f" ({interval_text(h)})" if interval_text(h) else ""
    found, meaning = SOURCES.get(h.source, (h.source, "Where the phrase comes from."))
    name = "none" if math.isnan(h.name_strength) else f"{'a guess' if h.weak else 'fits'} ({h.name_strength:.2f})"
    facts = [
        ("difference", f"{_points(h.effect)} points{sure}", MEANING["difference"]),
        *further_facts(h, names),
        ("q", p_text(h.q_value, "").strip().removeprefix("= "), MEANING["q"]),
        ("AUROC", f"{h.auroc:.2f}", MEANING["AUROC"]),
        ("found as", found, meaning),
        ("name", name, MEANING["name"]),
    ]
    return [fact for fact in facts if fact[1] != "nan"]


def _points(rate: float) -> str:
    """A difference of rates in percentage points, signed; what rounds to nothing has no minus."""
    return f"{round(100 * rate, 1) + 0.0:+.1f}"

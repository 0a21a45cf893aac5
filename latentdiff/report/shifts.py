"""Slight shifts in words: what the scores of one side lean towards, though it is no finding."""

from __future__ import annotations

from collections.abc import Sequence

from ..results.comparison import Comparison
from ..results.hypothesis import Hypothesis
from .text import rates_of

SHIFTS = 5
"""Slight shifts named in a sentence; further ones are counted."""
LIKE = "what looks like "
FEW = 0.01
"""Difference of the rates up to which next to no image is said to cross over: what the interval of a finding has to exceed."""


def shifts(comparison: Comparison, names: Sequence[str]) -> tuple[str, ...]:
    """Sentences for each side whose scores are a little higher for some words: those that hardly an image shows more, and the others.

    Args:
        comparison: the result.
        names: what people call A and B.
    """
    notes = []
    for side, name in zip("AB", names, strict=True):
        own = [h for h in comparison.shifts if h.side == side]
        alike = [_named(h) for h in own if h.effect <= FEW]
        apart = [f"{_named(h)} ({rates_of(h, names)})" for h in own if not h.effect <= FEW]
        if alike:
            notes.append(f"a slight shift of {name} towards {_listed(alike)}, with next to no image that crosses over")
        if apart:
            notes.append(f"a slight shift of {name} towards {_listed(apart)}, too little for a finding")
    return tuple(notes)


def shifts_counted(comparison: Comparison) -> str:
    """ "1 slight shift" or "6 slight shifts": what the sentences are folded behind."""
    count = len(comparison.shifts)
    return f"{count:,} slight shift{'' if count == 1 else 's'}"


def _named(h: Hypothesis) -> str:
    """Its phrase, as it stands in a sentence."""
    return f"{LIKE}“{h.text}”" if h.weak else h.text


def _listed(texts: Sequence[str]) -> str:
    """The first of them, and how many more; that names are guesses is said once, and shown by their quotes."""
    more = f" and {len(texts) - SHIFTS} more" if len(texts) > SHIFTS else ""
    before, like, after = ", ".join(texts[:SHIFTS]).partition(LIKE)
    return f"{before}{like}{after.replace(LIKE, '')}{more}"

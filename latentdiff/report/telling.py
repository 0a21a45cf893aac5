"""What a card tells beside its own difference, as a line: parts by hand, other words for it, what differs only along with it."""

from __future__ import annotations

from collections.abc import Sequence

from ..results.comparison import Comparison
from ..results.hypothesis import Hypothesis

LISTED = 8
"""Other differences that a card lists by name."""


def told_beside(comparison: Comparison, h: Hypothesis) -> list[str]:
    """What a card tells beside its own difference: parts by what people call them, then what was folded into it or them, then echoes."""
    parts = [one for one in comparison.feedback if (one.side, one.merged) == (h.side, h.text)]
    found = [h, *(own for own in comparison.hypotheses if any(part.of(own) for part in parts))]
    names = [part.name or part.text for part in parts]
    return names + [text for own in found for text in own.folded] + [text for own in found for text in own.echoes]


def counted(comparison: Comparison, h: Hypothesis, told: Sequence[str]) -> str:
    """What is told with a difference: names that fit, and how many are guesses; beside a guess, guesses too."""
    told = tuple(dict.fromkeys(told))
    weak = {c.text for c in comparison.candidates if c.side == h.side and c.weak} if told and not h.weak else set()
    named = [text for text in told if text not in weak]
    count = len(told) - len(named)
    guesses = f"{count} {'guess' if count == 1 else 'guesses'}" if count else ""
    return " and ".join(part for part in (listed(named), guesses) if part)


def listed(texts: Sequence[str]) -> str:
    """The first of some phrases, and how many more there are."""
    more = f" and {len(texts) - LISTED} more" if len(texts) > LISTED else ""
    return ", ".join(texts[:LISTED]) + more

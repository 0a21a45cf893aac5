"""What became of the differences of one comparison in another: of the same views before and after, or with another SAE or level."""

from __future__ import annotations

from dataclasses import dataclass

from .comparison import Comparison
from .hypothesis import Hypothesis


@dataclass(frozen=True)
class Changes:
    """Findings of two comparisons, told apart by side and words; each as its own comparison ranks it."""

    stayed: tuple[tuple[Hypothesis, Hypothesis], ...]
    """In both: (before, after)."""
    new: tuple[Hypothesis, ...]
    """In the later one alone."""
    gone: tuple[Hypothesis, ...]
    """In the earlier one alone."""


def changes(before: Comparison, after: Comparison) -> Changes:
    """Which findings stayed, which are new, and which are gone.

    Args:
        before, after: two comparisons. Their sides should mean the same: "A" of one is held beside "A" of the other.

    Example:
        >>> [h.text for h in changes(june, july).new]
        ['a red kite']
    """
    known = {_key(h): h for h in reversed(before.hypotheses)}
    later = {_key(h): h for h in reversed(after.hypotheses)}
    return Changes(
        stayed=tuple((known[_key(h)], h) for h in after.hypotheses if known.get(_key(h)) and later[_key(h)] is h),
        new=tuple(h for h in after.hypotheses if _key(h) not in known),
        gone=tuple(h for h in before.hypotheses if _key(h) not in later),
    )


def _key(h: Hypothesis) -> tuple[str, str]:
    return h.side, h.text.casefold()

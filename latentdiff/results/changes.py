"""What became of the differences of one comparison in another: of the same views before and after, or with another SAE or level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

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


def swapped(before: Sequence[str], after: Sequence[str]) -> bool:
    """Whether two comparisons have the same sides the other way round, by their sides' names."""
    return list(before) == list(after)[::-1] and len(set(before)) == 2


def called(before: Sequence[str], after: Sequence[str]) -> dict[str, dict[str, str]]:
    """What the sides of two comparisons are called beside each other.

    Args:
        before, after: names of the sides "A" and "B" of the earlier and of the later one. Where they are :func:`swapped`, the earlier one's
            are told the later one's way round, as :func:`changes` does when ``turned``.

    Returns:
        By what became of a finding, the names of the sides by "A" and "B": of what is "new" the later one's, of what is "gone" the earlier
        one's, of what "stayed" both ("night / dusk") where they are not the same.
    """
    earlier = after if swapped(before, after) else before
    both = [now if was == now else f"{was} / {now}" for was, now in zip(earlier, after, strict=True)]
    return {state: dict(zip("AB", names, strict=True)) for state, names in (("stayed", both), ("new", after), ("gone", earlier))}


def changes(before: Comparison, after: Comparison, *, turned: bool = False) -> Changes:
    """Which findings stayed, which are new, and which are gone.

    Args:
        before, after: two comparisons. Their sides should mean the same: "A" of one is held beside "A" of the other.
        turned: hold "A" of the earlier one beside "B" of the later one; its findings are then told the later one's way round.

    Example:
        >>> [h.text for h in changes(june, july).new]
        ['a red kite']
    """
    earlier = [_turned(h) for h in before.hypotheses] if turned else before.hypotheses
    known = {_key(h): h for h in reversed(earlier)}
    later = {_key(h): h for h in reversed(after.hypotheses)}
    return Changes(
        stayed=tuple((known[_key(h)], h) for h in after.hypotheses if known.get(_key(h)) and later[_key(h)] is h),
        new=tuple(h for h in after.hypotheses if _key(h) not in known),
        gone=tuple(h for h in earlier if _key(h) not in later),
    )


def _turned(h: Hypothesis) -> Hypothesis:
    side = "B" if h.side == "A" else "A"
    return replace(h, side=side, rate_a=h.rate_b, rate_b=h.rate_a, fires_a=h.fires_b, fires_b=h.fires_a)


def _key(h: Hypothesis) -> tuple[str, str]:
    return h.side, h.text.casefold()

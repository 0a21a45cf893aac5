"""What became of the differences of one comparison in another: of the same views before and after, or with another SAE or level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from .comparison import Comparison
from .fields import FieldDifference
from .hypothesis import Hypothesis

T = TypeVar("T", Hypothesis, FieldDifference)


@dataclass(frozen=True)
class Changes(Generic[T]):
    """Findings (or fields that differ) of two comparisons, told apart by side and words; each as its own comparison ranks it."""

    stayed: tuple[tuple[T, T], ...]
    """In both: (before, after)."""
    new: tuple[T, ...]
    """In the later one alone."""
    gone: tuple[T, ...]
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


def changes(before: Comparison, after: Comparison, *, turned: bool = False) -> Changes[Hypothesis]:
    """Which findings stayed, which are new, and which are gone. Fields that differ are told by :func:`field_changes`.

    Args:
        before, after: two comparisons. Their sides should mean the same: "A" of one is held beside "A" of the other.
        turned: hold "A" of the earlier one beside "B" of the later one; its findings are then told the later one's way round.

    Example:
        >>> [h.text for h in changes(june, july).new]
        ['a red kite']
    """
    return _between([_turned(h) for h in before.hypotheses] if turned else before.hypotheses, after.hypotheses)


def field_changes(before: Comparison, after: Comparison, *, turned: bool = False) -> Changes[FieldDifference]:
    """Which fields, and values of them, differ in both, in the later one alone, and in the earlier one alone.

    A field that one of them did not test is new, or gone, for that alone: ``tested_fields`` of both say which they tested.

    Args:
        before, after, turned: as :func:`changes` takes them.
    """
    return _between([_turned_field(d) for d in before.fields] if turned else before.fields, after.fields)


def _between(earlier: Sequence[T], later: Sequence[T]) -> Changes[T]:
    known = {_key(one): one for one in reversed(earlier)}
    now = {_key(one): one for one in reversed(later)}
    return Changes(
        stayed=tuple((known[_key(one)], one) for one in later if known.get(_key(one)) and now[_key(one)] is one),
        new=tuple(one for one in later if _key(one) not in known),
        gone=tuple(one for one in earlier if _key(one) not in now),
    )


def _turned(h: Hypothesis) -> Hypothesis:
    side = "B" if h.side == "A" else "A"
    return replace(h, side=side, rate_a=h.rate_b, rate_b=h.rate_a, fires_a=h.fires_b, fires_b=h.fires_a)


def _turned_field(d: FieldDifference) -> FieldDifference:
    side = "B" if d.side == "A" else "A"
    return replace(d, side=side, rate_a=d.rate_b, rate_b=d.rate_a, center_a=d.center_b, center_b=d.center_a)


def _key(one: Hypothesis | FieldDifference) -> tuple[str, str]:
    return one.side, (one.text if isinstance(one, Hypothesis) else one.name).casefold()

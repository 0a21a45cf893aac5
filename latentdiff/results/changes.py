"""What became of the differences of one comparison in another: of the same views before and after, or with another SAE or level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from .comparison import Comparison
from .feedback import said_of
from .fields import FieldDifference
from .hypothesis import Hypothesis

T = TypeVar("T", Hypothesis, FieldDifference)
Key = tuple[str, str]
"""Side and words: what tells findings apart."""


@dataclass(frozen=True)
class Changes(Generic[T]):
    """Findings (or fields that differ) of two comparisons, told apart by side and words; each as its own comparison ranks it."""

    stayed: tuple[tuple[T, T], ...]
    """In both: (before, after)."""
    new: tuple[T, ...]
    """In the later one alone."""
    gone: tuple[T, ...]
    """In the earlier one alone."""
    joined: tuple[tuple[T, T], ...] = ()
    """By themselves in the earlier one, in the later one on the card of another: (before, whose card)."""
    parted: tuple[tuple[T, T], ...] = ()
    """By themselves in the later one, in the earlier one on the card of another: (whose card, after)."""


def swapped(before: Sequence[str], after: Sequence[str]) -> bool:
    """Whether two comparisons have the same sides the other way round, by their sides' names."""
    return list(before) == list(after)[::-1] and len(set(before)) == 2


def called(before: Sequence[str], after: Sequence[str]) -> dict[str, dict[str, str]]:
    """What the sides of two comparisons are called beside each other.

    Args:
        before, after: names of the sides "A" and "B" of the earlier and of the later one. Where they are :func:`swapped`, the earlier one's
            are told the later one's way round, as :func:`changes` does when ``turned``.

    Returns:
        By what became of a finding, the names of the sides by "A" and "B": of what is "new" or "parted" the later one's, of what is "gone"
        or "joined" the earlier one's, of what "stayed" both ("night / dusk") where they are not the same.
    """
    earlier = after if swapped(before, after) else before
    both = [now if was == now else f"{was} / {now}" for was, now in zip(earlier, after, strict=True)]
    whose = {"stayed": both, "new": after, "parted": after, "gone": earlier, "joined": earlier}
    return {state: dict(zip("AB", names, strict=True)) for state, names in whose.items()}


def changes(before: Comparison, after: Comparison, *, turned: bool = False) -> Changes[Hypothesis]:
    """Which findings stayed, which are new or gone, and which a card of another one tells. Fields are told by :func:`field_changes`.

    A card tells beside its own finding what was folded into it, its other wordings, what differs only along with it, and what people made
    a part of it.

    Args:
        before, after: two comparisons. Their sides should mean the same: "A" of one is held beside "A" of the other.
        turned: hold "A" of the earlier one beside "B" of the later one; its findings are then told the later one's way round.

    Example:
        >>> [h.text for h in changes(june, july).new]
        ['a red kite']
    """
    (earlier, told), (later, tells) = _cards(before), _cards(after)
    if turned:
        earlier, told = [_turned(h) for h in earlier], {_key(h, text): h for (_, text), teller in told.items() for h in (_turned(teller),)}
    return _between(earlier, later, told, tells)


def field_changes(before: Comparison, after: Comparison, *, turned: bool = False) -> Changes[FieldDifference]:
    """Which fields, and values of them, differ in both, in the later one alone, and in the earlier one alone.

    A field that one of them did not test is new, or gone, for that alone: ``tested_fields`` of both say which they tested.

    Args:
        before, after, turned: as :func:`changes` takes them.
    """
    return _between([_turned_field(d) for d in before.fields] if turned else before.fields, after.fields)


def _cards(comparison: Comparison) -> tuple[list[Hypothesis], dict[Key, Hypothesis]]:
    """Findings that have a card, and whose card tells what else: by side and words."""
    found = comparison.hypotheses
    own: list[Hypothesis] = []
    told: dict[Key, Hypothesis] = {}
    for h in found:
        whole = said_of(comparison.feedback, h).merged
        teller = next((other for other in found if whole and (other.side, other.text) == (h.side, whole)), None)
        if teller is None:
            own.append(h)
        for text in (*([h.text] if teller else []), *h.folded, *h.also, *h.echoes):
            told.setdefault(_key(h, text), teller or h)
    return own, told


def _between(
    earlier: Sequence[T], later: Sequence[T], told: Mapping[Key, T] | None = None, tells: Mapping[Key, T] | None = None
) -> Changes[T]:
    """Of what has a card in either; ``told`` and ``tells``: whose card of the earlier and of the later one tells what else."""
    told, tells = told or {}, tells or {}
    known = {_key(one): one for one in reversed(earlier)}
    now = {_key(one): one for one in reversed(later)}
    came, left = [one for one in later if _key(one) not in known], [one for one in earlier if _key(one) not in now]
    return Changes(
        stayed=tuple((known[_key(one)], one) for one in later if known.get(_key(one)) and now[_key(one)] is one),
        new=tuple(one for one in came if _key(one) not in told),
        gone=tuple(one for one in left if _key(one) not in tells),
        joined=tuple((one, tells[_key(one)]) for one in left if _key(one) in tells),
        parted=tuple((told[_key(one)], one) for one in came if _key(one) in told),
    )


def _turned(h: Hypothesis) -> Hypothesis:
    side = "B" if h.side == "A" else "A"
    return replace(h, side=side, rate_a=h.rate_b, rate_b=h.rate_a, fires_a=h.fires_b, fires_b=h.fires_a)


def _turned_field(d: FieldDifference) -> FieldDifference:
    side = "B" if d.side == "A" else "A"
    return replace(d, side=side, rate_a=d.rate_b, rate_b=d.rate_a, center_a=d.center_b, center_b=d.center_a)


def _key(one: Hypothesis | FieldDifference, text: str | None = None) -> Key:
    """Of a finding, or field; or of what else, of the same side, its card tells."""
    own = one.text if isinstance(one, Hypothesis) else one.name
    return one.side, (own if text is None else text).casefold()

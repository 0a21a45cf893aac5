"""Two comparisons beside each other, in words: what the panel lists and the command line tabulates."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InputError
from ..results.changes import Changes, called, changes, field_changes, swapped
from ..results.comparison import Comparison
from ..results.feedback import REJECTED, Feedback, said_of
from ..results.fields import FieldDifference
from ..results.hypothesis import Hypothesis
from .fields import field_row, sentence
from .text import percent, title

STATES = {
    "stayed": "Stayed",
    "new": "New in {after}",
    "gone": "Gone since {before}",
    "joined": "Told on another's card now",
    "parted": "Told on a card of their own now",
}
"""What became of differences → the heading of these, of runs called so."""


@dataclass(frozen=True)
class Change:
    """One difference, a finding or a field, and what became of it."""

    state: str
    """One of ``STATES``."""
    what: str
    """What it is called: the name that people gave it, else its phrase, marked where that is a guess; or the field and its value."""
    more_in: str
    """The side that has more of it."""
    before: tuple[str, str] | None
    """Its rates (medians of numbers) in A and B of the earlier comparison, the later one's way round; None where it is on no card there."""
    after: tuple[str, str] | None
    """The same in the later one."""
    remark: str
    """On whose card it is told, that it was rejected, or that it was not tested; "" where nothing is to be said."""
    text: str
    """All of it in a line."""
    found: tuple[Hypothesis | FieldDifference | None, Hypothesis | FieldDifference | None]
    """The difference itself, in the earlier and in the later comparison."""
    is_field: bool = False


def beside(before: Comparison, after: Comparison, names: Sequence[Sequence[str]], runs: Sequence[str]) -> tuple[Change, ...]:
    """What became of the differences of one comparison in another, by state in the order of ``STATES``, findings before fields.

    Args:
        before, after: the two comparisons.
        names: what the sides of each are called; where these are the same ones the other way round, they are told the later one's way.
        runs: what the comparisons are called.

    Raises:
        InputError: it is one comparison, beside itself.
    """
    if runs[0] == runs[1]:
        raise InputError(f"{runs[0]} is held beside itself; name two different comparisons")
    turned, named = swapped(*names), called(*names)
    found, fields = changes(before, after, turned=turned), field_changes(before, after, turned=turned)
    said = [_turned(one) if turned else one for one in before.feedback], after.feedback
    tested = [{d.field for d in one.tested_fields} for one in (before, after)]
    rows: list[Change] = []
    for state in STATES:
        rows += [_finding(state, pair, named[state], said) for pair in _pairs(found, state)]
        rows += [_field(state, pair, named[state], tested, runs) for pair in _pairs(fields, state)]
    return tuple(rows)


def _turned(said: Feedback) -> Feedback:
    return dataclasses.replace(said, side="B" if said.side == "A" else "A")


def _pairs(found: Changes[Any], state: str) -> list[tuple[Any, Any]]:
    """Before and after; of what another card tells, that card's finding is one of them."""
    if state == "new":
        return [(None, one) for one in found.new]
    return [(one, None) for one in found.gone] if state == "gone" else list(getattr(found, state))


def _finding(state: str, pair: tuple[Any, Any], names: Mapping[str, str], said: Sequence[Sequence[Feedback]]) -> Change:
    (was, now), remarks = pair, []
    if state == "joined":
        remarks, now = [f"now told on the card of {_name(now, said[1])}"], None
    elif state == "parted":
        remarks, was = [f"before told on the card of {_name(was, said[0])}"], None
    h, feedback = (was, said[0]) if now is None else (now, said[1])
    if said_of(feedback, h).state == REJECTED:
        remarks.append("rejected by hand")
    before, after = (one and (percent(one.rate_a), percent(one.rate_b)) for one in (was, now))
    what, remark = _name(h, feedback), "; ".join(remarks)
    text = f"{what}, more in {names[h.side]}: {' and '.join(after or before)}"
    return Change(state, what, names[h.side], before, after, remark, _line(text, after and before, remark), (was, now))


def _name(h: Hypothesis, feedback: Sequence[Feedback]) -> str:
    return said_of(feedback, h).name or title(h)


def _field(
    state: str, pair: tuple[Any, Any], names: Mapping[str, str], tested: Sequence[set[str]], runs: Sequence[str]
) -> Change:
    was, now = pair
    d = was if now is None else now
    row, other = field_row(d), "B" if d.side == "A" else "A"
    untested = [f"not tested in {run}" for run, fields in zip(runs, tested, strict=True) if d.field not in fields]
    before, after = (one and (field_row(one).values["A"], field_row(one).values["B"]) for one in (was, now))
    earlier = was and now and (field_row(was).values[d.side], field_row(was).values[other])
    text, remark = sentence(row, names), "; ".join(untested)
    return Change(state, row.title, names[d.side], before, after, remark, _line(text, earlier, remark), (was, now), is_field=True)


def _line(text: str, before: tuple[str, str] | None, remark: str) -> str:
    return text + (f", before {' and '.join(before)}" if before else "") + (f" ({remark})" if remark else "")

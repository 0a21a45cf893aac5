"""What people say of findings: accepted or rejected, another name, a note, part of another one. It never changes what was tested."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from ..errors import InputError
from .hypothesis import Hypothesis
from .schema import Index, Rule, Side, Text

ACCEPTED, REJECTED, OPEN = "accepted", "rejected", ""
STATES = (OPEN, ACCEPTED, REJECTED)
SAID = ("state", "name", "note", "merged")
"""What can be said of a finding."""
LONGEST = 2000
"""Letters of a name or note."""


@dataclass(frozen=True)
class Feedback:
    """What was said of one finding of a comparison."""

    side: Side
    source: Text
    text: Text
    """The finding, as the comparison has it."""
    concept: Index | None = None
    state: Annotated[str, Rule(STATES.__contains__)] = OPEN
    """``"accepted"``, ``"rejected"``, or ``""``: not judged."""
    name: str = ""
    """What it is called in place of ``text``; empty: that."""
    note: str = ""
    merged: str = ""
    """Text of the finding, of the same side, that it is a part of; empty: it stands by itself."""

    @classmethod
    def none(cls, h: Hypothesis) -> Feedback:
        """Of a finding of which nothing was said."""
        return cls(h.side, h.source, h.text, h.concept)

    def of(self, h: Hypothesis) -> bool:
        """Whether it is of this finding."""
        return (self.side, self.source, self.text, self.concept) == (h.side, h.source, h.text, h.concept)

    @property
    def told(self) -> dict[str, str]:
        """What was said, as JSON has it; empty where nothing was."""
        said = {name: getattr(self, name) for name in SAID}
        return said if any(said.values()) else {}

    @property
    def hidden(self) -> bool:
        """Whether its finding has no card of its own: it was rejected, or is part of another one."""
        return self.state == REJECTED or bool(self.merged)


def said_of(feedback: Iterable[Feedback], h: Hypothesis) -> Feedback:
    """What was said of a finding."""
    return next((one for one in feedback if one.of(h)), Feedback.none(h))


def meant(h: Hypothesis, said: dict[str, Any]) -> dict[str, Any]:
    """What is said of a finding, as it is kept: spaces of names and notes once; a name that shows nothing, or is its own words, is none."""
    kept = {name: " ".join(value.split()) if name in ("name", "note") and isinstance(value, str) else value for name, value in said.items()}
    name = kept.get("name")
    unseen = isinstance(name, str) and not any(letter.isprintable() and not letter.isspace() for letter in name)
    return {**kept, "name": ""} if unseen or name == h.text else kept


def judged(feedback: Iterable[Feedback], h: Hypothesis, changes: dict[str, Any], among: Iterable[Hypothesis]) -> tuple[Feedback, ...]:
    """Feedback with something more said of one finding.

    Args:
        feedback: what was said so far.
        h: the finding.
        changes: of ``SAID``, what is said now, as it is :func:`meant`; "" takes it back.
        among: all findings, of which it may be a part.

    Raises:
        InputError: something else is said, or a finding that there is not is named.
    """
    for name, value in changes.items():
        if name not in SAID or not isinstance(value, str) or len(value) > LONGEST:
            what = f"of a finding one says {', '.join(SAID)}, each a text of at most {LONGEST:,} letters"
            raise InputError(f"{what}, not {name}={value!r:.80}")
    if changes.get("state", OPEN) not in STATES:
        raise InputError(f'state is "{ACCEPTED}", "{REJECTED}" or "", not {changes["state"]!r}')
    part_of = changes.get("merged")
    if part_of and not any(other.side == h.side and other.text == part_of and other is not h for other in among):
        raise InputError(f"there is no other finding {part_of!r} on side {h.side} that {h.text!r} could be a part of")
    known, changes = tuple(feedback), meant(h, changes)
    if part_of and any(one.merged and (one.side, one.text) == (h.side, part_of) for one in known):
        raise InputError(f"{part_of!r} is a part of another finding itself; name that one")
    changed = dataclasses.replace(said_of(known, h), **changes)
    rest = [one for one in known if not one.of(h)]
    if part_of:  # what was part of it goes along
        rest = [dataclasses.replace(o, merged=part_of) if (o.side, o.merged) == (h.side, h.text) else o for o in rest]
    return tuple(rest) if changed == Feedback.none(h) else (*rest, changed)

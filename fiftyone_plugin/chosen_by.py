"""What the sides were chosen by: fields that their views name, and that tell the sides without an exception. It is no finding."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from .sides import Side

CHOSEN = "the sides were chosen by it"
"""Why it is not tested."""
BY_IDS = ("Select", "Exclude")
"""Stages that list images, as "everything else" does: they name no field."""


def without_choice(
    sides: tuple[Side, Side], beside: dict[str, Any], kept: Iterable[Any] = (), before: Iterable[str] = ()
) -> tuple[dict[str, dict[str, Sequence[Any]]], dict[str, str]]:
    """Fields without what the sides were chosen by, such as the tag of one side's saved view.

    Of several values an image (tags, labels), those leave that all images of one side have and none of the other; a field of one value an
    image leaves where no value is on both sides. Either only where a view names the field: of folders, or of views that name something
    else, a camera that all of one side share is a finding.

    Args:
        sides: both views.
        beside: ``fields_a`` and ``fields_b``, or nothing.
        kept: names of fields that stay whatever they are.
        before: those that views of the same sides named, where these list images alone: see :func:`chosen_before`.

    Returns:
        The same without them, and by name why they are left out.
    """
    if not beside:
        return {}, {}
    a, b = dict(beside["fields_a"]), dict(beside["fields_b"])
    named, why, before = _stages(sides), dict[str, str](), {*before}
    for name in sorted(a.keys() & b.keys() - set(kept)):
        if name not in before and not _names(named, name.partition(".")[0]):
            continue
        if _single(a[name]) and _single(b[name]):
            gone = [name] * _apart(a[name], b[name])
        else:
            values = _of_one_side(a[name], b[name])
            a[name], b[name] = (_without(column, values) for column in (a[name], b[name]))
            gone = [f"{name} = {value}" for value in values] if any(a[name]) or any(b[name]) else [name] * bool(values)
        why |= dict.fromkeys(gone, CHOSEN)
    return {letter: {k: v for k, v in side.items() if k not in why} for letter, side in (("fields_a", a), ("fields_b", b))}, why


def chosen_before(info: dict[str, Any]) -> set[str]:
    """Fields that a comparison's sides were chosen by, or values of them, by its ``info``."""
    left_out = (info.get("fields") or {}).get("left_out") or {}
    return {name.partition(" = ")[0] for name, why in left_out.items() if why == CHOSEN}


def _stages(sides: tuple[Side, Side]) -> str:
    """What both views do to their datasets, as text."""
    told = [stage for side in sides for stage in side.view._serialize(include_uuids=False)]
    return json.dumps([stage for stage in told if stage["_cls"].rpartition(".")[2] not in BY_IDS], default=str)


def _names(stages: str, field: str) -> bool:
    """Whether a stage names a field: as ``"camera"``, ``$camera`` or ``$camera.make``; tags have a stage of their own."""
    return bool(re.search(rf'["$]{re.escape(field)}[".]', stages)) or (field == "tags" and "MatchTags" in stages)


def _single(column: Sequence[Any]) -> bool:
    return not any(isinstance(value, (list, tuple, set)) for value in column)


def _apart(a: Sequence[Any], b: Sequence[Any]) -> bool:
    """Whether no value is on both sides; what is missing, or no number, is a value like others."""
    first, other = ({None if value != value else value for value in column} for column in (a, b))
    return not first & other


def _of_one_side(a: Sequence[Any], b: Sequence[Any]) -> list[Any]:
    """Values that all images of one side have and none of the other."""
    counts = [Counter(value for values in column for value in set(values or ())) for column in (a, b)]
    both = ((counts[0], counts[1], len(a)), (counts[1], counts[0], len(b)))
    return [value for own, other, n in both for value, count in own.items() if count == n and not other[value]]


def _without(column: Sequence[Any], values: list[Any]) -> list[Any]:
    gone = set(values)
    return [None if own is None else [value for value in own if value not in gone] for own in column]

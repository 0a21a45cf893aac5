"""Fields that differ, in words: for the panel, reports and the command line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..results.comparison import Comparison
from ..results.fields import FieldDifference, FieldShare, moment
from .text import p_text, percent

FOLLOWS = 0.5
"""Share of a difference that is left, where a field is held equal, below which the finding is said to follow the field."""
GOES_WITH = "goes along with"
ALONG = "Held equal: images are compared only with those that are alike in the field; what is left then is no matter of the field."
"""What that means, on cards."""


@dataclass(frozen=True)
class FieldRow:
    """One field as texts: a row of a table."""

    difference: FieldDifference
    title: str
    """``"camera = 2"``, or ``"brightness, higher"``."""
    values: dict[str, str]
    """By side: the share of its images that have the value, or its median."""
    q: str
    auroc: str


def field_rows(comparison: Comparison) -> tuple[FieldRow, ...]:
    """Every field that differs, best first."""
    return tuple(field_row(d) for d in comparison.fields)


def field_row(d: FieldDifference) -> FieldRow:
    """One of them."""
    if d.value is None:
        values = {"A": _center(d, d.center_a), "B": _center(d, d.center_b)}
    else:
        values = {"A": percent(d.rate_a), "B": percent(d.rate_b)}
    title = d.name if d.value is not None else f"{d.field}, {'later' if d.kind == 'date' else 'higher'}"
    return FieldRow(d, title, values, p_text(d.q_value, "").strip().removeprefix("= "), f"{d.auroc:.2f}")


def sentence(row: FieldRow, names: Mapping[str, str]) -> str:
    """``"camera = 2: 80% of night, 20% of day"``, or ``"brightness, higher: median 121 in day, 96 in night"``."""
    own, other = (row.difference.side, "B" if row.difference.side == "A" else "A")
    if row.difference.value is None:
        return f"{row.title}: median {row.values[own]} in {names[own]}, {row.values[other]} in {names[other]}"
    return f"{row.title}: {row.values[own]} of {names[own]}, {row.values[other]} of {names[other]}"


def left_out_fields(comparison: Comparison) -> tuple[str, ...]:
    """A sentence on fields that were not tested; empty where all were."""
    left_out = (comparison.info.get("fields") or {}).get("left_out") or {}
    by_reason: dict[str, list[str]] = {}
    for name, reason in left_out.items():
        by_reason.setdefault(str(reason), []).append(str(name))
    told = "; ".join(f"{', '.join(names)} ({reason})" for reason, names in by_reason.items())
    return (f"fields not tested: {told}",) if told else ()


def looked_past(comparison: Comparison, names: Sequence[str]) -> tuple[str, ...]:
    """A sentence on what was held equal, and on the images that it leaves; empty where nothing was."""
    given = comparison.info.get("given") or {}
    if not given.get("names"):
        return ()
    known, without = ", ".join(map(str, given["names"])), given.get("without") or {}
    away = [f"{without[side]:,} of {name}" for side, name in zip("AB", names, strict=True) if without.get(side)]
    lone = f"; {' and '.join(away)} have no counterpart and are left out" if away else ""
    images = f"; the rest says as much as {given['images']:,.0f} images a side" if given.get("images") else ""
    return (f"looking past {known}: images are compared with those that are alike in it{lone}{images}",)


def beside_text(share: FieldShare) -> str:
    """What a field has to do with a finding: ``"label = surfboard is on 92% of these images; held equal, 4% of it is left"``."""
    known = math.isfinite(share.share)
    said = f"{share.field} is on {percent(share.share)} of these images ({percent(share.usual)} of all)" if known else ""
    if not math.isfinite(share.left):
        left = "no images of both sides are alike in it"
    else:
        kept = min(max(share.left, 0.0), 1.0)
        left = f"{percent(kept)} of the difference is left" if kept > FOLLOWS else f"all but {percent(kept)} of it follows {share.field}"
        left = f"all of it follows {share.field}" if kept < 0.005 else left
    return f"{said}; held equal, {left}" if said else f"with {share.field} held equal, {left}"


def _center(d: FieldDifference, value: float) -> str:
    if not math.isfinite(value):
        return "?"
    if d.kind != "date":
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return moment(value)

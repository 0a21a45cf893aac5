"""Fields of the images as evidence beside what the pictures show: tested, and set beside each finding."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..config import CompareConfig
from ..embed.sides import Sides
from ..inputs.column_kinds import Column
from ..inputs.columns import Both, Columns, read_columns
from ..results.fields import FieldDifference, FieldShare, moment
from ..results.hypothesis import Hypothesis
from ..stats.divergence import q_values
from ..stats.fields import Tail, number_test, together, value_tests
from ..stats.strata import Strata, alike
from ..stats.two_sample import Verdict

KEPT = 1_000
"""Tested fields and values that are kept with a comparison, the surest ones."""
BESIDE = 3
"""Fields told beside a finding."""
STRONGEST = 8
"""Fields that each finding is looked at again with."""
FOLLOWING = 0.9
"""Share of a finding's difference that is left where a field is held equal, up to which the field is told with it."""
TELLING = 0.2
"""Or the share of its images that have the value exceeds the usual one by this."""
STRATA = 20
"""Strata of a field of numbers that is held equal."""


def columns_of(sides: Sides, fields: Both | None) -> Columns | None:
    """The fields of the rows in use, in their order; of sides in whatever order."""
    if fields is None:
        return None
    first = len(sides.keep_a) + len(sides.dropped["A"])
    return read_columns(fields[::-1] if sides.swapped else fields, np.concatenate([sides.keep_a, first + sides.keep_b]))


def field_differences(
    found: Columns, in_a: np.ndarray, config: CompareConfig, groups: np.ndarray | None = None, strata: np.ndarray | None = None
) -> tuple[FieldDifference, ...]:
    """Every field and value that was tested, best first; q over all of them.

    Args:
        found: columns of n images.
        in_a: (n,) True for A.
        config: ``correction`` counts.
        groups: (n,) group of each image, or None.
        strata: (n,) strata within which they are tested, or None.
    """
    within, out = Strata(in_a, strata), list[FieldDifference]()
    for column in found.columns:
        out += _of_column(column, within, groups)
    q = q_values(np.array([d.p_value for d in out]), config.correction)
    out = [dataclasses.replace(d, q_value=float(value)) for d, value in zip(out, q, strict=True)]
    return tuple(sorted(out, key=lambda d: (d.p_value, -abs(d.auroc - 0.5))))


def _of_column(column: Column, strata: Strata, groups: np.ndarray | None) -> list[FieldDifference]:
    nan, out = math.nan, []
    if column.values:
        tests = value_tests(column.has, strata, groups)
        for value, a, b, p in zip(column.values, tests.rate_a.tolist(), tests.rate_b.tolist(), tests.p_value.tolist(), strict=True):
            side = "A" if a >= b else "B"
            out.append(FieldDifference(column.name, value, column.kind, side, a, b, nan, nan, 0.5 + abs(a - b) / 2, p, p))
    test = None if column.number is None else number_test(column.number, strata, groups)
    if test is not None and test.tail is not None:
        tail, p = test.tail, test.p_value
        side, value = "A" if tail.rate_a >= tail.rate_b else "B", _tail_name(column.kind, tail)
        rates, centers, area = (tail.rate_a, tail.rate_b), (test.center_a, test.center_b), 0.5 + abs(tail.rate_a - tail.rate_b) / 2
        out.append(FieldDifference(column.name, value, column.kind, side, *rates, *centers, area, p, p))
    elif test is not None:
        side = "A" if test.auroc >= 0.5 else "B"
        area, p = max(test.auroc, 1 - test.auroc), test.p_value
        out.append(FieldDifference(column.name, None, column.kind, side, nan, nan, test.center_a, test.center_b, area, p, p))
    return out


def _tail_name(kind: str, tail: Tail) -> str:
    def said(number: float) -> str:
        return moment(number) if kind == "date" else f"{number:.4g}"

    if tail.cut == tail.end:
        return f"exactly {said(tail.cut)}"
    first, last = ("before", "after") if kind == "date" else ("below", "above")
    beside = "" if tail.end is None else f", {said(tail.end)} apart"
    return f"{first if tail.lowest else last} {said(tail.cut)}{beside}"


def with_fields(
    verdict: Verdict, found: Columns | None, sides: Sides, config: CompareConfig
) -> tuple[Verdict, tuple[FieldDifference, ...]]:
    """The verdict on the pictures and the fields that differ, which share one level."""
    if found is None:
        return verdict, ()
    differences = field_differences(found, sides.in_a, config, sides.groups, sides.strata)
    if not differences:
        return verdict, ()
    first = differences[0].q_value  # Simes' p of all of them
    p_pictures, p_fields = together(verdict.p_value, first)
    floored = tuple(dataclasses.replace(d, q_value=max(d.q_value, p_fields)) for d in differences[:KEPT])
    return dataclasses.replace(verdict, p_value=p_pictures, parts={**verdict.parts, "fields": first}), floored


def told(found: Columns | None) -> dict[str, Any]:
    """What a comparison's ``info`` says of its fields: the names of those tested, and why others were left out."""
    return {} if found is None else {"fields": {"tested": [c.name for c in found.columns], "left_out": dict(found.left_out)}}


def beside(
    candidates: tuple[Hypothesis, ...],
    shows: sp.csr_array,
    differences: Sequence[FieldDifference],
    found: Columns | None,
    sides: Sides,
    config: CompareConfig,
) -> tuple[Hypothesis, ...]:
    """Findings with the fields they go along with: how often their images have the value, and how much is left where it is held equal.

    Args:
        candidates: hypotheses; those that pass the gate get fields.
        shows: (n, len(candidates)) bool.
        differences: fields and values of the same images, best first.
        found: their columns.
        sides: the images.
        config: ``alpha`` counts.
    """
    strongest = [d for d in differences if d.q_value <= config.alpha][:STRONGEST]
    if not strongest or found is None:
        return candidates
    n, columns = len(sides), sp.csc_array(shows)
    held = [(d, *_held(d, found, n)) for d in strongest]
    strata = [Strata(sides.in_a, number) for _, _, number in held]
    plain = Strata(sides.in_a)
    out = list(candidates)
    for i, h in enumerate(candidates):
        if h.q_value > config.alpha or h.slight:
            continue
        shown = np.zeros(n)
        shown[columns.indices[slice(*columns.indptr[i : i + 2])]] = 1.0
        told = [_share(d, member, s, plain, shown) for (d, member, _), s in zip(held, strata, strict=True)]
        told = [t for t in told if _matters(t)]
        told.sort(key=lambda t: (round(t.left, 2) if t.left == t.left else 1.0, t.usual - t.share if t.share == t.share else 0.0))
        out[i] = dataclasses.replace(h, fields=tuple(told[:BESIDE]))
    return tuple(out)


def _matters(told: FieldShare) -> bool:
    """Whether a field has anything to do with a finding; of a field's values the one that its images have more often than others."""
    if told.share < told.usual:
        return False
    return not told.left > FOLLOWING or told.share - told.usual >= TELLING


def _held(d: FieldDifference, found: Columns, n: int) -> tuple[np.ndarray | None, np.ndarray]:
    """(n,) whether an image has the value (None: a number), and (n,) strata of images that are alike in it."""
    column: Any = found.named(d.field)
    if d.value not in column.values:
        return None, alike(column.number, STRATA)
    member = column.has[:, [column.values.index(d.value)]].toarray().ravel()
    return member, member.astype(np.int64)


def _share(d: FieldDifference, member: np.ndarray | None, strata: Strata, plain: Strata, shown: np.ndarray) -> FieldShare:
    a, b = plain.means(shown)
    left = math.nan
    if strata.weight.any() and a != b:
        adjusted = strata.means(shown)
        left = float((adjusted[0] - adjusted[1]) / (a - b)) + 0.0
    share = math.nan if member is None else float(shown @ member / max(shown.sum(), 1))
    return FieldShare(d.name, share, math.nan if member is None else float(member.mean()), left)

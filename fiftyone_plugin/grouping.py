"""Which images of two views are no independent evidence: those of one value of a field, and patches of one image."""

from __future__ import annotations

from typing import Any

from latentdiff.errors import InputError

from .sides import Side
from .vectors import Vectors


def groups_of(sides: tuple[Side, Side], rows: tuple[Vectors, Vectors], field: str | None) -> dict[str, Any]:
    """``groups_a`` and ``groups_b`` for :func:`latentdiff.compare`; nothing where every image stands alone.

    Args:
        sides: both views.
        rows: what is compared of each.
        field: of the samples, whose values are the groups; None: patches go by the sample that they are of.

    Raises:
        InputError: a field that a dataset does not have, or that holds lists or labels.
    """
    if field is None:
        if not any(side.labels for side in sides) or all(len(set(r.samples.tolist())) == len(r) for r in rows):
            return {}
        return {"groups_a": rows[0].samples.tolist(), "groups_b": rows[1].samples.tolist()}
    labels = [_values(side, read, field) for side, read in zip(sides, rows, strict=True)]
    odd = next((v for side in labels for v in side if not isinstance(v, (str, int, float, bool, type(None)))), None)
    if odd is not None:
        raise InputError(f"the field {field!r} holds a {type(odd).__name__}; groups are told by a text, a number or a truth value a sample")
    return {"groups_a": labels[0], "groups_b": labels[1]}


def _values(side: Side, read: Vectors, field: str) -> list[Any]:
    if not side.dataset.has_field(field):
        raise InputError(f"{side.dataset.name!r} has no field {field!r} by which its images could be grouped")
    ids, values = side.dataset.select(sorted(set(read.samples.tolist()))).values(["id", field])
    of = dict(zip(ids, values, strict=True))
    return [of.get(i) for i in read.samples.tolist()]

"""Which images of two views can be compared: each once, on one side, with a vector; the others are counted."""

from __future__ import annotations

from typing import Any

import numpy as np

from latentdiff.embed.usable import bad_rows, check_bad, check_enough, check_widths
from latentdiff.errors import InputError
from latentdiff.inputs.named import DatasetView

from .sides import Side
from .store import database
from .vectors import Vectors


def shared_ids(sides: tuple[Side, Side], a: Vectors, b: Vectors) -> np.ndarray:
    """Ids of the images that are on both sides. Copies of a dataset keep ids: equal ones are one image in one dataset only."""
    if database.identity(sides[0].dataset) != database.identity(sides[1].dataset):
        return np.empty(0, a.ids.dtype)
    return np.intersect1d(a.ids, b.ids)


def usable(sides: tuple[Side, Side], a: Vectors, b: Vectors, skip_bad: bool) -> tuple[Vectors, Vectors, dict[str, Any]]:
    """The rows that can be compared, and the counts for the record of what was left out."""
    for side, read in zip(sides, (a, b), strict=True):
        if not len(read) and not read.missing:
            raise InputError(f"side {side.letter} ({side.name!r}) is empty; choose a view that holds images")
        if not len(read):
            raise InputError(
                f"side {side.letter} ({side.name!r}): none of its {read.missing} images has a vector in {side.path!r}; compute them first"
            )
    shared = shared_ids(sides, a, b)
    if len(a) == len(b) == len(shared):
        raise InputError(f"both sides hold the same {len(a)} images; choose two different views")
    called = [f"side {side.letter} ({side.name!r}, field {side.path!r})" for side in sides]
    check_widths({name: read.values.shape[1] for name, read in zip(called, (a, b), strict=True)})
    alone = [read.take(~np.isin(read.ids, shared)) for read in (a, b)]
    bad = [bad_rows(read.values) for read in alone]
    check_bad({name: read.ids[rows] for name, read, rows in zip(called, alone, bad, strict=True)}, skip_bad)
    kept, record = [], {}
    for name, side, read, rows in zip(called, sides, alone, bad, strict=True):
        read = read.take(~np.isin(np.arange(len(read)), rows))
        left_out = {"missing": read.missing, "bad": len(rows), "repeated": read.repeated}
        check_enough(name, len(read), {"overlap": len(shared), **left_out})
        kept.append(read)
        record[side.letter] = {
            "name": side.name,
            "dataset": side.dataset.name,
            "dataset_id": str(database.identity(side.dataset)),
            "labels": side.labels,
            "compared": len(read),
            **left_out,
        }
    return kept[0], kept[1], {"sides": record, "overlap": len(shared)}


def count_before(record: dict[str, Any], given: tuple[Any, Any]) -> None:
    """Add to a record what was left out of its views before they were named, and what is to be said of that (``remarks``)."""
    known = {letter: side.before for letter, side in zip("AB", given, strict=True) if isinstance(side, DatasetView)}
    for letter, before in known.items():
        record["overlap"] += before.overlap
        record["sides"][letter]["repeated"] += before.repeated
    record["remarks"] = [before.remark for before in known.values() if before.remark]


def left_out_of(record: dict[str, Any]) -> dict[str, Any]:
    """What a record counts as left out, as ``info["left_out"]`` has it."""
    sides = {letter: {kind: side[kind] for kind in ("missing", "bad", "repeated")} for letter, side in record["sides"].items()}
    return {"overlap": record["overlap"], **sides}

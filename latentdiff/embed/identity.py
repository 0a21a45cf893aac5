"""Which rows, and which files, are one and the same image: each counts once, and what is on both sides leaves both."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from .alike import alike, repeated
from .parquet import ParquetVectors

LeftOut = dict[str, dict[str, np.ndarray]]
"""By side "A" and "B": numbers of the rows that are not compared, by reason ("missing", "repeated", "shared")."""


def left_out(a: ParquetVectors, b: ParquetVectors) -> LeftOut:
    """Rows of two tables that are not compared: without a vector, listed again, or on both sides.

    One image are rows of one id whose vectors are alike, since an id may be of a photograph of which there are many patches, of a video or
    of a label, and numbers and names of files begin anew in each table; of ids that the caller names, texts are believed.

    Raises:
        InputError: all are on both sides.
    """
    out = {side: {"missing": vectors.missing} for side, vectors in (("A", a), ("B", b))}
    ids = {side: vectors.column(vectors.id_column) if vectors.id_column else None for side, vectors in (("A", a), ("B", b))}
    for (side, names), vectors in zip(ids.items(), (a, b), strict=True):
        again = np.zeros(0, np.int64) if names is None else listed_again(names, vectors)[0]
        out[side]["repeated"] = np.setdiff1d(again, out[side]["missing"])
    shared = _shared(ids["A"], ids["B"], (a, b))
    for side, rows in zip("AB", shared, strict=True):
        out[side]["shared"] = np.setdiff1d(rows, np.concatenate([out[side]["missing"], out[side]["repeated"]]))
    if all(sum(map(len, out[side].values())) == vectors.shape[0] and len(out[side]["shared"]) for side, vectors in (("A", a), ("B", b))):
        raise InputError("A and B are the same images; choose two different sets")
    return out


def file_key(path: str | os.PathLike[str]) -> str:
    """What tells a file from others: its path, links followed; of one with several names (hard links) what its file system calls it."""
    resolved = os.path.realpath(path)
    try:
        found = os.stat(resolved)
    except OSError:
        return resolved
    return f"{found.st_dev}:{found.st_ino}" if found.st_nlink > 1 and found.st_ino else resolved


def distinct(a: Sequence[Any], b: Sequence[Any]) -> tuple[list[Any], list[Any], dict[str, Any]]:
    """Two lists of files (or other names), each once, without those on both; and the counts of what was left out.

    Args:
        a, b: names that can be hashed; equal ones are one image.

    Returns:
        What is left of A and of B, in their order; ``overlap`` and per side ``repeated``.
    """
    once = [list(dict.fromkeys(side)) for side in (a, b)]
    both = set(once[0]) & set(once[1])
    counts = {"overlap": len(both)} | {s: {"repeated": len(given) - len(own)} for s, given, own in zip("AB", (a, b), once, strict=True)}
    kept = [[name for name in own if name not in both] for own in once]
    return kept[0], kept[1], counts


def counts_of(rows: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, Any]:
    """How many images were left out: ``overlap``, and per side the other reasons."""
    per_side = {side: {why: len(some) for why, some in found.items() if why != "shared"} for side, found in rows.items()}
    return {"overlap": len(rows["A"].get("shared", ())), **per_side}


def listed_again(names: Any, vectors: ParquetVectors) -> tuple[np.ndarray, np.ndarray]:
    """Rows that hold an image of a row before, and the first row of each.

    Args:
        names: (n,) pyarrow array, the table's ids.
        vectors: the table.
    """
    rows, first = repeated(names)
    if len(rows) and not _believed(names, vectors):
        same = alike(vectors, rows, vectors, first)
        rows, first = rows[same], first[same]
    return rows, first


def _believed(names: Any, vectors: ParquetVectors) -> bool:
    return vectors.id is not None and not _are_numbers(names)


def _shared(a: Any, b: Any, vectors: tuple[ParquetVectors, ParquetVectors]) -> tuple[np.ndarray, np.ndarray]:
    """Rows of A and of B whose names are on the other side too."""
    import pyarrow as pa
    import pyarrow.compute as pc

    nothing = np.zeros(0, np.int64), np.zeros(0, np.int64)
    if a is None or b is None:
        return nothing
    if pa.types.is_integer(a.type) != pa.types.is_integer(b.type):
        return nothing
    kind = pa.int64() if pa.types.is_integer(a.type) else pa.large_string()
    a, b = a.cast(kind, safe=False), b.cast(kind, safe=False)
    rows = [
        np.flatnonzero(pc.is_in(one, value_set=other, skip_nulls=True).to_numpy(zero_copy_only=False)) for one, other in ((a, b), (b, a))
    ]
    if not len(rows[0]) or (_believed(a, vectors[0]) and _believed(b, vectors[1])):
        return rows[0], rows[1]
    partners = [pc.index_in(one.take(own), value_set=other).to_numpy() for one, own, other in ((a, rows[0], b), (b, rows[1], a))]
    same = alike(vectors[0], rows[0], vectors[1], partners[0]), alike(vectors[1], rows[1], vectors[0], partners[1])
    return rows[0][same[0]], rows[1][same[1]]


def _are_numbers(names: Any) -> bool:
    """Whether a column of ids holds numbers, or texts of digits: such may number rows."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return bool(pa.types.is_integer(names.type) or pc.all(pc.match_substring_regex(names, r"^\d+$")).as_py())

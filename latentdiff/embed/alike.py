"""Whether rows of tables that bear one name are one image: their vectors tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

CHECKED = 200
"""Pairs of rows that are looked at first: where all are alike, or none is, so are the rest."""
ALIKE = 1e-3
"""Distance of two vectors over their length up to which they are of one image: other batches, devices and number formats move them less."""


class Rows(Protocol):
    """What gives the vectors of rows."""

    def rows(self, wanted: np.ndarray) -> np.ndarray:
        """(k, d) vectors."""


def repeated(names: Any) -> tuple[np.ndarray, np.ndarray]:
    """Rows whose name is in a row before, and the first row of that name; rows without a name are images of their own.

    Args:
        names: pyarrow array.
    """
    import pyarrow.compute as pc

    if pc.count_distinct(names).as_py() == len(names) - names.null_count:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    codes = pc.fill_null(names.dictionary_encode().indices, -1).to_numpy(zero_copy_only=False)
    _, first, place = np.unique(codes, return_index=True, return_inverse=True)
    first = first[place]
    rows = np.flatnonzero((first != np.arange(len(codes))) & (codes >= 0))
    return rows, first[rows]


def alike(a: Rows, rows_a: np.ndarray, b: Rows, rows_b: np.ndarray) -> np.ndarray:
    """(k,) bool: which pairs of rows hold one vector, or none.

    Args:
        a, b: what gives the vectors.
        rows_a, rows_b: (k,) rows of either.
    """
    some = np.unique(np.linspace(0, max(len(rows_a) - 1, 0), CHECKED).astype(int))[: len(rows_a)]
    found = near(a.rows(rows_a[some]), b.rows(rows_b[some]))
    if found.all() or not found.any():
        return np.full(len(rows_a), bool(found.all()))
    return near(a.rows(rows_a), b.rows(rows_b))


def near(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(k,) bool: which rows of two (k, d) arrays are of one image."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.linalg.norm(x - y, axis=1) <= ALIKE * np.linalg.norm(y, axis=1)
    return np.asarray(near | ((x == y) | (np.isnan(x) & np.isnan(y))).all(1))


def told_apart(keys: Sequence[Sequence[Any] | None], vectors: Sequence[np.ndarray]) -> list[list[Any] | None]:
    """Keys of the rows of some tables, None for rows of a key whose first row holds another vector: such are images of their own.

    Args:
        keys: by table, a key per row; None: the table has none, or they are believed.
        vectors: by table, (n, d).
    """
    count = Counter(key for own in keys for key in own or () if key is not None)
    first: dict[Any, np.ndarray] = {}
    out: list[list[Any] | None] = []
    for own, x in zip(keys, vectors, strict=True):
        held = None if own is None else list(own)
        for row, key in enumerate(held or ()):
            if held is not None and count[key] > 1:
                held[row] = key if near(x[row][None], first.setdefault(key, x[row])[None])[0] else None
        out.append(held)
    return out

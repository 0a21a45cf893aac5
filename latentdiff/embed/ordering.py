"""Two sides in an order of their content: the same images give the same answer, in whatever order and on whichever side they are given."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compute.arrays import float32
from ..compute.parallel import map_rows
from ..errors import InputError
from .sides import Sides
from .usable import ROWS

IN_MEMORY = 1 << 27
"""Vector entries (512 MB) up to which rows are copied into their order. Of more, the order chooses folds, samples and batches alone, and
sums over rows that lie in another order differ in their last digits."""


def in_content_order(sides: Sides) -> Sides:
    """The same images, ordered by what their vectors hold; of two sides the one that comes first by content is A.

    ``swapped`` of the result says whether that exchanged the sides, ``keep_a`` and ``keep_b`` which rows, as given, lie where.

    Raises:
        InputError: both sides hold the same images.
    """
    keys = content_keys(sides)
    a, b = keys[: sides.n_a], keys[sides.n_a :]
    if len(a) == len(b) and np.array_equal(np.sort(a), np.sort(b)):
        raise InputError("A and B are the same images in another order; choose two different sets")
    if (len(b), int(b.sum())) > (len(a), int(a.sum())):
        sides, a, b = sides.turned(), b, a
    sides.equal_rows = {"overlap": len(np.intersect1d(a, b)), "A": len(a) - len(np.unique(a)), "B": len(b) - len(np.unique(b))}
    keys = np.concatenate([a, b])
    order = np.concatenate([np.argsort(a, kind="stable"), len(a) + np.argsort(b, kind="stable")])
    if sides.shape[0] * sides.shape[1] <= IN_MEMORY:
        sides, keys = sides.rearranged(order), keys[order]
        order = np.arange(len(keys))
    return sides.placed(keys, order, np.argsort(keys, kind="stable"))


def content_keys(sides: Any) -> np.ndarray:
    """(n,) uint64 hashes of the rows as float32: equal vectors have equal keys, whatever their float type was."""
    d = sides.shape[1]
    factors = np.random.default_rng(0).integers(1, 1 << 63, size=(d + 1) // 2, dtype=np.uint64) * np.uint64(2) + np.uint64(1)

    def keys(_: int, rows: np.ndarray) -> np.ndarray:
        even = np.zeros((len(rows), 2 * len(factors)), np.float32)
        np.add(float32(rows), 0.0, out=even[:, :d])  # minus zero becomes zero
        words = even.view(np.uint64)
        words ^= words >> np.uint64(31)
        return (words * factors).sum(1, dtype=np.uint64)

    found = np.concatenate(list(map_rows(sides, keys, ROWS)))
    found ^= found >> np.uint64(29)
    return found * np.uint64(0xBF58476D1CE4E5B9)


class Pooled:
    """All images of two sides in the order of their content, blind to the sides: what an SAE is trained on.

    Args:
        sides: in content order.
    """

    def __init__(self, sides: Sides) -> None:
        self._sides, self._order = sides, sides.pooled_order
        self.shape = sides.shape

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        return self._sides[self._order[rows]]

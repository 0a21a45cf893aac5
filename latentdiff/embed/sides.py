"""Two sets of vectors, checked and seen as one, without a copy."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from ..compute.arrays import equal, gather, take
from ..errors import InputError
from .grouping import Groups, check_groups, group_numbers, renumbered
from .scored import Scored
from .usable import ROWS, Omitted, bad_rows, check_bad, check_enough, check_widths, checked_array, counts_left_out, omitted_rows
from .vocabulary import row_norms, unit_rows

AnySides = TypeVar("AnySides", bound="Sides")


class Sides(Scored):
    """Rows of A, then rows of B, read in chunks as float32; the arrays may be memmaps of any float type.

    Attributes:
        n_a, n_b: rows in use.
        keep_a, keep_b: row numbers in use within the arrays as given.
        dropped: {"A": [...], "B": [...]}: row numbers left out, for whatever reason.
        left_out: how many, by reason: ``overlap`` (images on both sides), and per side ``missing``, ``bad`` (see
            :func:`~latentdiff.embed.usable.bad_in`) and ``repeated``.
        groups: (n,) group of each row, integers from 0; None: every row is independent of every other.
        strata: (n,) stratum of each row, integers from 0: rows are compared within strata alone; None: all with all.
        swapped: whether A and B are, as given, B and A.
        equal_rows: how many rows equal an earlier one of their side to the bit, by "A" and "B", and one of the other side (``overlap``);
            None: not known yet.
        order: (n,) rows in the order of their content, A's first; None for the order in which they lie.
        pooled_order: (n,) the same of both sides together.
        keys: (n,) uint64, equal for equal vectors; these three only where the sides are in content order.
    """

    groups: np.ndarray | None = None
    strata: np.ndarray | None = None
    swapped = False
    order: np.ndarray | None = None
    equal_rows: Mapping[str, int] | None = None
    pooled_order: np.ndarray
    keys: np.ndarray

    def __init__(self, a: np.ndarray, b: np.ndarray, skip_bad: bool = False, omit: Omitted | None = None) -> None:
        self._arrays = tuple(checked_array(side, x) for side, x in (("A", a), ("B", b)))
        check_widths({side: x.shape[1] for side, x in zip("AB", self._arrays, strict=True)})
        if a is b or (self._arrays[0].shape == self._arrays[1].shape and equal(self._arrays[0], self._arrays[1], ROWS)):
            raise InputError("A and B are the same images; choose two different sets")
        self._use([len(x) for x in self._arrays], [bad_rows(x) for x in self._arrays], skip_bad, omit)
        first = self[np.array([0])]
        if not any((x != first).any() for _, x in self.chunks()):
            raise InputError("all vectors are equal; there is nothing to compare. Check the encoder")

    def _use(self, lengths: Sequence[int], bad: Sequence[Any], skip_bad: bool, omit: Omitted | None) -> None:
        """Take the rows of both sides into use that are neither bad nor left out by the caller."""
        omitted = [omitted_rows(omit, side) for side in "AB"]
        wrong = [np.setdiff1d(rows, out) for rows, out in zip(bad, omitted, strict=True)]
        check_bad(dict(zip("AB", [rows.tolist() for rows in wrong], strict=True)), skip_bad)
        away = [np.union1d(*rows) for rows in zip(omitted, wrong, strict=True)]
        self.dropped = {side: rows.tolist() for side, rows in zip("AB", away, strict=True)}
        self.left_out = counts_left_out(omit, wrong)
        self.keep_a, self.keep_b = (np.setdiff1d(np.arange(n), rows) for n, rows in zip(lengths, away, strict=True))
        self.n_a, self.n_b = len(self.keep_a), len(self.keep_b)
        for side, n in (("A", self.n_a), ("B", self.n_b)):
            check_enough(side, n, {"overlap": self.left_out["overlap"], **self.left_out[side]})
        self._find()

    def _find(self) -> None:
        """Where the rows in use lie, of sides as they are given."""
        self._where = self.keep_a, self.keep_b

    @property
    def shape(self) -> tuple[int, int]:
        """(n_a + n_b, d)."""
        return self.n_a + self.n_b, self._arrays[0].shape[1]

    def group(self, groups_a: Groups, groups_b: Groups, paired: bool) -> None:
        """Say which rows are no independent evidence, see :func:`~latentdiff.embed.grouping.group_numbers`; of all rows as given.

        Raises:
            InputError: labels that do not fit the rows, or fewer than five groups on a side.
        """
        given = self.n_a + len(self.dropped["A"]), self.n_b + len(self.dropped["B"])
        groups = group_numbers(groups_a, groups_b, paired, given)
        if groups is not None:
            self.groups = renumbered(np.concatenate([groups[self.keep_a], groups[given[0] :][self.keep_b]]))
            check_groups(self.groups, self.n_a)

    @property
    def in_a(self) -> np.ndarray:
        """(n,) True for rows of A."""
        return np.arange(len(self)) < self.n_a

    def __len__(self) -> int:
        return self.n_a + self.n_b

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        """Float32 copies of some rows, by slice or by integer array."""
        if isinstance(rows, slice) and rows.step in (None, 1):
            return self.read(rows)
        index = np.arange(*rows.indices(len(self))) if isinstance(rows, slice) else np.asarray(rows)
        of_b = index >= self.n_a
        if not of_b.any():
            return take(self._arrays[0], self._where[0][index])
        if of_b.all():
            return take(self._arrays[1], self._where[1][index - self.n_a])
        out, n = np.empty((len(index), self.shape[1]), np.float32), int(len(index) - of_b.sum())
        if not of_b[:n].any():  # A's before B's, as in every sample: gathered where they belong, without a copy of them
            gather(self._arrays[0], self._where[0][index[:n]], out[:n])
            gather(self._arrays[1], self._where[1][index[n:] - self.n_a], out[n:])
            return out
        out[~of_b] = take(self._arrays[0], self._where[0][index[~of_b]])
        out[of_b] = take(self._arrays[1], self._where[1][index[of_b] - self.n_a])
        return out

    def read(self, some: slice, out: np.ndarray | None = None) -> np.ndarray:
        """Consecutive rows as float32: in ``out``, (rows, d), or where they lie if they are float32 there."""
        start, stop, _ = some.indices(len(self))
        if stop <= self.n_a:
            return take(self._arrays[0], self._where[0][start:stop], out)
        if start >= self.n_a:
            return take(self._arrays[1], self._where[1][start - self.n_a : stop - self.n_a], out)
        out = np.empty((stop - start, self.shape[1]), np.float32) if out is None else out
        of_a, of_b = out[: self.n_a - start], out[self.n_a - start :]
        of_a[:] = take(self._arrays[0], self._where[0][start:], of_a)
        of_b[:] = take(self._arrays[1], self._where[1][: stop - self.n_a], of_b)
        return out

    def spaced(self, most: int) -> np.ndarray:
        """At most so many row numbers, ascending, evenly spaced over both sides in the order of their content."""
        return np.sort(self.by_content(most))

    def by_content(self, most: int) -> np.ndarray:
        """The same, in the order of their content."""
        return (np.arange(len(self)) if self.order is None else self.order)[:: -(-len(self) // most)]

    def turned(self) -> Sides:
        """The same rows with A and B exchanged."""
        other = self._copy()
        other._arrays, other._where = self._arrays[::-1], self._where[::-1]
        return other._exchanged()

    def reread(self, way: Callable[[Any], Any]) -> Sides:
        """The same rows, read from what ``way`` makes of both arrays; of sides as they are given."""
        other = self._copy()
        other._arrays = way(self._arrays[0]), way(self._arrays[1])
        return other

    def rearranged(self, order: np.ndarray) -> Sides:
        """The same rows in another order within their sides, copied into memory.

        Args:
            order: (n,) rows, A's first.
        """
        other = self._copy()
        other._lie(self[order])
        if self.groups is not None:
            other.groups = renumbered(self.groups[order])
        other.keep_a, other.keep_b = self.keep_a[order[: self.n_a]], self.keep_b[order[self.n_a :] - self.n_a]
        return other

    def narrowed(self, most: int, rng: np.random.Generator) -> Sides:
        """At most so many rows of each side, drawn at random; of sides as they are given."""
        other = self._copy()
        few = (k if len(k) <= most else np.sort(rng.choice(k, most, replace=False)) for k in (self.keep_a, self.keep_b))
        other.keep_a, other.keep_b = few
        other.n_a, other.n_b = len(other.keep_a), len(other.keep_b)
        other._find()
        return other

    def some(self, rows: np.ndarray) -> Sides:
        """Some rows alone, of sides in content order; the others count as dropped.

        Args:
            rows: of both sides, ascending.

        Raises:
            InputError: too few rows of a side.
        """
        other, n_a = self._copy(), int(np.searchsorted(rows, self.n_a))
        of_a, of_b = rows[:n_a], rows[n_a:] - self.n_a
        for side, kept, keep in (("A", of_a, self.keep_a), ("B", of_b, self.keep_b)):
            check_enough(side, len(kept), {})
            gone = np.setdiff1d(keep, keep[kept]).tolist()
            other.dropped = {**other.dropped, side: sorted([*other.dropped[side], *gone])}
        other._narrow(rows)
        other.keep_a, other.keep_b = self.keep_a[of_a], self.keep_b[of_b]
        other.n_a, other.n_b = len(of_a), len(of_b)
        if self.groups is not None:
            other.groups = renumbered(self.groups[rows])
        place = np.full(len(self), -1)
        place[rows] = np.arange(len(rows))
        orders = [place[self.order], place[self.pooled_order]] if self.order is not None else [place[rows], place[self.pooled_order]]
        return other.placed(self.keys[rows], *(order[order >= 0] for order in orders))

    def _narrow(self, rows: np.ndarray) -> None:
        """Find some rows of both sides, ascending, where they lie."""
        n_a = int(np.searchsorted(rows, self.n_a))
        self._where = self._where[0][rows[:n_a]], self._where[1][rows[n_a:] - self.n_a]

    def placed(self, keys: np.ndarray, order: np.ndarray, pooled_order: np.ndarray) -> Sides:
        """The same rows, of which it is known in which order their content lies."""
        other = self._copy()
        other.keys, other.order, other.pooled_order = keys, order, pooled_order
        return other

    def _copy(self: AnySides) -> AnySides:
        """Without what was computed of the order in which rows lay."""
        other = copy.copy(self)
        for name in ("mean_direction", "_centring"):
            other.__dict__.pop(name, None)
        return other

    def _exchanged(self) -> Sides:
        if self.groups is not None:
            self.groups = renumbered(np.roll(self.groups, -self.n_a))
        self.keep_a, self.keep_b, self.n_a, self.n_b = self.keep_b, self.keep_a, self.n_b, self.n_a
        self.dropped = {"A": self.dropped["B"], "B": self.dropped["A"]}
        self.left_out = {**self.left_out, "A": self.left_out["B"], "B": self.left_out["A"]}
        self.swapped = not self.swapped
        return self

    def _lie(self, rows: np.ndarray) -> None:
        """Take (n, d) rows of both sides as they are."""
        self._arrays = rows[: self.n_a], rows[self.n_a :]
        self._where = np.arange(self.n_a), np.arange(self.n_b)

    def chunks(self) -> Iterator[tuple[int, np.ndarray]]:
        """First row and float32 values of consecutive chunks."""
        for start in range(0, len(self), ROWS):
            yield start, self[start : start + ROWS]


def centred(x: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Unit vectors of ``unit(x) - mean``: what is particular about each image."""
    out = unit_rows(x)
    out -= mean
    out /= np.maximum(row_norms(out), 1e-12)[:, None]
    return out

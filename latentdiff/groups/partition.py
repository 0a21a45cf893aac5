"""Vectors and the label of each, checked; and one group against the rest as two sides, without a copy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..compute.arrays import float32
from ..compute.values import is_missing, plain
from ..embed.ordering import content_keys
from ..embed.sides import Sides
from ..embed.usable import BAD, FEWEST, bad_rows, checked_array
from ..errors import InputError

IN_MEMORY = 1 << 28
"""Vector entries (1 GB) up to which rows are copied into the order of their content; of more, groups are read where they lie."""
MOST_GROUPS = 1_000
SHOWN = 5


class Partition:
    """Rows of vectors that are in use, in the order of their content, and the group of each.

    Args:
        vectors: (n, d) raw vectors, array or memmap of any float type.
        labels: n labels (texts, numbers); None or NaN: the row is in no group and is left out.
        skip_bad: leave out rows that cannot be used, in place of an error.

    Attributes:
        names: of the groups, in the order of their labels.
        rows: (m,) number of each row in use among all rows as given.
        label: (m,) its group, from 0.
        dropped: number of rows without a label, and of bad ones that were left out.

    Raises:
        InputError: labels that do not fit the rows, fewer than two groups, groups of fewer than 20 usable images, or bad vectors.
    """

    def __init__(self, vectors: np.ndarray, labels: Sequence[Any] | np.ndarray, skip_bad: bool = False) -> None:
        x = checked_array("vectors", vectors)
        given = check_labels(labels, len(x))
        bad = np.zeros(len(x), bool)
        bad[bad_rows(x)] = True
        if bad.any() and not skip_bad:
            where = ", ".join(map(str, np.flatnonzero(bad)[:SHOWN].tolist()))
            raise InputError(f"{int(bad.sum())} vectors have {BAD} (rows {where}); mend them, or leave them out: skip_bad")
        inside = np.array([label is not None for label in given], bool)
        self.names, of_row = numbered(given)
        self.given = len(x)
        self.label_of_given = np.where(inside, of_row, -1)
        self.dropped = {"unlabelled": int((~inside).sum()), "bad": int((bad & inside).sum())}
        self.rows = np.flatnonzero(inside & ~bad)
        self.label = of_row[self.rows]
        self._check_sizes()
        self._x = x
        self._order()

    def _check_sizes(self) -> None:
        size = np.bincount(self.label, minlength=len(self.names))
        if len(self.names) < 2:
            raise InputError(f"there is one group ({', '.join(self.names) or 'none'}); compare_groups needs at least two")
        if len(self.names) > MOST_GROUPS:
            raise InputError(f"there are {len(self.names):,} groups, at most {MOST_GROUPS:,} can be compared; bin the labels first")
        small = [f"{name!r} ({count})" for name, count in zip(self.names, size.tolist(), strict=True) if count < FEWEST]
        if small:
            more = f" and {len(small) - SHOWN} more" if len(small) > SHOWN else ""
            what = "merge them with others, or give their rows the label None to leave them out"
            raise InputError(f"groups of fewer than {FEWEST} usable images: {', '.join(small[:SHOWN])}{more}; {what}")

    def _order(self) -> None:
        """Into the order of content, so that neither folds nor ties hang on the order in which rows were given."""
        self.x, self.place, self.in_memory = self._x, self.rows, False
        keys = content_keys(self)
        order = np.argsort(keys, kind="stable")
        self.rows, self.label, self.keys = self.rows[order], self.label[order], keys[order]
        self.in_memory = len(self.rows) * self._x.shape[1] <= IN_MEMORY
        if self.in_memory:
            self.x, self.place = float32(self._x[self.rows]), np.arange(len(self.rows))
        else:
            self.x, self.place = self._x, self.rows
        if len(np.unique(self.keys)) == 1:
            raise InputError("all vectors are equal; there is nothing to compare. Check the encoder")

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def shape(self) -> tuple[int, int]:
        """(m, d)."""
        return len(self.rows), self.x.shape[1]

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        """Float32 rows in use, by slice or by integer array."""
        return self.x[rows] if self.in_memory else float32(self.x[self.place[rows]])

    def side(self, group: int, like: OneAgainstRest | None = None) -> OneAgainstRest:
        """One group as A and all others as B.

        Args:
            group: its number.
            like: another group's, whose mean direction (of the same images) is used.
        """
        return OneAgainstRest(self, group, like)


class OneAgainstRest(Sides):
    """One group's rows, then those of the rest, in the order of their content; ``rows`` are their numbers among the partition's."""

    def __init__(self, partition: Partition, group: int, like: OneAgainstRest | None = None) -> None:
        own = partition.label == group
        parts = np.flatnonzero(own), np.flatnonzero(~own)
        self.rows = np.concatenate(parts)
        self._arrays = partition.x, partition.x
        self._where = partition.place[parts[0]], partition.place[parts[1]]
        self.n_a, self.n_b = len(parts[0]), len(parts[1])
        as_given = [partition.label_of_given == group, (partition.label_of_given != group) & (partition.label_of_given >= 0)]
        keep, dropped = [], []
        for given, part in zip(as_given, parts, strict=True):
            place = np.cumsum(given) - 1  # of each row as given among the rows of its side
            keep.append(place[partition.rows[part]])
            dropped.append(np.setdiff1d(np.arange(int(given.sum())), keep[-1]))
        self.keep_a, self.keep_b = keep
        self.dropped = dict(zip("AB", [rows.tolist() for rows in dropped], strict=True))
        none = {"missing": 0, "repeated": 0}
        self.left_out = {"overlap": 0, **{side: {**none, "bad": len(rows)} for side, rows in self.dropped.items()}}
        self.keys = partition.keys[self.rows]
        self.order = np.arange(len(self.rows))
        self.pooled_order = np.argsort(self.rows, kind="stable")
        a, b = (self.keys[: self.n_a], self.keys[self.n_a :])
        self.equal_rows = {"overlap": len(np.intersect1d(a, b)), "A": len(a) - len(np.unique(a)), "B": len(b) - len(np.unique(b))}
        if like is not None:
            self.__dict__["mean_direction"] = like.mean_direction


def check_labels(labels: Any, n: int) -> list[Any]:
    """One label a row; None for what is missing.

    Raises:
        InputError: they are not one a row, or no texts, numbers or dates.
    """
    if isinstance(labels, (str, bytes)) or not hasattr(labels, "__len__") or len(labels) != n:
        got = repr(labels)[:80] if isinstance(labels, (str, bytes)) or not hasattr(labels, "__len__") else f"{len(labels)} labels"
        raise InputError(f"groups must hold one label per row: {n} labels, not {got}")
    # Whole numbers of pandas, some missing, stay whole; of pyarrow they are its own objects, a missing one among them.
    listed = labels.to_pylist() if hasattr(labels, "to_pylist") else labels
    given = plain(labels) if isinstance(labels, np.ndarray) else list(listed)
    try:
        hash(tuple(given))
    except TypeError as e:
        raise InputError(f"groups must be texts, numbers or dates, one per row: {e}") from e
    return [None if is_missing(label) else label for label in given]


def numbered(labels: Sequence[Any]) -> tuple[tuple[str, ...], np.ndarray]:
    """Names of the groups, sorted by their labels, and the number of each row's (0 where it has none).

    Raises:
        InputError: two labels that read alike, or one that is empty.
    """
    different = {label for label in labels if label is not None}
    try:
        ordered = sorted(different)
    except TypeError:  # labels of several types have no order of their own
        ordered = sorted(different, key=str)
    names = tuple(str(label) for label in ordered)
    if len(set(names)) < len(names) or not all(name.strip() for name in names):
        twice = next((name for i, name in enumerate(names) if name in names[:i] or not name.strip()), "")
        raise InputError(f"labels must read differently and not be empty; {twice!r} does not")
    number = {label: i for i, label in enumerate(ordered)}
    return names, np.array([number.get(label, 0) for label in labels], np.int64)

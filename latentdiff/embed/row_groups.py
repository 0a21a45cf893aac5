"""Row groups of Parquet files, and the ids of their rows."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class RowGroup:
    """One row group of one file."""

    path: str
    number: int
    start: int
    """Its first row among all rows of the table."""
    rows: int
    may_miss: bool = False
    """Whether some of its rows may have no vector."""


class ParquetIds(Sequence):
    """Ids by row, read from where they lie; the last row group read is kept.

    Args:
        groups: all row groups, in order.
        blocks: gives the ids of one, a block at a time.
    """

    def __init__(self, groups: Sequence[RowGroup], blocks: Callable[[RowGroup], Iterator[list[Any]]]) -> None:
        self._groups, self._blocks = groups, blocks
        self._starts = [group.start for group in groups]
        self._kept: tuple[int, list[Any]] = (-1, [])

    def __len__(self) -> int:
        return sum(group.rows for group in self._groups)

    def __getitem__(self, row: Any) -> Any:
        if not -len(self) <= row < len(self):
            raise IndexError(row)
        row %= len(self)
        group = bisect.bisect_right(self._starts, row) - 1
        if self._kept[0] != group:
            self._kept = (group, [i for block in self._blocks(self._groups[group]) for i in block])
        return self._kept[1][row - self._starts[group]]

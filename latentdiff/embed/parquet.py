"""Vectors in Parquet, on any filesystem that pyarrow knows: an id and a list of floats a row."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..compute.extras import needs
from ..errors import InputError
from .columns import choose, first_width, fixed_width, kind_of, matrix, may_miss, naming, plain, without_vector
from .filesystem import BLOCK_ROWS, files_of, filesystem_of, partitions, readable
from .fingerprint import Fingerprint, joined, read_fingerprint
from .ranges import DEEP, Ranges, read_ranges
from .row_groups import ParquetIds, RowGroup

FINGERPRINT = b"latentdiff.fingerprint"
"""Key of the encoder's fingerprint (JSON) in the metadata of a file's schema."""


@dataclass(eq=False)
class ParquetVectors:
    """Vectors that lie in a Parquet file or in a folder of them (in the order of their names); nothing is read before it is asked for.

    Args:
        source: path or URI (``s3://``, ``gs://``, ``file://``, ...) of a file or a folder, partitioned or not.
        vector: column of the vectors: lists of floats of any kind, tensors of Arrow's and Ray's; None: ``vector``, or the only one.
        id: column that says whose they are; None: ``id``, or else one of names of pictures, or of other texts or integers of which there
            is another in every row. The numbers of rows where there is none.

    Raises:
        InputError: nothing there that fits.
    """

    source: str
    vector: str | None = None
    id: str | None = None
    groups: tuple[RowGroup, ...] = field(init=False)
    id_column: str | None = field(init=False)
    vector_column: str = field(init=False)
    columns: tuple[str, ...] = field(init=False)
    """Of the files, and those that folders named ``key=value`` say of them."""
    fingerprint: Fingerprint | None = field(init=False)
    ranges: Ranges | None = field(init=False)
    """What was drawn black and white in deep pictures; None: not recorded."""
    width: int = field(init=False)
    dtype: np.dtype = field(init=False)
    """float16 where all files hold that, else float32."""

    def __post_init__(self) -> None:
        with needs("tables", "Parquet"):
            import pyarrow.parquet as pq

        groups, start, first, kinds, notes = [], 0, None, set(), dict[bytes | None, None]()
        filesystem, paths = files_of(self.source)
        for path in paths:
            with readable(path), filesystem.open_input_file(path) as f:
                parquet = pq.ParquetFile(f)
                schema = parquet.schema_arrow
                if first is None:
                    first, candidates = schema, self._choose(schema)
                if missing := {self.vector_column, *candidates[:1]} - set(schema.names):
                    raise InputError(f"{path} has no column {missing.pop()!r}, which the first file has: {schema.names}; use one table")
                notes[(schema.metadata or {}).get(FINGERPRINT)] = None
                kinds.add(kind_of(schema.field(self.vector_column).type))
                for number in range(parquet.num_row_groups):
                    found = parquet.metadata.row_group(number)
                    groups.append(RowGroup(path, number, start, found.num_rows, may_miss(found, self.vector_column)))
                    start += found.num_rows
        self.groups = tuple(g for g in groups if g.rows)
        if first is None or not self.groups:
            raise InputError(f"{self.source} holds no rows")
        self._partitions = {key: values for key, values in partitions(self.source, paths).items() if key not in first.names}
        self.columns = (*first.names, *self._partitions)
        self.fingerprint = joined([read_fingerprint(said, self.source) for said in notes])
        self.ranges = read_ranges((first.metadata or {}).get(DEEP), self.source)
        self.dtype = np.dtype(np.float16 if kinds == {np.dtype(np.float16)} else np.float32)
        self.width = fixed_width(first.field(self.vector_column).type) or self._first_width()
        sure = next((name for name in candidates if name in (self.id, "id")), None)
        self.id_column = sure or naming(candidates, self.column, self)

    def _choose(self, schema: Any) -> list[str]:
        """Settles the vectors' column; returns those that may be the ids'."""
        self.vector_column, candidates = choose(schema, self.source, self.vector, self.id)
        return candidates

    def values(self, name: str) -> list[Any]:
        """A column of every file as Python values, None where there is none; an ``InputError`` where there is no such column."""
        if name not in self.columns:
            raise InputError(f"{self.source} has no column {name!r}; it has {', '.join(self.columns)}")
        if name in self._partitions:
            return [self._partitions[name][group.path] for group in self.groups for _ in range(group.rows)]
        found: list[Any] = []
        for group in self.groups:
            with readable(group.path):  # texts that are no UTF-8 are found only now
                for batch in self._batches(group, name):
                    if not batch.num_columns:
                        raise InputError(f"{group.path} has no column {name!r}, which the first file has; use one table")
                    found += batch.column(0).to_pylist()
        return found

    def column(self, name: str) -> Any:
        """A column of every file, as one pyarrow array of texts or integers."""
        import pyarrow as pa

        parts = []
        for group in self.groups:
            with readable(group.path):  # texts that are no UTF-8 are found only now
                parts += [plain(batch.column(0)) for batch in self._batches(group, name)]
        kinds = {part.type for part in parts}
        return pa.concat_arrays(parts if len(kinds) == 1 else [part.cast(pa.string()) for part in parts])

    @cached_property
    def missing(self) -> np.ndarray:
        """Numbers of the rows that have no vector."""
        found = [np.zeros(0, np.int64)]
        for group in self.groups:
            at = group.start
            for batch in self._batches(group, self.vector_column) if group.may_miss else ():
                found.append(at + np.flatnonzero(without_vector(batch.column(0))))
                at += len(batch)
        return np.concatenate(found)

    @property
    def shape(self) -> tuple[int, int]:
        """(n, d)."""
        return self.groups[-1].start + self.groups[-1].rows, self.width

    @cached_property
    def ids(self) -> ParquetIds:
        """What each row is."""
        return ParquetIds(self.groups, self.id_blocks)

    def blocks(self, group: RowGroup) -> Iterator[np.ndarray]:
        """The vectors of a row group, (at most ``BLOCK_ROWS``, d) of ``dtype`` at a time; NaN where a row has none (``missing``).

        Raises:
            InputError: vectors of different widths.
        """
        for table in self._batches(group, self.vector_column):
            yield matrix(table.column(0), self.width, self.dtype, group.path)

    def rows(self, wanted: np.ndarray) -> np.ndarray:
        """(k, d) vectors of a few rows; the row groups in which they lie are read."""
        out = np.empty((len(wanted), self.width), self.dtype)
        for group in self.groups:
            here = np.flatnonzero((wanted >= group.start) & (wanted < group.start + group.rows))
            if len(here):
                out[here] = np.concatenate(list(self.blocks(group)))[wanted[here] - group.start]
        return out

    def id_blocks(self, group: RowGroup) -> Iterator[list[Any]]:
        """The ids of a row group in the same portions; row numbers where the table has no ids."""
        if self.id_column is None:
            yield list(range(group.start, group.start + group.rows))
            return
        for table in self._batches(group, self.id_column):
            with readable(group.path):  # texts that are no UTF-8 are found only now
                made = plain(table.column(0)).to_pylist()
            yield made

    def _batches(self, group: RowGroup, column: str) -> Iterator[Any]:
        import pyarrow.parquet as pq

        filesystem, rows = filesystem_of(self.source)[0], 0
        with readable(group.path), filesystem.open_input_file(group.path) as f:
            for batch in pq.ParquetFile(f).iter_batches(BLOCK_ROWS, row_groups=[group.number], columns=[column], use_threads=False):
                rows += len(batch)
                yield batch
        if rows != group.rows:
            raise InputError(f"{group.path} is damaged: it says it has {group.rows:,} rows and has {rows:,}; write it anew")

    def _first_width(self) -> int:
        for group in self.groups:
            for batch in self._batches(group, self.vector_column):
                if width := first_width(batch.column(0)):
                    return width
        raise InputError(f"{self.source}: no row of {self.vector_column!r} holds a vector")


def to_memmap(vectors: ParquetVectors, path: str | Path, without: np.ndarray | None = None) -> np.ndarray:
    """All vectors as one array on disk, written a block at a time: what a comparison on one machine reads many times.

    Args:
        vectors: (n, d) rows.
        path: a new ``.npy`` file.
        without: numbers of rows to leave out, ascending; None: none.

    Returns:
        (n, d) read-only memory map of the table's own number format (float16 or float32), fewer rows where some are left out.
    """
    left_out = np.zeros(0, np.int64) if without is None else without
    shape = (vectors.shape[0] - len(left_out), vectors.width)
    if not shape[0]:
        raise InputError(f"{vectors.source}: no row of {vectors.vector_column!r} holds a vector")
    out, at, row = np.lib.format.open_memmap(path, "w+", vectors.dtype, shape), 0, 0
    for group in vectors.groups:
        for block in vectors.blocks(group):
            first, end = np.searchsorted(left_out, (row, row + len(block)))
            kept = np.delete(block, left_out[first:end] - row, axis=0) if end > first else block
            out[at : at + len(kept)] = kept
            at, row = at + len(kept), row + len(block)
    out.flush()
    return np.load(path, mmap_mode="r")


def vector_table(ids: Sequence[Any], vectors: np.ndarray, fingerprint: Fingerprint | None = None, **more: Any) -> Any:
    """A pyarrow table as :class:`ParquetVectors` reads it: columns ``id``, ``vector`` (fixed-size list of the array's floats), and more."""
    with needs("tables", "Parquet"):
        import pyarrow as pa

    column = pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(vectors).ravel()), vectors.shape[1])
    table = pa.table({"id": pa.array(ids), "vector": column, **more})
    return table if fingerprint is None else table.replace_schema_metadata({FINGERPRINT: json.dumps(fingerprint).encode()})

"""Vectors in Parquet, on any filesystem that pyarrow knows: an id and a fixed-size list of floats a row."""

from __future__ import annotations

import bisect
import contextlib
import json
import posixpath
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from .fingerprint import Fingerprint

SUFFIXES = (".parquet", ".pq")
BLOCK_ROWS = 1 << 15
"""Rows that are decoded, written or sent at once (50 MB of float16 at width 768)."""
FINGERPRINT = b"latentdiff.fingerprint"
"""Key of the encoder's fingerprint (JSON) in the metadata of a file's schema."""


@dataclass(frozen=True)
class RowGroup:
    """One row group of one file."""

    path: str
    number: int
    start: int
    """Its first row among all rows of the table."""
    rows: int


@dataclass(eq=False)
class ParquetVectors:
    """Vectors that lie in a Parquet file or in a folder of them (in the order of their names); nothing is read before it is asked for.

    Args:
        source: path or URI (``s3://``, ``gs://``, ``file://``, ...) of a file or a folder. Its one column of lists of floats, or the one
            named ``vector``, holds the vectors; the column ``id``, or else the first other one of texts or integers, says whose they are.

    Raises:
        InputError: nothing there that fits.
    """

    source: str
    groups: tuple[RowGroup, ...] = field(init=False)
    id_column: str | None = field(init=False)
    vector_column: str = field(init=False)
    fingerprint: Fingerprint | None = field(init=False)
    width: int = field(init=False)

    def __post_init__(self) -> None:
        import pyarrow.parquet as pq

        self._path = ""
        groups, start, schema = [], 0, None
        filesystem, paths = files_of(self.source)
        for path in paths:
            with _readable(path), filesystem.open_input_file(path) as f:
                parquet = pq.ParquetFile(f)
                if schema is None:
                    schema = parquet.schema_arrow
                    self.id_column, self.vector_column = _columns(schema, self.source)
                elif parquet.schema_arrow.names != schema.names:
                    raise InputError(f"{path} has the columns {parquet.schema_arrow.names}, the first file {schema.names}; use one table")
                for number in range(parquet.num_row_groups):
                    rows = parquet.metadata.row_group(number).num_rows
                    groups.append(RowGroup(path, number, start, rows))
                    start += rows
        self.groups = tuple(g for g in groups if g.rows)
        if schema is None or not self.groups:
            raise InputError(f"{self.source} holds no rows")
        self.fingerprint = _fingerprint((schema.metadata or {}).get(FINGERPRINT), self.source)
        kind = schema.field(self.vector_column).type
        self.width = kind.list_size if hasattr(kind, "list_size") else self._first_width()

    @property
    def shape(self) -> tuple[int, int]:
        """(n, d)."""
        return self.groups[-1].start + self.groups[-1].rows, self.width

    @cached_property
    def ids(self) -> ParquetIds:
        """What each row is."""
        return ParquetIds(self)

    def blocks(self, group: RowGroup) -> Iterator[np.ndarray]:
        """The vectors of a row group, (at most ``BLOCK_ROWS``, d) float16 or float32 at a time.

        Raises:
            InputError: rows without a vector, or vectors of different widths.
        """
        for table in self._batches(group, self.vector_column):
            yield self._matrix(table.column(0), group)

    def id_blocks(self, group: RowGroup) -> Iterator[list[Any]]:
        """The ids of a row group in the same portions; row numbers where the table has no ids."""
        if self.id_column is None:
            yield list(range(group.start, group.start + group.rows))
            return
        for table in self._batches(group, self.id_column):
            with _readable(group.path):  # texts that are no UTF-8 are found only now
                made = table.column(0).to_pylist()
            yield made

    def _batches(self, group: RowGroup, column: str) -> Iterator[Any]:
        import pyarrow.parquet as pq

        filesystem, _ = filesystem_of(self.source)
        rows = 0
        with _readable(group.path), filesystem.open_input_file(group.path) as f:
            for batch in pq.ParquetFile(f).iter_batches(BLOCK_ROWS, row_groups=[group.number], columns=[column], use_threads=False):
                rows += len(batch)
                yield batch
        if rows != group.rows:
            raise InputError(f"{group.path} is damaged: it says it has {group.rows:,} rows and has {rows:,}; write it anew")

    def _matrix(self, column: Any, group: RowGroup) -> np.ndarray:
        values = column.flatten()
        if column.null_count or values.null_count or len(values) != len(column) * self.width:
            raise InputError(f"{group.path} has rows without a vector of {self.width} numbers; write NaN vectors for images that failed")
        x = values.to_numpy(zero_copy_only=False).reshape(len(column), self.width)
        if x.dtype == np.float64:
            with np.errstate(over="ignore"):  # what overflows is infinite, and reported as such
                x = x.astype(np.float32)
        return x

    def _first_width(self) -> int:
        first = next(self._batches(self.groups[0], self.vector_column)).column(0)
        return len(first[0]) if first[0].is_valid else 0


class ParquetIds(Sequence):
    """Ids by row, read from where they lie; the last block read is kept."""

    def __init__(self, vectors: ParquetVectors) -> None:
        self._vectors = vectors
        self._starts = [g.start for g in vectors.groups]
        self._kept: tuple[int, list[Any]] = (-1, [])

    def __len__(self) -> int:
        return self._vectors.shape[0]

    def __getitem__(self, row: Any) -> Any:
        if not -len(self) <= row < len(self):
            raise IndexError(row)
        row %= len(self)
        group = bisect.bisect_right(self._starts, row) - 1
        if self._kept[0] != group:
            self._kept = (group, [i for block in self._vectors.id_blocks(self._vectors.groups[group]) for i in block])
        return self._kept[1][row - self._starts[group]]


@contextlib.contextmanager
def _readable(path: str) -> Iterator[None]:
    """What pyarrow says of a damaged file, in our words."""
    import pyarrow as pa

    try:
        yield
    except InputError:
        raise
    except (pa.ArrowException, OSError, ValueError, OverflowError) as e:
        raise InputError(f"{path} cannot be read as Parquet: {str(e).strip()[:300]}; write it anew") from e


def _fingerprint(said: bytes | None, source: str) -> Fingerprint | None:
    if not said:
        return None
    try:
        fingerprint = json.loads(said)
    except (ValueError, RecursionError) as e:
        raise InputError(f"{source} has a damaged note on its encoder: {e}; write it anew") from e
    if not isinstance(fingerprint, dict):
        raise InputError(f"{source} has a note on its encoder that is no fingerprint; write it anew")
    return fingerprint


def is_parquet(source: str) -> bool:
    """Whether a name is that of vectors in Parquet: a file ``.parquet`` or ``.pq``, a folder that holds some, or a URI."""
    if "://" in source or source.endswith(SUFFIXES):
        return True
    folder = Path(source).expanduser()
    return folder.is_dir() and any(p.suffix in SUFFIXES and not p.name.startswith((".", "_")) for p in folder.iterdir())


def to_memmap(vectors: ParquetVectors, path: str | Path) -> np.ndarray:
    """All vectors as one array on disk, written a block at a time: what a comparison on one machine reads many times.

    Args:
        vectors: (n, d) rows.
        path: a new ``.npy`` file.

    Returns:
        (n, d) read-only memory map of the table's own number format (float16 or float32).
    """
    out, at = None, 0
    for group in vectors.groups:
        for block in vectors.blocks(group):
            if out is None:
                out = np.lib.format.open_memmap(path, "w+", block.dtype, vectors.shape)
            out[at : at + len(block)] = block
            at += len(block)
    assert out is not None
    out.flush()
    return np.load(path, mmap_mode="r")


def vector_table(ids: Sequence[Any], vectors: np.ndarray, fingerprint: Fingerprint | None = None, **more: Any) -> Any:
    """A pyarrow table as :class:`ParquetVectors` reads it: columns ``id``, ``vector`` (fixed-size list of the array's floats), and more."""
    import pyarrow as pa

    column = pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(vectors).ravel()), vectors.shape[1])
    table = pa.table({"id": pa.array(ids), "vector": column, **more})
    return table if fingerprint is None else table.replace_schema_metadata({FINGERPRINT: json.dumps(fingerprint).encode()})


def write_table(table: Any, path: str) -> None:
    """Write a Parquet file, whole or not at all; vectors are stored plain, since their mantissas compress no further.

    Args:
        table: a pyarrow table, or an iterator of tables of one schema, none of which need fit into memory with another.
        path: local path or URI; folders are made.
    """
    import pyarrow.parquet as pq

    filesystem, place = filesystem_of(path)
    folder = posixpath.dirname(place)
    if folder:
        filesystem.create_dir(folder, recursive=True)
    hidden = posixpath.join(folder, f".{posixpath.basename(place)}.{uuid.uuid4().hex[:8]}.tmp")
    parts = iter([table] if hasattr(table, "schema") else table)
    first = next(parts)
    plain = [n for n in first.schema.names if n != "vector"]
    try:
        with filesystem.open_output_stream(hidden) as f, pq.ParquetWriter(f, first.schema, compression="none", use_dictionary=plain) as out:
            out.write_table(first, BLOCK_ROWS)
            for part in parts:
                out.write_table(part, BLOCK_ROWS)
        filesystem.move(hidden, place)
    except BaseException:
        if filesystem.get_file_info(hidden).is_file:
            filesystem.delete_file(hidden)
        raise


def filesystem_of(source: str) -> tuple[Any, str]:
    """The pyarrow filesystem of a path or URI, and the path in it.

    Raises:
        InputError: a URI of no filesystem that this pyarrow knows.
    """
    from pyarrow import fs

    if "://" not in source:
        return fs.LocalFileSystem(), str(Path(source).expanduser().absolute())
    try:
        return fs.FileSystem.from_uri(source)
    except Exception as e:
        raise InputError(f"{source} is on no filesystem that pyarrow can open here: {e}") from e


def files_of(source: str) -> tuple[Any, list[str]]:
    """The filesystem and the Parquet files of a file or folder, in the order of their names.

    Raises:
        InputError: there are none.
    """
    from pyarrow import fs

    filesystem, place = filesystem_of(source)
    try:
        info = filesystem.get_file_info(place)
        found = [info]
        if info.type == fs.FileType.Directory:
            found = filesystem.get_file_info(fs.FileSelector(place, recursive=True))
    except OSError as e:
        raise InputError(f"{source} cannot be opened: {e}") from e
    # Hidden files are half-written ones, or another program's notes.
    paths = sorted(i.path for i in found if i.is_file and i.base_name.endswith(SUFFIXES) and not i.base_name.startswith((".", "_")))
    if not paths:
        raise InputError(f"{source} holds no Parquet files ({', '.join(SUFFIXES)})")
    return filesystem, paths


def _columns(schema: Any, source: str) -> tuple[str | None, str]:
    """Names of the id column and the vector column."""
    import pyarrow as pa

    def of_floats(kind: Any) -> bool:
        lists = pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind)
        return lists and pa.types.is_floating(kind.value_type)

    vectors = [f.name for f in schema if of_floats(f.type)]
    vectors = ["vector"] if "vector" in vectors else vectors
    if len(vectors) != 1:
        raise InputError(
            f"{source} needs one column of lists of floats, or one named 'vector'; its columns are "
            + ", ".join(f"{f.name} ({f.type})" for f in schema)[:300]
        )
    named = [f.name for f in schema if pa.types.is_string(f.type) or pa.types.is_large_string(f.type) or pa.types.is_integer(f.type)]
    return ("id" if "id" in schema.names else next(iter(named), None)), vectors[0]

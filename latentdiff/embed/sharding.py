"""Images to shards of vectors in Parquet: each shard is made alone, by any process, and written whole or not at all."""

from __future__ import annotations

import contextlib
import json
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..compute.extras import needs
from ..compute.temporary import temporary_folder
from ..errors import InputError
from .encoder import Encoder, load_encoder
from .filesystem import below, files_of, filesystem_of, write_table
from .parquet import vector_table
from .ranges import DEEP, NO_RANGES, Ranges

SHARD_ROWS = 1 << 12
"""Images a shard: the most work that a worker's end loses."""
FETCHED = 256
"""Pictures held as temporary files at once, where they come as bytes or from afar."""


@dataclass(frozen=True)
class ShardTask:
    """Which images become which file."""

    out: str
    """Path or URI of the file."""
    ids: tuple[Any, ...] = ()
    """What the images are called; empty where ``table`` says."""
    paths: tuple[str, ...] = ()
    """Image files, local or URIs."""
    table: str = ""
    """A Parquet file to read them from, in place of paths."""
    group: int = 0
    """Its row group."""
    rows: tuple[int, int] = (0, 0)
    """First row and end within the row group."""
    ranges: Ranges = NO_RANGES
    """What is drawn black and white in deep pictures, the same for all tasks; of kinds without a range, each by its own values."""


@dataclass(frozen=True)
class Shard:
    """What became of a task."""

    rows: int
    failed: int
    kept: bool
    """It was there already."""


def plan_shards(source: str | Sequence[str], out: str, shard_rows: int = SHARD_ROWS) -> list[ShardTask]:
    """How images are cut into shards.

    Args:
        source: files (ids are their paths), or a Parquet file or folder with a column ``bytes`` (pictures as they are in their files) or
            ``path``, and, where there is one, ``id`` (else the path, else the row number).
        out: folder of the shards, path or URI.
        shard_rows: images a shard, >= 1.

    Raises:
        InputError: no images, or a table without such a column.
    """
    with needs("tables", "Parquet"):
        import pyarrow.parquet as pq

    if shard_rows < 1:
        raise InputError(f"shard_rows must be at least 1, not {shard_rows}")

    def name(number: int) -> str:
        return below(out, f"part-{number:08d}.parquet")

    if not isinstance(source, str):
        paths = tuple(source)
        pieces = [paths[start : start + shard_rows] for start in range(0, len(paths), shard_rows)]
        if not pieces:
            raise InputError("there are no images to embed")
        return [ShardTask(name(i), piece, piece) for i, piece in enumerate(pieces)]
    tasks: list[ShardTask] = []
    filesystem, files = files_of(source)
    for path in files:
        with filesystem.open_input_file(path) as f:
            parquet = pq.ParquetFile(f)
            _picture_column(parquet.schema_arrow.names, path)
            for group in range(parquet.num_row_groups):
                rows = parquet.metadata.row_group(group).num_rows
                for start in range(0, rows, shard_rows):
                    whole = _uri(source, path)
                    cut = (start, min(start + shard_rows, rows))
                    tasks.append(ShardTask(name(len(tasks)), table=whole, group=group, rows=cut))
    return tasks


class ShardEncoder:
    """Makes shards with one encoder; every worker process builds its own.

    Args:
        name, pretrained, device, dtype: as :func:`~latentdiff.load_encoder`; or a ready :class:`Encoder` as ``name``.
        vector_dtype: "float16" (half the disk, enough for any comparison) or "float32".
    """

    def __init__(
        self, name: str | Encoder, pretrained: str | None = None, device: Any = None, dtype: Any = None, vector_dtype: str = "float16"
    ) -> None:
        if vector_dtype not in ("float16", "float32"):
            raise InputError(f'vectors are written as "float16" or "float32", not {vector_dtype!r}')
        self.encoder = name if isinstance(name, Encoder) else load_encoder(name, pretrained, device=device, dtype=dtype)
        self.vector_dtype = np.dtype(vector_dtype)

    def make(self, task: ShardTask) -> Shard:
        """Encode a task's images and write its shard; one that is there already, by the same encoder, stays."""
        there = _finished(task.out, self.encoder.fingerprint)
        if there is not None:
            return there
        ids, pictures = (task.ids, task.paths) if not task.table else pictures_of(task)
        vectors = np.full((len(ids), self.encoder.width), np.nan, np.float32)
        reasons: list[str | None] = [None] * len(ids)
        for start in range(0, len(ids), FETCHED):
            with as_files(pictures[start : start + FETCHED]) as files:
                encoded = self.encoder.encode_images(files, ranges=task.ranges)
            vectors[start : start + len(files)] = encoded.vectors
            for row, reason in encoded.failures.items():
                reasons[start + row] = reason
        with np.errstate(over="ignore"):
            stored = vectors.astype(self.vector_dtype)
        for row in np.flatnonzero(np.isfinite(vectors).all(1) & ~np.isfinite(stored).all(1)).tolist():
            stored[row], reasons[row] = np.nan, f"its vector is too large for {self.vector_dtype}; write float32"
        import pyarrow as pa

        table = vector_table(ids, stored, self.encoder.fingerprint, error=pa.array(reasons, pa.string()))
        drawn = {**table.schema.metadata, DEEP: json.dumps(task.ranges.to_dict()).encode()}
        write_table(table.replace_schema_metadata(drawn), task.out)
        return Shard(len(ids), sum(r is not None for r in reasons), False)


def _finished(out: str, fingerprint: dict[str, Any]) -> Shard | None:
    """The shard that is there; None where there is none."""
    import pyarrow.parquet as pq

    from .fingerprint import disagreement
    from .parquet import ParquetVectors

    filesystem, place = filesystem_of(out)
    if not filesystem.get_file_info(place).is_file:
        return None
    stored = ParquetVectors(out)
    other = disagreement(stored.fingerprint, fingerprint) if stored.fingerprint else ""
    if other:
        raise InputError(f"{out} was made by another encoder: {other}; use another folder")
    with filesystem.open_input_file(place) as f:
        errors = pq.ParquetFile(f).read(columns=["error"]).column(0)
    return Shard(len(errors), len(errors) - errors.null_count, True)


def _picture_column(names: Sequence[str], path: str) -> str:
    for name in ("bytes", "path"):
        if name in names:
            return name
    raise InputError(f"{path} needs a column 'bytes' (pictures) or 'path' (their files); it has {', '.join(names)[:200]}")


def _uri(source: str, path: str) -> str:
    """A file below ``source`` as it can be opened by itself."""
    return f"{source.split('://')[0]}://{path}" if "://" in source else path


def pictures_of(task: ShardTask) -> tuple[Sequence[Any], Sequence[Any]]:
    """Ids and pictures (bytes or paths) of a piece of a table.

    Args:
        task: with a table.
    """
    import pyarrow.parquet as pq

    filesystem, place = filesystem_of(task.table)
    with filesystem.open_input_file(place) as f:
        parquet = pq.ParquetFile(f)
        names = parquet.schema_arrow.names
        column = _picture_column(names, task.table)
        wanted = [column, *(n for n in ("id", "path") if n in names and n != column)]
        start, end = task.rows
        table = parquet.read_row_group(task.group, columns=wanted).slice(start, end - start)
    pictures = table.column(column).to_pylist()
    named = next((n for n in ("id", "path") if n in wanted), None)
    if named:
        return table.column(named).to_pylist(), pictures
    return [f"{posixpath.basename(place)}:{task.group}:{start + i}" for i in range(len(pictures))], pictures


@contextlib.contextmanager
def as_files(pictures: Sequence[Any]) -> Any:
    """Pictures as local files, which is what the decoder checks best: bytes and files from afar are written down first.

    Args:
        pictures: paths, URIs, or bytes.
    """
    with temporary_folder() as folder:
        files = []
        for i, picture in enumerate(pictures):
            if isinstance(picture, str) and "://" not in picture:
                files.append(picture)
                continue
            files.append(str(Path(folder, str(i))))
            data = None
            with contextlib.suppress(OSError):  # then there is no such file, and the image fails alone
                data = _fetch(picture) if isinstance(picture, str) else picture or b""
            if data is not None:
                _write(Path(files[-1]), data)
        yield files


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as e:  # the disk's fault, not the image's: a shard that says so of images would stay
        raise OSError(e.errno, f"cannot be written ({e.strerror}); free space, or set TMPDIR to another folder", str(path)) from e


def _fetch(uri: str) -> bytes:
    filesystem, place = filesystem_of(uri)
    with filesystem.open_input_stream(place) as f:
        return bytes(f.read())

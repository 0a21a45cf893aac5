"""A comparison of views handed to a Ray cluster: vectors leave the database in chunks, by id, and are never in memory together."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import uuid
import weakref
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from latentdiff.compute.temporary import make_folder, remove_folder, temporary_folder
from latentdiff.progress import Progress, part, silent
from latentdiff.results.comparison import Comparison
from latentdiff.scale.engine import Engine

from .sides import Side
from .vectors import (
    AHEAD,
    CHUNK,
    THREADS,
    Vectors,
    _documents,
    _joined,
    _mixed,
    _Part,
    _part,
    _stored_path,
    count_left_out,
    first_of_each,
    read_vectors,
)

ROWS = 1 << 15


@dataclasses.dataclass(frozen=True)
class Spilled(Vectors):
    """Vectors of a side whose values are a file, mapped; it goes when they do."""

    def take(self, keep: np.ndarray) -> Spilled:
        """Only the rows where ``keep`` (n,) bool is true, copied from file to file a chunk at a time."""
        if keep.all():
            return self
        folder = make_folder()
        values = np.lib.format.open_memmap(folder / "values.npy", "w+", self.values.dtype, (int(keep.sum()), self.values.shape[1]))
        at = 0
        for start in range(0, len(keep), ROWS):
            some = self.values[start : start + ROWS][keep[start : start + ROWS]]
            values[at : at + len(some)] = some
            at += len(some)
        return _owning(folder, self.ids[keep], self.samples[keep], values, self.missing, self.repeated)


def spill_vectors(side: Side, progress: Progress = silent) -> Vectors:
    """:func:`~fiftyone_plugin.vectors.read_vectors` into a file: memory does not grow with the vectors, only with their ids.

    Raises:
        InputError: vectors of different widths, or values that are no vectors.
    """
    if side.index:  # it is in memory whole, whatever one asks of it
        return read_vectors(side, progress)
    folder = make_folder()
    try:
        return _spill(side, folder, progress)
    except BaseException:
        remove_folder(folder)
        raise


def _spill(side: Side, folder: Path, progress: Progress) -> Vectors:
    ids: list[list[str]] = []
    samples: list[list[str]] = []
    first: np.ndarray | None = None
    without: list[list[str]] = []
    with (folder / "values").open("wb") as out:
        for piece in _pieces(side, progress):
            without.append(piece.missing)
            if not piece.ids:
                continue
            first = piece.values[:1].astype(np.result_type(piece.values.dtype, np.float16)) if first is None else first
            if piece.values.shape[1] != first.shape[1]:
                raise _mixed(side, piece.ids[0], piece.values.shape[1], first.shape[1])
            out.write(np.ascontiguousarray(piece.values, first.dtype).data)
            ids.append(piece.ids)
            samples.append(piece.samples)
    names = _joined(ids)
    missing, again = count_left_out(names, without)
    if first is None:
        remove_folder(folder)
        return Vectors(names, names, np.empty((0, 0), np.float32), missing, again)
    values = np.memmap(folder / "values", first.dtype, "r", shape=(len(names), first.shape[1]))
    read = _owning(folder, names, _joined(samples) if side.labels else names, values, missing, again)
    return read.take(first_of_each(names))


def _pieces(side: Side, progress: Progress) -> Iterator[_Part]:
    """What batches of documents hold, in order, decoded in threads, few at a time."""
    path, total, seen = _stored_path(side), max(1, side.view.count()), 0
    waiting: deque[Future[_Part]] = deque()
    with ThreadPoolExecutor(THREADS) as pool, contextlib.closing(_documents(side, path)) as documents:
        while chunk := list(itertools.islice(documents, CHUNK)):
            waiting.append(pool.submit(_part, side, path, chunk))
            seen += len(chunk)
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
            progress(min(1.0, seen / total), f"reading {side.name}")
        while waiting:
            yield waiting.popleft().result()


def _owning(folder: Path, ids: np.ndarray, samples: np.ndarray, values: np.ndarray, missing: int, again: int) -> Spilled:
    spilled = Spilled(ids, samples, values, missing, again)
    weakref.finalize(spilled, remove_folder, folder)
    return spilled


def compare_on_cluster(sides: tuple[Vectors, Vectors], engine: Engine, progress: Progress, **options: Any) -> Comparison:
    """Write both sides to Parquet by id, in chunks, and compare them there: row i of the result is id i.

    Args:
        sides: what is to be compared.
        engine: the cluster, and a folder or URI that all its machines can read.
        progress: ``progress(fraction, label)``.
        options: further arguments of :func:`latentdiff.scale.parquet.compare_parquet`.

    Raises:
        InputError: no Ray.
    """
    from latentdiff.embed.filesystem import below, filesystem_of, write_table
    from latentdiff.embed.parquet import vector_table
    from latentdiff.scale import parquet as scale

    with temporary_folder() as local:
        folder = below(engine.exchange or str(local), f"latentdiff-{uuid.uuid4().hex[:12]}")

        def tables(side: str, read: Vectors) -> Iterator[Any]:
            for start in range(0, len(read), ROWS):
                values = np.asarray(read.values[start : start + ROWS])
                kind = values.dtype if values.dtype in (np.float16, np.float32) else np.float32
                # Told apart by side: two datasets may hold equal ids of different images, and what is on both sides has left them.
                yield vector_table([side + i for i in read.ids[start : start + ROWS].tolist()], values.astype(kind, copy=False))

        try:
            for name, read in zip("ab", sides, strict=True):
                write_table(tables(name, read), below(folder, f"{name}.parquet"))
                progress(0.1, "handing vectors to the cluster")
            return scale.compare_parquet(
                below(folder, "a.parquet"), below(folder, "b.parquet"), engine=engine, progress=part(progress, 0.1, 1.0), **options
            )
        finally:
            filesystem, place = filesystem_of(folder)
            with contextlib.suppress(OSError):
                filesystem.delete_dir(place)

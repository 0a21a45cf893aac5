"""Embed many images into a vector store, resuming where an earlier run stopped."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..progress import Progress, silent
from .encoder import Encoder
from .ranges import common_ranges
from .shards import Stamp, file_stamp
from .vectors import VectorStore

if TYPE_CHECKING:
    from .images import Source


@dataclass(frozen=True)
class Stored:
    """What a run did."""

    encoded: int
    """Images that went through the encoder or failed in this run."""
    kept: int
    """Images whose vector was there already."""
    changed: tuple[str, ...] = ()
    """Ids whose file had changed since its vector was made; encoded again."""
    failures: dict[str, str] = field(default_factory=dict)
    """Reason per failed id, this run's and earlier ones' alike."""


def encode_to_store(
    encoder: Encoder,
    ids: Sequence[str],
    paths: Sequence[Source],
    store: VectorStore,
    *,
    shard_rows: int = 4096,
    batch_size: int | None = None,
    workers: int | None = None,
    progress: Progress = silent,
) -> Stored:
    """Vectors of images that the store does not have yet, appended shard by shard.

    Args:
        encoder: must have the store's fingerprint.
        ids: n different ids.
        paths: n files.
        store: open store; damaged shards in it are made anew. Deep pictures are drawn with its range, or one chosen for these and kept.
        shard_rows: images per shard, >= 1: the most work that a killed process loses.
        batch_size: images per forward pass; None as :meth:`Encoder.encode_images`.
        workers: decoding threads; None as :meth:`Encoder.encode_images`.
        progress: called after each batch.

    Returns:
        :class:`Stored`. A failed image is remembered with its reason and tried again once its file changes.

    Raises:
        InputError: for lengths or ids that do not fit.
        CheckpointError: where the store is another encoder's, or being written by another process.
    """
    if len(ids) != len(paths) or len(set(ids)) != len(ids):
        raise InputError(f"{len(ids)} ids ({len(set(ids))} different) for {len(paths)} paths: every path needs its own id")
    if shard_rows < 1:
        raise InputError(f"shard_rows must be at least 1, not {shard_rows}")
    VectorStore(store.folder, fingerprint=encoder.fingerprint, width=encoder.width)  # raises where another encoder made it
    with store.writing():
        store.drop_damaged()
        stamps = [file_stamp(p) for p in paths]  # before the files are read: a change while reading is seen next time
        todo = [i for i, key in enumerate(ids) if store.stamp(key) != stamps[i]]
        changed = tuple(ids[i] for i in todo if ids[i] in store)
        ranges = store.ranges.filled(common_ranges(paths)) if todo else store.ranges
        store.keep_ranges(ranges)  # before the first vector: a later run draws as this one does
        pending = _Pending(store)
        done = 0
        made = encoder.iter_vectors([paths[i] for i in todo], batch_size=batch_size, workers=workers, ranges=ranges)
        with contextlib.closing(made) as pieces:
            for start, vectors, failed in pieces:
                rows = todo[start : start + len(vectors)]
                pending.add([ids[i] for i in rows], vectors, [stamps[i] for i in rows], {r - start: why for r, why in failed.items()})
                if pending.rows >= shard_rows:
                    pending.flush()
                done = start + len(rows)
                progress(done / len(todo), f"{done:,} of {len(todo):,} images")
        pending.flush()
    wanted = set(ids)
    failures = {key: reason for key, reason in store.failures().items() if key in wanted}
    return Stored(encoded=done, kept=len(ids) - len(todo), changed=changed, failures=failures)


class _Pending:
    """Rows that wait for their shard to fill."""

    def __init__(self, store: VectorStore) -> None:
        self._store = store
        self._clear()

    def _clear(self) -> None:
        self._ids: list[str] = []
        self._vectors: list[np.ndarray] = []
        self._stamps: list[Stamp] = []
        self._failures: dict[int, str] = {}

    @property
    def rows(self) -> int:
        return len(self._ids)

    def add(self, ids: list[str], vectors: np.ndarray, stamps: list[Stamp], failures: dict[int, str]) -> None:
        self._failures |= {len(self._ids) + row: reason for row, reason in failures.items()}
        self._ids += ids
        self._stamps += stamps
        self._vectors.append(vectors)

    def flush(self) -> None:
        if self._ids:
            self._store.append(self._ids, np.concatenate(self._vectors), stamps=self._stamps, failures=self._failures)
            self._clear()

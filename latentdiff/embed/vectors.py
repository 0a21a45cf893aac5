"""Vectors on disk: shards, ids, fingerprint, resume."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..compute.cache import write_atomic
from ..compute.locks import locked
from ..errors import CheckpointError, InputError
from .fingerprint import Fingerprint, disagreement
from .ranges import Ranges
from .shards import Shard, Stamp, checksum, read_shard, record_of, sync_folder

FORMAT = 1


class VectorStore:
    """A folder of vectors that grows shard by shard and survives being killed.

    ``manifest.json`` holds format, width, fingerprint, and the range of deep pictures where there are any. Shard k is ``k.npy`` ((rows, d)
    float32) and ``k.json`` (ids, stamps of the source files, failures, checksum of the npy). Both are written to a temporary file, synced
    and renamed; the json comes last, so a shard is there wholly or not at all. An id that appears again in a later shard replaces its
    earlier row.
    """

    def __init__(self, folder: str | os.PathLike, *, fingerprint: Fingerprint | None = None, width: int | None = None) -> None:
        """Open a store, or make one.

        Args:
            folder: the store's folder.
            fingerprint: of the encoder that will write; needed to make a store; must agree with the one on disk.
            width: vector width d, > 0; needed to make a store.

        Raises:
            CheckpointError: where there is no store and none can be made, or it is damaged or another encoder's.
        """
        self.folder = Path(folder)
        if (self.folder / "manifest.json").is_file():
            manifest = record_of(self.folder / "manifest.json")
        elif fingerprint is None or width is None:
            raise CheckpointError(f"{self.folder} holds no vectors (no manifest.json)")
        else:
            manifest = {"format": FORMAT, "width": int(width), "fingerprint": dict(fingerprint)}
            write_atomic(self.folder / "manifest.json", json.dumps(manifest, indent=1).encode())
        if manifest.get("format") != FORMAT:
            raise CheckpointError(f"{self.folder} has format {manifest.get('format')!r}; this version reads {FORMAT}. Update latentdiff.")
        self.width, self.fingerprint = manifest.get("width", 0), manifest.get("fingerprint", {})
        if type(self.width) is not int or self.width < 1 or not isinstance(self.fingerprint, dict):
            raise CheckpointError(f"{self.folder / 'manifest.json'} is damaged: it lacks width or fingerprint; embed into another folder")
        other = disagreement(fingerprint, self.fingerprint) if fingerprint is not None else ""
        if other or (width is not None and width != self.width):
            raise CheckpointError(f"{self.folder} was made by another encoder: {other or f'width {self.width}'}; use another folder")
        self._ranges = _ranges_of(manifest, self.folder)
        self._shards = [read_shard(p) for p in sorted(self.folder.glob("[0-9]*.json"))]
        self._where: dict[str, tuple[int, int]] = {}
        for s in range(len(self._shards)):
            self._index(s)

    @property
    def ranges(self) -> Ranges:
        """What is drawn black and white in deep pictures of all its images; kinds that it has not met have none."""
        return self._ranges

    def keep_ranges(self, ranges: Ranges) -> None:
        """Record what is drawn black and white in deep pictures, for this run and later ones.

        Args:
            ranges: of all that the store holds and will hold.
        """
        if ranges != self._ranges:
            manifest = {"format": FORMAT, "width": self.width, "fingerprint": self.fingerprint, "deep": ranges.to_dict()}
            write_atomic(self.folder / "manifest.json", json.dumps(manifest, indent=1).encode())
            sync_folder(self.folder)
            self._ranges = ranges

    def __len__(self) -> int:
        """Number of different ids."""
        return len(self._where)

    def __contains__(self, key: str) -> bool:
        return key in self._where

    def stamp(self, key: str) -> Stamp | None:
        """Stamp of the file when its vector was made; None for an unknown id."""
        place = self._where.get(key)
        return None if place is None else self._shards[place[0]].stamps[place[1]]

    def failures(self) -> dict[str, str]:
        """Reason per id that failed."""
        return {s.ids[r]: reason for n, s in enumerate(self._shards) for r, reason in s.failures.items() if self._where[s.ids[r]] == (n, r)}

    def append(self, ids: Sequence[str], vectors: np.ndarray, *, stamps: Sequence[Stamp], failures: dict[int, str] | None = None) -> None:
        """Write one shard; when this returns it is on disk.

        Args:
            ids: b different ids.
            vectors: (b, d) float32; NaN rows where an image failed.
            stamps: b stamps of the source files.
            failures: reason per failed row of ``vectors``.

        Raises:
            InputError: for shapes or ids that do not fit.
        """
        vectors = np.ascontiguousarray(vectors, np.float32)
        if vectors.shape != (len(ids), self.width) or len(stamps) != len(ids):
            raise InputError(f"{len(ids)} ids, {len(stamps)} stamps and vectors of shape {vectors.shape} do not fit (width {self.width})")
        if len(set(ids)) != len(ids):
            raise InputError("the ids of a shard must differ")
        if not len(ids):
            return
        buffer = io.BytesIO()
        np.save(buffer, vectors)
        name = f"{int(self._shards[-1].name) + 1 if self._shards else 0:08d}"
        shard = Shard(name, list(ids), [(int(a), int(b)) for a, b in stamps], dict(failures or {}), checksum(buffer.getvalue()))
        write_atomic(self.folder / f"{name}.npy", buffer.getvalue())
        record = {"ids": shard.ids, "stamps": shard.stamps, "failures": shard.failures, "checksum": shard.checksum}
        write_atomic(self.folder / f"{name}.json", json.dumps(record).encode())
        sync_folder(self.folder)
        self._shards.append(shard)
        self._index(len(self._shards) - 1)

    def chunks(self, *, check: bool = True) -> Iterator[tuple[list[str], np.ndarray]]:
        """All vectors, shard by shard.

        Args:
            check: compare each shard with its checksum before it is used.

        Yields:
            (ids, (b, d) float32): a read-only memory map, or a copy where some rows were replaced later.

        Raises:
            CheckpointError: for a shard that is missing or damaged.
        """
        for n, shard in enumerate(self._shards):
            rows = [r for r, key in enumerate(shard.ids) if self._where[key] == (n, r)]
            if not rows:
                continue
            if check and not self._intact(shard):
                raise CheckpointError(f"{self.folder / shard.name}.npy is missing or damaged; embed again into this folder to make it anew")
            array = self._array(shard)
            yield ([shard.ids[r] for r in rows], array if len(rows) == len(shard.ids) else array[rows])

    def _array(self, shard: Shard) -> np.ndarray:
        path = self.folder / f"{shard.name}.npy"
        try:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError, SyntaxError, RecursionError) as e:
            raise CheckpointError(f"{path} is missing or damaged ({e}); embed again into this folder to make it anew") from e
        if array.shape != (len(shard.ids), self.width) or array.dtype != np.float32:
            raise CheckpointError(f"{path} holds {array.dtype} of shape {array.shape}, its record says ({len(shard.ids)}, {self.width})")
        return array

    def read(self, ids: Sequence[str], *, check: bool = True) -> np.ndarray:
        """(n, d) float32, row i for ``ids[i]``; NaN rows for images that failed.

        Raises:
            InputError: for an id that is not in the store.
            CheckpointError: for a damaged shard.
        """
        missing = [i for i in ids if i not in self._where]
        if missing:
            raise InputError(f"{len(missing)} ids have no vector in {self.folder}, first {missing[0]!r}")
        wanted: dict[str, list[int]] = {}
        for row, key in enumerate(ids):
            wanted.setdefault(key, []).append(row)
        out = np.empty((len(ids), self.width), np.float32)
        for keys, array in self.chunks(check=check):
            pairs = [(row, r) for r, key in enumerate(keys) for row in wanted.get(key, ())]
            if pairs:
                rows, sources = zip(*pairs, strict=True)
                out[list(rows)] = array[list(sources)]
        return out

    def drop_damaged(self) -> int:
        """Forget shards whose checksum does not hold, and remove left-over temporary files; returns the number of shards dropped."""
        for left in self.folder.glob(".tmp-*"):
            left.unlink(missing_ok=True)
        bad = [s for s in self._shards if not self._intact(s)]
        for shard in bad:
            (self.folder / f"{shard.name}.json").unlink(missing_ok=True)
            (self.folder / f"{shard.name}.npy").unlink(missing_ok=True)
        self._shards = [s for s in self._shards if s not in bad]
        self._where = {}
        for n in range(len(self._shards)):
            self._index(n)
        return len(bad)

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the store against other writers; the lock ends with the process, however it ends.

        Raises:
            CheckpointError: where another process is writing.
        """
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(locked(self.folder / "lock", wait=False))
            except BlockingIOError as e:
                raise CheckpointError(f"{self.folder} is being written by another process; wait for it or use another folder") from e
            yield

    def _index(self, n: int) -> None:
        for row, key in enumerate(self._shards[n].ids):
            self._where[key] = (n, row)

    def _intact(self, shard: Shard) -> bool:
        try:
            return checksum((self.folder / f"{shard.name}.npy").read_bytes()) == shard.checksum
        except OSError:
            return False


def _ranges_of(manifest: dict[str, Any], folder: Path) -> Ranges:
    try:
        return Ranges.from_dict(manifest.get("deep"))
    except InputError as e:
        raise CheckpointError(f"{folder / 'manifest.json'} is damaged: {e}; embed into another folder") from e

"""Vectors to learn from, wherever they lie, and the order in which a training run reads them: memory does not grow with their number."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..embed.fingerprint import Fingerprint
from ..embed.ordering import content_keys
from ..embed.usable import BAD, bad_in
from ..embed.vectors import VectorStore
from ..errors import InputError
from ..progress import Progress, silent
from .sampling import smallest_keys

CHUNK_ROWS = 1 << 14
FEWEST = 20
"""Vectors below which nothing is trained."""
OPEN_SHARDS = 256
"""Shards kept mapped at once: each takes a file descriptor, of which a process has few."""
ROUNDS = 4
WRITTEN_DOWN = 1 << 20
"""Longest permutation that is kept as a table, of 8 bytes a place; longer ones are computed place by place."""


class Rows(Protocol):
    """(n, d) numbers that can be read by row number: an array, a memmap, both sides of a comparison."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, d)."""

    def __getitem__(self, rows: Any) -> np.ndarray:
        """(m, d) numbers of a slice, or of m row numbers."""


class StoreRows:
    """The vectors of a :class:`VectorStore` by row number, in the order of its shards; images that failed are rows of NaN."""

    def __init__(self, store: VectorStore) -> None:
        self._parts: list[np.ndarray | str] = []
        lengths = [0]
        for _, array in store.chunks():
            mapped = isinstance(array, np.memmap) and array.filename is not None
            self._parts.append(str(array.filename) if mapped else array)  # type: ignore[attr-defined]
            lengths.append(len(array))
        self._starts = np.cumsum(lengths)
        self.shape = (int(self._starts[-1]), store.width)
        self.fingerprint = store.fingerprint
        self._open = functools.lru_cache(maxsize=OPEN_SHARDS)(functools.partial(np.load, mmap_mode="r"))

    def __getitem__(self, rows: Any) -> np.ndarray:
        index = np.arange(*rows.indices(self.shape[0])) if isinstance(rows, slice) else np.asarray(rows)
        out = np.empty((len(index), self.shape[1]), np.float32)
        shard = np.searchsorted(self._starts, index, side="right") - 1
        for s in np.unique(shard):
            here = np.flatnonzero(shard == s)
            part = self._parts[s]
            out[here] = (self._open(part) if isinstance(part, str) else part)[index[here] - self._starts[s]]
        return out


@dataclass(frozen=True, eq=False)
class Source:
    """Vectors that were looked through once: what is usable of them, and how they are scaled for training."""

    rows: Rows
    bad: np.ndarray
    """Sorted row numbers that are left out."""
    mean: np.ndarray
    """(d,) float64."""
    variance: float
    """Mean squared distance from the mean, > 0."""
    keys: np.ndarray
    """(m,) uint64 content keys of the usable vectors, see :func:`~latentdiff.sae.sampling.smallest_keys`."""
    fingerprint: Fingerprint | None = None
    """Of the encoder, where the vectors' store knows it."""

    def __len__(self) -> int:
        return self.rows.shape[0] - len(self.bad)

    @property
    def width(self) -> int:
        """Length d of the vectors."""
        return self.rows.shape[1]

    @property
    def scale(self) -> float:
        """What makes the variance 1 per dimension."""
        return float(np.sqrt(self.width / self.variance))

    @property
    def digest(self) -> str:
        """Tells whether these are the vectors that an interrupted run had."""
        return hashlib.blake2b(repr((len(self), self.width, self.variance)).encode() + self.mean.tobytes(), digest_size=16).hexdigest()

    def read(self, index: np.ndarray) -> np.ndarray:
        """(m, d) float32 of m usable vectors, numbered from 0 without the ones left out."""
        if len(self.bad):  # the i-th usable row lies behind as many bad ones as have fewer than i + 1 usable rows before them
            index = index + np.searchsorted(self.bad - np.arange(len(self.bad)), index, side="right")
        return np.asarray(self.rows[index], np.float32)


def open_source(vectors: Any, *, skip_bad: bool = False, progress: Progress = silent) -> Source:
    """Look through vectors once: which can be used, their mean and their variance.

    Args:
        vectors: (n, d) array or memmap of numbers; a :class:`VectorStore`, its folder, or a ``.npy`` file; or anything with a ``shape``
            (n, d) that gives rows by an array of row numbers.
        skip_bad: leave out rows that cannot be used (:func:`~latentdiff.embed.usable.bad_in`) in place of an error. Images that a store
            records as failed always are.
        progress: ``progress(fraction, label)``.

    Raises:
        InputError: fewer than 20 vectors, values that are not finite, or vectors that are all equal.
        CheckpointError: a damaged store.
    """
    rows, skip_bad = _opened(vectors, skip_bad)
    shape = tuple(rows.shape)
    if len(shape) != 2 or shape[0] < FEWEST or shape[1] == 0:
        raise InputError(f"train_sae needs (n, d) vectors with n >= {FEWEST}, got shape {shape}")
    count, mean, squares, bad, keys = 0, np.zeros(shape[1]), 0.0, [], np.empty(0, np.uint64)
    for start, x in _chunks(rows, progress):
        wrong = bad_in(x)
        bad.append(start + wrong)
        keys = smallest_keys(keys, np.delete(content_keys(x), wrong))
        x = np.delete(x.astype(np.float64), wrong, axis=0)
        if len(x):  # Chan et al.: moments of parts merge without cancellation
            part = x.mean(0)
            squares += float(np.square(x - part).sum() + np.square(part - mean).sum() * count * len(x) / (count + len(x)))
            mean = mean + (part - mean) * len(x) / (count + len(x))
            count += len(x)
    left_out = np.concatenate(bad)
    if len(left_out) and not skip_bad:
        raise InputError(f"{len(left_out)} of {shape[0]} vectors hold {BAD}; drop them first, or pass skip_bad=True")
    if count < FEWEST:
        raise InputError(f"train_sae needs (n, d) vectors with n >= {FEWEST}, only {count} of {shape[0]} are usable")
    if squares <= 1e-12 * count * max(float(np.square(mean).sum()), 1e-30):
        raise InputError("all vectors are equal; there is nothing to learn")
    return Source(rows, left_out, mean, squares / count, keys, getattr(rows, "fingerprint", None))


def _opened(vectors: Any, skip_bad: bool) -> tuple[Rows, bool]:
    if isinstance(vectors, (str, Path)):
        path = Path(vectors).expanduser()
        if path.is_dir():
            vectors = VectorStore(path)
        else:
            from ..inputs.arrays import load_vectors

            vectors = load_vectors(path)
    if isinstance(vectors, VectorStore):
        return StoreRows(vectors), True
    if not hasattr(vectors, "shape") or not hasattr(vectors, "__getitem__"):
        vectors = np.asarray(vectors)
    if isinstance(vectors, np.ndarray) and vectors.dtype.kind not in "fiu":
        raise InputError(f"train_sae needs (n, d) vectors of numbers, got shape {vectors.shape} of {vectors.dtype}")
    return vectors, skip_bad


def _chunks(rows: Rows, progress: Progress) -> Iterator[tuple[int, np.ndarray]]:
    n = rows.shape[0]
    for start in range(0, n, CHUNK_ROWS):
        progress(start / n, "looking through the vectors")
        with np.errstate(over="ignore"):  # a float64 value may be infinite as float32: it is then reported as such
            yield start, np.asarray(rows[start : start + CHUNK_ROWS], np.float32)


@dataclass(frozen=True)
class Order:
    """Who is held out, and who is in which batch: a function of the seed and the step alone, so a stopped run can go on anywhere."""

    n: int
    held_out: int
    """Vectors of the validation split."""
    seed: int

    @property
    def training(self) -> int:
        """Vectors that are trained on."""
        return self.n - self.held_out

    def validation(self, most: int) -> np.ndarray:
        """Up to ``most`` of the held-out vectors."""
        return permuted(np.arange(min(most, self.held_out)), self.n, (self.seed, -1))

    def sample(self, most: int) -> np.ndarray:
        """Up to ``most`` of the training vectors."""
        return permuted(self.held_out + np.arange(min(most, self.training)), self.n, (self.seed, -1))

    def batch(self, step: int, size: int) -> np.ndarray:
        """Batch number ``step``: every epoch reads each training vector once, in an order of its own where a batch is not all of them."""
        if size == self.training:
            return self.sample(size)
        at = np.arange(step * size, (step + 1) * size)
        epoch, place = at // self.training, at % self.training
        for e in np.unique(epoch):
            now = epoch == e
            place[now] = permuted(place[now], self.training, (self.seed, int(e)))
        return permuted(self.held_out + place, self.n, (self.seed, -1))


def permuted(index: np.ndarray, n: int, key: tuple[int, int]) -> np.ndarray:
    """Places of some numbers in a random permutation of 0 ... n-1, whose memory does not grow with n.

    Args:
        index: (m,) int in [0, n).
        n: length of the permutation.
        key: any two integers, one permutation each.
    """
    return _table(n, key)[index] if n <= WRITTEN_DOWN else _walk(index, n, key)


@functools.lru_cache(maxsize=4)  # of the split, and of the two epochs that a batch may take part in
def _table(n: int, key: tuple[int, int]) -> np.ndarray:
    return _walk(np.arange(n), n, key)


def _walk(index: np.ndarray, n: int, key: tuple[int, int]) -> np.ndarray:
    """A Feistel network over the next even number of bits; what falls outside walks on until it is inside (Black and Rogaway 2002)."""
    half = max(1, (int(n - 1).bit_length() + 1) // 2)
    mask = np.uint64((1 << half) - 1)
    keys = np.random.SeedSequence([abs(k) * 2 + (k < 0) for k in key]).generate_state(ROUNDS, np.uint64)
    out = np.asarray(index).astype(np.uint64)
    outside = np.arange(len(out))
    while len(outside):
        left, right = out[outside] >> np.uint64(half), out[outside] & mask
        for k in keys:
            left, right = right, left ^ (_mixed(right ^ k) & mask)
        out[outside] = (left << np.uint64(half)) | right
        outside = outside[out[outside] >= n]
    return out.astype(np.int64)


def _mixed(v: np.ndarray) -> np.ndarray:
    """Scramble 64 bits (the finalizer of SplitMix64, Steele et al. 2014)."""
    v = (v ^ (v >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    v = (v ^ (v >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return v ^ (v >> np.uint64(31))

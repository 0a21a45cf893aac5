"""Vectors out of MongoDB, fast: one raw projection, decompressed in threads, no sample ever built."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from latentdiff.compute.extras import needs
from latentdiff.errors import InputError
from latentdiff.progress import Progress, silent

from .sides import Side, listed

with needs("fiftyone", "reading vectors from a FiftyOne dataset"):
    from isal import isal_zlib  # inflates in 0.6 of the standard library's time

CHUNK = 512
"""Vectors decompressed at once: 1.5 MB of 768 float32, which stays in the cache until it is copied."""
AHEAD = 32
"""Chunks read before the threads have worked them off: 50 MB."""
THREADS = min(4, os.cpu_count() or 2)
"""Two outrun the one thread that reads the cursor; more than four only wait for it."""

UNREADABLE: tuple[type[Exception], ...] = (isal_zlib.error, ValueError, TypeError)  # type: ignore[assignment]
"""What decompressing and parsing raise on a value that is no vector (isal's stubs give its error no type)."""


@dataclass(frozen=True)
class Vectors:
    """What was read of one side."""

    ids: np.ndarray
    """(n,) str: sample ids, or label ids of patches, in the view's order."""
    samples: np.ndarray
    """(n,) str: ids of the samples they belong to (``ids`` itself unless these are patches)."""
    values: np.ndarray
    """(n, d) in the type that is stored."""
    missing: int
    """Images of the view that have no vector."""
    repeated: int = 0
    """How often the view (``view + view``) lists an image again; each is here once."""

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, keep: np.ndarray) -> Vectors:
        """Only the rows where ``keep`` (n,) bool is true; the arrays are shared when all are."""
        if keep.all():
            return self
        return Vectors(self.ids[keep], self.samples[keep], self.values[keep], self.missing, self.repeated)


def read_vectors(side: Side, progress: Progress = silent) -> Vectors:
    """Vectors of every image of a side, as ``view.values()`` would give them, in a fraction of its time.

    Args:
        side: the side.
        progress: ``progress(fraction, label)``, called once per 512 images.

    Returns:
        Ids, vectors and how many images have none.

    Raises:
        InputError: vectors of different widths, or values that are no vectors.
    """
    if side.index:
        return _of_index(side)
    label = f"reading {side.name}"
    total = max(1, side.view.count())
    path = _stored_path(side)
    jobs: list[Future[_Part]] = []
    seen = 0
    with ThreadPoolExecutor(THREADS) as pool, contextlib.closing(_documents(side, path)) as documents:
        while chunk := list(itertools.islice(documents, CHUNK)):
            jobs.append(pool.submit(_part, side, path, chunk))
            seen += len(chunk)
            if len(jobs) > AHEAD:
                jobs[-AHEAD].result()  # raises early what is wrong, and keeps the undecoded documents few
            progress(min(1.0, seen / total), label)
        parts = [job.result() for job in jobs]
    full = [part for part in parts if len(part.ids)]
    widths = [part.values.shape[1] for part in full]
    if len(set(widths)) > 1:
        at = next(i for i, w in enumerate(widths) if w != widths[0])
        raise _mixed(side, full[at].ids[0], widths[at], widths[0])
    ids = _joined([part.ids for part in full])
    values = _values(full)
    missing, again = count_left_out(ids, [part.missing for part in parts])
    read = Vectors(ids, _joined([part.samples for part in full]) if side.labels else ids, values, missing, again)
    return read.take(first_of_each(ids))


def _of_index(side: Side) -> Vectors:
    """The same, where a similarity index holds the vectors."""
    try:  # as stored: what the session holds was centred in place if someone asked it for images like a given one
        values, samples, labels = side.dataset.load_brain_results(side.index, cache=False).get_embeddings()
    except Exception as e:  # backends are many, and each has its own errors
        raise InputError(f"the similarity index {side.index!r} of {side.dataset.name!r} cannot be read: {type(e).__name__}: {e}") from e
    names = np.asarray(labels if side.labels else samples, "U24")
    row = {name: i for i, name in enumerate(names.tolist())}
    ids = side.view.values("id")
    here = np.array([i for i in dict.fromkeys(ids) if i in row], "U24")
    rows = np.array([row[i] for i in here.tolist()], np.int64)
    values = np.asarray(values)[rows] if len(rows) else np.empty((0, 0), np.float32)
    once = len(set(ids))
    return Vectors(here, np.asarray(samples, "U24")[rows] if side.labels else here, values, once - len(here), len(ids) - once)


def first_of_each(ids: np.ndarray) -> np.ndarray:
    """(n,) bool: rows whose id is in no row before."""
    first = np.zeros(len(ids), bool)
    first[np.unique(ids, return_index=True)[1]] = True
    return first


def count_left_out(ids: np.ndarray, missing: list[list[str]]) -> tuple[int, int]:
    """How many images have no vector, and how often an image, with or without one, is listed again."""
    without = list(itertools.chain.from_iterable(missing))
    return len(set(without)), len(without) - len(set(without)) + len(ids) - len(np.unique(ids))


@dataclass
class _Part:
    """What one batch of documents held."""

    ids: list[str]
    samples: list[str]
    values: Any
    missing: list[str]
    """Ids of those without a vector."""


def _joined(names: list[list[str]]) -> np.ndarray:
    return np.array(list(itertools.chain.from_iterable(names)), dtype="U24")


def _values(parts: list[_Part]) -> np.ndarray:
    """(n, d), each part given up as soon as it is copied: never two copies of all."""
    if not parts:
        return np.empty((0, 0), np.float32)
    shape = (sum(len(part.ids) for part in parts), parts[0].values.shape[1])
    out = np.empty(shape, np.result_type(*(part.values.dtype for part in parts)))
    start = 0
    for part in parts:
        out[start : start + len(part.ids)] = part.values
        start += len(part.ids)
        part.values = None
    return out


def _stored_path(side: Side) -> list[str]:
    """Keys that lead to the vector in a document of the view's collection."""
    keys = side.path.split(".")
    field = side.view._dataset.get_field(keys[0])
    return [getattr(field, "db_field", None) or keys[0], *keys[1:]]


def _documents(side: Side, path: list[str]) -> Any:
    """A cursor over (id, sample id, stored vector) of each image, straight from the collection."""
    wanted = {"_id": 1, "_sample_id" if side.labels else "_id": 1, ".".join(path): 1}
    return side.view._aggregate(post_pipeline=[{"$project": wanted}])


def _part(side: Side, path: list[str], documents: list[dict[str, Any]]) -> _Part:
    vectors: list[Any] = list(documents)
    for key in path:
        vectors = [value.get(key) if isinstance(value, dict) else None for value in vectors]
    here = [i for i, vector in enumerate(vectors) if vector is not None]
    ids = [str(documents[i]["_id"]) for i in here]
    samples = [str(documents[i]["_sample_id"]) for i in here] if side.labels else ids
    rows = [(name, vectors[i]) for name, i in zip(ids, here, strict=True)]
    missing = [str(document["_id"]) for document, vector in zip(documents, vectors, strict=True) if vector is None]
    return _Part(ids, samples, _decode(side, rows) if rows else None, missing)


def _decode(side: Side, rows: list[tuple[str, Any]]) -> np.ndarray:
    if all(isinstance(row[1], bytes) for row in rows):
        try:
            packed = _unpack([row[1] for row in rows])
        except UNREADABLE as e:
            raise InputError(f"side {side.letter} ({side.name!r}): {side.path!r} holds values that are no vectors: {e}") from e
        if packed is not None:
            return packed
    vectors = [_one(side, row) for row in rows]
    for row, vector in zip(rows, vectors, strict=True):
        if len(vector) != len(vectors[0]):
            raise _mixed(side, row[0], len(vector), len(vectors[0]))
    return np.stack(vectors)


def _unpack(blobs: list[bytes]) -> np.ndarray | None:
    """(n, d) from n compressed ``.npy`` blobs of one type and width; None where they are not alike."""
    first = isal_zlib.decompress(blobs[0])
    size = len(first)
    data = b"".join([first, *(isal_zlib.decompress(blob, 15, size) for blob in blobs[1:])])
    header = io.BytesIO(first)
    like = np.load(header, allow_pickle=False)
    if like.ndim != 1 or like.dtype.kind not in "fiu" or len(data) != len(first) * len(blobs):
        return None
    start = len(first) - like.nbytes
    table = np.frombuffer(data, np.uint8).reshape(len(blobs), len(first))
    if (table[:, :start] != table[0, :start]).any():
        return None
    return table[:, start:].view(like.dtype)  # still inside the joined bytes: the one copy comes when the parts are put together


def _one(side: Side, row: tuple[str, Any]) -> np.ndarray:
    try:
        packed = isinstance(row[1], bytes)
        vector = np.load(io.BytesIO(isal_zlib.decompress(row[1])), allow_pickle=False) if packed else np.asarray(row[1], float)
    except UNREADABLE as e:
        raise InputError(f"side {side.letter} ({side.name!r}): {row[0]} holds no vector in {side.path!r}: {e}") from e
    if vector.ndim != 1 or vector.dtype.kind not in "fiu":
        raise InputError(
            f"side {side.letter} ({side.name!r}): {row[0]} holds shape {vector.shape} of {vector.dtype} in {side.path!r}, not one vector"
        )
    return vector


def _mixed(side: Side, image: str, width: int, expected: int) -> InputError:
    return InputError(
        f"side {side.letter} ({side.name!r}): {listed([image])} has a vector of width {width}, others {expected}; "
        f"compute {side.path!r} with one encoder"
    )

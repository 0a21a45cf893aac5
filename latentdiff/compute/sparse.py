"""Sparse codes of many images: parts of them without a copy, and a place on disk where they outgrow memory."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp

IN_MEMORY = 1 << 30
"""Bytes of codes (8 an active concept) that are held in memory: about six million images; beyond, they lie in temporary files."""
ROWS = 1 << 15
"""Images whose codes are worked on at once."""


class Tape:
    """A one-dimensional array that grows, in memory up to half of ``IN_MEMORY`` and from there in a temporary file.

    Codes are two: values and columns.
    """

    def __init__(self, dtype: Any) -> None:
        self._dtype = np.dtype(dtype)
        self._parts: list[np.ndarray] = []
        self._bytes = 0
        self._file: Any = None

    def append(self, part: np.ndarray) -> None:
        """Put a part at the end."""
        self._parts.append(np.ascontiguousarray(part, self._dtype))
        self._bytes += self._parts[-1].nbytes
        if self._bytes > IN_MEMORY // 2:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="latentdiff-codes-")  # noqa: SIM115 - lives as long as the tape
                weakref.finalize(self, self._file.close)
            for kept in self._parts:
                _on_disk(self._file.write, kept.data)
            self._parts.clear()

    def array(self) -> np.ndarray:
        """All of it; one that lies in a file is mapped, and the file goes when the array does."""
        if self._file is None:
            return np.concatenate([np.zeros(0, self._dtype), *self._parts])
        _on_disk(self._file.flush)  # the mapping holds the file after the tape has closed it
        return np.memmap(self._file, self._dtype, "r+")


def assembled(kind: Any, data: np.ndarray, indices: np.ndarray, indptr: np.ndarray, shape: tuple[int, int]) -> Any:
    """A ``csr_array`` or ``csc_array`` of these very arrays: scipy's own constructors copy views, and indices to the type of indptr."""
    out = kind(shape, dtype=data.dtype)
    out.data, out.indices = data, indices
    out.indptr = indptr.astype(np.int32) if indptr[-1] <= np.iinfo(np.int32).max else indptr
    return out


def row_view(codes: sp.csr_array, start: int, stop: int) -> sp.csr_array:
    """Consecutive rows of codes, (stop - start, K), that share their memory (a slice of a ``csr_array`` is a copy)."""
    low, high = int(codes.indptr[start]), int(codes.indptr[stop])
    parts = codes.data[low:high], codes.indices[low:high], codes.indptr[start : stop + 1] - low
    return assembled(sp.csr_array, *parts, (stop - start, codes.shape[1]))


def row_views(codes: sp.csr_array) -> Iterator[tuple[int, sp.csr_array]]:
    """First row, and codes, of each ``ROWS`` images."""
    for start in range(0, codes.shape[0], ROWS):
        yield start, row_view(codes, start, min(start + ROWS, codes.shape[0]))


def rows_by_column(matrix: Any) -> list[np.ndarray]:
    """Of each column of a sparse matrix, the rows in which something is stored."""
    columns = sp.csc_array(matrix)
    return [columns.indices[columns.indptr[i] : columns.indptr[i + 1]] for i in range(columns.shape[1])]


def fires(codes: sp.csr_array) -> np.ndarray:
    """(K,) images in which each concept fires."""
    count = np.zeros(codes.shape[1], np.int64)
    for _, some in row_views(codes):
        count += np.bincount(some.indices, minlength=len(count))
    return count


def by_concept(codes: sp.csr_array) -> sp.csc_array:
    """The same codes, concept by concept, rows ascending: in memory, or in temporary files beyond ``IN_MEMORY``."""
    if 8 * codes.nnz <= IN_MEMORY:
        return sp.csc_array(codes)
    start = np.concatenate([[0], np.cumsum(fires(codes))])
    free = start[:-1].copy()
    data, rows = _mapped(codes.nnz, np.float32), _mapped(codes.nnz, np.int32)
    for first, some in row_views(codes):
        part = sp.csc_array(some)
        count = np.diff(part.indptr)
        where = np.repeat(free - part.indptr[:-1], count) + np.arange(part.nnz)
        data[where], rows[where] = part.data, part.indices + first
        free += count
    return assembled(sp.csc_array, data, rows, start, codes.shape)


def _mapped(size: int, dtype: Any) -> np.ndarray:
    with tempfile.TemporaryFile(prefix="latentdiff-codes-") as file:
        _on_disk(file.truncate, size * np.dtype(dtype).itemsize)
        return np.memmap(file, dtype, "r+", shape=(size,))


def _on_disk(work: Any, *args: Any) -> None:
    try:
        work(*args)
    except OSError as e:
        raise OSError(e.errno, f"codes cannot be written ({e.strerror}); free space, or set TMPDIR to another folder") from e

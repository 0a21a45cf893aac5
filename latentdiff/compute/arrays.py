"""Vectors of any float type to float32, at the speed of memory."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

SMALL = 1 << 16
"""Values below which numpy has converted them before torch has begun."""

_memory = threading.local()


def float32(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """``x`` as float32, in C order; no copy where it is that already.

    float16 goes through torch, which converts it six times as fast as numpy, and every pass over a store of vectors begins with it.
    Values too large for float32 become infinite, without a warning.

    Args:
        x: array of numbers.
        out: float32 array of its shape to convert into; not touched where ``x`` is float32 in C order already.
    """
    if x.dtype == np.float32 and x.flags.c_contiguous:
        return x
    if x.dtype == np.float16 and x.size >= SMALL:
        values = tensor(x)
        return np.asarray(values.float().numpy() if out is None else tensor(out).copy_(values).numpy())
    with np.errstate(over="ignore"):
        if out is None:
            return np.ascontiguousarray(x, np.float32)
        np.copyto(out, x, casting="unsafe")
    return out


def take(array: np.ndarray, rows: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Some rows as float32, in ``out`` as :func:`float32` does; (m,) row numbers that follow each other are a slice of the array."""
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
        return float32(array[rows[0] : rows[-1] + 1], out)  # no gather, and no copy where it is float32
    return float32(array[rows], out)


def gather(array: np.ndarray, rows: np.ndarray, out: np.ndarray) -> None:
    """Write some rows, by (m,) row numbers from 0, to ``out``, (m, d) float32."""
    if array.dtype == np.float32:
        np.take(array, rows, axis=0, out=out, mode="clip")  # any other mode goes through a copy
    else:
        out[:] = take(array, rows)


def equal(a: np.ndarray, b: np.ndarray, rows: int) -> bool:
    """Whether two arrays or memmaps of one shape hold the same, read so many rows at a time."""
    return all(np.array_equal(a[i : i + rows], b[i : i + rows]) for i in range(0, len(a), rows))


def kept(name: str, rows: int, width: int, dtype: Any = np.float32) -> np.ndarray:
    """(rows, width) memory that the calling thread gets again, with what it last wrote there, when it asks for the same name.

    A chunk is larger than what the allocator holds back, so a fresh array for each costs new pages: more than converting the chunk.
    """
    there = getattr(_memory, name, None)
    if there is None or there.shape[1] != width or len(there) < rows or there.dtype != dtype:
        there = np.empty((rows, width), dtype)
        setattr(_memory, name, there)
    return there[:rows]


def tensor(x: np.ndarray) -> Any:
    """``x`` as a torch tensor on the CPU, to be read only: the same memory wherever ``x`` is in C order, a mapped file's too."""
    import torch

    x = np.ascontiguousarray(x)
    return torch.from_numpy(x if x.flags.writeable else np.asarray(_Unlocked(x)))


class _Unlocked:
    """The memory of a read-only array as one that says it can be written, which torch wants of what it only reads."""

    def __init__(self, x: np.ndarray) -> None:
        said = x.__array_interface__
        self._x, self.__array_interface__ = x, {**said, "data": (said["data"][0], False)}

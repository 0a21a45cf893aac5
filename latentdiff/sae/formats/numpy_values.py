"""What a pickle describes: tensors, numpy numbers and arrays, and the stand-ins of config classes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

DTYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "?",
}


@dataclass(frozen=True)
class Global:
    """A name that the pickle mentions."""

    name: str


@dataclass(frozen=True)
class StoredTensor:
    """Where a tensor's numbers lie."""

    key: str
    """Member ``data/<key>`` of the archive."""
    dtype: str
    elements: int
    """Elements that the storage claims to hold."""
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    """In elements."""
    numbers: Any = field(default=None, repr=False, compare=False)
    """Of the whole storage, where they lie beside the pickle itself (bfloat16 as the integers that it is stored as)."""

    def with_numbers(self, numbers: Any) -> StoredTensor:
        """The same, with the numbers of its storage."""
        return replace(self, numbers=numbers)


@dataclass
class Object:
    """An object of a class in ``STAND_INS``, or a numpy value under construction."""

    name: str
    arguments: tuple[Any, ...] = ()
    state: Any = None


def numpy_scalar(dtype: Object, data: bytes) -> float | int:
    """One number from its bytes."""
    kind = _numpy_dtype(dtype)
    if len(data) != kind.itemsize:
        raise ValueError("a numpy number of another length")
    return np.frombuffer(data, kind)[0].item()


def _numpy_dtype(dtype: Any) -> np.dtype:
    text = dtype.arguments[0] if isinstance(dtype, Object) and dtype.name == "numpy.dtype" else None
    if text not in ("f8", "f4", "f2", "i8", "i4", "b1"):
        raise ValueError(f"a numpy type that is no plain number: {str(text)[:40]}")
    order = dtype.state[1] if isinstance(dtype.state, tuple) and len(dtype.state) > 1 else "<"
    return np.dtype(text).newbyteorder(">" if order == ">" else "<")


def finished(value: Any) -> Any:
    """A numpy array that a pickle described (``Object`` with its state set) as an array; anything else as it is.

    Raises:
        ValueError: its shape and its bytes disagree.
    """
    if not isinstance(value, Object) or value.name != "numpy.ndarray":
        return value
    _version, shape, dtype, fortran, data = value.state
    kind, shape = _numpy_dtype(dtype), checked_sizes(shape)
    if math.prod(shape) * kind.itemsize != len(data):
        raise ValueError("a numpy array whose shape and bytes disagree")
    return np.frombuffer(data, kind).reshape(shape, order="F" if fortran else "C")


def encoded(text: str, encoding: str) -> bytes:
    """Bytes, which pickles of protocol 2 keep as Latin-1 text."""
    if encoding not in ("latin1", "latin-1"):
        raise ValueError(f"bytes encoded as {encoding[:20]!r}")
    return text.encode("latin1")


def checked_sizes(values: Any) -> tuple[int, ...]:
    """A shape or strides: up to eight counts below 2**48."""
    if not isinstance(values, tuple) or len(values) > 8 or not all(type(v) is int and 0 <= v < 1 << 48 for v in values):
        raise ValueError(f"sizes that are no sizes: {str(values)[:80]}")
    return values

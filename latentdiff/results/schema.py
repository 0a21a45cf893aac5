"""What a dataclass holds, read off its fields' types: plain JSON values and arrays, and back, checked.

One more field of a stored dataclass is written, read and checked without a line of code anywhere else. Its type says what it may hold:
plain Python types, tuples of them, other dataclasses, arrays, and the types below that carry a :class:`Rule`.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import numpy as np
import scipy.sparse as sp

from ..compute.files import is_text, strict

LARGEST_INDEX = 2**31


@dataclass(frozen=True)
class Rule:
    """What a value has to be, beyond its type."""

    holds: Callable[[Any], bool]


def _share(value: Any) -> bool:
    return math.isnan(value) or -1e-9 <= value <= 1 + 1e-9


def _column(value: np.ndarray) -> bool:
    return value.ndim == 1 and value.dtype.kind == "f" and not np.isinf(value).any()


Share = Annotated[float, Rule(_share)]
"""A rate or probability in [0, 1]; NaN: not known."""
Index = Annotated[int, Rule(lambda value: 0 <= value < LARGEST_INDEX)]
"""A row or number, 0 <= value < 2**31."""
Text = Annotated[str, Rule(bool)]
"""A text that is not empty."""
Side = Annotated[str, Rule(lambda value: value in ("A", "B"))]
"""``"A"`` or ``"B"``."""
Column = Annotated[np.ndarray, Rule(_column)]
"""(n,) floats, NaN where unknown, never infinite."""
Rates = Annotated[np.ndarray, Rule(_column), Rule(lambda value: not np.isnan(value).any())]
"""(n,) floats, all known."""
Indices = Annotated[np.ndarray, Rule(lambda value: value.ndim == 1 and value.dtype.kind in "iu")]
"""(n,) whole numbers."""


def pack(value: Any, arrays: dict[str, np.ndarray], prefix: str = "") -> dict[str, Any]:
    """A dataclass as strict JSON; its arrays, and those of the dataclasses in it, go into ``arrays`` under their fields' names.

    Args:
        value: an instance; matrices in it are of bool, and only where True is stored.
        arrays: gets what is no JSON.
        prefix: before the arrays' names.
    """
    plain: dict[str, Any] = {}
    for field in dataclasses.fields(value):
        held, name = getattr(value, field.name), prefix + field.name
        if isinstance(held, np.ndarray):
            arrays[name] = held
        elif sp.issparse(held):
            rows = sp.csr_array(held)
            arrays |= {f"{name}_indices": rows.indices, f"{name}_indptr": rows.indptr, f"{name}_shape": np.array(rows.shape, np.int64)}
        elif dataclasses.is_dataclass(held):
            plain[field.name] = pack(held, arrays, f"{name}_")
        else:
            plain[field.name] = strict(held)
    return plain


def unpack(kind: Any, plain: Any, arrays: dict[str, np.ndarray], prefix: str = "") -> Any:
    """What :func:`pack` made: fields that were not stored have their defaults, what no field is called by is left aside.

    Raises:
        ValueError: a field without a default was not stored, or a value is not what its field says.
    """
    if not isinstance(plain, dict):
        raise ValueError(f"{kind.__name__} cannot be {ascii(plain)[:80]}")
    given: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        inner, name = hints(kind)[field.name], prefix + field.name
        base = _base(inner)
        if base is np.ndarray and name in arrays:
            given[field.name] = arrays[name]
        elif base is sp.csr_array and f"{name}_indptr" in arrays:
            given[field.name] = _matrix(name, arrays)
        elif dataclasses.is_dataclass(base) and field.name in plain:
            given[field.name] = None if plain[field.name] is None else unpack(base, plain[field.name], arrays, f"{name}_")
        elif field.name in plain:
            given[field.name] = _built(inner, plain[field.name])
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ValueError(f"{name} is missing")
    made = kind(**given)
    check(made, prefix)
    return made


def check(value: Any, prefix: str = "") -> None:
    """Whether every field of a dataclass holds what its type says.

    Raises:
        ValueError: naming the first that does not.
    """
    for name, kind in hints(value.__class__).items():
        _check(kind, getattr(value, name), prefix + name)


@functools.cache
def hints(kind: Any) -> dict[str, Any]:
    """Types of a dataclass's fields, with their rules."""
    found = get_type_hints(kind, include_extras=True)
    return {field.name: found[field.name] for field in dataclasses.fields(kind)}


def need(ok: Any, name: str, value: Any) -> None:
    """Refuse a value.

    Raises:
        ValueError: it is not ``ok``.
    """
    if not ok:
        raise ValueError(f"{name} cannot be {ascii(value)[:80]}")


def is_whole(value: Any) -> bool:
    """Whether it is a whole number; True and False are none."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether it is a number that fits what it is computed with."""
    return isinstance(value, (float, np.floating)) or (is_whole(value) and abs(value) < 2**63)


def _base(kind: Any) -> Any:
    """The type itself, without rules and without "or None"."""
    if get_origin(kind) is Annotated:
        return _base(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        return _base(next(part for part in get_args(kind) if part is not type(None)))
    return get_origin(kind) or kind


def _inner(kind: Any, count: int) -> list[Any]:
    """Types of a tuple's items."""
    while get_origin(kind) is not tuple:
        kind = next(part for part in get_args(kind) if part is not type(None))
    items = get_args(kind)
    return [items[0]] * count if items[-1] is Ellipsis else list(items)


def _optional(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType) and type(None) in get_args(kind)


def _built(kind: Any, stored: Any) -> Any:
    base = _base(kind)
    if stored is None and not _optional(kind) and base is float:
        return math.nan  # JSON knows none
    if base is tuple and isinstance(stored, list):
        items = _inner(kind, len(stored))  # of another number: refused when it is checked, by name
        return tuple(_built(item, value) for item, value in zip(items, stored, strict=True)) if len(items) == len(stored) else tuple(stored)
    return unpack(base, stored, {}) if dataclasses.is_dataclass(base) and stored is not None else stored


def _matrix(name: str, arrays: dict[str, np.ndarray]) -> sp.csr_array:
    indices, indptr = arrays[f"{name}_indices"], arrays[f"{name}_indptr"]
    rows, columns = (int(n) for n in arrays[f"{name}_shape"])
    whole = indices.dtype.kind == "i" and indptr.dtype.kind == "i" and indices.ndim == indptr.ndim == 1
    need(whole and rows == len(indptr) - 1 and 0 <= columns < LARGEST_INDEX, name, (rows, columns))
    # Checked before it is used: a damaged index would be read outside its array, by compiled code.
    need(indptr[0] == 0 and indptr[-1] == len(indices) and bool((np.diff(indptr) >= 0).all()), name, "rows out of order")
    need(not len(indices) or (indices.min() >= 0 and indices.max() < columns), name, "a column that there is not")
    return sp.csr_array((np.ones(len(indices), bool), indices, indptr), shape=(rows, columns))


def _check(kind: Any, value: Any, name: str) -> None:
    if value is None and _optional(kind):
        return
    base = _base(kind)
    if base is tuple:
        need(isinstance(value, tuple), name, value)
        items = _inner(kind, len(value))
        need(len(items) == len(value), name, value)
        for item, one in zip(items, value, strict=True):
            _check(item, one, name)
    elif dataclasses.is_dataclass(base):
        need(isinstance(value, base), name, value)  # type: ignore[arg-type]
        check(value, f"{name}.")
    elif base is not Any:
        need(_KINDS[base](value), name, value)
    while get_origin(kind) in (Union, types.UnionType):
        kind = next(part for part in get_args(kind) if part is not type(None))
    for rule in getattr(kind, "__metadata__", ()):
        need(rule.holds(value), name, value)


_KINDS: dict[Any, Callable[[Any], bool]] = {
    str: is_text,
    bool: lambda value: isinstance(value, bool),
    int: is_whole,
    float: is_number,
    dict: lambda value: isinstance(value, dict) and all(map(is_text, value)),
    np.ndarray: lambda value: isinstance(value, np.ndarray) and not value.dtype.hasobject,
    sp.csr_array: lambda value: isinstance(value, sp.csr_array),
}
"""Types that a stored field may have, beside tuples and dataclasses, and what a value of each is."""

"""Values of one field, of whatever kind → a column that can be tested, or why they cannot be."""

from __future__ import annotations

import datetime
import itertools
import numbers
import re
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..compute.files import as_text
from ..compute.values import is_missing

FEWEST = 5
"""Images of both sides together that need a value for it to be tested (blind to the sides)."""
FEW_NUMBERS = 12
"""Whole numbers of so few different values are also tested value by value: they may be codes."""
NONE, NOTHING = "none", "nothing entered"
"""What the lack of a value is called, and where a text of the field is "none"."""
_TABLES = r"unnamed(: \d+)?|__index_level_\d+__"  # what pandas calls the rows of a CSV and of Parquet
NAMED_IDS = re.compile(rf"(^|[_.\s])({_TABLES}|id|uid|uuid|path|filepath|filename|hash|url|uri|index)s?$", re.IGNORECASE)
"""Names of numbers that tell images apart, where these are half as many as images or more: running numbers may begin anew on each side."""
_EPOCH = datetime.datetime(1970, 1, 1)


@dataclass(frozen=True, eq=False)
class Column:
    """One field of all images, A's first."""

    name: str
    kind: str
    values: tuple[str, ...] = ()
    """Values that are tested."""
    has: sp.csr_array = field(default_factory=lambda: sp.csr_array((0, 0), dtype=bool))
    """(n, len(values)) bool: which image has which."""
    number: np.ndarray | None = None
    """(n,) float64 of numbers and dates, NaN where missing."""
    code: np.ndarray | None = None
    """(n,) int64: equal for images of equal values, to hold the field equal by."""

    def take(self, rows: np.ndarray) -> Column:
        """The same of some images."""
        number, code = (None if x is None else x[rows] for x in (self.number, self.code))
        return Column(self.name, self.kind, self.values, self.has[rows], number, code)


def column_of(name: str, values: list[Any]) -> Column | str:
    """The column of a field, or why it cannot be one.

    Args:
        name: of the field.
        values: one for each image, as given.
    """
    missing = _missing(values)
    if missing.any():
        values = [None if m else v for v, m in zip(values, missing.tolist(), strict=True)]
    known = _known(values, missing)
    if not known:
        return "nothing entered"
    kinds = set(map(type, known))
    for holds, read in _KINDS:
        if all(issubclass(kind, holds) for kind in kinds) and (read is not _tags or _all_texts(known)):
            return read(name, values, missing)
    return f"values of a kind that is not compared ({', '.join(sorted({kind.__name__ for kind in kinds})[:3])})"


def _missing(values: list[Any]) -> np.ndarray:
    """Which values are missing; by their types where these settle it, since there may be millions."""
    kinds = set(map(type, values)) - {type(None)}
    if kinds <= {float, int, bool}:
        return np.array([v is None or v != v for v in values])
    if kinds <= {str, list, tuple, datetime.datetime, datetime.date}:
        return np.array([v is None for v in values])
    return np.array([is_missing(v) for v in values])


def _known(values: list[Any], missing: np.ndarray) -> list[Any]:
    return list(itertools.compress(values, (~missing).tolist())) if missing.any() else values


def _truth(name: str, values: list[Any], missing: np.ndarray) -> Column | str:
    return _categories(name, [None if v is None else ("true" if v else "false") for v in values], missing, "truth")


def _numbers(name: str, values: list[Any], missing: np.ndarray) -> Column | str:
    x = np.full(len(values), np.nan)
    try:
        x[~missing] = np.array(_known(values, missing), np.float64)
    except OverflowError:
        return "numbers that are too large to be compared; give them as texts"
    x[~np.isfinite(x)] = np.nan
    different = np.unique(x[np.isfinite(x)])
    if NAMED_IDS.search(name) and len(different) > FEW_NUMBERS and 2 * len(different) >= len(x) - missing.sum():
        return "an id"
    if len(different) == 1 and np.isfinite(x).all():
        return "the same everywhere"
    texts: list[Any] = [None] * len(x)
    if len(different) <= FEW_NUMBERS and (different == np.round(different)).all():
        texts = [None if not np.isfinite(v) else str(int(v)) for v in x.tolist()]
    own = _categories(name, texts, ~np.isfinite(x), "number")
    return Column(name, "number", *((), sp.csr_array((len(x), 0), dtype=bool)) if isinstance(own, str) else (own.values, own.has), x)


def _dates(name: str, values: list[Any], missing: np.ndarray) -> Column | str:
    x, known = np.full(len(values), np.nan), _known(values, missing)
    if len({getattr(v, "tzinfo", None) is None for v in known}) > 1:
        return "dates with a time zone and without one: give all of them one"
    x[~missing] = [_seconds(v) for v in known]
    if len(np.unique(x[~missing])) == 1 and not missing.any():
        return "the same everywhere"
    own = _categories(name, [None] * len(x), missing, "date")
    return Column(name, "date", *((), sp.csr_array((len(x), 0), dtype=bool)) if isinstance(own, str) else (own.values, own.has), x)


def _seconds(value: Any) -> float:
    if not isinstance(value, datetime.datetime):
        value = datetime.datetime(value.year, value.month, value.day)
    return float(value.timestamp() if value.tzinfo else (value - _EPOCH).total_seconds())


def _texts(name: str, values: list[Any], missing: np.ndarray) -> Column | str:
    known = _known(values, missing)
    if len(set(known)) > max(len(known) // 2, FEW_NUMBERS):
        return "almost every image has a value of its own"
    return _categories(name, values, missing, "category")


def _tags(name: str, values: list[Any], missing: np.ndarray) -> Column | str:
    sets = [() if v is None else tuple(dict.fromkeys(v)) for v in values]
    rows = np.repeat(np.arange(len(sets)), list(map(len, sets)))
    return _several(name, list(itertools.chain.from_iterable(sets)), rows, missing, "tags", [tuple(sorted(s)) for s in sets])


def _categories(name: str, values: list[Any], missing: np.ndarray, kind: str) -> Column | str:
    rows = np.flatnonzero([v is not None for v in values])
    return _several(name, [v for v in values if v is not None], rows, missing, kind, values)


def _several(name: str, flat: list[Any], rows: np.ndarray, missing: np.ndarray, kind: str, same: list[Any]) -> Column | str:
    """A column of the values that enough images have, the most frequent first, and of the lack of any.

    Args:
        name, kind: of the column.
        flat: values of all images, one after the other.
        rows: the image of each.
        missing: (n,) bool: which images have no value.
        same: by image, what is equal where images are to be held equal.
    """
    place = {value: i for i, value in enumerate(dict.fromkeys(flat))}
    at = _places(flat, place)
    count = np.bincount(at, minlength=len(place))
    kept = np.flatnonzero((count >= FEWEST) & (count < len(missing)))
    kept = kept[np.argsort(-count[kept], kind="stable")]
    if kind == "truth" and len(kept) == 2 and not missing.any():
        kept = kept[[list(place)[k] == "true" for k in kept]]  # "false" says the same again
    rank = np.full(len(place), -1)
    rank[kept] = np.arange(len(kept))
    some = rank[at] >= 0
    rows, columns = rows[some], rank[at[some]]
    texts = list(place)
    values = [_called(str(texts[k]), place) for k in kept]
    if FEWEST <= missing.sum() < len(missing):
        rows, columns = np.append(rows, np.flatnonzero(missing)), np.append(columns, np.full(missing.sum(), len(values)))
        values.append(_free(NOTHING if NONE in place else NONE, place))
    if not values:
        return "the same everywhere" if len(place) <= 1 else f"no value on {FEWEST} images or more"
    has = sp.csr_array((np.ones(len(rows), bool), (rows, columns)), shape=(len(missing), len(values)))
    return Column(name, kind, tuple(values), has, code=_places(same, {value: i for i, value in enumerate(dict.fromkeys(same))}))


def _called(text: str, place: Container[Any]) -> str:
    """What a value is called: as it is, unless that cannot be shown and stored."""
    known_as = as_text(text) or "(empty text)"
    return text if known_as == text else _free(known_as, place)


def _free(name: str, taken: Container[Any]) -> str:
    """A name that none of the field's values has."""
    while name in taken:
        name = f"({name})"
    return name


def _places(values: list[Any], place: dict[Any, int]) -> np.ndarray:
    return np.fromiter(map(place.__getitem__, values), np.int64, len(values))


def _all_texts(known: list[Any]) -> bool:
    return all(issubclass(kind, str) for kind in set(map(type, itertools.chain.from_iterable(known))))


_KINDS: tuple[tuple[tuple[type, ...], Callable[[str, list[Any], np.ndarray], Column | str]], ...] = (
    ((bool, np.bool_), _truth),
    ((numbers.Real,), _numbers),
    ((datetime.date,), _dates),
    ((str,), _texts),
    ((list, tuple, set, frozenset, np.ndarray), _tags),
)
"""Kinds of values, and what reads them; the first that holds all values of a field."""

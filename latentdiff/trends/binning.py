"""Dates or numbers → ordered bins with names."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..compute.values import is_missing
from ..embed.usable import FEWEST
from ..errors import InputError

UNITS = {"hour": "h", "day": "D", "week": "D", "month": "M", "quarter": "M", "year": "Y"}
"""Lengths that bins of dates may have → numpy's, of which they are one, or as :data:`STEPS` says."""
STEPS = {"week": (7, 3), "quarter": (3, 0)}
"""Units of a length, and how many of them its first ones begin before 1970: a week begins on Monday (ISO 8601), and 1970 on a Thursday."""
MOST = 24
"""Bins of dates at most, where no length is named."""
SEVERAL = 12
"""Bins of numbers, where none are named."""
MOST_NAMED = 10_000
"""Bins at most of a length, or a number, that is named: a wrong date far away would make millions."""
ENOUGH = 2 * FEWEST
"""Images that a bin should have in the median, where no length is named."""
_OFFSET = re.compile(r"[T ]\d.*[+-]\d\d(:?\d\d)?$")
"""The end of an ISO text with an offset from UTC."""
_WHOLE = 1e15
"""Whole numbers below it are told in full."""


@dataclass(frozen=True, eq=False)
class Bins:
    """Bins in order, and the bin of each row."""

    names: tuple[str, ...]
    of_row: np.ndarray
    """(n,) int, -1 for rows without a value."""


def bins_of(times: Any, bins: str | int | Sequence[Any] | None = None) -> Bins:
    """Put rows into ordered bins; those of fewer than 20 images are joined with a neighbour.

    Args:
        times: n dates (``datetime``, ``date``, ``datetime64``, ISO texts) or numbers; None and NaN are in no bin.
        bins: for dates a length ("hour", "day", "week" (from Monday), "month", "quarter", "year"); for numbers how many of one width; for
            both the inner and outer edges, ascending. None: the shortest length with at most 24 bins and enough images in most; 12 bins
            of numbers.

    Raises:
        InputError: values of another kind, or bins that do not fit them.
    """
    values, dates = _values(times)
    known = ~(np.isnat(values) if dates else np.isnan(values))
    if len(np.unique(values[known])) < 2:
        raise InputError("all images have one date, or none; there is nothing to compare over time")
    if bins is not None and not isinstance(bins, (str, int, np.integer)):
        names, of = _between(values[known], _edges(bins), dates)
    elif dates:
        if bins is not None and bins not in UNITS:
            raise InputError(f"bins of dates are one of {', '.join(UNITS)}, or their edges, not {bins!r}")
        names, of = _of_length(values[known], str(bins or _length(values[known])))
    else:
        if bins is not None and (isinstance(bins, (str, bool)) or bins < 2):
            raise InputError(f"bins of numbers are how many there are, at least 2, or their edges, not {bins!r}")
        names, of = _of_numbers(values[known], bins)
    names, of = _joined(names, of)
    out = np.full(len(values), -1)
    out[known] = of
    return Bins(tuple(names), out)


def binned(times: Any, bins: str | int | Sequence[Any] | None = None) -> list[Bin | None]:
    """The bin of each row as a label that sorts by time; None for rows without a value. Arguments and errors as :func:`bins_of`."""
    found = bins_of(times, bins)
    labels = [Bin(i, name) for i, name in enumerate(found.names)]
    return [labels[b] if b >= 0 else None for b in found.of_row.tolist()]


@dataclass(frozen=True, order=True)
class Bin:
    """A bin as the label of a group: named, and in the order of time."""

    number: int
    name: str

    def __str__(self) -> str:
        return self.name


def _values(times: Any) -> tuple[np.ndarray, bool]:
    """Values as datetime64 in seconds or float64, and which of both."""
    given = list(times.tolist()) if isinstance(times, np.ndarray) and times.dtype.kind != "M" else list(times)
    missing = [is_missing(v) for v in given]
    some = [v for v, m in zip(given, missing, strict=True) if not m]
    if not some:
        raise InputError("no image has a date or a number; there is nothing to compare over time")
    numbers = all(isinstance(v, (int, float, np.number)) and not isinstance(v, (bool, np.timedelta64)) for v in some)
    if numbers:
        values = np.array([np.nan if m else float(v) for v, m in zip(given, missing, strict=True)])
        if infinite := int(np.isinf(values).sum()):
            raise InputError(f"{infinite} of the numbers are infinite; mend them, or give their rows None to leave them out")
        return values, False
    try:
        return np.array([np.datetime64("NaT") if m else _date(v) for v, m in zip(given, missing, strict=True)], "datetime64[s]"), True
    except (ValueError, TypeError) as e:
        raise InputError(f"times are dates, ISO texts such as 2026-03-01, or numbers, one per image: {e}") from e


def _date(value: Any) -> np.datetime64:
    if isinstance(value, str):
        value = value.strip().removesuffix("Z")
        if _OFFSET.search(value):  # numpy would pass over it with a warning
            value = datetime.datetime.fromisoformat(value)
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    if not isinstance(value, (str, datetime.date, np.datetime64)):
        raise TypeError(f"{value!r} is a {type(value).__name__}")
    moment: Any = value  # numpy's stubs know no union
    return np.datetime64(moment, "s")


def _length(values: np.ndarray) -> str:
    """The shortest length with few enough bins that hold enough images."""
    for length in UNITS:
        counts = np.bincount(_number(values, length))
        if len(counts) <= MOST and np.median(counts[counts > 0]) >= ENOUGH:
            return length
    return "year" if len(np.unique(_number(values, "year"))) > 1 else "month"


def _number(values: np.ndarray, length: str) -> np.ndarray:
    """(n,) which bin of this length, from 0 for the first."""
    at = _since_1970(values, length)
    return np.asarray(at - at.min())


def _since_1970(values: np.ndarray, length: str) -> np.ndarray:
    """(n,) which bin of this length, from 0 for that in which 1970 began."""
    step, before = STEPS.get(length, (1, 0))
    return np.asarray((values.astype(f"datetime64[{UNITS[length]}]").astype(np.int64) + before) // step)


def _of_length(values: np.ndarray, length: str) -> tuple[list[str], np.ndarray]:
    of, unit = _number(values, length), UNITS[length]
    step, before = STEPS.get(length, (1, 0))
    _few(int(of.max()) + 1, f"from {values.min()} to {values.max()} in bins of one {length}")
    starts = ((_since_1970(values, length).min() + np.arange(of.max() + 1)) * step - before).astype(f"datetime64[{unit}]")
    if length == "quarter":
        return [f"{str(s)[:4]} Q{int(str(s)[5:7]) // 3 + 1}" for s in starts], of
    return [f"week of {s}" if length == "week" else f"{s}" for s in starts], of


def _edges(bins: Any) -> np.ndarray:
    try:
        return _values(list(bins))[0]
    except TypeError as e:
        raise InputError(f"bins are a length of dates, a whole number of them, or a list of their edges, not {bins!r}") from e


def _of_numbers(values: np.ndarray, bins: int | None) -> tuple[list[str], np.ndarray]:
    different = np.unique(values)
    if bins is None and len(different) <= MOST:
        return _told_apart(different), np.searchsorted(different, values)
    _few(bins or SEVERAL, "of numbers")
    return _between(values, np.linspace(values.min(), values.max(), (bins or SEVERAL) + 1), False)


def _between(values: np.ndarray, edges: np.ndarray, dates: bool) -> tuple[list[str], np.ndarray]:
    """Bins between edges; the last one holds its upper edge."""
    if edges.dtype.kind != values.dtype.kind or len(edges) < 3 or not (edges[1:] > edges[:-1]).all():  # NaN is neither
        raise InputError("edges of bins are at least three, ascending, and of the kind of the values")
    if (values < edges[0]).any() or (values > edges[-1]).any():
        raise InputError(f"the edges of the bins run from {edges[0]} to {edges[-1]}, the values from {values.min()} to {values.max()}")
    of = np.minimum(np.searchsorted(edges, values, "right") - 1, len(edges) - 2)
    text = [str(e) for e in edges] if dates else _told_apart(edges, 4)
    return [f"{a} to {b}" for a, b in pairwise(text)], of


def _told_apart(numbers: np.ndarray, digits: int = 6) -> list[str]:
    """Different numbers as texts of so many digits, or as many more as it takes to tell them apart; whole ones in full (20260301)."""
    if (numbers == np.rint(numbers)).all() and np.abs(numbers).max() < _WHOLE:
        return [str(int(v)) for v in numbers]
    for more in range(digits, 17):
        text = [f"{v:.{more}g}" for v in numbers]
        if len(set(text)) == len(text):
            return text
    return [repr(float(v)) for v in numbers]


def _few(count: int, what: str) -> None:
    if count > MOST_NAMED:
        most = f"at most {MOST_NAMED:,} are made: take longer ones, and look for a wrong value at either end"
        raise InputError(f"{count:,} bins {what}; {most}")


def _joined(names: list[str], of: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Bins of too few images joined with the smaller neighbour."""
    groups = [[i] for i in range(len(names))]
    counts = np.bincount(of, minlength=len(names)).tolist()
    while len(groups) > 1 and min(counts) < FEWEST:
        i = counts.index(min(counts))
        beside = [j for j in (i - 1, i + 1) if 0 <= j < len(groups)]
        j = min(beside, key=lambda j: counts[j])
        low = min(i, j)
        groups[low : low + 2] = [groups[low] + groups[low + 1]]
        counts[low : low + 2] = [counts[low] + counts[low + 1]]
    if len(groups) < 2:
        raise InputError(f"fewer than two bins have {FEWEST} images; compare more images")
    place = np.empty(len(names), int)
    for i, group in enumerate(groups):
        place[group] = i
    return [names[g[0]] if len(g) == 1 else f"{names[g[0]]} to {names[g[-1]]}" for g in groups], place[of]

"""Values of numpy's, pandas' and pyarrow's columns as Python's own, and which of them are none."""

from __future__ import annotations

import datetime
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

FINE = ("ns", "ps", "fs", "as")
"""Units of dates that Python has not: ``tolist()`` makes whole numbers of them."""


def plain(values: Any) -> Sequence[Any]:
    """Values of Python: dates and durations of numpy and pandas become ``datetime`` and ``timedelta``, whatever their unit.

    Args:
        values: an array, Series, pyarrow array, or sequence of n values.

    Returns:
        The n values.
    """
    zone = getattr(getattr(values, "type", None), "tz", None)
    if hasattr(values, "to_pylist"):
        values = values.to_numpy(zero_copy_only=False)
    elif hasattr(values, "to_numpy"):
        values = values.to_numpy()
    if not isinstance(values, np.ndarray) or values.ndim > 1:
        return list(values)
    kind = values.dtype.kind
    if kind in "Mm" and np.datetime_data(values.dtype)[0] in FINE:
        values = values.astype(f"{kind}8[us]")
    out: list[Any] = values.tolist()
    if zone:  # pyarrow's numpy has the moment in UTC, and no zone
        return [None if v is None else v.replace(tzinfo=datetime.timezone.utc) for v in out]
    return out


def is_missing(value: Any) -> bool:
    """Whether it is None, NaN, NaT, or pandas' NA."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):  # NA is neither equal to itself nor not
        return True
    return isinstance(value, (numbers.Number, np.datetime64, np.timedelta64)) and bool(value != value)

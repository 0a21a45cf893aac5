"""Values of numpy's, pandas' and pyarrow's columns as Python's own, and which of them are none."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

FINE = ("ns", "ps", "fs", "as")
"""Units of dates that Python has not: ``tolist()`` makes whole numbers of them."""


def plain(values: Any) -> Sequence[Any]:
    """Values of Python: dates and durations of numpy and pandas become ``datetime`` and ``timedelta``, whatever their unit."""
    if hasattr(values, "to_numpy"):
        values = values.to_numpy()
    if not isinstance(values, np.ndarray) or values.ndim > 1:
        return list(values)
    kind = values.dtype.kind
    if kind in "Mm" and np.datetime_data(values.dtype)[0] in FINE:
        values = values.astype(f"{kind}8[us]")
    return values.tolist()


def is_missing(value: Any) -> bool:
    """Whether it is None, NaN, NaT, or pandas' NA."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):  # NA is neither equal to itself nor not
        return True
    return isinstance(value, (numbers.Number, np.datetime64, np.timedelta64)) and bool(value != value)

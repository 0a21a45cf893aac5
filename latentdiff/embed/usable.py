"""The one rule of a usable vector, and the one check of two sides: for arrays, shards, clusters and datasets alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..compute.arrays import float32, kept
from ..compute.parallel import local_map
from ..errors import InputError

FEWEST = 20
"""Images a side below which no comparison is made: no test could be trusted."""
LARGEST = 1e15
"""Values beyond it are refused like infinite ones: their squares, summed over millions of images, would leave float32."""
BAD = f"NaN or infinite values, values beyond {LARGEST:g}, or nothing but zeros"
"""What makes a vector unusable, in words."""
ROWS = 1 << 11
REASONS = {"overlap": "on both sides", "missing": "without a vector", "bad": "with a bad vector", "repeated": "listed again"}
"""Why images are left out, as they are counted, in words."""
Omitted = Mapping[str, Mapping[str, np.ndarray]]
"""By side "A" and "B": numbers of rows that are not compared, by reason: "missing", "repeated", "shared"."""
SHOWN = 5
"""Bad rows that a message names."""


def checked_array(side: str, x: Any) -> np.ndarray:
    """A side as an (n, d) array of numbers.

    Raises:
        InputError: it is none.
    """
    if isinstance(x, (str, bytes)):
        raise InputError(f"{side} is the text {x!r}; compare() takes (n, d) arrays. For saved views use fiftyone_plugin.compare_views")
    try:
        x = x if isinstance(x, np.ndarray) else np.asarray(x)
    except ValueError as e:
        raise InputError(f"{side} must be an (n, d) array of numbers, but its rows differ in length: {e}") from e
    if x.ndim != 2 or not np.issubdtype(x.dtype, np.number) or np.issubdtype(x.dtype, np.complexfloating):
        raise InputError(f"{side} must be an (n, d) array of numbers, got shape {x.shape} of {x.dtype}")
    if x.shape[1] == 0:
        raise InputError(f"{side} has vectors of width 0")
    return x


def bad_in(x: np.ndarray) -> np.ndarray:
    """Numbers of the rows of a block that cannot be used: not finite once they are float32, beyond :data:`LARGEST`, or zero throughout.

    A vector of zeros has no direction; FiftyOne's Brain and others write one for an image that could not be read.

    Args:
        x: (n, d) numbers of any type.
    """
    x = float32(x, kept("float32", *x.shape))
    with np.errstate(invalid="ignore"):
        good = x.min() >= -LARGEST and x.max() <= LARGEST  # without a copy of the block; NaN is neither
        bad = np.zeros(len(x), bool) if good else ~(np.abs(x) <= LARGEST).all(1)
    maybe = np.flatnonzero(x[:, 0] == 0)  # few rows, in most spaces: the others need no second look
    bad[maybe[~x[maybe].any(1)]] = True
    return np.flatnonzero(bad)


def bad_rows(x: np.ndarray) -> np.ndarray:
    """The same of an array of any length, a block at a time."""
    parts = list(local_map(x, lambda start, rows: start + bad_in(rows), ROWS)) if x.size else []
    return np.concatenate(parts) if parts else np.zeros(0, int)


def check_widths(widths: Mapping[str, int]) -> None:
    """Whether two sides can come from one encoder.

    Args:
        widths: by what a side is called.

    Raises:
        InputError: they differ.
    """
    (a, wide), (b, other) = widths.items()
    if wide != other:
        raise InputError(f"{a} has vectors of width {wide}, {b} of {other}; use one encoder for both")


def check_bad(bad: Mapping[str, Sequence[Any]], skip_bad: bool) -> None:
    """Whether rows that cannot be used may be left out.

    Args:
        bad: by what a side is called, its bad rows: numbers or ids.
        skip_bad: they may.

    Raises:
        InputError: they may not, and there are some.
    """
    if not skip_bad and any(len(rows) for rows in bad.values()):
        where = "; ".join(f"{side}: rows {_some(rows)}" for side, rows in bad.items() if len(rows))
        raise InputError(f"vectors with {BAD} ({where}); mend them, or leave them out: CompareConfig(skip_bad=True), --skip-bad")


def check_enough(side: str, n: int, left_out: Mapping[str, int]) -> None:
    """Whether enough images are left of a side.

    Args:
        side: what it is called.
        n: its usable images.
        left_out: counts of those that are not, by the keys of :data:`REASONS`.

    Raises:
        InputError: fewer than :data:`FEWEST`.
    """
    if n < FEWEST:
        why = ", ".join(f"{left_out[key]} {words}" for key, words in REASONS.items() if left_out.get(key))
        had = f"{n} usable {'image' if n == 1 else 'images'}{why and f' (left out: {why})'}"
        raise InputError(f"{side} has {had}; at least {FEWEST} a side are needed")


def omitted_rows(omit: Omitted | None, side: str) -> np.ndarray:
    """(k,) rows of a side that the caller leaves out, ascending."""
    rows = [np.asarray(some, np.int64) for some in (omit or {}).get(side, {}).values()]
    return np.unique(np.concatenate(rows)) if rows else np.zeros(0, np.int64)


def counts_left_out(omit: Omitted | None, bad: Sequence[np.ndarray]) -> dict[str, Any]:
    """How many images are left out, by reason, of what the caller leaves out and the (bad_a, bad_b) rows that cannot be used."""
    given = omit or {"A": {}, "B": {}}
    per_side = {
        side: {"missing": len(given[side].get("missing", ())), "bad": len(rows), "repeated": len(given[side].get("repeated", ()))}
        for side, rows in zip("AB", bad, strict=True)
    }
    return {"overlap": len(given["A"].get("shared", ())), **per_side}


def _some(rows: Sequence[Any]) -> str:
    shown = ", ".join(map(str, rows[:SHOWN]))
    return shown if len(rows) <= SHOWN else f"{shown}, ... ({len(rows)} in all)"

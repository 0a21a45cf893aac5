"""Images of both sides that are alike in what is known, and those that have no counterpart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from ..embed.grouping import numbered
from .strata import Strata, alike, crossed

MOST_STRATA = 40
"""Strata of near values at most."""
FEWEST = 40
"""Images, of both sides, that a stratum of near values has on average."""
CROSSED = 20
"""The same of strata that are alike in several things at once; below it they are alike in their propensity instead."""
BINS = 10
"""Steps of a number in a propensity."""
LEAST = 0.1
"""Strata of near values are left out where one side has less than this share, were both sides as large (Crump et al. 2009)."""
EXACT = 12
"""Different numbers up to which equal ones alone are alike."""
RIDGE = 1.0
STEPS = 25


@dataclass(frozen=True, eq=False)
class Known:
    """One thing that is known of the images."""

    name: str
    values: np.ndarray
    """(n,) or (n, p) float64, NaN where unknown."""
    categories: bool = False
    """Equal values are alike, near ones are not."""
    cut: float | None = None
    """Values below it are not alike any above it, however near they are: where a thing is shown or not."""


@dataclass(frozen=True, eq=False)
class Overlap:
    """Which images are compared, and with which."""

    kept: np.ndarray
    """(n,) bool: those with counterparts on the other side."""
    strata: np.ndarray
    """(n,) integers from 0."""
    images: float
    """Images of each of two equal sides without strata that would say as much."""
    by: str
    """``"equal values"``, ``"near values"`` or ``"propensity"``: what images of one stratum are alike in."""


def overlap(known: list[Known], in_a: np.ndarray) -> Overlap:
    """Strata of images that are alike in all that is known: in each value where that leaves enough in a stratum, else in the chance, by all
    of it together, of being one of A's (the propensity score of Rosenbaum and Rubin 1983).

    Args:
        known: what is known of n images, at least one thing.
        in_a: (n,) True for A.
    """
    n, exact = len(in_a), all(map(_coded, known))
    most = max(2, min(MOST_STRATA, n // FEWEST))
    parts = [(k, _alike(column, k, most)) for k in known for column in np.atleast_2d(k.values.T)]
    strata, by = crossed([part for _, part in parts]), "equal values" if exact else "near values"
    equal = [part for k, part in parts if _coded(k)]
    if len(parts) > 1 and n < CROSSED * (int(strata.max()) + 1):
        shown = [(k.values > k.cut).astype(np.int64) for k in known if k.cut is not None]
        cells = crossed(shown) if shown else np.zeros(n, np.int64)
        strata, by, exact, equal = _near(_propensity(known, in_a), cells, most), "propensity", False, []
    of, share = Strata(in_a, strata), _share(in_a, strata, crossed(equal) if equal else np.zeros(n, np.int64))
    kept = of.weight > 0 if exact else (of.weight > 0) & (share >= LEAST) & (share <= 1 - LEAST)
    return Overlap(kept[strata], strata, float(2 * of.weight[kept].sum()), by)


def _coded(known: Known) -> bool:
    """Whether equal values alone are alike: of categories, and of numbers so few that they are codes, of cameras say."""
    few = (len(np.unique(column[np.isfinite(column)])) <= EXACT for column in np.atleast_2d(known.values.T))
    return known.categories or (known.cut is None and all(few))


def _share(in_a: np.ndarray, strata: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """(s,) A's share of each stratum, were both sides as large in the cell that the stratum lies in."""
    of, cell = Strata(in_a, strata), Strata(in_a, cells)
    own = cells[np.unique(strata, return_index=True)[1]]
    a, b = of.n_a / np.maximum(cell.n_a[own], 1), of.n_b / np.maximum(cell.n_b[own], 1)
    return np.asarray(a / np.maximum(a + b, 1e-300))


def _alike(column: np.ndarray, known: Known, most: int) -> np.ndarray:
    if known.cut is None:
        return alike(column, most, exact=len(column) if known.categories else EXACT)
    return _near(column, (column > known.cut).astype(np.int64), most)


def _near(number: np.ndarray, cells: np.ndarray, most: int) -> np.ndarray:
    """(n,) strata of near values within each cell, of about equally many images in all cells."""
    out = np.zeros(len(number), np.int64)
    for cell in np.unique(cells):
        rows = np.flatnonzero(cells == cell)
        out[rows] = cell * (most + 2) + alike(number[rows], max(1, round(most * len(rows) / len(number))), exact=0)
    return numbered(out)


def _propensity(known: list[Known], in_a: np.ndarray) -> np.ndarray:
    """(n,) logit of being one of A's, by ridge logistic regression on each value, or step of values, of everything known."""
    columns = []
    for k in known:
        for column in np.atleast_2d(k.values.T):
            code = _alike(column, k, BINS)
            columns.append((code[:, None] == np.flatnonzero(np.bincount(code) >= 5)).astype(np.float64))
    x = np.column_stack([np.ones(len(in_a)), *columns])
    w, penalty = np.zeros(x.shape[1]), np.full(x.shape[1], RIDGE)
    penalty[0] = 1e-6
    for _ in range(STEPS):
        p = expit(x @ w)
        step = np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + np.diag(penalty), x.T @ (p - in_a) + penalty * w)
        w -= step
        if np.abs(step).max() < 1e-8:
            break
    return np.asarray(x @ w)

"""Images of both sides that are alike in what is known, and those that have no counterpart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

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
    n, exact = len(in_a), all(k.categories or (k.cut is None and _few(k.values)) for k in known)
    most = max(2, min(MOST_STRATA, n // FEWEST))
    parts = [_alike(column, k, most) for k in known for column in np.atleast_2d(k.values.T)]
    strata = crossed(parts)
    by = "equal values" if exact else "near values"
    if len(parts) > 1 and n < CROSSED * (int(strata.max()) + 1):
        strata, by, exact = alike(_propensity(known, in_a), most, exact=0), "propensity", False
    of = Strata(in_a, strata)
    share = of.n_a / max(in_a.sum(), 1) / np.maximum(of.n_a / max(in_a.sum(), 1) + of.n_b / max((~in_a).sum(), 1), 1e-300)
    kept = of.weight > 0 if exact else (of.weight > 0) & (share >= LEAST) & (share <= 1 - LEAST)
    return Overlap(kept[strata], strata, float(2 * of.weight[kept].sum()), by)


def _few(values: np.ndarray) -> bool:
    """Whether numbers are codes, of cameras say: so few that equal ones alone are alike."""
    return all(len(np.unique(column[np.isfinite(column)])) <= EXACT for column in np.atleast_2d(values.T))


def _alike(column: np.ndarray, known: Known, most: int) -> np.ndarray:
    if known.cut is None:
        return alike(column, most, exact=len(column)) if known.categories else alike(column, most, EXACT)
    out, above = np.zeros(len(column), np.int64), column > known.cut
    for first, rows in ((0, np.flatnonzero(~above)), (most + 1, np.flatnonzero(above))):
        share = max(1, round(most * len(rows) / len(column)))
        out[rows] = first + alike(column[rows], share) if len(rows) else first
    return np.asarray(np.unique(out, return_inverse=True)[1])


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

"""Exact laws of firing counts: of the images in which a concept fires, how many are of A (Fisher's exact test), many concepts at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.special import gammaln, ndtr, ndtri

AT_ONCE = 1_000_000
"""Probabilities that are computed together."""
LARGE_COUNT = 1_000
"""Expected images on the smaller side, firing or not, from which the normal law serves in place of the exact one."""


def laws(fires: np.ndarray, n_a: int, n_b: int) -> Iterator[tuple[np.ndarray, int, np.ndarray]]:
    """Of each number of firing images that occurs: who has it, the smallest possible count in A, and the probabilities from there on.

    Args:
        fires: (k,) images of both sides in which each concept fires.
        n_a: images of A.
        n_b: images of B.
    """
    if not len(fires):
        return
    order = np.argsort(fires, kind="stable")
    totals, first = np.unique(fires[order], return_index=True)
    n = n_a + n_b
    constant = gammaln(n_a + 1) + gammaln(n_b + 1) - gammaln(n + 1)
    for total, rows in zip(totals.tolist(), np.split(order, first[1:]), strict=True):
        low = max(0, total - n_b)
        c = np.arange(low, min(total, n_a) + 1)
        log = gammaln(c + 1) + gammaln(n_a - c + 1) + gammaln(total - c + 1) + gammaln(n_b - total + c + 1)
        yield rows, low, np.exp(constant + gammaln(total + 1) + gammaln(n - total + 1) - log)


def fisher_exact(fires_a: np.ndarray, fires_b: np.ndarray, n_a: int, n_b: int) -> np.ndarray:
    """Two-sided Fisher exact p of firing counts, many tables at once.

    Two-sided as in ``scipy.stats.fisher_exact``: the probability of all tables no likelier than the one seen.
    """
    p, fires, n = np.ones(len(fires_a)), fires_a + fires_b, n_a + n_b
    large = _large(fires, n_a, n_b)
    z = (fires_a[large] - fires[large] * n_a / n) / _spread(fires[large], n_a, n_b)
    p[large] = 2 * ndtr(-np.abs(z))
    exact = np.flatnonzero(~large)
    for rows, low, mass in laws(fires[exact], n_a, n_b):
        order = np.argsort(mass)
        # Relative slack: tables of equal probability count even where rounding splits them.
        upto = np.searchsorted(mass[order], mass * (1 + 1e-7), "right")
        p[exact[rows]] = np.cumsum(mass[order])[upto - 1][fires_a[exact[rows]] - low]
    return np.minimum(p, 1.0)


def exact_deviates(count_a: np.ndarray, fires: np.ndarray, n_a: int, n_b: int) -> np.ndarray:
    """Normal deviates, >= 0, with the p of Fisher's exact test (twice the smaller tail).

    Args:
        count_a: (k, c) images of A in which k concepts fire, under c labellings.
        fires: (k,) images of both sides in which they fire.
        n_a: images of A.
        n_b: images of B.

    Returns:
        (k, c) float32.
    """
    large, z = _large(fires, n_a, n_b), np.empty(count_a.shape, np.float32)
    expected = (fires[large] * n_a / (n_a + n_b))[:, None]
    z[large] = np.abs(count_a[large] - expected) / _spread(fires[large], n_a, n_b)[:, None]
    exact = np.flatnonzero(~large)
    for rows, low, mass in laws(fires[exact], n_a, n_b):
        tail = np.minimum(np.cumsum(mass), np.cumsum(mass[::-1])[::-1])
        table = -ndtri(np.clip(tail, 1e-300, 0.5)).astype(np.float32)
        z[exact[rows]] = table[count_a[exact[rows]] - low]
    return z


def _large(fires: np.ndarray, n_a: int, n_b: int) -> np.ndarray:
    n = n_a + n_b
    return np.minimum(fires, n - fires) * min(n_a, n_b) / n > LARGE_COUNT


def _spread(fires: np.ndarray, n_a: int, n_b: int) -> np.ndarray:
    """Standard deviation of the hypergeometric count."""
    n = n_a + n_b
    return np.sqrt(fires * (n - fires) / (n - 1) * n_a * n_b / n**2)


def _masses(fires: np.ndarray, n_a: int, n_b: int) -> np.ndarray:
    """(k, n_a + 1) probability that 0, 1, ... of n_a images fire, of each number of firing images; 0 where that cannot be."""
    n, c, f = n_a + n_b, np.arange(n_a + 1), fires[:, None]
    can_be = (c <= f) & (n_a - c <= n - f)
    left, silent = np.where(can_be, f - c, 0), np.where(can_be, n_b - f + c, 0)
    constant = gammaln(n_a + 1) + gammaln(n_b + 1) - gammaln(n + 1) - gammaln(c + 1) - gammaln(n_a - c + 1)
    log = constant + gammaln(f + 1) + gammaln(n - f + 1) - gammaln(left + 1) - gammaln(silent + 1)
    return np.exp(np.where(can_be, log, -np.inf))


def randomised_deviates(count_a: np.ndarray, fires: np.ndarray, n_a: int, n_b: int, uniform: np.ndarray) -> np.ndarray:
    """(k,) normal deviates of firing counts, large where A has many: standard normal to the digit where images are exchangeable.

    A count's p is the probability of more, plus a random share of that of as many; so it is uniform, not merely at most so.

    Args:
        count_a: (k,) images of A in which k features fire.
        fires: (k,) images of both sides in which they fire.
        n_a: images of A.
        n_b: images of B.
        uniform: (k,) random numbers in (0, 1).
    """
    large, p = _large(fires, n_a, n_b), np.empty(len(fires))
    spread = _spread(fires[large], n_a, n_b)
    p[large] = ndtr(-(count_a[large] - fires[large] * n_a / (n_a + n_b) + 0.5 - uniform[large]) / spread)
    exact = np.flatnonzero(~large)
    totals, of = np.unique(fires[exact], return_inverse=True)
    step = max(1, AT_ONCE // (n_a + 1))
    for first in range(0, len(totals), step):
        mass = _masses(totals[first : first + step], n_a, n_b)
        above = np.cumsum(mass[:, ::-1], axis=1)[:, ::-1] - mass
        here = np.flatnonzero((of >= first) & (of < first + step))
        rows, place = exact[here], (of[here] - first, count_a[exact[here]])
        p[rows] = above[place] + uniform[rows] * mass[place]
    return np.asarray(-ndtri(np.clip(p, 1e-300, 1 - 1e-16)))

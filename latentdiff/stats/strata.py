"""A against B within strata: images that are alike in what is held equal are compared with each other alone.

Adjusted means by Mantel and Haenszel (1959), ranks by van Elteren (1960).
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr
from scipy.stats import rankdata

from ..embed.grouping import numbered


class Strata:
    """Which images are compared with which.

    Args:
        in_a: (n,) True for A.
        number: (n,) stratum of each image, integers from 0; None: one stratum of all.

    Attributes:
        number: (n,) as given.
        n_a, n_b: (s,) images of each side.
        weight: (s,) ``n_a n_b / (n_a + n_b)``, the weight of Mantel and Haenszel: zero where a side has none.
    """

    def __init__(self, in_a: np.ndarray, number: np.ndarray | None = None) -> None:
        self.in_a = np.asarray(in_a, bool)
        self.number = np.zeros(len(self.in_a), np.int64) if number is None else np.asarray(number, np.int64)
        size = np.bincount(self.number).astype(np.float64)
        self.n_a = np.bincount(self.number, self.in_a, minlength=len(size))
        self.n_b = size - self.n_a
        self.weight = self.n_a * self.n_b / np.maximum(size, 1)

    @property
    def counterparts(self) -> np.ndarray:
        """(n,) whether the other side has an image in the stratum too."""
        return np.asarray(self.weight[self.number] > 0)

    @property
    def images(self) -> float:
        """Images of each of two equal sides without strata that would say as much."""
        return float(2 * self.weight.sum())

    @property
    def shares(self) -> np.ndarray:
        """(n,) weight of each image in its side's adjusted mean; those of a side add up to 1."""
        per_a = np.divide(self.weight, self.n_a, out=np.zeros_like(self.weight), where=self.n_a > 0)
        per_b = np.divide(self.weight, self.n_b, out=np.zeros_like(self.weight), where=self.n_b > 0)
        share = np.where(self.in_a, per_a[self.number], per_b[self.number])
        return share / max(float(self.weight.sum()), 1e-300)

    @property
    def effective(self) -> tuple[float, float]:
        """Images of each side that, all of one weight, would tell an adjusted mean as well (Kish 1965)."""
        square = np.square(self.shares)
        return 1 / max(float(square[self.in_a].sum()), 1e-300), 1 / max(float(square[~self.in_a].sum()), 1e-300)

    def means(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Adjusted means of A and B, of (n,) or (m, n) values: what they would be if both sides had the overlap's mix of strata."""
        share = self.shares
        return values[..., self.in_a] @ share[self.in_a], values[..., ~self.in_a] @ share[~self.in_a]


def rank_test(values: np.ndarray, strata: Strata) -> tuple[np.ndarray, np.ndarray]:
    """Van Elteren's test: Wilcoxon's rank sums within strata, each weighted by ``1 / (its images + 1)``.

    Args:
        values: (m, n), one row a test.
        strata: which images are compared with which.

    Returns:
        (m,) z, positive where A's values are higher, and (m,) two-sided p.
    """
    gap, variance = np.zeros(len(values)), np.zeros(len(values))
    order = np.argsort(strata.number, kind="stable")
    for s, rows in enumerate(np.split(order, np.cumsum(np.bincount(strata.number))[:-1])):
        n, n_a, n_b = len(rows), strata.n_a[s], strata.n_b[s]
        if not n_a or not n_b:
            continue
        rank = rankdata(values[:, rows], axis=1) - (n + 1) / 2
        gap += rank[:, strata.in_a[rows]].sum(1) / (n + 1)
        variance += n_a * n_b / (n * (n - 1)) * np.square(rank).sum(1) / (n + 1) ** 2
    z = np.divide(gap, np.sqrt(variance), out=np.zeros_like(gap), where=variance > 1e-12)
    return z, 2 * ndtr(-np.abs(z))


def alike(number: np.ndarray, most: int, exact: int = 12) -> np.ndarray:
    """(n,) strata of one number or code per image: of each value where there are few, else of about equally many images of near values.

    Args:
        number: (n,) values; NaN is a stratum of its own.
        most: strata at most, where values are many.
        exact: different values that are strata of their own.
    """
    known = np.isfinite(number)
    out = np.zeros(len(number), np.int64)
    values, place = np.unique(number[known], return_inverse=True)
    if len(values) > exact:
        rank = rankdata(number[known], method="average")  # equal values stay together
        place = np.minimum(((rank - 0.5) / len(rank) * most).astype(np.int64), most - 1)
    out[known] = 1 + place
    return numbered(out)


def crossed(numbers: list[np.ndarray]) -> np.ndarray:
    """(n,) strata of images that are alike in every one of several strata."""
    out = numbers[0]
    for other in numbers[1:]:
        out = numbered(out * (int(other.max()) + 1) + other)
    return np.asarray(out)


def balanced(y: np.ndarray, strata: np.ndarray, seed: int) -> np.ndarray:
    """(n,) bool: rows, drawn at random, of which every stratum has as many of each side."""
    rng, out = np.random.default_rng(seed), np.zeros(len(y), bool)
    for s in np.unique(strata):
        sides = [np.flatnonzero((strata == s) & (y == side)) for side in (True, False)]
        for rows in sides:
            out[rng.choice(rows, min(map(len, sides)), replace=False)] = True
    return out

"""Differences of means where images come in groups: what counts is how many groups agree (cluster-robust, Liang and Zeger 1986)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy.sparse as sp
from scipy import stats


@dataclass(frozen=True, eq=False)
class GroupedTest:
    """Of k values: arrays of length k."""

    z: np.ndarray
    """Difference of means, A minus B, over its standard error under the null."""
    p_value: np.ndarray
    """Two-sided; by groups, of Student's law with the groups of the smaller side minus one degrees of freedom."""


class Grouping:
    """Sums over groups, of which a difference of means is made.

    Under the null every image has the pooled mean, so a group adds ``u_g = sum of (x_i - pooled mean) / +-n_side`` to the difference,
    images of both sides of it included (of a pair: the difference of two), and the variance of the difference is ``sum of u_g^2``.

    Args:
        in_a: (n,) True for A.
        groups: (n,) group of each row, integers from 0.
    """

    def __init__(self, in_a: np.ndarray, groups: np.ndarray) -> None:
        in_a = np.asarray(in_a, bool)
        self.weight = np.where(in_a, 1 / max(in_a.sum(), 1), -1 / max((~in_a).sum(), 1))
        n, count = len(groups), int(groups.max(initial=-1)) + 1
        self.sums = sp.csr_array((self.weight, (groups, np.arange(n))), shape=(count, n))
        self.share = np.bincount(groups, self.weight, minlength=count)
        self.freedom = max(1, min(len(np.unique(groups[in_a])), len(np.unique(groups[~in_a]))) - 1)

    def sparse(self, values: sp.csr_array) -> GroupedTest:
        """Test the columns of (n, k) sparse values."""
        per_group = sp.csc_array(self.sums @ sp.csr_array(values, dtype=np.float64))
        mean = np.asarray(values.sum(0, dtype=np.float64)).ravel() / values.shape[0]
        square = np.asarray(per_group.multiply(per_group).sum(0)).ravel()
        square = square - 2 * mean * (per_group.T @ self.share) + mean**2 * np.square(self.share).sum()
        return self._test(np.asarray(per_group.sum(0)).ravel(), square)

    def dense(self, values: np.ndarray) -> GroupedTest:
        """Test the rows of (m, n) values."""
        mean = values.mean(1, dtype=np.float64)
        per_group = (self.sums @ values.T.astype(np.float64)).T - mean[:, None] * self.share
        return self._test(per_group.sum(1), np.square(per_group).sum(1))

    def _test(self, difference: np.ndarray, variance: np.ndarray) -> GroupedTest:
        spread = np.sqrt(np.maximum(variance, 0))
        nothing = spread <= 1e-9 * np.abs(difference).max(initial=1e-300)
        z = np.divide(difference, spread, out=np.zeros_like(difference), where=~nothing)
        return GroupedTest(z, 2 * stats.t.sf(np.abs(z), self.freedom))


class MeansTest(Protocol):
    """Tests of differences of means where images are not exchangeable one by one: by groups, or within strata."""

    def sparse(self, values: sp.csr_array) -> GroupedTest:
        """Test the columns of (n, k) sparse values."""
        ...

    def dense(self, values: np.ndarray) -> GroupedTest:
        """Test the rows of (m, n) values."""
        ...


def concept_tests(codes: sp.csr_array, grouping: MeansTest) -> tuple[GroupedTest, GroupedTest]:
    """Of every concept: do firing rates differ, and do mean activations."""
    fires = codes.copy()
    fires.data = np.ones_like(fires.data)
    return grouping.sparse(fires), grouping.sparse(codes)


def independent_images(shows: np.ndarray, groups: np.ndarray) -> float:
    """How many independent images would tell a share as well as images in groups do: n over the design effect (Kish 1965).

    Args:
        shows: (n,) bool: which images of one side show it.
        groups: (n,) group of each, integers from 0.

    Returns:
        In [1, n]. Where all images show it or none does, images of one group count as one; groups of equal size then give their number.
    """
    n, size = len(shows), np.bincount(groups)
    rate, count = float(shows.mean()), int((size > 0).sum())
    if rate in (0.0, 1.0):
        return n**2 / float(np.square(size, dtype=float).sum())
    deviation = np.bincount(groups, shows - rate)
    # Groups minus one and images minus one: images that are groups of their own are n.
    spread = count / max(count - 1, 1) * (n - 1) / n * float(np.square(deviation).sum())
    return min(float(n), max(1.0, rate * (1 - rate) * n**2 / spread)) if spread > 0 else float(n)

"""Differences of means within strata: the law that a difference has where images change sides within their stratum alone."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.special import ndtr

from .grouped import GroupedTest, Grouping, MeansTest
from .strata import Strata
from .stratified import exact_p


class Within:
    """Tests of means within strata, many values at once, as :class:`~latentdiff.stats.grouped.Grouping` does by groups.

    With V the values, ``T = sum over strata of (sum of A's V - n_A mean V)``; under exchange within strata its variance is the sum of
    ``n_A n_B var(V) / n``. Of values 0 and 1 it is Cochran's, Mantel's and Haenszel's test; where few are expected, p is that of the
    exact law.

    Args:
        in_a: (n,) True for A.
        number: (n,) stratum of each image, integers from 0.
    """

    def __init__(self, in_a: np.ndarray, number: np.ndarray) -> None:
        self.strata = Strata(in_a, number)
        n, s = len(self.strata.number), len(self.strata.weight)
        self._of_all = sp.csr_array((np.ones(n), (self.strata.number, np.arange(n))), shape=(s, n))
        self._of_a = sp.csr_array((self.strata.in_a.astype(float), (self.strata.number, np.arange(n))), shape=(s, n))

    def sparse(self, values: sp.csr_array) -> GroupedTest:
        """Test the columns of (n, k) sparse values."""
        values = sp.csr_array(values, dtype=np.float64)
        squares = values.copy()
        squares.data = values.data**2
        binary = bool((values.data == 1).all())
        return self._test((self._of_all @ values).toarray(), (self._of_a @ values).toarray(), (self._of_all @ squares).toarray(), binary)

    def dense(self, values: np.ndarray) -> GroupedTest:
        """Test the rows of (m, n) values."""
        binary = values.dtype == bool
        values = values.T.astype(np.float64)
        return self._test(self._of_all @ values, self._of_a @ values, self._of_all @ np.square(values), binary)

    def _test(self, total: np.ndarray, of_a: np.ndarray, square: np.ndarray, binary: bool) -> GroupedTest:
        n = (self.strata.n_a + self.strata.n_b)[:, None]
        expected = self.strata.n_a[:, None] * total / n
        spread = np.maximum(square - total**2 / n, 0) / np.maximum(n - 1, 1)
        variance = (self.strata.weight[:, None] * spread).sum(0)
        gap = (of_a - expected).sum(0)
        z = np.divide(gap, np.sqrt(variance), out=np.zeros_like(gap), where=variance > 1e-12 * np.maximum(square.sum(0), 1e-300))
        p = 2 * ndtr(-np.abs(z))
        if binary:
            exact = exact_p(total, of_a, self.strata.n_a, self.strata.n_b)
            p = np.where(np.isnan(exact), p, exact)
        return GroupedTest(z, p)


def means_test(in_a: np.ndarray, groups: np.ndarray | None, number: np.ndarray | None) -> MeansTest | None:
    """What tests means where images are not exchangeable one by one: by groups, within strata; None where they are."""
    if groups is not None:
        return Grouping(in_a, groups)
    return None if number is None else Within(in_a, number)

"""Intervals against statsmodels' closed forms where it is here, against published values, and by coverage."""

from __future__ import annotations

import numpy as np
import pytest

from latentdiff.stats.intervals import difference, wilson


def test_newcombe_1998_table() -> None:
    """Table II of Newcombe (1998), method 10: 56/70 - 48/80, 9/10 - 3/10, 10/10 - 0/20, 10/10 - 0/10."""
    known = {
        (56, 70, 48, 80): (0.0524, 0.3339),
        (9, 10, 3, 10): (0.1705, 0.8090),
        (10, 10, 0, 20): (0.6791, 1.0),
        (10, 10, 0, 10): (0.6075, 1.0),
    }
    for (x, n, y, m), expected in known.items():
        assert difference(x / n, y / m, n, m) == pytest.approx(expected, abs=2e-4)


def test_never_of_zero_width_and_mirrored() -> None:
    for rate, other, n, m in ((0, 0, 25, 300), (1, 1, 25, 25), (1, 0, 20, 20), (0.04, 0.0, 200, 190)):
        low, high = difference(rate, other, n, m)
        assert low < high and -1 <= low <= rate - other <= high <= 1
        assert difference(other, rate, m, n) == pytest.approx((-high, -low), abs=1e-15)
        assert wilson(rate, n)[0] < wilson(rate, n)[1]


def test_coverage_of_rare_things() -> None:
    rng = np.random.default_rng(0)
    for p, q, n, m in ((0.05, 0.0, 60, 60), (0.02, 0.01, 200, 100), (0.9, 0.3, 25, 40)):
        x, y = rng.binomial(n, p, 400) / n, rng.binomial(m, q, 400) / m
        ends = np.array([difference(a, b, n, m) for a, b in zip(x.tolist(), y.tolist(), strict=True)])
        assert ((ends[:, 0] <= p - q) & (p - q <= ends[:, 1])).mean() >= 0.92

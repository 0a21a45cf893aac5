"""What a comparison of a given size could have seen, against an exact loop over Fisher's tests."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from latentdiff.stats.power import smallest_detectable


def power_of_fisher(n: int, n_other: int, level: float, rate: float, doubled: bool) -> float:
    """Probability that c ~ Binomial(n, rate) against none on the other side is significant, by scipy test after test."""
    total = 0.0
    for c in range(n + 1):
        table = [[c, n - c], [0, n_other]]
        p = 2 * stats.fisher_exact(table, alternative="greater").pvalue if doubled else stats.fisher_exact(table).pvalue
        total += stats.binom.pmf(c, n, rate) * (p <= level)
    return total


@pytest.mark.parametrize(("n_a", "n_b", "level"), [(25, 40, 0.05), (40, 25, 0.05), (60, 33, 1e-3), (21, 90, 1e-4)])
def test_power_at_the_smallest_detectable_rate(n_a: int, n_b: int, level: float) -> None:
    """Its worse direction has exactly the asked power with the doubled one-sided p; Fisher's two-sided test has at least that."""
    rate = smallest_detectable(n_a, n_b, level)
    exact = [power_of_fisher(n, m, level, rate, doubled=True) for n, m in ((n_a, n_b), (n_b, n_a))]
    assert min(exact) == pytest.approx(0.8, abs=1e-6)
    assert min(power_of_fisher(n, m, level, rate, doubled=False) for n, m in ((n_a, n_b), (n_b, n_a))) >= 0.8 - 1e-6
    assert min(power_of_fisher(n, m, level, rate - 0.01, doubled=True) for n, m in ((n_a, n_b), (n_b, n_a))) < 0.8


def test_it_is_symmetric_and_falls_with_more_images_and_a_laxer_level() -> None:
    assert smallest_detectable(30, 70, 0.01) == smallest_detectable(70, 30, 0.01)
    sizes = [smallest_detectable(n, 2 * n, 0.01) for n in (25, 100, 1000, 10_000)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < 0.001
    assert smallest_detectable(50, 70, 0.05) < smallest_detectable(50, 70, 1e-5)
    assert smallest_detectable(50, 70, 0.05, power=0.5) < smallest_detectable(50, 70, 0.05, power=0.95)


def test_one_where_not_even_all_of_them_would_show() -> None:
    assert stats.fisher_exact([[5, 0], [0, 4]]).pvalue > 1e-4
    assert smallest_detectable(5, 4, 1e-4) == 1.0


def test_simulated_power() -> None:
    n_a, n_b, level = 300, 120, 1e-4
    rate = smallest_detectable(n_a, n_b, level)
    counts = np.random.default_rng(0).binomial(n_a, rate, 400)
    seen = {c: stats.fisher_exact([[c, n_a - c], [0, n_b]]).pvalue <= level for c in np.unique(counts)}
    other = np.random.default_rng(1).binomial(n_b, rate, 400)
    seen_other = {c: stats.fisher_exact([[0, n_a], [c, n_b - c]]).pvalue <= level for c in np.unique(other)}
    assert min(np.mean([seen[c] for c in counts]), np.mean([seen_other[c] for c in other])) >= 0.73

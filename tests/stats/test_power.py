"""What a comparison of a given size could have seen, against an exact loop over Fisher's tests."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from latentdiff.stats.power import detectable_rate, images_to_decide, smallest_detectable


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


@pytest.mark.parametrize(("p", "q", "n_a", "n_b", "level"), [(0.1, 0.05, 1, 1, 1e-3), (0.02, 0.08, 1, 3, 0.01), (0.9, 0.7, 2, 1, 1e-4)])
def test_images_to_decide_give_the_power_asked_for(p: float, q: float, n_a: int, n_b: int, level: float) -> None:
    """By drawing: the pooled two-proportion test rejects in four of five samples of that many images."""
    total = images_to_decide(p, q, n_a, n_b, level)
    n, m = round(total * n_a / (n_a + n_b)), round(total * n_b / (n_a + n_b))
    rng = np.random.default_rng(0)
    x, y = rng.binomial(n, p, 20_000) / n, rng.binomial(m, q, 20_000) / m
    pooled = (n * x + m * y) / (n + m)
    z = (x - y) / np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    assert (np.abs(z) > stats.norm.isf(level / 2)).mean() == pytest.approx(0.8, abs=0.03)
    assert images_to_decide(q, p, n_b, n_a, level) == pytest.approx(total)
    assert images_to_decide(p, p, n_a, n_b, level) == np.inf


def test_detectable_rate_is_where_the_images_there_are_suffice() -> None:
    for base in (0.05, 0.3, 0.6):
        rate = detectable_rate(base, 300, 200, 1e-3)
        assert base < rate < 1
        assert images_to_decide(rate, base, 300, 200, 1e-3) == pytest.approx(500, rel=1e-6)
    assert detectable_rate(0.0, 300, 200, 1e-3) == pytest.approx(smallest_detectable(300, 200, 1e-3), abs=0.02)
    assert detectable_rate(0.9, 25, 25, 1e-4) == 1.0 == detectable_rate(1.0, 25, 25, 0.05)

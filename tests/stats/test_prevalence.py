"""Shares of a phrase from overlapping scores: near the truth of drawn mixtures, mirrored exactly, refused where nothing stands out."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from latentdiff.stats.phrases import shows_threshold
from latentdiff.stats.prevalence import Prevalence, prevalence, prevalences, started


def drawn(seed: int, n_a: int, n_b: int, rates: tuple[float, float], gap: float = 5.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    sides = []
    for n, rate in ((n_a, rates[0]), (n_b, rates[1])):
        shows = np.arange(n) < round(rate * n)
        sides.append((0.05 * (rng.normal(0, 1, n) + gap * shows)).astype(np.float32))
    return sides[0], sides[1]


def found(a: np.ndarray, b: np.ndarray) -> Prevalence:
    return prevalence(a, b, shows_threshold(np.sort(np.concatenate([a, b]))))


@pytest.mark.parametrize("rates", [(0.1, 0.02), (0.05, 0.0), (0.4, 0.3), (0.02, 0.3)])
def test_rates_of_drawn_mixtures(rates: tuple[float, float]) -> None:
    for seed in range(3):
        a, b = drawn(seed, 2000, 1200, rates)
        p = found(a, b)
        assert p.measurable
        assert (p.rate_a, p.rate_b) == pytest.approx(rates, abs=0.012)
        assert ((a > p.threshold).mean(), (b > p.threshold).mean()) == pytest.approx(rates, abs=0.015)
        assert p.effective_a <= 2000 and 0.5 * 1200 < p.effective_b <= 1200


def test_overlap_costs_images() -> None:
    """Scores that overlap tell less: the effective number falls with the gap, and is that of the estimate's own variance."""
    known, rates = [], []
    for seed in range(60):
        p = found(*drawn(seed, 600, 600, (0.2, 0.1), gap=4.2))
        if p.measurable:
            known.append(p.effective_a)
            rates.append(p.rate_a)
    wide = found(*drawn(0, 600, 600, (0.2, 0.1), gap=9.0))
    assert len(rates) >= 40 and np.mean(known) < wide.effective_a <= 600
    # Exactly a fifth shows it, so all that varies is what the overlap costs: the variance beyond that of 600 known labels.
    extra = 0.2 * 0.8 * (1 / np.mean(known) - 1 / 600)
    assert 0.2 * extra < np.var(rates) < 5 * extra


def test_sides_exchange_exactly_and_order_does_not_count() -> None:
    for seed in range(5):
        a, b = drawn(seed, 150, 90, (0.15, 0.03))
        p, q = found(a, b), found(b, a)
        assert p == Prevalence(q.rate_b, q.rate_a, q.threshold, q.effective_b, q.effective_a)
        assert found(np.random.default_rng(1).permutation(a), b[::-1]) == p


def test_nothing_stands_out() -> None:
    refused = [not found(*drawn(seed, 300, 300, (0.0, 0.0))).measurable for seed in range(40)]
    assert np.mean(refused) >= 0.95
    assert not found(*drawn(0, 300, 300, (0.3, 0.1), gap=1.0)).measurable
    assert not prevalence(np.zeros(30, np.float32), np.zeros(30, np.float32), 0.0).measurable


def test_several_settled_together_are_as_each_by_itself() -> None:
    rng = np.random.default_rng(9)
    pairs = [
        tuple(np.r_[rng.normal(0, 1, 200 - k), rng.normal(apart, 0.8, k)].astype(np.float32) for k in (shown, 5))
        for shown, apart in ((40, 5.0), (12, 6.0), (3, 1.0), (80, 4.5))
    ]
    pairs.append((np.zeros(30, np.float32), np.zeros(30, np.float32)))
    together = prevalences([started(a, b, 2.5) for a, b in pairs])
    for (a, b), found in zip(pairs, together, strict=True):
        np.testing.assert_allclose(dataclasses.astuple(found), dataclasses.astuple(prevalence(a, b, 2.5)), rtol=1e-9)
    assert [p.measurable for p in together] == [True, True, False, True, False] and prevalences([]) == []
    assert abs(together[0].rate_a - 0.2) < 0.02 and abs(together[0].rate_b - 0.025) < 0.02

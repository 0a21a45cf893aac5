"""Deviates and bets against closed forms, and the martingale property by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from latentdiff.stats.hypergeometric import randomised_deviates
from latentdiff.stats.martingale import SHIFTS, Bets, e_bh


def test_deviates_have_the_p_of_the_hypergeometric_law() -> None:
    count, fires, uniform = np.array([0, 2, 5, 3]), np.array([4, 9, 9, 120]), np.array([0.3, 0.8, 0.1, 0.5])
    z = randomised_deviates(count, fires, 20, 130, uniform)
    law = stats.hypergeom(150, fires, 20)
    assert stats.norm.sf(z) == pytest.approx(law.sf(count) + uniform * law.pmf(count), rel=1e-9)


def test_deviates_of_batches_of_one_stream_are_independent_standard_normal() -> None:
    """Exchangeable draws, whatever the feature's rate: mean, variance and correlation over 3,000 streams of two batches."""
    rng = np.random.default_rng(0)
    x = (rng.random((3000, 70)) < rng.beta(0.3, 2, (3000, 1))).astype(int)
    reference, first, second = x[:, :40].sum(1), x[:, 40:55].sum(1), x[:, 55:].sum(1)
    z1 = randomised_deviates(first, reference + first, 15, 40, rng.random(3000))
    z2 = randomised_deviates(second, reference + first + second, 15, 55, rng.random(3000))
    for z in (z1, z2):
        assert stats.kstest(z, "norm").pvalue > 0.01
    assert abs(np.corrcoef(z1, z2)[0, 1]) < 0.05 and abs(np.corrcoef(z1**2, z2**2)[0, 1]) < 0.06


def test_the_capital_is_the_sum_over_the_times_at_which_a_bet_may_begin() -> None:
    z = np.random.default_rng(1).standard_normal(6)
    bets = Bets(1)
    for value in z:
        bets.update(np.array([value]))
    expected = 1 / 7
    for begin in range(1, 7):
        for s in SHIFTS:
            gain = np.exp((s * z[begin - 1 :] - s**2 / 2).sum())
            expected += gain / (begin * (begin + 1)) / len(SHIFTS)
    assert bets.log_e()[0] == pytest.approx(np.log(expected))


def test_the_mean_is_one_and_a_twentieth_at_most_ever_reach_twenty() -> None:
    rng, bets = np.random.default_rng(2), Bets(20_000)
    largest = np.zeros(20_000)
    for t in range(40):
        bets.update(rng.standard_normal(20_000))
        largest = np.maximum(largest, bets.log_e())
        if t == 2:
            e = np.exp(np.minimum(bets.log_e(), 8))
            assert e.mean() == pytest.approx(1, abs=0.12)
    assert (largest >= np.log(20)).mean() < 0.05


def test_a_change_is_seen_soon_after_it_comes_however_late_it_comes() -> None:
    bets, rng = Bets(1), np.random.default_rng(3)
    for t in range(400):
        bets.update(np.array([rng.standard_normal() + (3 if t >= 300 else 0)]))
        if bets.log_e()[0] >= np.log(1000):
            break
    assert 300 < t < 312


def test_e_bh_by_hand() -> None:
    """Of four at .5: the largest needs 8, two 4 each, three 8/3 each."""
    assert e_bh(np.log([1.0, 3.0, 7.0, 2.7]), 0.5).tolist() == [2, 1, 3]
    assert e_bh(np.log([1.0, 1.0, 7.0, 2.0]), 0.5).tolist() == []

"""p under random exchange against every exchange there is, and its size on skewed scores."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from latentdiff.stats.exchange import WELCH_FROM, exchange_p_values
from latentdiff.stats.phrases import mean_test, welch


def test_it_is_close_to_all_exchanges_of_a_small_case() -> None:
    """Six against ten: 8,008 exchanges, each counted; two-sided as twice the smaller tail."""
    rng, some = np.random.default_rng(4), np.array(list(itertools.combinations(range(16), 6)))
    rows = rng.lognormal(0, 0.3, (12, 16))
    rows[:4, :6] += 1.0
    for row, p in zip(rows, exchange_p_values(rows[:, :6], rows[:, 6:]), strict=True):
        sums = row[some].sum(1)
        exact = 2 * min((sums >= row[:6].sum() - 1e-12).mean(), (sums <= row[:6].sum() + 1e-12).mean())
        assert p == pytest.approx(min(1, exact), abs=0.005 if exact < 0.01 else 0.05)


@pytest.mark.parametrize(("n_a", "n_b"), [(25, 250), (250, 25), (20, 2000), (60, 60)])
def test_skewed_scores_keep_the_level(n_a: int, n_b: int) -> None:
    """Welch's test rejects at .05 in a tenth of these, and at .001 in a fiftieth."""
    rng = np.random.default_rng(n_a)


    def mode(shape: tuple[int, int]) -> np.ndarray:
        return rng.normal(0, 0.3, shape) + 3.0 * (rng.random(shape) < 0.05)

    for draw in (lambda shape: rng.lognormal(0, 1, shape), mode):
        p = exchange_p_values(draw((1000, n_a)), draw((1000, n_b)))
        for level in (0.05, 0.01, 0.001):
            assert (p <= level).sum() <= stats.binom.ppf(0.999, 1000, level)
        assert (p <= 0.05).mean() > 0.01


def test_of_normal_scores_it_is_students_to_the_last_percent() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((200, 80)) + 0.2, rng.standard_normal((200, 130))
    want = stats.ttest_ind(a, b, axis=1).pvalue
    np.testing.assert_allclose(exchange_p_values(a, b), want, rtol=0.12, atol=0.005)


def test_equal_scores_say_nothing_and_many_images_are_welchs() -> None:
    assert exchange_p_values(np.full((2, 30), [[0.1], [0.0]], np.float32), np.full((2, 40), [[0.1], [0.0]], np.float32)).tolist() == [1, 1]
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((3, WELCH_FROM)), rng.standard_normal((3, WELCH_FROM + 5))
    for one, other in zip(mean_test(a, b), welch(a, b), strict=True):
        np.testing.assert_array_equal(one, other)

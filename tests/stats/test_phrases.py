"""Evidence for phrases against scipy and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from latentdiff.stats.phrases import TAIL, auroc, mean_test, phrase_evidence, shows_threshold, welch


def scores(n: int, seed: int, shift: float = 0.0, mode: float = 0.0) -> np.ndarray:
    """(n, 6) scores: normal ones, shifted ones, ones with a mode of high scores in a share of the images, and a constant column."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0.0, 0.1, (n, 6))
    x[:, 1] += shift
    x[: round(mode * n), 2] += 1.0
    x[:, 3] = np.round(x[:, 3], 1)
    x[:, 5] = 0.25
    return x.astype(np.float32)


A, B = scores(260, 1, 0.05, 0.08), scores(410, 2)


def test_t_is_welchs() -> None:
    e = phrase_evidence(A.T, B.T)
    want = stats.ttest_ind(A[:, :5].astype(float), B[:, :5].astype(float), equal_var=False)
    np.testing.assert_allclose(e.t[:5], want.statistic, rtol=1e-9)
    assert (e.t[5], e.tail_z[5], e.p_more_in_a[5], e.p_more_in_b[5]) == (0, 0, 1, 1)
    assert e.t[1] > 4


@pytest.mark.parametrize(("n_a", "n_b"), [(60, 60), (20, 31), (31, 20)])
def test_constant_sides_are_an_exact_test(n_a: int, n_b: int) -> None:
    a = np.repeat(np.array([[1.0], [0.0], [0.3], [1.0]], np.float32), n_a, 1)
    b = np.repeat(np.array([[0.0], [1.0], [0.3], [0.0]], np.float32), n_b, 1)
    b[3, 0] = 1.0  # one answer that is not like the others is a spread again
    t, p = welch(a, b)
    want = stats.fisher_exact([[n_a, 0], [0, n_b]]).pvalue
    np.testing.assert_array_equal(t[:3], [np.inf, -np.inf, 0.0])
    np.testing.assert_allclose(p[:3], [want, want, 1.0], rtol=1e-9)
    rate, error = 1 / n_b, np.sqrt((1 / n_b) * (1 - 1 / n_b) / (n_b - 1))  # of B; A has no spread, so n_b - 1 degrees of freedom
    assert t[3] == pytest.approx((1 - rate) / error) and p[3] == pytest.approx(2 * stats.t.sf((1 - rate) / error, n_b - 1))
    assert phrase_evidence(a, b).p_more_in_a[0] <= 2 * want * (1 + 1e-9)


@pytest.mark.parametrize("sizes", [(260, 410), (2000, 1300), (25, 40)])
def test_p_value_is_twice_the_smaller_of_means_and_tail(sizes: tuple[int, int]) -> None:
    """The tail's p is Fisher's exact one where few are expected, else that of the two-proportion z; doubling pays for the choice."""
    n_a, n_b = sizes
    a, b = scores(n_a, 3, 0.02, 0.03), scores(n_b, 4)
    e = phrase_evidence(a.T, b.T)
    cut = np.quantile(np.concatenate([a, b]), 1 - TAIL, axis=0, method="lower")
    for j in range(5):
        in_a, in_b = int((a[:, j] > cut[j]).sum()), int((b[:, j] > cut[j]).sum())
        table = [[in_a, n_a - in_a], [in_b, n_b - in_b]]
        chi2 = stats.chi2_contingency(table, correction=False)
        assert e.tail_z[j] == pytest.approx(np.sign(in_a / n_a - in_b / n_b) * np.sqrt(chi2.statistic), rel=1e-6, abs=1e-9)
        tail = stats.fisher_exact(table).pvalue if (in_a + in_b) * min(sizes) / sum(sizes) < 20 else chi2.pvalue
        welch = mean_test(a.T[[j]], b.T[[j]])[1][0]
        for sign, p in ((1, e.p_more_in_a), (-1, e.p_more_in_b)):
            pointing = [1.0, *(q for q, way in ((welch, e.t[j]), (tail, e.tail_z[j])) if sign * way > 0)]
            assert p[j] == pytest.approx(min(1.0, 2 * min(pointing)), rel=1e-6)


def test_a_mode_of_a_few_is_seen_in_the_tail() -> None:
    e = phrase_evidence(A.T, B.T)
    assert e.tail_z[2] == e.tail_z.max() > 4
    assert e.p_more_in_a[2] < 1e-4 < e.p_more_in_b[2]
    assert np.mean(A[:, 2] > e.threshold[2]) == pytest.approx(0.08, abs=0.03)
    assert np.mean(B[:, 2] > e.threshold[2]) < 0.03


def test_threshold_without_a_valley_is_three_standard_deviations_above_the_median() -> None:
    plain = np.sort(np.random.default_rng(5).normal(3, 2, 20_000))
    assert shows_threshold(plain) == pytest.approx(3 + 3 * 2, rel=0.15)
    assert np.mean(plain > shows_threshold(plain)) < 0.003


@pytest.mark.parametrize("share", [0.03, 0.1, 0.3, 0.5])
def test_threshold_separates_images_with_the_phrase_from_those_without(share: float) -> None:
    """Half of the images with the phrase move the median, not the background that is left when they are out."""
    rng = np.random.default_rng(6)
    n = 5000
    mixed = np.concatenate([rng.normal(0, 1, round((1 - share) * n)), rng.normal(7, 1, round(share * n))])
    assert np.mean(mixed > shows_threshold(np.sort(mixed))) == pytest.approx(share, abs=0.005)


def test_threshold_lies_in_the_valley_of_a_skewed_background() -> None:
    """4 % of these scores pass three lower spreads; the mode above makes the valley known."""
    rng = np.random.default_rng(7)
    background = rng.gamma(4.0, 1.0, 9500)
    spread = np.median(background) - np.quantile(background, 0.1587)
    assert np.mean(background > np.median(background) + 3 * spread) > 0.03
    mixed = np.sort(np.concatenate([background, rng.normal(16, 1, 500)]))
    assert 11 < shows_threshold(mixed) < 14.5


def test_threshold_of_equal_scores_and_of_few() -> None:
    assert shows_threshold(np.full(50, 0.25)) == 0.25
    few = np.array([*np.linspace(-1, 1, 36), *np.full(4, 9.0)])
    assert 1 < shows_threshold(few) < 9
    for dtype in (np.float32, np.float64):
        assert isinstance(shows_threshold(few.astype(dtype)), float)


def test_null_p_values_do_not_exceed_their_level() -> None:
    rng = np.random.default_rng(6)
    e = phrase_evidence(rng.normal(0, 1, (3000, 130)), rng.normal(0, 1, (3000, 70)))
    p = np.minimum(e.p_more_in_a, e.p_more_in_b)
    for level in (0.05, 0.001):
        assert np.sum(p <= level) <= stats.binom.ppf(0.9999, 3000, level)
    assert np.mean(p <= 0.05) > 0.02


def test_auroc_equals_scikit_learns_with_ties() -> None:
    a, b = A[:, 3], B[:, 3]
    want = roc_auc_score(np.arange(670) < 260, np.concatenate([a, b]))
    assert auroc(a, b) == pytest.approx(want, abs=1e-12)
    assert auroc(b, a) == pytest.approx(1 - want, abs=1e-12)

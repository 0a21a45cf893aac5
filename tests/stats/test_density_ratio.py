"""Out-of-fold log density ratios and the two-sample test against naive versions per fold."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from latentdiff.stats.density_ratio import EVIDENCE_Z, concept_evidence, cross_fit, stratified_folds, two_sample

GRID = (1e-4, 1e-3, 1e-2, 1e-1)


def rows(n_a: int, n_b: int, d: int, seed: int, shift: float = 0.7) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((n_a + n_b, d)), np.arange(n_a + n_b) < n_a
    x[y, 0] += shift
    return x.astype(np.float32), y


def binary_codes(n: int, k: int, seed: int) -> sp.csr_array:
    rng = np.random.default_rng(seed)
    return sp.csr_array(((rng.random((n, k)) < rng.uniform(0.02, 0.4, k)) * rng.uniform(0.5, 2, (n, k))).astype(np.float32))


def test_folds_deal_each_side_out_evenly() -> None:
    y = np.random.default_rng(0).random(97) < 0.35
    fold = stratified_folds(y, 5, 3)
    for side in (y, ~y):
        counts = np.bincount(fold[side], minlength=5)
        assert (counts.sum(), np.ptp(counts) <= 1) == (side.sum(), True)
    assert not np.array_equal(fold, stratified_folds(y, 5, 4))


def test_plain_head_equals_scikit_learn_fitted_without_each_fold() -> None:
    x, y = rows(120, 75, 10, 1)
    got = cross_fit(x, y, None, (0.02,), 4, seed=5)
    z = (x - x.mean(0)) / x.std(0)
    for f in range(4):
        train = got.fold != f
        head = LogisticRegression(C=0.02, tol=1e-10, max_iter=10_000).fit(z[train], y[train])
        want = head.decision_function(z[~train]) - np.log(y[train].sum() / (~y[train]).sum())
        np.testing.assert_allclose(got.log_ratio[~train], want, atol=1e-3)


def test_the_penalty_is_chosen_inside_the_training_rows() -> None:
    """Pure noise in the held-out rows must not move the choice; strong, clear data asks for a weaker penalty than noise does."""
    x, y = rows(150, 90, 40, 2, shift=0.0)
    noise = cross_fit(x, y, None, GRID, 3, seed=0)
    clear = cross_fit(*rows(150, 90, 2, 2, shift=3.0), None, GRID, 3, seed=0)
    assert max(noise.penalties) < min(clear.penalties)
    assert len(noise.penalties) == 3


@pytest.mark.parametrize("with_codes", [False, True])
def test_a_rows_score_does_not_depend_on_labels_or_codes_of_its_own_fold(with_codes: bool) -> None:
    """Swap the labels of one row of A and one of B, both held out by fold 0: every score of fold 0 stays as it was, others move."""
    x, y = rows(80, 130, 6, 3)
    codes = binary_codes(210, 30, 4) if with_codes else None
    before = cross_fit(x, y, codes, GRID, 5, seed=1)
    # Swapping the rows of both sides swaps labels and keeps the folds, which are drawn from the labels.
    i, j = np.flatnonzero((before.fold == 0) & y)[0], np.flatnonzero((before.fold == 0) & ~y)[0]
    order = np.arange(210)
    order[[i, j]] = j, i
    after = cross_fit(x[order], y, None if codes is None else codes[order], GRID, 5, seed=1)
    held = before.fold == 0
    np.testing.assert_allclose(after.log_ratio[order][held], before.log_ratio[held], atol=2e-4)
    assert np.abs(after.log_ratio[order] - before.log_ratio)[~held].max() > 1e-3


def naive_evidence(fires: np.ndarray, y: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Row by row and concept by concept, each row's own firing left out of the counts."""
    n, k = fires.shape
    score = np.zeros(n)
    rows_a, rows_b = np.flatnonzero(train & y), np.flatnonzero(train & ~y)
    for c in range(k):
        a, b = fires[rows_a, c].sum(), fires[rows_b, c].sum()
        pooled = (a + b) / (len(rows_a) + len(rows_b))
        error = np.sqrt(pooled * (1 - pooled) * (1 / len(rows_a) + 1 / len(rows_b)))
        if error == 0 or abs(a / len(rows_a) - b / len(rows_b)) / error < EVIDENCE_Z:
            continue
        for i in range(n):
            if fires[i, c]:
                others_a, others_b = rows_a[rows_a != i], rows_b[rows_b != i]
                rate_a = (fires[others_a, c].sum() + 0.5) / (len(others_a) + 1)
                rate_b = (fires[others_b, c].sum() + 0.5) / (len(others_b) + 1)
                score[i] += np.log(rate_a / rate_b)
    return score


def test_concept_evidence_equals_a_naive_loop_that_leaves_each_row_out() -> None:
    rng = np.random.default_rng(9)
    y = np.arange(150) < 60
    fires = (rng.random((150, 40)) < np.where(y[:, None], rng.uniform(0, 0.5, 40), rng.uniform(0, 0.5, 40))).astype(np.float32)
    train = rng.random(150) < 0.8
    got = concept_evidence(sp.csr_array(fires), y, train[:, None])[:, 0]
    want = naive_evidence(fires, y, train)
    assert np.abs(want).max() > 1
    np.testing.assert_allclose(got, want, atol=1e-5)


def test_evidence_of_a_held_out_row_does_not_see_its_label() -> None:
    codes, y = binary_codes(90, 25, 2), np.arange(90) < 35
    codes.data[:] = 1
    train = np.arange(90) % 4 != 0
    flipped = np.where(train, y, ~y)
    one, other = (concept_evidence(codes, labels, train[:, None]) for labels in (y, flipped))
    np.testing.assert_array_equal(one[~train], other[~train])


def test_a_rare_planted_concept_lifts_its_images() -> None:
    """12 of 150 images of A fire one concept that no image of B fires: out of fold they score above nearly all others."""
    x, y = rows(150, 220, 30, 11, shift=0.0)
    dense = binary_codes(370, 60, 12).toarray()
    dense[:, 0] = 0
    dense[:12, 0] = 1.5
    got = cross_fit(x, y, sp.csr_array(dense), GRID, 5, seed=0).log_ratio
    assert stats.rankdata(got)[:12].mean() > 350
    plain = cross_fit(x, y, None, GRID, 5, seed=0).log_ratio
    assert stats.rankdata(plain)[:12].mean() < 300


def test_two_sample_equals_scikit_learns_auc_and_scipys_mann_whitney() -> None:
    rng = np.random.default_rng(13)
    y, fold = np.arange(160) < 60, rng.integers(0, 4, 160)
    score = np.round(rng.normal(0, 1, 160) + 0.3 * y, 1)  # rounded: ties
    auc, p = two_sample(score, y, fold)
    pairs = [(y[fold == f].sum(), (~y[fold == f]).sum()) for f in range(4)]
    areas = [roc_auc_score(y[fold == f], score[fold == f]) for f in range(4)]
    assert auc == pytest.approx(np.average(areas, weights=[a * b for a, b in pairs]))
    # Strata add up: sum of U over the root of the summed tie-corrected variances (each from scipy's z), twice for cross-fitted folds.
    numerator = variance = 0.0
    for f, (a, b) in enumerate(pairs):
        in_a, in_b = score[(fold == f) & y], score[(fold == f) & ~y]
        z = stats.norm.isf(stats.mannwhitneyu(in_a, in_b, alternative="greater", method="asymptotic", use_continuity=False).pvalue)
        excess = (areas[f] - 0.5) * a * b
        numerator, variance = numerator + excess, variance + (excess / z) ** 2
    assert p == pytest.approx(stats.norm.sf(numerator / np.sqrt(2 * variance)))


def test_two_sample_without_any_spread_says_nothing() -> None:
    assert two_sample(np.zeros(50), np.arange(50) < 20, np.arange(50) % 5) == (0.5, 0.5)


@pytest.mark.parametrize("folds", [2, 5])
@pytest.mark.parametrize(("d", "with_codes"), [(1, False), (6, True), (40, False)])
def test_two_sample_p_keeps_its_size_through_cross_fitting(d: int, with_codes: bool, folds: int) -> None:
    """Null pairs through the whole head: chance agreement between two folds counts twice, so naive folds reject at .05 in a tenth.

    Never in excess of the level, and neither far below it.
    """
    z = []
    for seed in range(150):
        x, y = rows(55, 35, d, 10_000 + seed, shift=0.0)
        r = cross_fit(x, y, binary_codes(90, 20, seed) if with_codes else None, (1e-3,), folds, seed)
        z.append(stats.norm.isf(two_sample(r.log_ratio, y, r.fold)[1]))
    for level in (0.0167, 0.05, 0.2):
        assert np.sum(z >= stats.norm.isf(level)) <= stats.binom.ppf(0.999, 150, level)
    assert 0.75 < np.std(z) < 1.2  # 1.06 to 1.6 without the factor
    assert abs(np.mean(z)) < 0.3


def test_same_seed_same_scores_and_progress_reaches_one() -> None:
    x, y = rows(60, 41, 5, 1)
    seen: list[float] = []
    one = cross_fit(x, y, None, GRID, 5, 7, lambda fraction, label: seen.append(fraction))
    np.testing.assert_array_equal(one.log_ratio, cross_fit(x, y, None, GRID, 5, 7).log_ratio)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert one.log_ratio.dtype == np.float32

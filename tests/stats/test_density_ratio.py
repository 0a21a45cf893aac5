"""Out-of-fold log density ratios against naive versions per fold, and against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from latentdiff.stats import density_ratio
from latentdiff.stats.calibration import calibration
from latentdiff.stats.density_ratio import EVIDENCE_Z, concept_evidence, cross_fit, out_of_fold_auc, stratified_folds

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
        train = got.fold[:, 0] != f
        head = LogisticRegression(C=0.02, tol=1e-10, max_iter=10_000).fit(z[train], y[train])
        want = head.decision_function(z[~train]) - np.log(y[train].sum() / (~y[train]).sum())
        np.testing.assert_allclose(got.scores[~train, 0], want, atol=1e-3)


def test_the_penalty_is_chosen_inside_the_training_rows() -> None:
    """Pure noise in the held-out rows must not move the choice; strong, clear data asks for a weaker penalty than noise does."""
    x, y = rows(150, 90, 40, 2, shift=0.0)
    noise = cross_fit(x, y, None, GRID, 3, seed=0)
    clear = cross_fit(*rows(150, 90, 2, 2, shift=3.0), None, GRID, 3, seed=0)
    assert max(noise.penalties) < min(clear.penalties)
    assert len(noise.penalties) == 3


@pytest.mark.parametrize("together", [True, False])
def test_the_penalty_has_the_least_loss_of_three_inner_folds_by_scikit_learn(together: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether all outer folds are fitted in one go, or each by itself because it has rows of its own."""
    x, y = rows(70, 50, 12, 3, shift=0.5)
    if not together:
        monkeypatch.setattr(density_ratio, "SELECTION_ROWS", 75)
        monkeypatch.setattr(density_ratio, "TOGETHER", 75)
    grid, seed, folds = (1e-3, 1e-2, 0.3), 4, 4
    got = cross_fit(x, y, None, grid, folds, seed)
    z = (x - x.mean(0)) / x.std(0)
    for f in range(folds):
        train = np.flatnonzero(got.fold[:, 0] != f)
        if not together:
            train = train[np.sort(np.random.default_rng(seed + 1 + f).choice(len(train), 75, replace=False))]
        inner = stratified_folds(y[train], 3, seed + 1 + f)
        losses = []
        for c in grid:
            fits = [LogisticRegression(C=c, tol=1e-10).fit(z[train[inner != k]], y[train[inner != k]]) for k in range(3)]
            held = [train[inner == k] for k in range(3)]
            losses.append(sum(log_loss(y[r], fit.predict_proba(z[r])[:, 1]) * len(r) for r, fit in zip(held, fits, strict=True)))
        assert got.penalties[f] == grid[int(np.argmin(losses))]


@pytest.mark.parametrize("with_codes", [False, True])
def test_a_rows_score_does_not_depend_on_labels_or_codes_of_its_own_fold(with_codes: bool) -> None:
    """Swap the labels of one row of A and one of B, both held out by fold 0: every score of fold 0 stays as it was, others move."""
    x, y = rows(80, 130, 6, 3)
    codes = binary_codes(210, 30, 4) if with_codes else None
    before = cross_fit(x, y, codes, GRID, 5, seed=1)
    # Swapping the rows of both sides swaps labels and keeps the folds, which are drawn from the labels.
    i, j = np.flatnonzero((before.fold[:, 0] == 0) & y)[0], np.flatnonzero((before.fold[:, 0] == 0) & ~y)[0]
    order = np.arange(210)
    order[[i, j]] = j, i
    after = cross_fit(x[order], y, None if codes is None else codes[order], GRID, 5, seed=1)
    held, moved = before.fold[:, 0] == 0, np.abs(after.scores[order] - before.scores)[:, 0]
    assert moved[held].max() < 2e-4
    assert moved[~held].max() > 1e-3


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


def test_auc_is_scikit_learns_within_folds_weighted_by_pairs() -> None:
    rng = np.random.default_rng(13)
    y, fold = np.arange(160) < 60, rng.integers(0, 4, (160, 2))
    score = np.round(rng.normal(0, 1, (160, 2)) + 0.3 * y[:, None], 1)  # rounded: ties
    cells = [(r, fold[:, r] == f) for r in range(2) for f in range(4)]
    areas = [roc_auc_score(y[held], score[held, r]) for r, held in cells]
    assert out_of_fold_auc(score, y, fold) == pytest.approx(np.average(areas, weights=[(y & h).sum() * (~y & h).sum() for _, h in cells]))


def test_scores_of_several_cross_fittings_are_averaged_and_each_is_out_of_fold() -> None:
    """The first of three is the cross-fitting that is done alone; a row's score in each does not see its own fold's labels."""
    x, y = rows(70, 110, 6, 4)
    codes = binary_codes(180, 30, 4)
    one, three = (cross_fit(x, y, codes, (1e-3,), 5, 1, repeats=r) for r in (1, 3))
    np.testing.assert_allclose(three.scores[:, 0], one.scores[:, 0], atol=2e-4)
    assert not np.array_equal(three.fold[:, 0], three.fold[:, 1])
    i, j = np.flatnonzero((three.fold[:, 2] == 0) & y)[0], np.flatnonzero((three.fold[:, 2] == 0) & ~y)[0]
    order = np.arange(180)
    order[[i, j]] = j, i
    again, held = cross_fit(x[order], y, codes[order], (1e-3,), 5, 1, repeats=3), three.fold[:, 2] == 0
    np.testing.assert_allclose(again.scores[order][held, 2], three.scores[held, 2], atol=2e-4)
    linear = np.polyfit(three.scores.mean(1), three.log_ratio, 1)
    np.testing.assert_allclose(np.polyval(linear, three.scores.mean(1)), three.log_ratio, atol=1e-3)
    assert linear[0] == pytest.approx(three.slope, rel=1e-3)


def test_calibration_is_scikit_learns_unpenalised_logistic_regression_on_the_score() -> None:
    rng = np.random.default_rng(2)
    y = rng.random(400) < 0.3
    score = rng.normal(5, 0.2, 400) + 0.1 * y
    head = LogisticRegression(C=1e8, tol=1e-10).fit(score[:, None], y)
    slope, offset = calibration(score, y)
    assert slope == pytest.approx(head.coef_[0, 0], rel=1e-3)
    assert offset == pytest.approx(head.intercept_[0] - np.log(y.sum() / (~y).sum()), rel=1e-3)
    backwards, _ = calibration(-score, y)
    assert 0 < backwards < 0.2  # the order of the images stays, whatever chance says
    assert calibration(np.full(400, 2.0), y) == (1.0, -2.0)


@pytest.mark.parametrize(("d", "n_a", "n_b", "distance"), [(16, 800, 800, 1.0), (32, 500, 2000, 2.0), (24, 2000, 1000, 1.5)])
def test_log_ratio_of_gaussians_is_the_closed_form(d: int, n_a: int, n_b: int, distance: float) -> None:
    """Two normal laws ``distance`` apart: ``log p_A/p_B = m.x - |m|^2 / 2``; slopes both ways near 1, and P(A) means what it says."""
    rng = np.random.default_rng(d)
    direction = rng.standard_normal(d)
    m = distance * direction / np.linalg.norm(direction)
    y = np.arange(n_a + n_b) < n_a
    x = rng.standard_normal((n_a + n_b, d)) + y[:, None] * m
    truth = x @ m - distance**2 / 2
    got = cross_fit(x.astype(np.float32), y, None, GRID, 5, 0, repeats=5).log_ratio
    cross = np.cov(got, truth)[0, 1]
    assert 0.9 < cross / truth.var() < 1.1
    assert 0.9 < cross / got.var() < 1.1
    p = 1 / (1 + np.exp(-got) * n_b / n_a)
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        here = (p >= low) & (p < low + 0.2)
        assert abs(p[here].mean() - y[here].mean()) < 3.3 * np.sqrt(0.25 / max(here.sum(), 1))


def test_groups_are_held_out_together_and_sides_stay_even() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(300) < 120
    groups = np.where(y, rng.integers(0, 25, 300), 25 + rng.integers(0, 40, 300))
    fold = stratified_folds(y, 5, 3, groups)
    assert all(len(set(fold[groups == g])) == 1 for g in np.unique(groups))
    for side in (y, ~y):
        counts = np.bincount(fold[side], minlength=5)
        assert counts.min() >= 0.6 * side.sum() / 5
        assert counts.max() <= 1.4 * side.sum() / 5


def test_same_seed_same_scores_and_progress_reaches_one() -> None:
    x, y = rows(60, 41, 5, 1)
    seen: list[float] = []
    one = cross_fit(x, y, None, GRID, 5, 7, lambda fraction, label: seen.append(fraction))
    np.testing.assert_array_equal(one.log_ratio, cross_fit(x, y, None, GRID, 5, 7).log_ratio)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert one.log_ratio.dtype == np.float32


@pytest.mark.parametrize("seed", range(3))
def test_scores_that_tell_few_images_from_many_are_calibrated_too(seed: int) -> None:
    """Ten of 1,000, nearly apart: whole Newton steps run off to slopes of 0.1 or 400,000 here. The oracle is a general minimiser."""
    from scipy.optimize import minimize

    rng = np.random.default_rng(seed)
    score, y = np.concatenate([rng.normal(1.0, 0.1, 10), rng.standard_t(6, 990) * 0.2]), np.arange(1000) < 10
    z, prior = (score - score.mean()) / score.std(), np.log(10 / 990)

    def loss(v: np.ndarray) -> float:
        logit = v[0] * z + v[1] + prior
        return float((np.logaddexp(0, logit) - y * logit).sum() + 5e-4 * v[0] ** 2)

    best = minimize(loss, np.zeros(2), method="BFGS").x
    slope, offset = calibration(score, y)
    assert slope * score.std() == pytest.approx(best[0], rel=0.02)
    assert offset + slope * score.mean() == pytest.approx(best[1], rel=0.02)

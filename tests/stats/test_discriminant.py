"""Discriminants of many groups against closed forms and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score

from latentdiff.stats.discriminant import GroupScores, deal, group_scores, pairwise_auc

SIZES, WIDTH, APART = (900, 600, 300), 12, 1.5


@pytest.fixture(scope="module")
def gaussians() -> tuple[np.ndarray, np.ndarray, GroupScores]:
    """Unit Gaussians; the third group's mean is APART along the first axis, the others are one population."""
    rng = np.random.default_rng(3)
    label = np.repeat(np.arange(3), SIZES)
    x = rng.standard_normal((len(label), WIDTH)).astype(np.float32)
    x[label == 2, 0] += APART
    return x, label, group_scores(x, label, 3, repeats=2)


def test_distances_are_the_aucs_of_gaussians(gaussians) -> None:
    _, _, found = gaussians
    expected = stats.norm.cdf(APART / np.sqrt(2))
    assert found.distances[2, 0] == pytest.approx(expected, abs=0.02) and found.distances[1, 2] == pytest.approx(expected, abs=0.025)
    assert found.distances[0, 1] == pytest.approx(0.5, abs=0.04)
    assert (found.distances == found.distances.T).all() and (np.diag(found.distances) == 0.5).all()
    assert found.auc[2] == pytest.approx(expected, abs=0.02)


def test_log_ratios_are_those_of_the_densities(gaussians) -> None:
    x, label, found = gaussians
    truth = APART * x[:, 0] - APART**2 / 2
    slope, offset = np.polyfit(truth, found.log_ratio[:, 2], 1)
    assert slope == pytest.approx(1, abs=0.12) and offset == pytest.approx(0, abs=0.12)
    assert roc_auc_score(label == 2, found.log_ratio[:, 2]) == pytest.approx(found.auc[2], abs=0.01)


def test_scores_are_those_of_ridge_regression_on_the_other_folds(gaussians) -> None:
    """The discriminant is proportional to ridge regression of membership on the same folds, where the covariance is theirs."""
    x, label, found = gaussians
    direction = np.linalg.lstsq(np.column_stack([x, np.ones(len(x))]), found.in_sample, rcond=None)[0][:-1]
    z = (x - x.mean(0)) / x.std(0)
    for g in range(3):
        ridge = Ridge(alpha=found.ridge * len(x) * np.linalg.eigvalsh(z.T @ z / len(x)).mean()).fit(z, label == g)
        own = direction[:, g] * x.std(0)
        assert own @ ridge.coef_ / np.linalg.norm(own) / np.linalg.norm(ridge.coef_) == pytest.approx(1, abs=1e-4)


def test_pairwise_auc_is_the_mean_of_the_folds_pairs() -> None:
    rng = np.random.default_rng(0)
    label = np.repeat([0, 1, 2], (17, 11, 8))
    fold, scores = deal(label, 3, 3, 1), rng.standard_normal((36, 3)).round(1)
    found = pairwise_auc(scores, label, fold, 3)
    u = pairs = 0.0
    for f in range(3):
        a, b = (scores[(fold == f) & (label == g)] for g in (2, 0))
        for one in a[:, 2] - a[:, 0]:
            for other in b[:, 2] - b[:, 0]:
                u, pairs = u + (one > other) + 0.5 * (one == other), pairs + 1
    assert found[2, 0] == found[0, 2] == pytest.approx(u / pairs)


def test_folds_are_even_in_every_group() -> None:
    label = np.repeat([0, 1], (52, 23))
    counts = np.array([np.bincount(deal(label, 2, 5, 0)[label == g], minlength=5) for g in (0, 1)])
    assert counts.max(1).tolist() == [11, 5] and counts.min(1).tolist() == [10, 4]


def test_constant_features_do_no_harm() -> None:
    rng = np.random.default_rng(1)
    label = np.repeat([0, 1], 100)
    x = np.column_stack([rng.standard_normal(200) + 2 * label, np.full(200, 7.0)])
    assert group_scores(x, label, 2).distances[0, 1] == pytest.approx(stats.norm.cdf(2 / np.sqrt(2)), abs=0.05)

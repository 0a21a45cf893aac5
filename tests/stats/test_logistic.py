"""The logistic heads against scikit-learn and against the closed form for two Gaussians."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from latentdiff.stats.logistic import GAIN, LogisticProblem, Standardiser


def rows(n_a: int, n_b: int, d: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Correlated Gaussian features of very different scales and offsets; A and B differ in a few of them."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_a + n_b, d)) @ (np.eye(d) + 0.3 * rng.standard_normal((d, d)) / np.sqrt(d))
    y = np.arange(n_a + n_b) < n_a
    x[y, :3] += 0.8
    return x * np.geomspace(0.01, 30, d) + np.linspace(-2, 5, d), y


def reference(x: np.ndarray, y: np.ndarray, use: np.ndarray, penalty: float) -> LogisticRegression:
    """scikit-learn on features standardised over all rows, as :class:`LogisticProblem` does."""
    z = standardised(x)
    return LogisticRegression(C=penalty, tol=1e-10, max_iter=20_000).fit(z[use], y[use])


def standardised(x: np.ndarray) -> np.ndarray:
    x = x.astype(np.float64)
    scale = x.std(0)
    return (x - x.mean(0)) / np.where(scale > 0, scale, 1)


def fitted(x: np.ndarray, y: np.ndarray, use: np.ndarray, penalty: float) -> tuple[np.ndarray, np.ndarray]:
    """(d,) weights and (n,) log ratios of one head."""
    problem = LogisticProblem(x, y)
    heads = problem.fit(np.array([penalty]), use[:, None])
    return heads.w[:, 0], (problem.logits(heads) - heads.prior)[:, 0]


def log_prior(y: np.ndarray, use: np.ndarray) -> float:
    return float(np.log(y[use].sum() / (~y[use]).sum()))


@pytest.mark.parametrize("penalty", [1e-4, 1e-2, 1.0])
@pytest.mark.parametrize(("n_a", "n_b"), [(300, 180), (60, 700)])
def test_weights_and_log_ratios_equal_scikit_learns(n_a: int, n_b: int, penalty: float) -> None:
    x, y = rows(n_a, n_b, 12, 0)
    use = np.random.default_rng(1).random(n_a + n_b) < 0.8
    weights, log_ratio = fitted(x, y, use, penalty)
    want = reference(x, y, use, penalty)
    np.testing.assert_allclose(weights, want.coef_[0], atol=1e-3)
    np.testing.assert_allclose(log_ratio, want.decision_function(standardised(x)) - log_prior(y, use), atol=3e-3)


def test_heads_fitted_together_equal_heads_fitted_alone() -> None:
    """Columns differ in penalty, in rows and in how soon they converge; none may feel the others."""
    x, y = rows(140, 220, 20, 5)
    rng, penalties = np.random.default_rng(2), np.array([1e-4, 10.0, 1e-2, 1e-4])
    use = rng.random((360, 4)) < [0.9, 0.5, 0.8, 0.3]
    problem = LogisticProblem(x, y)
    heads = problem.fit(penalties, use)
    for c, penalty in enumerate(penalties):
        want = reference(x, y, use[:, c], penalty)
        np.testing.assert_allclose(heads.w[:, c], want.coef_[0], atol=3e-3 * max(1, np.abs(want.coef_).max()))
        assert heads.prior[c] == pytest.approx(log_prior(y, use[:, c]))


def test_a_subset_can_borrow_the_standardisation() -> None:
    x, y = rows(200, 120, 9, 6)
    some = np.arange(320) % 3 != 0
    problem = LogisticProblem(x[some], y[some], like=LogisticProblem(x, y))
    heads = problem.fit(np.array([0.01]), np.ones((some.sum(), 1), bool))
    want = reference(x, y, some, 0.01)
    np.testing.assert_allclose(heads.w[:, 0], want.coef_[0], atol=1e-3)
    np.testing.assert_allclose(problem.logits(heads)[:, 0], want.decision_function(standardised(x)[some]), atol=3e-3)


def test_more_features_than_rows() -> None:
    x, y = rows(35, 50, 200, 2)
    use = np.ones(85, bool)
    np.testing.assert_allclose(fitted(x, y, use, 0.01)[0], reference(x, y, use, 0.01).coef_[0], atol=1e-3)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_narrow_floats_give_the_same_head(dtype: type) -> None:
    x, y = rows(150, 90, 12, 3)
    x = x.astype(dtype)
    use = np.ones(240, bool)
    np.testing.assert_allclose(fitted(x, y, use, 0.1)[0], reference(x, y, use, 0.1).coef_[0], atol=1e-3)


@pytest.mark.parametrize("value", [0.0, 7.3, -1e3])
def test_constant_columns_are_harmless(value: float) -> None:
    x, y = rows(150, 90, 12, 4)
    wide = np.insert(x, [0, 5, 12], value, axis=1).astype(np.float32)
    use = np.ones(240, bool)
    weights, log_ratio = fitted(wide, y, use, 0.1)
    np.testing.assert_allclose(weights[[0, 6, 14]], 0, atol=1e-9)
    want = reference(x.astype(np.float32), y, use, 0.1)
    np.testing.assert_allclose(np.delete(weights, [0, 6, 14]), want.coef_[0], atol=1e-3)
    np.testing.assert_allclose(log_ratio, want.decision_function(standardised(x.astype(np.float32))) - log_prior(y, use), atol=5e-3)


@pytest.mark.parametrize("offset", [0.0, 500.0])
def test_standardiser_equals_numpy_over_several_chunks(offset: float) -> None:
    x = (np.random.default_rng(0).normal(3, 2, (40_000, 3)) + offset).astype(np.float16)
    s = Standardiser.fit(x)
    np.testing.assert_allclose(s.mean, x.astype(float).mean(0), rtol=2e-7)
    np.testing.assert_allclose(s.scale, x.astype(float).std(0), rtol=1e-6)


def test_log_ratio_of_two_gaussians_has_its_closed_form() -> None:
    """N(m, 1) against N(-m, 1): log p_A/p_B = 2 m x, whatever the sizes of the sides. High = A."""
    rng, m, n_a, n_b = np.random.default_rng(6), np.array([0.5, -0.25, 0.0]), 30_000, 12_000
    x = np.concatenate([rng.normal(m, 1, (n_a, 3)), rng.normal(-m, 1, (n_b, 3))])
    y = np.arange(n_a + n_b) < n_a
    got, want = fitted(x, y, np.ones(len(y), bool), 1.0)[1], x @ (2 * m)
    assert np.abs(got - want).mean() < 0.03
    assert got[y].mean() > 0 > got[~y].mean()


def test_an_extra_feature_is_one_more_column_held_back_less() -> None:
    """The extra column enters standardised over the rows in use and GAIN times as large: scikit-learn on that matrix agrees."""
    x, y = rows(210, 130, 8, 7)
    rng = np.random.default_rng(8)
    extra, use = rng.normal(2, 3, (340, 2)) + y[:, None], rng.random((340, 2)) < 0.7
    problem = LogisticProblem(x, y)
    heads = problem.fit(np.array([0.003, 0.003]), use, extra)
    got = problem.logits(heads, extra)
    for c in range(2):
        rows_in_use = use[:, c]
        column = (extra[:, c] - extra[rows_in_use, c].mean()) / extra[rows_in_use, c].std() * GAIN
        z = np.column_stack([standardised(x), column])
        want = LogisticRegression(C=0.003, tol=1e-10, max_iter=20_000).fit(z[rows_in_use], y[rows_in_use])
        np.testing.assert_allclose(got[:, c], want.decision_function(z), atol=3e-3)


def test_an_extra_feature_without_spread_changes_nothing() -> None:
    x, y = rows(90, 61, 8, 9)
    use = np.ones((151, 1), bool)
    problem = LogisticProblem(x, y)
    heads = problem.fit(np.array([0.01]), use, np.zeros((151, 1)))
    want = problem.fit(np.array([0.01]), use)
    np.testing.assert_allclose(problem.logits(heads, np.zeros((151, 1))), problem.logits(want), atol=1e-3)

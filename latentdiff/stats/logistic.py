"""L2-regularised logistic regression on standardised features, streamed over rows (method section 5)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular
from scipy.optimize import minimize
from scipy.special import expit

ROWS = 1 << 14
"""Rows converted to float32 at once: float16 memmaps stream through without a full copy."""
GRAM_ROWS = 20_000
"""Rows behind the preconditioner; it only steers the speed, so a sample does."""


@dataclass(frozen=True, eq=False)
class Standardiser:
    """Column means and standard deviations; constant columns get deviation 1, so they become zero and are harmless."""

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def fit(cls, x: np.ndarray) -> Standardiser:
        """Two passes over the (n, d) rows in float64 sums."""
        mean = sum(np.asarray(x[i : i + ROWS], np.float64).sum(0) for i in range(0, len(x), ROWS)) / len(x)
        square = sum(np.square(np.asarray(x[i : i + ROWS], np.float64) - mean).sum(0) for i in range(0, len(x), ROWS))
        deviation = np.sqrt(square / len(x))
        # Rounding leaves a constant column a tiny deviation, not 0: measured against its own size and against the other columns'.
        usual = np.median(deviation[deviation > 0]) if deviation.any() else 1.0
        constant = deviation <= 1e-6 * np.maximum(np.abs(mean), usual)
        return cls(mean, np.where(constant, np.inf, deviation))


class LogisticProblem:
    """All rows of both sides and a preconditioner: fits many weightings of the same rows quickly.

    Args:
        x: (n, d) features, float16/32/64; standardised on the fly.
        y: (n,) 1 for A, 0 for B.
        seed: seed of the preconditioner's row sample.
    """

    def __init__(self, x: np.ndarray, y: np.ndarray, seed: int = 0) -> None:
        self.x, self.y = x, np.asarray(y, np.float64)
        self.standard = Standardiser.fit(x)
        rows = np.arange(len(x))
        if len(x) > GRAM_ROWS:
            rows = np.sort(np.random.default_rng(seed).choice(len(x), GRAM_ROWS, replace=False))
        sample = ((np.asarray(x[rows], np.float64) - self.standard.mean) / self.standard.scale).astype(np.float32)
        self.correlation = np.asarray(sample.T @ sample, np.float64) / len(rows)

    def fit(self, penalty: float, use: np.ndarray, extra: np.ndarray | None = None, *, gain: float = 10.0, iterations: int = 200) -> LogisticHead:
        """Minimise ``C sum_i loss_i + |w|^2 / 2`` over the rows in use, intercept unpenalised (scikit-learn's objective).

        Args:
            penalty: C, the inverse strength of the L2 penalty, > 0.
            use: (n,) bool, the training rows.
            extra: (n,) one more feature (filled at least where ``use``), standardised over the rows in use and multiplied by ``gain``.
            gain: the larger, the less the penalty holds the extra feature back.
            iterations: at most so many L-BFGS iterations in the preconditioned coordinates.
        """
        weight = use.astype(np.float64) * penalty
        positive = float((weight * self.y).sum() / weight.sum())
        column, centre, spread = np.zeros(0), 0.0, 1.0
        if extra is not None:
            centre, spread = float(extra[use].mean()), float(extra[use].std()) or 1.0
            column = np.where(use, (extra - centre) / spread * gain, 0.0)
        d = self.x.shape[1]
        curvature = positive * (1 - positive) * weight.sum()
        root = np.linalg.cholesky(curvature * self.correlation + np.eye(d))
        tail = np.sqrt(curvature * (gain**2 if extra is not None else 0.0) + 1)
        size = d + 1 + (extra is not None)

        def unpack(v: np.ndarray) -> tuple[np.ndarray, float, float]:
            w = solve_triangular(root, v[:d], lower=True, trans="T", check_finite=False)
            return w, v[d] / np.sqrt(curvature), v[d + 1] / tail if extra is not None else 0.0

        def objective(v: np.ndarray) -> tuple[float, np.ndarray]:
            w, bias, share = unpack(v)
            logit = self.scores(w, bias) + (share * column if extra is not None else 0.0)
            loss = weight @ (np.logaddexp(0, logit) - self.y * logit) + 0.5 * (w @ w + share**2)
            residual = weight * (expit(logit) - self.y)
            grad_w = solve_triangular(root, self._transposed(residual) + w, lower=True, check_finite=False)
            rest = [residual.sum() / np.sqrt(curvature)]
            if extra is not None:
                rest.append((residual @ column + share) / tail)
            return float(loss), np.concatenate([grad_w, rest])

        start = np.zeros(size)
        start[d] = np.log(positive / (1 - positive)) * np.sqrt(curvature)
        found = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": iterations, "ftol": 1e-12, "gtol": 1e-6})
        w, bias, share = unpack(found.x)
        return LogisticHead(w, bias, share * gain / spread, centre, float(np.log(positive / (1 - positive))))

    def scores(self, w: np.ndarray, bias: float) -> np.ndarray:
        """(n,) logits of all rows for weights in standardised coordinates."""
        v = w / self.standard.scale
        shift = bias - self.standard.mean @ v
        return np.concatenate([self._rows(i) @ v.astype(np.float32) for i in range(0, len(self.x), ROWS)]).astype(np.float64) + shift

    def _transposed(self, residual: np.ndarray) -> np.ndarray:
        """``X^T residual`` in standardised coordinates."""
        total = np.zeros(self.x.shape[1])
        for i in range(0, len(self.x), ROWS):
            total += residual[i : i + ROWS].astype(np.float32) @ self._rows(i)
        return (total - residual.sum() * self.standard.mean) / self.standard.scale

    def _rows(self, i: int) -> np.ndarray:
        return np.asarray(self.x[i : i + ROWS], np.float32)


@dataclass(frozen=True, eq=False)
class LogisticHead:
    """A fitted head: ``logit = w . standardised(h) + bias + extra_weight (extra - extra_centre)``."""

    w: np.ndarray
    bias: float
    extra_weight: float
    extra_centre: float
    prior: float
    """``log(n_A / n_B)`` of the training rows: the logit minus it is the log density ratio."""

    def log_ratio(self, problem: LogisticProblem, extra: np.ndarray | None = None) -> np.ndarray:
        """(n,) log density ratio of all rows of a problem: ``logit - log(n_A / n_B)``."""
        logit = problem.scores(self.w, self.bias) - self.prior
        return logit if extra is None else logit + self.extra_weight * (extra - self.extra_centre)

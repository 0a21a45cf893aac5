"""Importance weights that make one sample's means those of another (entropy balancing, Hainmueller 2012)."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

RIDGE = 1e-4
"""Pull of each balanced mean, in standard deviations squared, towards what the base weights give: what cannot be reached stays finite."""


def balanced_weights(log_base: np.ndarray, features: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Weights nearest to base weights, in relative entropy, under which the means of features are those wanted.

    Args:
        log_base: (n,) logarithms of the base weights: log density ratios.
        features: (n, f) what is to be balanced; constant ones are left alone.
        target: (f,) the means wanted.

    Returns:
        (n,) float64 weights >= 0 of mean 1.
    """
    spread = features.std(0)
    used = spread > 0
    z = (features[:, used] - features[:, used].mean(0)) / spread[used]
    goal = (target[used] - features[:, used].mean(0)) / spread[used]

    def dual(tilt: np.ndarray) -> tuple[float, np.ndarray]:
        log = log_base + z @ tilt
        total = logsumexp(log)
        share = np.exp(log - total)
        return float(total - tilt @ goal + RIDGE / 2 * tilt @ tilt), share @ z - goal + RIDGE * tilt

    log = log_base
    if used.any():
        found = minimize(dual, np.zeros(int(used.sum())), jac=True, method="L-BFGS-B", options={"maxiter": 500})
        log = log_base + z @ found.x
    return np.asarray(np.exp(log - logsumexp(log)) * len(log))


def effective_size(weights: np.ndarray) -> float:
    """``(sum w)^2 / sum w^2`` (Kish 1965): how many unweighted images weighted ones are worth, in [1, n]."""
    return float(weights.sum() ** 2 / np.square(weights).sum())


def prior_of(log_ratio: np.ndarray, start: float) -> float:
    """Share of a mode among unlabelled images by their log density ratios, mode against the rest (Saerens et al. 2002).

    Args:
        log_ratio: (n,) log ratios.
        start: share to begin with, in (0, 1).
    """
    share = min(max(start, 1e-6), 1 - 1e-6)
    for _ in range(200):
        logit = np.log(share) - np.log1p(-share)
        new = float(np.mean(1 / (1 + np.exp(-np.clip(log_ratio + logit, -50, 50)))))
        new = min(max(new, 1e-6), 1 - 1e-6)
        if abs(new - share) < 1e-9:
            break
        share = new
    return share

"""Scores that are log density ratios: an image with P(A) = .8 is of A eight times in ten."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

LEAST_SLOPE = 0.02
"""Smallest spread of calibrated log ratios."""
RIDGE = 1e-3
NEWTON_STEPS = 50
HALVINGS = 30
"""Of a step of Newton's method, until the loss falls: where scores tell few images from many, a whole step overshoots for good."""


def calibration(score: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Slope and offset that make out-of-fold scores log density ratios (Platt 1999): the most likely ones of ``y`` given the scores.

    A penalised head's scores are too small, an overfitted one's too large; both would give a wrong P(A). The slope stays above
    ``LEAST_SLOPE``: where nothing is learnt, all ratios are near zero, but their order remains.

    Args:
        score: (n,) out-of-fold scores.
        y: (n,) True for A.
    """
    spread = float(score.std())
    if spread == 0:
        return 1.0, -float(score.mean())
    z = (score - score.mean()) / spread
    prior, target = float(np.log(y.sum() / (~y).sum())), y.astype(np.float64)
    slope = offset = 0.0

    def loss(slope: float, offset: float) -> float:
        logit = slope * z + offset + prior
        return float((np.logaddexp(0, logit) - target * logit).sum() + RIDGE / 2 * slope**2)

    for _ in range(NEWTON_STEPS):
        p = expit(slope * z + offset + prior)
        weight = p * (1 - p)
        gradient = np.array([((p - target) * z).sum() + slope * RIDGE, (p - target).sum()])
        cross = float((weight * z).sum())
        hessian = np.array([[(weight * z * z).sum() + RIDGE, cross], [cross, weight.sum() + RIDGE]])
        step = np.linalg.solve(hessian, gradient)
        now = loss(slope, offset)
        for _ in range(HALVINGS):
            if loss(slope - step[0], offset - step[1]) <= now:
                break
            step = step / 2
        slope, offset = slope - step[0], offset - step[1]
        if np.abs(step).max() < 1e-8:
            break
    slope = max(slope, LEAST_SLOPE)
    return slope / spread, offset - slope * float(score.mean()) / spread

"""Do mean scores differ: the law of a difference of means when images change sides at random, skewness included."""

from __future__ import annotations

import numpy as np
from scipy import stats

WELCH_FROM = 2_000
"""Images of the smaller side from which Welch's law is right whatever the scores' own is, and a pass over them can be saved."""
FLAT = 1e-12
"""Variance, over the largest square, below which scores are equal but for rounding."""


def exchange_p_values(scores_a: np.ndarray, scores_b: np.ndarray) -> np.ndarray:
    """Two-sided p that mean scores of A and B differ more than under random exchange of images.

    Welch's test rejects two to four times too often where scores are skewed and one side is small. Under exchange the difference has a
    known mean, variance and third moment (sampling without replacement): its tail on the side of the skew is that of a Pearson type III
    law with these, the other one, which is thinner, is held to be normal.

    Args:
        scores_a: (m, n_a) scores of A's images, one phrase a row.
        scores_b: (m, n_b) scores of B's images.

    Returns:
        (m,), 1 where all scores of a phrase are equal.
    """
    n_a, n_b = scores_a.shape[1], scores_b.shape[1]
    n = n_a + n_b
    difference, square, cube = np.empty((3, len(scores_a)))
    for i, pair in enumerate(zip(scores_a, scores_b, strict=True)):  # one row at a time: the copy stays in the cache
        row = np.concatenate(pair).astype(np.float64)
        row -= row.mean()
        squares = np.square(row)
        difference[i], square[i], cube[i] = row[:n_a].sum(), squares.sum(), squares @ row
    variance = n_a * n_b / (n * (n - 1)) * square
    third = n_a * n_b * (n_b - n_a) / (n * (n - 1) * (n - 2)) * cube
    flat = square <= FLAT * n * np.maximum(np.square(scores_a).max(1), np.square(scores_b).max(1))
    spread = np.sqrt(np.where(flat, 1.0, variance))
    z, skew = difference / spread, third / spread**3
    heavy = stats.pearson3.sf(np.abs(z), np.abs(skew))
    p = np.where(skew * z > 0, heavy, stats.norm.sf(np.abs(z)))
    return np.where(flat, 1.0, np.minimum(1.0, 2 * p))

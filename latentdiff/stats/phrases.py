"""Is a phrase more true of A than of B: tests on all images of both sides (method sections 6 and 7)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from .divergence import FEWEST_EXPECTED, fisher_exact

BACKGROUND = 0.01
"""Share of images without the phrase that may pass its threshold."""


@dataclass(frozen=True, eq=False)
class PhraseEvidence:
    """Evidence per phrase; arrays of length m. Positive means more in A."""

    threshold: np.ndarray
    """An image shows the phrase when its score exceeds this."""
    rate_a: np.ndarray
    """Share of A's images that show it."""
    rate_b: np.ndarray
    t: np.ndarray
    """Welch's t of the scores."""
    tail_z: np.ndarray
    """Two-proportion z of the rates."""
    p_value: np.ndarray
    """Two-sided: twice the smaller of Welch's p and the p of the rates (exact where counts are small)."""


def phrase_evidence(scores_a: np.ndarray, scores_b: np.ndarray) -> PhraseEvidence:
    """Test phrases by the scores (text-image cosines) of all images.

    Welch's t sees shifts of many images, the comparison of rates sees a mode of a few.

    Args:
        scores_a: (n_a, m) scores of A's images, one phrase a column.
        scores_b: (n_b, m) scores of B's images.
    """
    n_a, n_b = len(scores_a), len(scores_b)
    threshold = shows_threshold(np.concatenate([scores_a, scores_b]))
    shown_a, shown_b = (scores_a > threshold).sum(0), (scores_b > threshold).sum(0)
    rate_a, rate_b = shown_a / n_a, shown_b / n_b
    pooled = (shown_a + shown_b) / (n_a + n_b)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n_a + 1 / n_b))
    tail_z = np.divide(rate_a - rate_b, error, out=np.zeros_like(error), where=error > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        welch = stats.ttest_ind(scores_a.astype(np.float64), scores_b.astype(np.float64), equal_var=False)
    t, p_welch = np.nan_to_num(welch.statistic), np.where(np.isnan(welch.pvalue), 1.0, welch.pvalue)
    p_rates = 2 * stats.norm.sf(np.abs(tail_z))
    small = np.flatnonzero((shown_a + shown_b) * min(n_a, n_b) / (n_a + n_b) < 4 * FEWEST_EXPECTED)
    p_rates[small] = fisher_exact(shown_a[small], shown_b[small], n_a, n_b)
    return PhraseEvidence(threshold, rate_a, rate_b, t, tail_z, np.minimum(1.0, 2 * np.minimum(p_welch, p_rates)))


def shows_threshold(scores: np.ndarray) -> np.ndarray:
    """Score above which an image shows a phrase, from the scores alone, blind to the sides.

    Images without the phrase scatter symmetrically about the median; their upper ``BACKGROUND`` quantile is the mirror image of the
    lower one, which images with the phrase do not reach. Holds while the phrase is true of fewer than about half of the images.

    Args:
        scores: (n, m) scores of both sides.

    Returns:
        (m,) thresholds ``2 median - quantile(BACKGROUND)``.
    """
    low, middle = np.quantile(scores, [BACKGROUND, 0.5], axis=0)
    return 2 * middle - low


def auroc(scores_a: np.ndarray, scores_b: np.ndarray) -> float:
    """Probability that a random score of A exceeds a random one of B, ties counting half (Mann-Whitney U / n_a n_b)."""
    ranks = stats.rankdata(np.concatenate([scores_a, scores_b]))
    n_a, n_b = len(scores_a), len(scores_b)
    return float((ranks[:n_a].sum() - n_a * (n_a + 1) / 2) / (n_a * n_b))

"""Is a phrase more true of A than of B: tests on all images of both sides (method sections 6 and 7)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from .exchange import WELCH_FROM, exchange_p_values
from .grouped import MeansTest
from .hypergeometric import fisher_exact

BACKGROUND_SPREADS = 3.0
"""Spreads above the background's median from which an image shows a phrase, where the scores show no valley."""
VALLEY_SPREADS = (1.0, 6.0)
"""Where a valley between the images without the phrase and those with it is looked for, in spreads above the background's median."""
VALLEY_DEPTH = 0.7
"""A valley has at most this share of the density of the mode above it. Tuned with the two numbers above on COCO labels, Corel classes and
drawn scenes at planted rates of 0 to 50 %: benchmarks/verification.py."""
VALLEY_FEWEST = 4
"""Images within ``+- 0.4`` spreads that make a mode."""
MOST_SHOWING = 0.6
"""The background is measured on at least the lowest 40 % of the scores."""
TAIL = 0.05
"""Share of highest scores whose sides are compared: the size of a rare mode (COCO pairs: .03 and .05 alike, .10 worse)."""
EXACT_BELOW = 20.0
ROUNDING = 1e-6
"""Cosines and answers that lie closer together are one score: equal images get float32 products that differ by less."""
FEWEST_IN_TAIL = 3


@dataclass(frozen=True, eq=False)
class PhraseEvidence:
    """Evidence per phrase; arrays of length m. Positive means more in A."""

    threshold: np.ndarray
    """An image shows the phrase when its score exceeds this."""
    t: np.ndarray
    """Welch's t of the scores."""
    tail_z: np.ndarray
    """Two-proportion z of the shares of A and B among the ``TAIL`` highest scores of both."""
    contrast: np.ndarray
    """Mean of A's ``TAIL`` highest scores minus mean of B's, over the standard error that independent scores would give it."""
    p_more_in_a: np.ndarray
    """Twice the smaller of the p of the means and that of the tail (exact where counts are small), each two-sided; only tests that point to
    A count, so 1 where neither does."""
    p_more_in_b: np.ndarray


def phrase_evidence(scores_a: np.ndarray, scores_b: np.ndarray, grouping: MeansTest | None = None) -> PhraseEvidence:
    """Test phrases by the scores (text-image cosines) of all images.

    Welch's t sees shifts of many images, the comparison of tails sees a mode of a few.

    Args:
        scores_a: (m, n_a) scores of A's images, one phrase a row.
        scores_b: (m, n_b) scores of B's images.
        grouping: of A's images, then B's, where they come in groups or strata: both tests go by these then.
    """
    n_a, n_b = scores_a.shape[1], scores_b.shape[1]
    threshold, high = _cuts(scores_a, scores_b)
    t, p_mean = mean_test(scores_a, scores_b)
    tail_z, p_tail = _proportions((scores_a > high[:, None]).sum(1), (scores_b > high[:, None]).sum(1), n_a, n_b)
    if grouping is not None:
        values = np.concatenate([scores_a, scores_b], axis=1)
        mean, tail = grouping.dense(values), grouping.dense(values > high[:, None])
        t, p_mean, tail_z, p_tail = mean.z, mean.p_value, tail.z, tail.p_value
    p = [np.minimum(1.0, 2 * np.minimum(np.where(s * t > 0, p_mean, 1), np.where(s * tail_z > 0, p_tail, 1))) for s in (1, -1)]
    return PhraseEvidence(threshold, t, tail_z, tail_contrast(scores_a, scores_b), *p)


@dataclass(frozen=True, eq=False)
class TailEvidence:
    """The part of :class:`PhraseEvidence` that takes no sorted scores, a fifth of the time."""

    tail_z: np.ndarray


def tail_evidence(scores_a: np.ndarray, scores_b: np.ndarray) -> TailEvidence:
    """:func:`phrase_evidence`'s ``tail_z`` alone, of (m, n_a) and (m, n_b) scores."""
    n_a, n_b = scores_a.shape[1], scores_b.shape[1]
    place, shares = _tail_place(n_a + n_b), np.empty((2, len(scores_a)))
    for i, pair in enumerate(zip(scores_a, scores_b, strict=True)):
        high = np.partition(np.concatenate(pair), place)[place]
        shares[:, i] = [np.count_nonzero(side > high) for side in pair]
    return TailEvidence(_proportion_z(shares[0], shares[1], n_a, n_b))


def _tail_place(n: int) -> int:
    """Place, among n scores in ascending order, of the one that the ``TAIL`` highest exceed."""
    return int((1 - TAIL) * (n - 1))


def tail_contrast(scores_a: np.ndarray, scores_b: np.ndarray) -> np.ndarray:
    """(m,) how much higher the best images of A score than those of B: sees a mode of three images among fifty, and one of 5 % of many.

    Args:
        scores_a: (m, n_a) scores of A's images, one phrase a row.
        scores_b: (m, n_b) scores of B's images.
    """
    top, size = [], []
    for scores in (scores_a, scores_b):
        k = min(scores.shape[1], max(FEWEST_IN_TAIL, int(TAIL * scores.shape[1])))
        top.append(np.partition(scores, scores.shape[1] - k, axis=1)[:, -k:].mean(1, dtype=np.float64))
        size.append(k)
    spread = np.sqrt((scores_a.var(1) * scores_a.shape[1] + scores_b.var(1) * scores_b.shape[1]) / (scores_a.shape[1] + scores_b.shape[1]))
    error = spread * np.sqrt(1 / size[0] + 1 / size[1])
    return np.divide(top[0] - top[1], error, out=np.zeros(len(error)), where=error > 0)


def shows_threshold(ordered: np.ndarray) -> float:
    """Score above which an image shows a phrase, from the scores of both sides together, blind to the sides.

    Images with the phrase stand above those without it. Where the density of the scores has a valley between the two, the threshold is
    its floor; else it lies ``BACKGROUND_SPREADS`` above the median of the background, by the background's own lower spread, which
    images with the phrase do not reach (the mirrored lower tail itself will not do: real scores are skewed, and up to 7 % pass it).

    Args:
        ordered: (n,) scores in ascending order.
    """
    centre, spread, fallback = background(ordered)
    if spread <= 0:
        return fallback
    low, high = VALLEY_SPREADS
    step, width = 0.1, 0.4
    grid = (centre + spread * np.arange(low, 15.0, step)).astype(ordered.dtype)
    half = ordered.dtype.type(width * spread)
    count = (np.searchsorted(ordered, grid + half) - np.searchsorted(ordered, grid - half)).astype(float)
    density = np.convolve(np.pad(count, 2, "edge"), np.full(5, 0.2), "valid")
    above = np.maximum.accumulate(density[::-1])[::-1]
    inside = np.flatnonzero(above[: round((high - low) / step)] >= VALLEY_FEWEST)
    depth = density[inside] / above[inside]
    deepest = int(depth.argmin()) if len(inside) else -1
    return float(grid[inside[deepest]]) if deepest >= 0 and depth[deepest] < VALLEY_DEPTH else fallback


def background(ordered: np.ndarray) -> tuple[float, float, float]:
    """Median and lower spread of the scores of images without the phrase, and the threshold they give.

    The images above the threshold are left out of the median and of the spread (the distance to the quantile that is one standard
    deviation below a normal's median), which moves the threshold, until it stays.
    """
    n, showing = len(ordered), MOST_SHOWING
    for _ in range(10):
        below, median = (float(ordered[int(share * (1 - showing) * (n - 1))]) for share in (0.1587, 0.5))
        threshold = median + BACKGROUND_SPREADS * (median - below)
        now = min(1 - int(np.searchsorted(ordered, ordered.dtype.type(threshold), "right")) / n, MOST_SHOWING)
        if abs(now - showing) < 1 / n:
            break
        showing = now
    return median, median - below, threshold


def _cuts(scores_a: np.ndarray, scores_b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(m,) thresholds from which images show each phrase, and (m,) scores that the ``TAIL`` highest of both sides exceed."""
    n = scores_a.shape[1] + scores_b.shape[1]
    threshold, high = np.empty(len(scores_a), np.float64), np.empty(len(scores_a), scores_a.dtype)
    for i, pair in enumerate(zip(scores_a, scores_b, strict=True)):
        ordered = np.sort(np.concatenate(pair))
        threshold[i], high[i] = shows_threshold(ordered), ordered[_tail_place(n)]
    return threshold, high


def mean_test(scores_a: np.ndarray, scores_b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Welch's t, and the p of random exchange, which keeps its size where scores are skewed and a side is small; of many images Welch's."""
    t, p = welch(scores_a, scores_b)
    if min(scores_a.shape[1], scores_b.shape[1]) >= WELCH_FROM:
        return t, p
    constant = np.isinf(t) | (t == 0)
    return t, np.where(constant, p, exchange_p_values(scores_a, scores_b))


def welch(scores_a: np.ndarray, scores_b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Welch's t and its two-sided p of (m, n_a) against (m, n_b) scores; 0 and 1 where all scores are equal.

    Where each side has one score of its own (every answer about A yes, every one about B no), Welch's law has no spread to work with: t is
    infinite, and p is that of Fisher's exact test on the two scores, the smallest that so many images can give.
    """
    n_a, n_b = scores_a.shape[1], scores_b.shape[1]
    moments = []
    for scores in (scores_a, scores_b):
        mean = scores.mean(1, dtype=np.float64)
        # One row at a time: the centred copy stays in the cache.
        variance = np.array([np.square(row - m, dtype=np.float64).sum() for row, m in zip(scores, mean, strict=True)])
        n = scores.shape[1]
        moments += [mean, np.sqrt(variance / (n - 1)), n]
    with np.errstate(invalid="ignore", divide="ignore"):
        found = stats.ttest_ind_from_stats(*moments, equal_var=False)
    constant = (moments[1] < ROUNDING) & (moments[4] < ROUNDING)
    t, p = constant_test(moments[0] - moments[3], n_a, n_b)
    return np.where(constant, t, np.nan_to_num(found.statistic)), np.where(constant, p, np.nan_to_num(found.pvalue, nan=1.0))


def constant_test(gap: np.ndarray, n_a: int, n_b: int) -> tuple[np.ndarray, np.ndarray]:
    """t and p where all scores of a side are one score: infinite t, and p of Fisher's exact test; 0 and 1 where both sides have the same.

    Args:
        gap: A's score minus B's, of any shape.
        n_a: images of A.
        n_b: images of B.
    """
    apart = np.abs(gap) >= ROUNDING
    tables = special.gammaln(n_a + n_b + 1) - special.gammaln(n_a + 1) - special.gammaln(n_b + 1)
    p = (1 + (n_a == n_b)) * np.exp(-tables)  # equal sides: the mirrored table is as unlikely
    return np.where(apart, np.copysign(np.inf, gap), 0.0), np.where(apart, p, 1.0)


def _proportions(count_a: np.ndarray, count_b: np.ndarray, n_a: int, n_b: int) -> tuple[np.ndarray, np.ndarray]:
    """Two-proportion z, and its p; Fisher's exact p where fewer than ``EXACT_BELOW`` are expected on the smaller side."""
    z = _proportion_z(count_a, count_b, n_a, n_b)
    p = 2 * stats.norm.sf(np.abs(z))
    small = np.flatnonzero((count_a + count_b) * min(n_a, n_b) / (n_a + n_b) < EXACT_BELOW)
    p[small] = fisher_exact(count_a[small], count_b[small], n_a, n_b)
    return z, p


def _proportion_z(count_a: np.ndarray, count_b: np.ndarray, n_a: int, n_b: int) -> np.ndarray:
    pooled = (count_a + count_b) / (n_a + n_b)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n_a + 1 / n_b))
    return np.divide(count_a / n_a - count_b / n_b, error, out=np.zeros_like(error), where=error > 0)


def auroc(scores_a: np.ndarray, scores_b: np.ndarray, zeros_a: int = 0, zeros_b: int = 0) -> float:
    """Probability that a random score of A exceeds a random one of B, ties counting half (Mann-Whitney U / n_a n_b).

    Args:
        scores_a: (m_a,) scores of A's images.
        scores_b: (m_b,) scores of B's images.
        zeros_a: further images of A, all of score 0 where every other score is positive (a concept that does not fire).
        zeros_b: the same for B.
    """
    return auroc_ordered(np.sort(scores_a), np.sort(scores_b), zeros_a, zeros_b)


def auroc_ordered(a: np.ndarray, b: np.ndarray, zeros_a: int = 0, zeros_b: int = 0) -> float:
    """As :func:`auroc`, of scores in ascending order."""
    below = np.searchsorted(b, a, "left")
    tied = a[np.append(b, np.nan)[below] == a]
    ties = int((np.searchsorted(b, tied, "right") - np.searchsorted(b, tied, "left")).sum())
    twice = 2 * int(below.sum()) + ties + 2 * len(a) * zeros_b + zeros_a * zeros_b
    return twice / (2 * (len(a) + zeros_a) * (len(b) + zeros_b))

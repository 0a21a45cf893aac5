"""What a comparison of this size could have seen."""

from __future__ import annotations

import numpy as np
from scipy import stats
from scipy.optimize import brentq
from scipy.special import gammaln


def smallest_detectable(n_a: int, n_b: int, level: float, power: float = 0.8) -> float:
    """Smallest rate, in one side, of a thing absent from the other that Fisher's exact test detects.

    Args:
        n_a: images of A.
        n_b: images of B.
        level: significance level of one test, after correction for many.
        power: probability of detection.

    Returns:
        The larger of both directions' rates, in (0, 1]; 1 where no rate would be detected.
    """
    return max(_one_direction(n_a, n_b, level, power), _one_direction(n_b, n_a, level, power))


def detectable_rate(base: float, n_a: int, n_b: int, level: float, power: float = 0.8) -> float:
    """Smallest rate that differs detectably from a given one on the other side; for one of 0 that of :func:`smallest_detectable`.

    Args:
        base: rate on the other side, in [0, 1).
        n_a: images of A.
        n_b: images of B.
        level: significance level of one test, after correction for many.
        power: probability of detection.

    Returns:
        The larger of both directions' rates, in (base, 1]; 1 where none would be detected. Never below that of a base of 0.
    """
    fewest = smallest_detectable(n_a, n_b, level, power)

    def lacking(rate: float) -> float:
        return _images_needed(rate, base, n_b / n_a, level, power) - n_a

    if base >= 1 or lacking(1.0) > 0:
        return 1.0
    return max(fewest, float(brentq(lacking, base + (1 - base) * 1e-6, 1.0)))


def images_to_decide(rate_a: float, rate_b: float, n_a: int, n_b: int, level: float, power: float = 0.8) -> float:
    """Images of A and B together, in today's proportion, with which a difference of these rates would be detected.

    Args:
        rate_a: rate in A, in [0, 1].
        rate_b: rate in B.
        n_a: images of A today; only the proportion counts.
        n_b: images of B today.
        level: significance level of one test, after correction for many.
        power: probability of detection.

    Returns:
        Their number; infinite for equal rates.

    Source: the two-proportion test's sample size (Fleiss 1981), without continuity correction.
    """
    return _images_needed(rate_a, rate_b, n_b / n_a, level, power) * (1 + n_b / n_a)


def _images_needed(rate: float, other: float, ratio: float, level: float, power: float) -> float:
    """Images of the first side, with ``ratio`` times as many of the other."""
    if rate == other:
        return float("inf")
    pooled = (rate + ratio * other) / (1 + ratio)
    null = np.sqrt((1 + 1 / ratio) * pooled * (1 - pooled))
    own = np.sqrt(rate * (1 - rate) + other * (1 - other) / ratio)
    return float(((stats.norm.isf(level / 2) * null + stats.norm.ppf(power) * own) / (rate - other)) ** 2)


def _one_direction(n: int, n_other: int, level: float, power: float) -> float:
    """Fisher's p of c images here and none there is ``C(n, c) / C(n + n_other, c)``, doubled for two sides."""
    c = np.arange(1, n + 1)
    total = n + n_other
    log_p = np.log(2) + gammaln(n + 1) - gammaln(n - c + 1) - gammaln(total + 1) + gammaln(total - c + 1)
    enough = np.flatnonzero(log_p <= np.log(level))
    if not len(enough):
        return 1.0
    fewest = int(c[enough[0]])
    return float(brentq(lambda rate: stats.binom.sf(fewest - 1, n, rate) - power, 0.0, 1.0))

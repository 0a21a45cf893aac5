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

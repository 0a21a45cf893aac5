"""Intervals of shares and of their difference that hold for few images and for rates of 0 and 1."""

from __future__ import annotations

import numpy as np

Z95 = 1.959963984540054
"""Normal quantile of a two-sided 95 % interval."""


def wilson(rate: float, n: float, z: float = Z95) -> tuple[float, float]:
    """Wilson's score interval of a share.

    Args:
        rate: observed share, in [0, 1].
        n: images behind it, > 0; may be an effective number.
        z: normal quantile.

    Returns:
        Lower and upper end, in [0, 1], never equal.

    Source: Wilson 1927.
    """
    centre, half = rate + z * z / (2 * n), z * np.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low, high = (centre - half) / scale, (centre + half) / scale
    # At 0 and 1 the end is the rate itself: rounding must not shut it out.
    return float(min(max(low, 0.0), rate)), float(max(min(high, 1.0), rate))


def difference(rate: float, other: float, n: float, n_other: float, z: float = Z95) -> tuple[float, float]:
    """Interval of ``rate - other`` from Wilson's two intervals, squared and added (Newcombe 1998, method 10).

    Args:
        rate: share of the first side, in [0, 1].
        other: share of the second.
        n: images of the first side, > 0; may be an effective number.
        n_other: images of the second.
        z: normal quantile.

    Returns:
        Lower and upper end, in [-1, 1]; of positive width for any counts. ``difference(q, p, m, n)`` is its mirror image.
    """
    (low, high), (low_other, high_other) = wilson(rate, n, z), wilson(other, n_other, z)
    gap = rate - other
    return gap - float(np.hypot(rate - low, high_other - other)), gap + float(np.hypot(high - rate, other - low_other))

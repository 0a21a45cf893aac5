"""Where the rate of something changes over ordered bins: an exact test, the place with its uncertainty, and further changes."""

from __future__ import annotations

import numpy as np
from scipy.special import betaln
from scipy.stats import beta

from .hypergeometric import fisher_exact

PRIOR = 0.5
"""Jeffreys' prior of a rate, Beta(1/2, 1/2)."""


def change_p_values(counts: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """p of "the rate is the same in all bins", against one change at some place: the smallest of Fisher's exact tests over all places.

    Exact where images are exchangeable over the bins, and cautious: the smallest p is multiplied by the number of places (Bonferroni).

    Args:
        counts: (k, b) images of each bin that show k things.
        totals: (b,) images of each bin, >= 1.

    Returns:
        (k,) in [0, 1].
    """
    return np.asarray(np.minimum(1.0, _split_p_values(counts, totals).min(1) * (counts.shape[1] - 1)))


def _split_p_values(counts: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """(k, b - 1) p of the bins before and after each place."""
    before, images = counts.cumsum(1), totals.cumsum()
    shown, n = before[:, -1], int(images[-1])
    places = [fisher_exact(before[:, t], shown - before[:, t], int(images[t]), n - int(images[t])) for t in range(counts.shape[1] - 1)]
    return np.stack(places, 1)


def place_of_change(counts: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """(b - 1,) probability of each place of one change, given that there is one: after bin 0, after bin 1, ...

    All places alike beforehand, and both rates by Jeffreys' prior, integrated out.

    Args:
        counts: (b,) images that show it.
        totals: (b,) images.
    """
    x, n = counts.cumsum(), totals.cumsum()
    parts = ((x[:-1], n[:-1]), (x[-1] - x[:-1], n[-1] - n[:-1]))
    log = sum(betaln(shown + PRIOR, images - shown + PRIOR) for shown, images in parts)
    weight = np.exp(log - np.max(log))
    return np.asarray(weight / weight.sum())


def likely_places(probability: np.ndarray, level: float = 0.95) -> tuple[int, int, int]:
    """The likeliest place, and the ends of the shortest run of places around it that holds ``level`` of the probability."""
    best = low = high = int(np.argmax(probability))
    held = float(probability[best])
    while held < level and (low > 0 or high < len(probability) - 1):
        down = probability[low - 1] if low > 0 else -1.0
        up = probability[high + 1] if high < len(probability) - 1 else -1.0
        low, high = (low - 1, high) if down >= up else (low, high + 1)
        held += float(max(down, up))
    return best, low, high


def changes_of(counts: np.ndarray, totals: np.ndarray, level: float) -> list[tuple[int, int, int, float]]:
    """All changes of one rate, by binary segmentation: the first of the whole, then of what lies before and after it.

    Args:
        counts: (b,) images that show it.
        totals: (b,) images.
        level: p up to which the first counts as a change. Each half is tested at half the level, and so on, so that together they keep it.

    Returns:
        (place, lowest, highest, p) of each in order: the rate changes after bin ``place``, with 95 % between the ends.
    """
    if len(counts) < 2:
        return []
    p = float(change_p_values(counts[None], totals)[0])
    if p > level:
        return []
    best, low, high = likely_places(place_of_change(counts, totals))
    cut = best + 1
    before = changes_of(counts[:cut], totals[:cut], level / 2)
    after = [(at + cut, lo + cut, hi + cut, q) for at, lo, hi, q in changes_of(counts[cut:], totals[cut:], level / 2)]
    return [*before, (best, low, high, p), *after]


def rate_band(counts: np.ndarray, totals: np.ndarray, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Jeffreys intervals of rates (Brown, Cai and DasGupta 2001): 0 is the lower end where none shows it, 1 the upper where all do.

    Args:
        counts, totals: of any one shape.
        level: share of such intervals that hold the rate.
    """
    tail = (1 - level) / 2
    low = np.where(counts == 0, 0.0, beta.ppf(tail, counts + PRIOR, totals - counts + PRIOR))
    high = np.where(counts == totals, 1.0, beta.ppf(1 - tail, counts + PRIOR, totals - counts + PRIOR))
    return low, high

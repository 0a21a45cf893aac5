"""Exact law, over strata, of how many of the images that show something are of one side: what Fisher's exact test is in one stratum."""

from __future__ import annotations

import numpy as np

AT_ONCE = 50_000
"""Probabilities that are computed together: as many as lie in a processor's cache."""
FEW = 200.0
"""Expected images of the rarest kind (of one side, showing it or not), over all strata, up to which the law is computed. Beyond, the normal
law is near: with 5,000 images against 100,000, what chance does in .00006 has a p of .00005."""


def exact_p(total: np.ndarray, of_a: np.ndarray, n_a: np.ndarray, n_b: np.ndarray) -> np.ndarray:
    """Two-sided p of counts over strata, exact where few are expected, many counts at once.

    Given how many images of a stratum show it, the number of A's among them is hypergeometric; the law of the sum is their convolution.
    Two-sided as Fisher's test: the probability of all sums no likelier than the one seen (R's ``mantelhaen.test(exact=TRUE)``).

    Args:
        total: (s, k) images of both sides that show k things in s strata.
        of_a: (s, k) those of A.
        n_a: (s,) images of A.
        n_b: (s,) images of B.

    Returns:
        (k,) p; NaN where more than ``FEW`` are expected, and where so many more than expected were seen that p is below 1e-20.
    """
    both, p = (n_a > 0) & (n_b > 0), np.full(total.shape[1], np.nan)
    total, of_a, n_a, n_b = total[both], of_a[both], n_a[both, None], n_b[both, None]
    step = max(1, AT_ONCE * 20 // max(len(total), 1))
    for first in range(0, total.shape[1], step):
        block = slice(first, first + step)
        p[block] = _of_block(total[:, block], of_a[:, block], n_a, n_b)
    return p


def _of_block(total: np.ndarray, of_a: np.ndarray, n_a: np.ndarray, n_b: np.ndarray) -> np.ndarray:
    p, n = np.full(total.shape[1], np.nan), n_a + n_b
    with_a = (n_a * total / n).sum(0)
    with_b = total.sum(0) - with_a
    kinds = np.array([with_a, with_b, n_a.sum() - with_a, n_b.sum() - with_b])
    few, rarest = np.flatnonzero(kinds.min(0) <= FEW), kinds.argmin(0)
    # What is counted is the rarest of the four kinds: its law is the shortest.
    of_b, without = rarest[few] % 2 == 1, rarest[few] >= 2
    total, of_a = total[:, few], of_a[:, few]
    m, own = np.where(without, n - total, total), np.where(of_b, n_b, n_a)
    seen = np.where(of_b, total - of_a, of_a)
    seen = np.where(without, own - seen, seen)
    low = np.maximum(0, m - (n - own))
    place, mean, most = (seen - low).sum(0).astype(np.int64), own * m / n - low, np.minimum(m, own) - low
    width = np.minimum(most.sum(0), _end(mean.sum(0))).astype(np.int64) + 1
    order = np.argsort(width, kind="stable")
    at = 0
    while at < len(order):
        stop = at + max(1, int(np.searchsorted(width[order[at:]] * np.arange(1, len(order) - at + 1), AT_ONCE)))
        some, at = order[at:stop], stop
        law = _law(m[:, some], own[:, some], (n - own)[:, some], low[:, some], most[:, some], int(width[some[-1]]))
        inside = np.flatnonzero(place[some] < width[some])
        chance = law[place[some[inside]], inside]
        # Relative slack: sums of equal probability count even where rounding splits them.
        p[few[some[inside]]] = np.where(law[:, inside] <= chance * (1 + 1e-7), law[:, inside], 0).sum(0)
    return np.minimum(p, 1.0)


def _end(mean: np.ndarray) -> np.ndarray:
    """Counts above it are left aside: together less than 1e-20 (Chernoff; a hypergeometric count is a sum of independent events)."""
    return np.ceil(mean + 10 * np.sqrt(mean) + 15)


def _law(m: np.ndarray, own: np.ndarray, other: np.ndarray, low: np.ndarray, most: np.ndarray, width: int) -> np.ndarray:
    """(width, k) probability of each sum above the lowest one there can be.

    Args:
        m, own, other: (s, k) images that are drawn from, those of the side that is counted, and those of the other.
        low, most: (s, k) lowest count, and by how much the highest is above it.
        width: sums that are looked at.
    """
    order = np.argsort(-most, axis=0, kind="stable")  # strata in which anything can vary come first
    m, own, other, low, most = (np.take_along_axis(x, order, 0) for x in (m, own, other, low, most))
    law, filled = np.zeros((width, m.shape[1])), 1
    law[0] = 1.0
    for s in range(int((most > 0).any(1).sum())):
        end = int(min(most[s].max(), _end((own[s] * m[s] / (own[s] + other[s]) - low[s]).max()), width - 1))
        c = np.arange(end)[:, None]
        with np.errstate(divide="ignore"):  # log 0: no count above the highest
            steps = np.log(np.where(c < most[s], (m[s] - low[s] - c) * (own[s] - low[s] - c), 0))
            steps -= np.log((low[s] + c + 1.0) * (other[s] - m[s] + low[s] + c + 1))
        log = np.concatenate([np.zeros((1, m.shape[1])), np.cumsum(steps, axis=0)])
        mass = np.exp(log - log.max(0))
        mass /= mass.sum(0)
        before, law = law, np.zeros_like(law)
        for j in range(end + 1):
            count = min(filled, width - j)
            law[j : j + count] += mass[j] * before[:count]
        filled = min(width, filled + end)
    return law

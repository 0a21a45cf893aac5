"""Which concepts differ between A and B: Jensen-Shannon divergence, tests and false-discovery control (method section 4)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, fields, replace

import numpy as np
import scipy.sparse as sp
from scipy import stats

from ..compute.parallel import ordered_map
from ..compute.sparse import by_concept
from .grouped import Grouping, MeansTest, concept_tests
from .histograms import Histograms, concept_of, histograms
from .hypergeometric import fisher_exact

BLOCK = 250_000
"""Nonzeros that are sorted and binned at once: they stay near the cache, and bound memory (about 100 bytes each)."""
FEWEST_EXPECTED = 5.0
"""Smallest expected count per cell for the chi-squared law; sparser concepts get Fisher's exact test on firing."""


@dataclass(frozen=True, eq=False)
class Divergence:
    """Evidence per concept; all arrays have length K."""

    fires_a: np.ndarray
    """Images of A in which it fires."""
    fires_b: np.ndarray
    rate_a: np.ndarray
    """Firing rate in A, in [0, 1]."""
    rate_b: np.ndarray
    gap: np.ndarray
    """Mean activation in A minus mean activation in B (the sign gives the side)."""
    gap_z: np.ndarray
    """The gap over its standard error (Welch)."""
    firing_z: np.ndarray
    """Two-proportion z of the firing rates."""
    jsd: np.ndarray
    """Jensen-Shannon divergence in nats, in [0, ln 2]."""
    jsd_firing: np.ndarray
    """The part of it that lies in firing or not (chain rule); the rest lies in the magnitudes."""
    bias: np.ndarray
    """Expected JSD of two samples of one distribution: ``(cells - 1) / 8 (1/n_a + 1/n_b)``."""
    p_value: np.ndarray
    """Two-sided p; 1 for concepts that never fire."""


def divergence(codes_a: sp.csr_array, codes_b: sp.csr_array, binning: str = "sparse") -> Divergence:
    """Compare the activations of every concept (paper section 4.1; method section 4).

    Args:
        codes_a: (n_a, K) activations of A, n_a >= 2.
        codes_b: (n_b, K) activations of B, n_b >= 2; n_a != n_b is normal.
        binning: see :func:`latentdiff.stats.histograms.histograms`.
    """

    a, b = by_concept(codes_a), by_concept(codes_b)

    def of(block: slice) -> Divergence:
        return _divergence(a[:, block], b[:, block], binning)

    blocks = _blocks(np.diff(a.indptr).astype(np.int64) + np.diff(b.indptr))
    parts = list(ordered_map(of, blocks, 1 if len(blocks) == 1 else None))
    return Divergence(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Divergence)))


def by_group(d: Divergence, codes: sp.csr_array, in_a: np.ndarray, groups: np.ndarray) -> Divergence:
    """:func:`retested` by groups."""
    return retested(d, codes, Grouping(in_a, groups))


def retested(d: Divergence, codes: sp.csr_array, test: MeansTest) -> Divergence:
    """The same with z and p that go by groups or strata, not by images: twice the smaller p of firing rates and of mean activations."""
    firing, activation = concept_tests(codes, test)
    p = np.minimum(1.0, 2 * np.minimum(firing.p_value, activation.p_value))
    return replace(d, firing_z=firing.z, gap_z=activation.z, p_value=p)


def one_bin(d: Divergence) -> float:
    """Share of the concepts that fire at all whose activations lie in one bin, so that their divergence is 0 whatever the sides show.

    The paper's bins put all of a concept into one where its interquartile range is 0: where it fires in less than a quarter of the images.
    """
    alive = d.fires_a + d.fires_b > 0
    return float((d.bias[alive] == 0).mean()) if alive.any() else 0.0


def _blocks(nonzeros: np.ndarray) -> list[slice]:
    """Consecutive concepts with at most ``BLOCK`` nonzeros together, or one concept with more."""
    edges, total = [0], 0
    for k, count in enumerate(nonzeros.tolist()):
        if total + count > BLOCK and k > edges[-1]:
            edges, total = [*edges, k], 0
        total += count
    return [slice(i, j) for i, j in itertools.pairwise([*edges, len(nonzeros)])]


def _divergence(codes_a: sp.csc_array, codes_b: sp.csc_array, binning: str) -> Divergence:
    n_a, n_b = codes_a.shape[0], codes_b.shape[0]
    h = histograms(codes_a, codes_b, binning)
    fires_a, mean_a, var_a = _moments(codes_a)
    fires_b, mean_b, var_b = _moments(codes_b)
    rate_a, rate_b = fires_a / n_a, fires_b / n_b
    pooled = (fires_a + fires_b) / (n_a + n_b)
    jsd = _jsd_of_cells(h, n_a, n_b)
    cells = np.add.reduceat(((h.counts_a + h.counts_b) > 0).astype(np.int64), h.start[:-1])
    return Divergence(
        fires_a=fires_a,
        fires_b=fires_b,
        rate_a=rate_a,
        rate_b=rate_b,
        gap=mean_a - mean_b,
        gap_z=_gap_z(mean_a - mean_b, np.sqrt(var_a / n_a + var_b / n_b), min(n_a, n_b)),
        firing_z=_ratio(rate_a - rate_b, np.sqrt(pooled * (1 - pooled) * (1 / n_a + 1 / n_b))),
        jsd=jsd,
        jsd_firing=_jsd_terms(rate_a, rate_b) + _jsd_terms(1 - rate_a, 1 - rate_b),
        bias=(cells - 1) / 8 * (1 / n_a + 1 / n_b),
        p_value=_p_values(h, fires_a, fires_b, n_a, n_b),
    )


def _moments(codes: sp.csc_array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Firing counts, means and (unbiased) variances per concept: sums over images, so they merge over shards."""
    n, k = codes.shape
    concept = concept_of(codes)
    fires = np.diff(codes.indptr).astype(np.int64)
    total = np.bincount(concept, codes.data, minlength=k)
    square = np.bincount(concept, np.square(codes.data, dtype=np.float64), minlength=k)
    mean = total / n
    return fires, mean, np.maximum(square / n - mean**2, 0) * n / (n - 1)


def _gap_z(gap: np.ndarray, error: np.ndarray, n: int) -> np.ndarray:
    """Gaps over their standard errors. Sides that are constant, and differ, have no error to speak of: rounding decides whether it is zero.

    Among n equal activations a deviation of 1/n of their size may have gone unseen: their error is at least ``|gap| / n^(3/2)``.
    """
    return _ratio(gap, np.maximum(error, np.abs(gap) / n**1.5))


def _ratio(value: np.ndarray, error: np.ndarray) -> np.ndarray:
    return np.divide(value, error, out=np.zeros_like(value), where=error > 0)


def _jsd_terms(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Cell by cell, ``p/2 ln(p/m) + q/2 ln(q/m)`` with ``m = (p + q) / 2`` and ``0 ln 0 = 0``."""
    m = np.maximum((p + q) / 2, np.finfo(float).tiny)
    term = np.zeros_like(m)
    for x in (p, q):
        term += 0.5 * x * np.log(np.where(x > 0, x, m) / m)
    return term


def _jsd_of_cells(h: Histograms, n_a: int, n_b: int) -> np.ndarray:
    return np.add.reduceat(_jsd_terms(h.counts_a / n_a, h.counts_b / n_b), h.start[:-1])


def _p_values(h: Histograms, fires_a: np.ndarray, fires_b: np.ndarray, n_a: int, n_b: int) -> np.ndarray:
    """Twice the smaller p of Fisher's exact test on firing and of Pearson's chi-squared on the cells; Fisher's alone where few fire.

    The law of the equal-weight JSD is chi-squared only for sides of one size (at 100 against 1,000 images and frequent firing it rejects
    six times too often), that of Pearson's statistic for any. It needs filled cells, so for the test (not for the JSD that is reported) a
    concept's neighbouring cells are merged until each expects at least ``FEWEST_EXPECTED`` images on either side.
    """
    n = n_a + n_b
    merged = _merge_cells(h, FEWEST_EXPECTED * n / min(n_a, n_b))
    df, pooled = np.diff(merged.start) - 1, merged.counts_a + merged.counts_b
    excess = np.square(merged.counts_a - pooled * (n_a / n)) / np.maximum(pooled, 1)
    pearson = stats.chi2.sf(np.add.reduceat(excess, merged.start[:-1]) * n**2 / (n_a * n_b), np.maximum(df, 1))
    firing = fisher_exact(fires_a, fires_b, n_a, n_b)
    return np.where(df > 1, np.minimum(1.0, 2 * np.minimum(pearson, firing)), firing)


def _merge_cells(h: Histograms, fewest: float) -> Histograms:
    """Merge neighbouring cells of each concept, from the first on, until each holds ``fewest`` images of both sides together."""
    pooled = h.counts_a + h.counts_b
    group = np.empty(len(pooled), np.int64)
    sizes = np.diff(h.start)
    # Step i looks at the i-th cell of every concept at once: at most MAX_BINS + 1 steps, whatever K is (more only in paper mode).
    filled = np.zeros(len(sizes))
    current = np.zeros(len(sizes), np.int64)
    remaining = np.add.reduceat(pooled, h.start[:-1]).astype(float)
    for i in range(int(sizes.max(initial=0))):
        has = np.flatnonzero(sizes > i)
        cell = h.start[has] + i
        # A new group opens where the last one is full and what is left fills another.
        opens = (filled[has] >= fewest) & (remaining[has] >= fewest)
        current[has] += opens
        filled[has] = np.where(opens, 0, filled[has]) + pooled[cell]
        remaining[has] -= pooled[cell]
        group[cell] = current[has]
    start = np.concatenate([[0], np.cumsum(current + 1)])
    index = start[h.concept] + group
    return Histograms(
        np.bincount(index, h.counts_a, minlength=start[-1]).astype(np.int64),
        np.bincount(index, h.counts_b, minlength=start[-1]).astype(np.int64),
        start,
    )


def q_values(p: np.ndarray, correction: str, tests: int | None = None) -> np.ndarray:
    """False-discovery-adjusted p-values (Benjamini-Hochberg ``"bh"`` or Benjamini-Yekutieli ``"by"``).

    Args:
        p: (m,) p-values in [0, 1].
        correction: "bh" or "by".
        tests: size of the family when only its m most promising members were computed (the rest count as p = 1, which can only
            make the result more cautious); None for m.

    Returns:
        (m,) q-values in [0, 1].
    """
    if not len(p):
        return np.zeros(0)
    family = np.concatenate([p, np.ones(max(0, (tests or 0) - len(p)))])
    return stats.false_discovery_control(family, method=correction)[: len(p)]

"""Per-concept histograms of sparse activations, all concepts at once (method section 4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

MAX_BINS = 64
STURGES_BELOW = 20
"""With fewer nonzeros than this the interquartile range means little: Sturges' rule takes over."""


@dataclass(frozen=True, eq=False)
class Histograms:
    """Counts of all concepts in one flat array; concept k owns the cells ``start[k]:start[k + 1]``.

    In ``"sparse"`` binning the first cell of a concept is "does not fire" and the others divide its nonzero activations.
    """

    counts_a: np.ndarray
    """(cells,) images of A per cell (int64)."""
    counts_b: np.ndarray
    """(cells,) images of B per cell."""
    start: np.ndarray
    """(K + 1,) first cell of each concept."""

    @property
    def concept(self) -> np.ndarray:
        """(cells,) the concept that owns each cell."""
        return np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))


@dataclass(frozen=True, eq=False)
class _Nonzeros:
    """All nonzero activations of both sides, sorted by concept, then value."""

    concept: np.ndarray
    value: np.ndarray
    in_a: np.ndarray
    count: np.ndarray
    """(K,) nonzeros per concept."""
    first: np.ndarray
    """(K,) position of each concept's smallest nonzero."""


def histograms(codes_a: sp.sparray, codes_b: sp.sparray, binning: str = "sparse") -> Histograms:
    """Bin both sides' activations of every concept over common edges.

    Args:
        codes_a: (n_a, K) activations of A, >= 0, by row (CSR) or by concept (CSC).
        codes_b: (n_b, K) activations of B.
        binning: ``"sparse"``: one cell for "does not fire", Freedman-Diaconis on the pooled nonzeros, at most 64 bins, Sturges below
            20 nonzeros or where the interquartile range is 0. ``"paper"``: literal Freedman-Diaconis on all n_a + n_b activations,
            one bin where the interquartile range is 0 (as for every concept that fires in less than a quarter of the images).

    Returns:
        Counts; the bin edges are those of ``numpy.histogram_bin_edges`` over the same range and number of bins.
    """
    n_a, n_b, k = codes_a.shape[0], codes_b.shape[0], codes_a.shape[1]
    nz = _nonzeros(codes_a, codes_b)
    low, high, q1, q3 = _summary(nz, n_a + n_b if binning == "paper" else None)
    if binning == "paper":
        bins = _freedman_diaconis(high - low, q3 - q1, np.full(k, n_a + n_b))
        bins = np.where(q3 > q1, bins, 1)
    else:
        sturges = np.ceil(np.log2(np.maximum(nz.count, 1)) + 1)
        bins = np.where((nz.count < STURGES_BELOW) | (q3 <= q1), sturges, _freedman_diaconis(high - low, q3 - q1, nz.count))
        bins = np.where(nz.count == 0, 0, np.where(high > low, np.minimum(bins, MAX_BINS), 1))
    bins = bins.astype(np.int64)
    offset = 0 if binning == "paper" else 1
    start = np.concatenate([[0], np.cumsum(bins + offset)])
    cell = start[nz.concept] + offset + _bin_index(nz, low, high, bins)
    counts_a = np.bincount(cell[nz.in_a], minlength=start[-1])
    counts_b = np.bincount(cell[~nz.in_a], minlength=start[-1])
    # Zeros: a cell of their own, or, in the paper's bins, the first bin (activations are never negative).
    for counts, side, n in ((counts_a, nz.in_a, n_a), (counts_b, ~nz.in_a, n_b)):
        counts[start[:-1]] += n - np.bincount(nz.concept[side], minlength=k)
    return Histograms(counts_a, counts_b, start)


def concept_of(codes: sp.sparray) -> np.ndarray:
    """(nnz,) the concept of each nonzero of CSR or CSC codes."""
    return codes.indices if codes.format == "csr" else np.repeat(np.arange(codes.shape[1]), np.diff(codes.indptr))


def _nonzeros(codes_a: sp.sparray, codes_b: sp.sparray) -> _Nonzeros:
    """Sort by one 64-bit key: concept, bits of the value (positive floats sort as their bits do), side."""
    k = codes_a.shape[1]
    keys = []
    for codes, side in ((codes_a, 0), (codes_b, 1)):
        bits = np.asarray(codes.data, np.float32).view(np.uint32).astype(np.uint64)
        keys.append((concept_of(codes).astype(np.uint64) << np.uint64(33)) | (bits << np.uint64(1)) | np.uint64(side))
    key = np.sort(np.concatenate(keys))
    concept = (key >> np.uint64(33)).astype(np.int64)
    value = ((key >> np.uint64(1)) & np.uint64(0xFFFFFFFF)).astype(np.uint32).view(np.float32).astype(np.float64)
    count = np.bincount(concept, minlength=k)
    return _Nonzeros(concept, value, (key & np.uint64(1)) == 0, count, np.cumsum(count) - count)


def _summary(nz: _Nonzeros, total: int | None) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Minimum, maximum and quartiles per concept, over the nonzeros, or over ``total`` values with the zeros counted in."""
    k = len(nz.count)
    zeros = np.zeros(k, np.int64) if total is None else total - nz.count
    n = nz.count + zeros

    def at(rank: np.ndarray) -> np.ndarray:
        """The rank-th smallest value of each concept; 0 within its zeros."""
        position = np.clip(rank - zeros, 0, np.maximum(nz.count - 1, 0))
        value = nz.value[np.minimum(nz.first + position, len(nz.value) - 1)] if len(nz.value) else np.zeros(k)
        return np.where((rank < zeros) | (nz.count == 0), 0.0, value)

    def quantile(q: float) -> np.ndarray:
        where = q * np.maximum(n - 1, 0)
        below = np.floor(where).astype(np.int64)
        left, right = at(below), at(np.minimum(below + 1, np.maximum(n - 1, 0)))
        return left + (right - left) * (where - below)

    return at(np.zeros(k, np.int64)), at(np.maximum(n - 1, 0)), quantile(0.25), quantile(0.75)


def _freedman_diaconis(span: np.ndarray, iqr: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Number of bins of width ``2 IQR / n^(1/3)``; 1 where the interquartile range is 0."""
    width = 2 * iqr / np.cbrt(np.maximum(n, 1))
    return np.maximum(np.ceil(np.divide(span, width, out=np.ones_like(span), where=width > 0)), 1)


def _bin_index(nz: _Nonzeros, low: np.ndarray, high: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """Bin of every nonzero, as ``numpy.histogram`` assigns it: half-open bins, the last one closed, edges decide over rounding."""
    n, lo, hi = bins[nz.concept], low[nz.concept], high[nz.concept]
    span = np.where(hi > lo, hi - lo, 1.0)
    index = np.clip(np.floor((nz.value - lo) / span * n), 0, np.maximum(n - 1, 0)).astype(np.int64)
    step = span / np.maximum(n, 1)

    def edge(i: np.ndarray) -> np.ndarray:
        return np.where(i == n, hi, i * step + lo)

    index -= (nz.value < edge(index)) & (index > 0)
    index += (nz.value >= edge(index + 1)) & (index < n - 1)
    return index

"""How steady findings are: in how many refits, each without another fifth of the images, they are found again."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from ..config import REFITS
from ..embed.grouping import numbered
from .density_ratio import stratified_folds
from .divergence import divergence, retested
from .grouped import MeansTest
from .phrases import phrase_evidence
from .within import means_test


def parts(in_a: np.ndarray, order: np.ndarray, groups: np.ndarray | None, seed: int) -> np.ndarray:
    """(n,) the refit that leaves each image out; fifths of both sides, groups as a whole.

    Args:
        in_a: (n,) True for A.
        order: (n,) images in the order in which they are dealt out.
        groups: (n,) group of each image, integers from 0, or None.
        seed: of the dealing.
    """
    out = np.empty(len(in_a), np.int8)
    out[order] = stratified_folds(in_a[order], REFITS, seed, None if groups is None else groups[order])
    return out


def concepts_again(
    codes: sp.csr_array,
    sign: np.ndarray,
    level: np.ndarray,
    part: np.ndarray,
    n_a: int,
    groups: np.ndarray | None,
    binning: str,
    strata: np.ndarray | None = None,
) -> np.ndarray:
    """(k,) in how many refits concepts pass their test, towards the same side.

    Args:
        codes: (n, k) activations, A's images first.
        sign: (k,) 1 for concepts of A, -1 for those of B.
        level: (k,) largest p that passes.
        part: (n,) of :func:`parts`.
        n_a: images of A.
        groups: (n,) group of each image, or None.
        binning: as :func:`~latentdiff.stats.divergence.divergence`.
        strata: (n,) stratum of each image, or None.
    """
    found = np.zeros(codes.shape[1], int)
    for refit in range(REFITS):
        kept = np.flatnonzero(part != refit)
        some, split = codes[kept], int(np.searchsorted(kept, n_a))
        d = divergence(some[:split], some[split:], binning)
        test = _test(kept, n_a, groups, strata)
        d = d if test is None else retested(d, some, test)
        found += (d.p_value <= level) & (np.maximum(sign * d.gap, sign * d.firing_z) > 0)
    return found


def phrases_again(
    scores: np.ndarray,
    sign: np.ndarray,
    level: np.ndarray,
    part: np.ndarray,
    n_a: int,
    groups: np.ndarray | None,
    strata: np.ndarray | None = None,
) -> np.ndarray:
    """The same of phrases, by their (m, n) scores."""
    found = np.zeros(len(scores), int)
    for refit in range(REFITS):
        kept = np.flatnonzero(part != refit)
        some, split = scores[:, kept], int(np.searchsorted(kept, n_a))
        e = phrase_evidence(some[:, :split], some[:, split:], _test(kept, n_a, groups, strata))
        found += np.where(sign > 0, e.p_more_in_a, e.p_more_in_b) <= level
    return found


def _test(kept: np.ndarray, n_a: int, groups: np.ndarray | None, strata: np.ndarray | None) -> MeansTest | None:
    """What tests the images that a refit keeps."""
    own = None if strata is None else numbered(strata[kept])
    return means_test(kept < n_a, None if groups is None else groups[kept], own)

"""Do A and B differ at all: several statistics under one set of relabellings, one p (method section 10)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp

from ..compute.sparse import row_view
from ..embed.grouping import numbered
from .crowds import Crowds, local_crowds
from .hypergeometric import exact_deviates, fisher_exact
from .kernel_test import local_kernel, mean_embedding_distances
from .relabelling import relabelled, share_at_least, standardised, weights

RELABELLINGS = 999
MANY = 5_000
"""Images from which a third as many relabellings have to do."""
MOST = 20_000
"""Images on which statistics are relabelled: of more, so many are taken for the mean embeddings, and the p of the concepts, of all images,
is Bonferroni's."""
TESTED_FROM = 5
"""Concepts that fire in fewer images (or groups) of both sides together are left out (blind to the sides)."""
BLOCK = 4_000_000
"""Counts of concepts under relabellings that are held at once."""


@dataclass(frozen=True)
class Verdict:
    """Result of :func:`verdict`."""

    p_value: float
    """p of "A and B are samples of one population", in (0, 1]."""
    parts: dict[str, float] = field(default_factory=dict)
    """p of each statistic alone: ``"concepts"`` (the largest firing difference), ``"activations"`` (the largest difference of a concept's
    mean squared activation), ``"images"`` and ``"images, near"`` (mean embeddings of the vectors with a wide and a narrow kernel),
    ``"images, locally"`` (the largest difference of the mean embeddings at a single image),
    ``"words"`` (the largest difference of a word's mean score)."""
    relabellings: int = 0
    crowds: Crowds | None = None
    """Where among the images looked at one side has more than chance."""


def verdict(
    codes: sp.csr_array,
    unit: np.ndarray,
    rows: np.ndarray,
    in_a: np.ndarray,
    groups: np.ndarray | None = None,
    words: np.ndarray | None = None,
    seed: int = 0,
    strata: np.ndarray | None = None,
) -> Verdict:
    """Permutation test of A against B by the strongest concept, by the vectors' mean embeddings, and by a short list of words.

    The largest firing difference over all concepts (Westfall and Young 1993) sees a mode of few images, the largest difference of squared
    activations one on which a concept fires more strongly than elsewhere; the distance of mean embeddings
    (Gretton et al. 2012) sees drift that is spread over many directions, their largest difference at a single image a mode of few that lie
    close to each other, whether or not the SAE has a concept of it; the largest difference of a word's mean score sees what the
    user named. All are computed under the same relabellings, which gives each its p, and their Cauchy combination (Liu and Xie 2020)
    under the same relabellings gives the p of all together: no share of alpha is spent on a statistic that is silent.

    Args:
        codes: (n, K) activations of all images, A's first.
        unit: (m, d) centred unit vectors of some images.
        rows: (m,) which, A's first; all n where there are at most ``MOST``.
        in_a: (n,) True for A.
        groups: (n,) group of each image, see :func:`~latentdiff.stats.relabelling.relabelled`.
        words: (m, w) scores of these images with the words of a short list; None leaves this statistic out.
        seed: of the relabellings.
        strata: (n,) stratum of each image, within which alone images change sides.
    """
    some, count = in_a[rows], RELABELLINGS if len(rows) <= MANY else RELABELLINGS // 3
    within = None if strata is None else numbered(strata[rows])
    labels = relabelled(some, None if groups is None else numbered(groups[rows]), count, seed, within)
    weight = weights(labels, within)
    wide, near = mean_embedding_distances(unit, weight, seed)
    locally, crowds = local_crowds(local_kernel(unit, seed), weight)
    found = {"images": wide, "images, near": near, "images, locally": locally}
    if words is not None and words.shape[1]:
        found["words"] = largest_standardised(words.T @ weight, np.abs(words).mean(0))
    by = groups if strata is None else np.arange(len(in_a))  # no exact law within strata either
    exact = _bonferroni(codes, in_a) if by is None else 1.0
    if len(rows) == len(in_a):
        concepts = concepts_to_test(codes)
        found["concepts"] = largest_firing_difference(concepts, labels, weight, by)
        found["activations"] = largest_activation_difference(concepts, weight)
        return _combined({k: share_at_least(v) for k, v in found.items()}, exact, crowds)
    parts = {k: float(share_at_least(v)[0]) for k, v in found.items()}
    if by is None:
        parts["concepts"] = exact
    else:
        concepts = concepts_to_test(codes[rows])
        parts["concepts"] = float(share_at_least(largest_firing_difference(concepts, labels, weight, by[rows]))[0])
    return Verdict(float(_p_of_cauchy(cauchy(np.array([list(parts.values())]).T))[0]), parts, count, crowds)


def _combined(shares: dict[str, np.ndarray], exact: float, crowds: Crowds) -> Verdict:
    together = cauchy(np.array(list(shares.values())))
    p, count = float(share_at_least(together)[0]), len(together) - 1
    if len(shares) * exact < 1 / (count + 1):  # beyond what the relabellings can tell: the exact test of a single concept goes on
        p = len(shares) * exact
    return Verdict(p, {k: float(v[0]) for k, v in shares.items()}, count, crowds)


def cauchy(p: np.ndarray) -> np.ndarray:
    """(c,) mean of the Cauchy quantiles of (k, c) p-values; a p of 1 does not drown the others."""
    return np.tan((0.5 - np.minimum(p, 0.99)) * np.pi).mean(0)


def _p_of_cauchy(t: np.ndarray) -> np.ndarray:
    return 0.5 - np.arctan(t) / np.pi


def concepts_to_test(codes: sp.csr_array) -> sp.csr_array:
    """(k, n) activations of the concepts that fire in ``TESTED_FROM`` of n images or more."""
    by_concept = sp.csc_array((codes.data, codes.indices, codes.indptr), shape=codes.shape[::-1])  # the transpose
    return sp.csr_array(by_concept)[np.flatnonzero(np.bincount(codes.indices, minlength=codes.shape[1]) >= TESTED_FROM)]


def largest_firing_difference(concepts: sp.csr_array, labels: np.ndarray, weight: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """(c,) the largest standardised difference of firing rates over all concepts, under each relabelling.

    A difference is standardised by its exact law, Fisher's: z would let concepts of a few images win wherever one side is small. Where
    groups change sides as a whole, it is standardised by its own spread over the relabellings.
    """
    fires = sp.csr_array((np.ones(concepts.nnz, np.float32), concepts.indices, concepts.indptr), shape=concepts.shape)
    total = np.diff(concepts.indptr).astype(np.int64)
    largest, size = np.zeros(labels.shape[1]), max(1, BLOCK // labels.shape[1])
    n, n_a = len(labels), int(labels[:, 0].sum())
    for start in range(0, len(total), size):
        some = slice(start, start + size)
        if groups is None:
            z = exact_deviates(np.rint(fires[some] @ labels).astype(np.int64), total[some], n_a, n - n_a)
        else:
            tested = _groups_firing(fires[some], groups) >= TESTED_FROM
            z = standardised((fires[some] @ weight)[tested], total[some][tested] / n)
        largest = np.maximum(largest, z.max(0, initial=0.0))
    return largest


def largest_activation_difference(concepts: sp.csr_array, weight: np.ndarray) -> np.ndarray:
    """(c,) the largest standardised difference of mean squared activations over all concepts, under each relabelling.

    A concept may fire on as many images of either side, and strongly on a few of one alone. Squares let these few count; the mean of the
    squares is standardised by its own spread over the relabellings.
    """
    square = sp.csr_array((np.square(concepts.data, dtype=np.float32), concepts.indices, concepts.indptr), shape=concepts.shape)
    largest, size = np.zeros(weight.shape[1]), max(1, BLOCK // weight.shape[1])
    for start in range(0, square.shape[0], size):
        some = square[start : start + size]
        largest = np.maximum(largest, largest_standardised(some @ weight, some.sum(1) / len(weight)))
    return largest


def _groups_firing(fires: sp.csr_array, groups: np.ndarray) -> np.ndarray:
    """(k,) groups in whose images each concept fires."""
    concept = np.repeat(np.arange(fires.shape[0]), np.diff(fires.indptr))
    pairs = np.unique(concept.astype(np.int64) * (int(groups.max(initial=0)) + 1) + groups[fires.indices])
    return np.bincount(pairs // (int(groups.max(initial=0)) + 1), minlength=fires.shape[0])


def largest_standardised(difference: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """(c,) the largest of (w, c) differences under each relabelling; see :func:`~latentdiff.stats.relabelling.standardised`."""
    return standardised(difference, scale).max(0, initial=0.0)


def _bonferroni(codes: sp.csr_array, in_a: np.ndarray) -> float:
    """Smallest exact p of a concept's firing, times the concepts tested."""
    n_a, k = int(in_a.sum()), codes.shape[1]
    of_a = np.bincount(row_view(codes, 0, n_a).indices, minlength=k)
    of_b = np.bincount(codes.indices, minlength=k) - of_a
    tested = of_a + of_b >= TESTED_FROM
    if not tested.any():
        return 1.0
    return min(1.0, float(fisher_exact(of_a[tested], of_b[tested], n_a, len(in_a) - n_a).min()) * int(tested.sum()))

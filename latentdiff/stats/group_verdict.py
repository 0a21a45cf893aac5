"""Which of many groups differ from the rest: several statistics under one set of relabellings of all groups together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp

from ..compute.sparse import by_concept
from .hypergeometric import exact_deviates, fisher_exact
from .kernel_test import local_kernel, mean_embedding_distances
from .relabelling import share_at_least, step_down, weights
from .two_sample import BLOCK, MANY, TESTED_FROM, cauchy, largest_standardised

RELABELLINGS = 499


@dataclass(frozen=True, eq=False)
class GroupVerdict:
    """Result of :func:`group_verdict`."""

    p_value: np.ndarray
    """(k,) p of "this group is a sample of what all of them are", each held to the family of all k."""
    parts: dict[str, np.ndarray] = field(default_factory=dict)
    """(k,) p of each statistic of each group, not corrected; they are those of :class:`~latentdiff.stats.two_sample.Verdict`."""
    relabellings: int = 0


def group_verdict(
    codes: sp.csr_array, unit: np.ndarray, rows: np.ndarray, label: np.ndarray, words: np.ndarray | None = None, seed: int = 0
) -> GroupVerdict:
    """Permutation test of every group against the rest, all groups in one family (Westfall and Young 1993, step-down).

    The labels of all images are shuffled together. Under each shuffling every group gets the statistics of
    :func:`~latentdiff.stats.two_sample.verdict`, their shares among those of all groups and shufflings, and the Cauchy combination of
    these. A group's p is the share of shufflings in which the largest of all groups that are not told apart yet reaches its own: at most
    alpha of comparisons of equal groups name any group.

    Args:
        codes: (n, K) activations of all images.
        unit: (m, d) centred unit vectors of some images.
        rows: (m,) which; all n where there are at most :data:`~latentdiff.stats.two_sample.MOST`.
        label: (n,) group of each image, integers from 0, each with two images or more among ``rows``.
        words: (m, w) scores of these images with the words of a short list; None leaves this statistic out.
        seed: of the shufflings.
    """
    some, count = label[rows], RELABELLINGS if len(rows) <= MANY else RELABELLINGS // 3
    rng = np.random.default_rng(seed)
    drawn = np.column_stack([some, *(rng.permutation(some) for _ in range(count))]).astype(np.int32)
    groups = int(label.max()) + 1
    view = codes if len(rows) == len(label) else codes[rows]
    found = {"concepts": largest_firing_differences(view, drawn, groups)}
    found["activations"] = largest_activation_differences(view, drawn, groups)
    found |= _of_vectors(unit, drawn, groups, words, seed)
    shares = {name: share_at_least(value.ravel()).reshape(value.shape) for name, value in found.items()}
    p = step_down(cauchy(np.array(list(shares.values()))))
    exact = np.minimum(1.0, groups * _bonferroni(codes, label, groups))
    if len(rows) < len(label):
        p = np.minimum(1.0, 2 * np.minimum(p, exact))
    else:  # beyond what the shufflings can tell, the exact test of a single concept goes on
        p = np.where(len(found) * exact < 1 / (count + 1), len(found) * exact, p)
    return GroupVerdict(p, {name: share_at_least_by_group(value) for name, value in found.items()}, count)


def share_at_least_by_group(value: np.ndarray) -> np.ndarray:
    """(k,) permutation p of each row of (k, c) by itself."""
    return np.array([share_at_least(row)[0] for row in value])


def largest_firing_differences(codes: sp.csr_array, drawn: np.ndarray, groups: int) -> np.ndarray:
    """(k, c) the largest exact deviate of a group's firing counts over all concepts, under each labelling.

    Args:
        codes: (n, K) activations.
        drawn: (n, c) group of each image under each labelling.
        groups: k.
    """
    size, largest = np.bincount(drawn[:, 0], minlength=groups), np.zeros((groups, drawn.shape[1]))
    for total, count in _counts(codes, drawn, groups, squares=False):
        for g in range(groups):
            z = exact_deviates(np.rint(count[:, g]).astype(np.int64), total, int(size[g]), len(drawn) - int(size[g]))
            largest[g] = np.maximum(largest[g], z.max(0, initial=0.0))
    return largest


def largest_activation_differences(codes: sp.csr_array, drawn: np.ndarray, groups: int) -> np.ndarray:
    """(k, c) the largest standardised difference of mean squared activations between a group and the rest, under each labelling."""
    size, largest = np.bincount(drawn[:, 0], minlength=groups), np.zeros((groups, drawn.shape[1]))
    for _, of_group in _counts(codes, drawn, groups, squares=True):
        rest = of_group.sum(1)
        for g in range(groups):
            gap = of_group[:, g] / size[g] - (rest - of_group[:, g]) / (len(drawn) - size[g])
            largest[g] = np.maximum(largest[g], largest_standardised(gap, rest[:, 0] / len(drawn)))
    return largest


def _counts(codes: sp.csr_array, drawn: np.ndarray, groups: int, squares: bool) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Of blocks of tested concepts: (m,) firing images, and (m, k, c) firing images of each group (or sums of squared activations)."""
    columns = by_concept(codes)
    total = np.diff(columns.indptr)
    tested = np.flatnonzero(total >= TESTED_FROM)
    at_once = max(1, BLOCK // (groups * drawn.shape[1]))
    for start in range(0, len(tested), at_once):
        block = columns[:, tested[start : start + at_once]]
        m = block.shape[1]
        first = np.repeat(np.arange(m) * groups, np.diff(block.indptr))
        weight = np.square(block.data, dtype=np.float64) if squares else None
        labels = drawn[block.indices]
        count = np.empty((m * groups, drawn.shape[1]), np.float32)
        for c in range(drawn.shape[1]):
            count[:, c] = np.bincount(first + labels[:, c], weight, minlength=m * groups)
        yield total[tested[start : start + at_once]], count.reshape(m, groups, -1)


def _of_vectors(unit: np.ndarray, drawn: np.ndarray, groups: int, words: np.ndarray | None, seed: int) -> dict[str, np.ndarray]:
    """Statistics of mean embeddings, over their mean of all labellings, so that groups of all sizes have one scale, and of words."""
    found: dict[str, list[np.ndarray]] = {"images": [], "images, near": []}
    single = {"images, locally": local_kernel(unit, seed)}
    if words is not None and words.shape[1]:
        single["words"] = words.T
    scale = {name: np.abs(values).mean(1) for name, values in single.items()}
    for g in range(groups):
        weight = weights((drawn == g).astype(np.float32))
        for name, value in zip(("images", "images, near"), mean_embedding_distances(unit, weight, seed), strict=True):
            found[name].append(value / max(float(value.mean()), 1e-30))
        for name, values in single.items():
            found.setdefault(name, []).append(largest_standardised(values @ weight, scale[name]))
    return {name: np.array(values) for name, values in found.items()}


def _bonferroni(codes: sp.csr_array, label: np.ndarray, groups: int) -> np.ndarray:
    """(k,) smallest exact p of a concept's firing in each group against the rest, times the concepts tested."""
    row = np.repeat(label, np.diff(codes.indptr))
    count = np.bincount(codes.indices.astype(np.int64) * groups + row, minlength=codes.shape[1] * groups).reshape(-1, groups)
    count = count[count.sum(1) >= TESTED_FROM]
    if not len(count):
        return np.ones(groups)
    size, total = np.bincount(label, minlength=groups), count.sum(1)
    smallest = [fisher_exact(count[:, g], total - count[:, g], int(size[g]), int(len(label) - size[g])).min() for g in range(groups)]
    return np.minimum(1.0, np.array(smallest) * len(count))

"""Few, diverse images among the most extreme ones (method section 5)."""

from __future__ import annotations

import numpy as np

DIVERSITY = 0.3
"""Weight of novelty against rank in the choice of exemplars, in [0, 1]: twins are passed over, images that show it less are not."""


def extreme_rows(scores: np.ndarray, pool: int) -> np.ndarray:
    """Positions of the ``pool`` highest scores, highest first; NaN never counts; ties go to the lower row."""
    usable = np.flatnonzero(np.isfinite(scores))
    if 0 < pool < len(usable):
        value = scores[usable]
        usable = usable[value >= np.partition(value, len(value) - pool)[-pool]]  # a full sort of a million scores takes a tenth of a second
    return usable[np.argsort(-scores[usable], kind="stable")][:pool]


def one_a_group(rows: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """Of some rows the first of each group, in their order; all where rows are independent.

    Args:
        rows: (m,) row numbers, best first.
        groups: (n,) group of each row, or None.
    """
    if groups is None or not len(rows):
        return rows
    return rows[np.sort(np.unique(groups[rows], return_index=True)[1])]


def diverse(unit: np.ndarray, k: int, relevance: np.ndarray) -> np.ndarray:
    """Maximal marginal relevance (Carbonell and Goldstein 1998).

    Args:
        unit: (m, d) unit vectors of the pool, most relevant first.
        k: how many to choose.
        relevance: (m,) larger is better; min-max scaled here.

    Returns:
        min(k, m) positions in the pool, in the order of choice; the first is the most relevant one.
    """
    span = np.ptp(relevance) or 1.0
    gain = (relevance - relevance.min()) / span
    nearest = np.full(len(unit), -1.0)
    chosen: list[int] = []
    for _ in range(min(k, len(unit))):
        value = (1 - DIVERSITY) * gain - DIVERSITY * np.maximum(nearest, 0.0)
        value[chosen] = -np.inf
        chosen.append(int(value.argmax()))
        nearest = np.maximum(nearest, unit @ unit[chosen[-1]])
    return np.array(chosen, int)


def modes(unit: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """Group exemplars: average-linkage clusters cut at mean cosine ``threshold``.

    Args:
        unit: (m, d) unit vectors, centred on their set.
        threshold: exemplars of one mode have a mean cosine of at least this.

    Returns:
        (m,) mode number of each exemplar, numbered from 0 in order of first appearance.
    """
    from scipy.cluster.hierarchy import fcluster, linkage

    if len(unit) < 2:
        return np.zeros(len(unit), int)
    distance = np.clip(1 - unit @ unit.T, 0, None)[np.triu_indices(len(unit), 1)]
    label = fcluster(linkage(distance, "average"), 1 - threshold, "distance")
    first = {c: i for i, c in enumerate(dict.fromkeys(label))}
    return np.array([first[c] for c in label])

"""Which concepts fire on the same images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

TOGETHER_FROM = 3
"""Images on which two concepts have to fire together before they count as related: fewer is coincidence."""


@dataclass(frozen=True)
class Companion:
    """A concept that fires where another one fires."""

    concept: int
    """Row of the dictionary."""
    share: float
    """Share of the other's images on which it fires, in (0, 1]."""
    lift: float
    """That share over its firing rate on all images, > 1."""


@dataclass(frozen=True, eq=False)
class FiringTable:
    """Who fires with whom: counts over n images."""

    concepts: np.ndarray
    """(m,) rows of the dictionary: one row of ``together`` each."""
    together: sp.csr_array
    """(m, K) images on which both fire; the concept itself is included."""
    fires: np.ndarray
    """(K,) images on which each concept of the dictionary fires."""
    images: int
    """n."""

    def row(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Other concepts that fire with ``concepts[i]``, and on how many images."""
        some = slice(self.together.indptr[i], self.together.indptr[i + 1])
        others, counts = self.together.indices[some], self.together.data[some]
        keep = others != self.concepts[i]
        return others[keep], counts[keep]

    def correlation(self, i: int, others: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Phi coefficient (Pearson correlation of firing or not) of ``concepts[i]`` with others, in [-1, 1]; 0 where one never varies."""
        n, one = float(self.images), float(self.fires[self.concepts[i]])
        other = self.fires[others].astype(float)
        spread = np.sqrt(one * (n - one) * other * (n - other))
        return np.divide(n * counts - one * other, spread, out=np.zeros(len(others)), where=spread > 0)


def firing_table(codes: sp.csr_array, concepts: np.ndarray) -> FiringTable:
    """Count on how many images chosen concepts fire together with every concept of the dictionary.

    One sparse product: each nonzero of an image is touched once per chosen concept that fires on that image.

    Args:
        codes: (n, K) activations; what is stored and not zero fires.
        concepts: (m,) rows of the dictionary.
    """
    if codes.nnz and not codes.data.all():
        codes = codes.copy()
        codes.eliminate_zeros()
    fires = sp.csr_array((np.ones(codes.nnz, np.float32), codes.indices, codes.indptr), shape=codes.shape)
    together = sp.csr_array(fires[:, concepts].T @ fires)
    together.sort_indices()
    counts = np.bincount(fires.indices, minlength=codes.shape[1])
    return FiringTable(np.asarray(concepts), together.astype(np.int64), counts, codes.shape[0])


def cofiring(codes: sp.csr_array, concepts: np.ndarray, keep: int = 5) -> list[list[Companion]]:
    """The concepts that fire most tellingly where each of some concepts fires.

    They are ordered by the correlation of firing, which favours neither those that always fire (as the share does) nor the rarest (as the
    lift does).

    Args:
        codes: (n, K) activations.
        concepts: (m,) rows of the dictionary.
        keep: companions kept per concept, >= 1.

    Returns:
        One list per concept, best first; empty for a concept that fires alone or never.
    """
    table = firing_table(codes, concepts)
    out = []
    for i, k in enumerate(table.concepts.tolist()):
        others, counts = table.row(i)
        phi = np.where(counts >= TOGETHER_FROM, table.correlation(i, others, counts), 0.0)
        best = [j for j in np.lexsort((others, -phi))[:keep] if phi[j] > 0]
        share = counts / max(int(table.fires[k]), 1)
        lift = share * table.images / np.maximum(table.fires[others], 1)
        out.append([Companion(int(others[j]), float(share[j]), float(lift[j])) for j in best])
    return out

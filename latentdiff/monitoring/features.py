"""What is watched of an image: which concepts fire, and on which side of a few cuts it lies; fixed before the stream begins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..embed.vocabulary import Vocabulary
from ..sae.model import SparseAutoencoder
from ..sae.naming import fitting_words, mean_activating_directions, name_of

DIRECTIONS = 16
"""Principal directions of the images that are learnt from; drift that is spread over many concepts moves along them."""
TAIL = 0.1
"""Share of images beyond the cut at either end of a direction."""


@dataclass(frozen=True, eq=False)
class Features:
    """Features 0 to K - 1 are the concepts, then an upper and a lower cut of each direction."""

    sae: SparseAutoencoder
    mean: np.ndarray
    """(d,)."""
    directions: np.ndarray
    """(m, d)."""
    cuts: np.ndarray
    """(2, m): an image is a feature's above the first, and below the second."""
    names: tuple[str, ...]
    """Of the concepts."""

    @classmethod
    def learn(cls, x: np.ndarray, sae: SparseAutoencoder, vocabulary: Vocabulary | None) -> Features:
        """From (n, d) vectors that take no part in any test."""
        mean = x.mean(0, dtype=np.float64).astype(np.float32)
        _, _, basis = np.linalg.svd(x - mean, full_matrices=False)
        directions = basis[:DIRECTIONS]
        cuts = np.quantile((x - mean) @ directions.T, [1 - TAIL, TAIL], axis=0).astype(np.float32)
        return cls(sae, mean, directions, cuts, _names(x, sae, vocabulary))

    def __len__(self) -> int:
        return self.sae.concepts + 2 * len(self.directions)

    def counts(self, x: np.ndarray) -> np.ndarray:
        """(features,) how many of (n, d) images have each."""
        fires = np.bincount(self.sae.encode(x).indices, minlength=self.sae.concepts)
        along = (x - self.mean) @ self.directions.T
        return np.concatenate([fires, (along > self.cuts[0]).sum(0), (along < self.cuts[1]).sum(0)]).astype(np.int64)


def _names(x: np.ndarray, sae: SparseAutoencoder, vocabulary: Vocabulary | None) -> tuple[str, ...]:
    if vocabulary is None:
        return tuple(f"concept {k}" for k in range(sae.concepts))
    ids = np.arange(sae.concepts)
    codes = sae.encode(x)
    fires = np.bincount(codes.indices, minlength=sae.concepts) > 0
    out = [""] * sae.concepts
    for some, data in ((ids[fires], mean_activating_directions(codes, ids[fires], x)), (ids[~fires], None)):
        if len(some):
            for k, fit in zip(some.tolist(), fitting_words(sae, some, data, vocabulary), strict=True):
                out[k] = vocabulary.words[name_of(fit, vocabulary).words[0]]
    return tuple(out)

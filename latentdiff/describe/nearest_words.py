"""Exemplar images to candidate words, without any model: nearest centred words (method section 6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..embed.vocabulary import Vocabulary
from ..sae.naming import strongest

WORDS_PER_IMAGE = 5
SUPPORT = 3
"""A word's strength is its mean cosine with the three exemplars that show it best: a mode needs few, one image is not a mode."""


@dataclass(frozen=True)
class WordCandidate:
    """A word proposed by exemplars."""

    word: int
    """Row of the vocabulary."""
    strength: float
    """Mean cosine with the exemplars that show it best, in [-1, 1]."""
    described: bool = False
    """Whether captions of the exemplars proposed it."""


def nearest_words(centred_images: np.ndarray, vocabulary: Vocabulary, described: np.ndarray | None = None) -> list[WordCandidate]:
    """The words nearest to each exemplar, pooled.

    Args:
        centred_images: (m, d) unit vectors of exemplars, taken minus the mean of both sets.
        vocabulary: words with vectors in the images' space.
        described: (k,) rows of the vocabulary that captions of the exemplars proposed; candidates whether near or not.

    Returns:
        Distinct candidates in vocabulary order, plurals told in the singular.
    """
    cosine = centred_images @ vocabulary.centred.T
    near = {int(w) for row in cosine for w in vocabulary.headword[strongest(row - vocabulary.handicap, WORDS_PER_IMAGE)]}
    said = set() if described is None else set(described.tolist())
    words = sorted(near | said)
    best = np.sort(cosine[:, words], axis=0)[-SUPPORT:].mean(0)
    return [WordCandidate(w, float(s), w in said) for w, s in zip(words, best, strict=True)]

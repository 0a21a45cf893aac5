"""Words and phrases with their text vectors, centred for naming (method section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from ..errors import InputError


class Vocabulary:
    """Words or phrases with text vectors in the images' space.

    Args:
        words: v distinct, non-empty words or phrases, v >= 2.
        vectors: (v, d) finite, non-zero text vectors; need not be normalised.

    Raises:
        InputError: fewer than two words, repeated or empty words, or vectors that do not fit them.
    """

    def __init__(self, words: Sequence[str], vectors: np.ndarray) -> None:
        self.words = tuple(str(w) for w in words)
        self.vectors = np.asarray(vectors, np.float32)
        if len(self.words) < 2:
            raise InputError(f"a vocabulary needs at least two words, got {len(self.words)}")
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.words):
            raise InputError(f"{len(self.words)} words need vectors of shape ({len(self.words)}, d), got {self.vectors.shape}")
        blank = [i for i, w in enumerate(self.words) if not w.strip()]
        if blank:
            raise InputError(f"word {blank[0]} of the vocabulary is empty; remove it")
        if len(set(self.words)) < len(self.words):
            twice = next(w for i, w in enumerate(self.words) if w in self.words[:i])
            raise InputError(f"the vocabulary holds {twice!r} twice; remove one")
        bad = np.flatnonzero(~np.isfinite(self.vectors).all(1) | ~self.vectors.any(1))
        if len(bad):
            raise InputError(f"the vector of {self.words[bad[0]]!r} is zero or not finite ({len(bad)} such words); encode it again")

    def __len__(self) -> int:
        return len(self.words)

    @property
    def width(self) -> int:
        """Length d of the text vectors."""
        return self.vectors.shape[1]

    @cached_property
    def centred(self) -> np.ndarray:
        """(v, d) float32: L2-normalised, minus the vocabulary's mean, L2-normalised again (removes the modality gap)."""
        unit = unit_rows(self.vectors)
        return unit_rows(unit - unit.mean(0))

    @property
    def chance_cosine(self) -> float:
        """Cosine that the best of all words reaches with a random direction: ``sqrt(2 ln v / d)``, the maximum of v normal deviates."""
        return float(np.sqrt(2 * np.log(len(self.words)) / self.width))


def unit_rows(x: np.ndarray) -> np.ndarray:
    """(n, d) rows divided by their L2 norm; zero rows stay zero."""
    x = np.asarray(x, np.float32)
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)

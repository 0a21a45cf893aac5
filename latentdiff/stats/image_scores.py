"""Scores of all images with chosen words, a block of words at a time: memory does not grow with the number of words."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from ..embed.sides import Sides
from ..embed.vocabulary import Vocabulary
from ..parallel import ordered_map
from .phrases import PhraseEvidence, phrase_evidence

BLOCK = 64_000_000
"""Scores in memory at once (256 MB)."""
SHARE = 4_000_000
"""Scores that one thread tests at once."""


@dataclass(frozen=True, eq=False)
class ImageScores:
    """Centred cosines of all images with chosen words of a vocabulary, and what they say."""

    sides: Sides
    vocabulary: Vocabulary
    words: np.ndarray
    """(m,) rows of the vocabulary, ascending."""
    evidence: PhraseEvidence
    """Arrays of length m."""

    @classmethod
    def of(cls, sides: Sides, words: np.ndarray, vocabulary: Vocabulary) -> ImageScores:
        """Score every image of both sides with some words, and test each word."""
        words = np.unique(words)
        size = max(1, BLOCK // len(sides))
        parts = [
            part
            for start in range(0, len(words), size)
            for part in _tests(sides.cosines(vocabulary.centred[words[start : start + size]]), sides.n_a)
        ] or [phrase_evidence(np.zeros((0, sides.n_a), np.float32), np.zeros((0, sides.n_b), np.float32))]
        together = (np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(PhraseEvidence))
        return cls(sides, vocabulary, words, PhraseEvidence(*together))

    def row(self, word: int) -> int:
        """Row of a word's evidence."""
        return int(np.searchsorted(self.words, word))

    def values(self, words: list[int]) -> np.ndarray:
        """(m, n) float32 scores of some words, A's images first; computed again, so ask for at most ``BLOCK`` at once."""
        return self.sides.cosines(self.vocabulary.centred[words])


def _tests(values: np.ndarray, n_a: int) -> list[PhraseEvidence]:
    size = max(1, SHARE // values.shape[1])
    starts = range(0, len(values), size)

    def test(start: int) -> PhraseEvidence:
        some = values[start : start + size]
        return phrase_evidence(some[:, :n_a], some[:, n_a:])

    return list(ordered_map(test, starts, 1 if len(starts) == 1 else None))

"""Scores of all images with chosen words, a block of words at a time: memory does not grow with the number of words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import numpy as np

from ..compute.parallel import ordered_map
from ..embed.sides import Sides, centred
from ..embed.vocabulary import Vocabulary
from .phrases import phrase_evidence, tail_contrast, tail_evidence
from .within import means_test

BLOCK = 64_000_000
"""Scores in memory at once (256 MB), but for ``FEWEST_WORDS``."""
FEWEST_WORDS = 16
"""Words that share one reading of all vectors, however many images there are: fewer, and reading would cost more than their product."""
SHARE = 4_000_000
"""Scores that one thread tests at once."""

Test = Callable[[np.ndarray, np.ndarray], Any]
"""(m, n_a) and (m, n_b) scores -> evidence."""


@dataclass(frozen=True, eq=False)
class ImageScores:
    """Centred cosines of all images with chosen words of a vocabulary, and what they say."""

    sides: Sides
    vocabulary: Vocabulary
    words: np.ndarray
    """(m,) rows of the vocabulary, ascending."""
    evidence: Any
    """:class:`~latentdiff.stats.phrases.PhraseEvidence`, or ``TailEvidence`` by :meth:`tails`; arrays of length m."""

    @classmethod
    def of(cls, sides: Sides, words: np.ndarray, vocabulary: Vocabulary) -> ImageScores:
        """Score every image of both sides with some words, and test each word."""
        grouping = means_test(sides.in_a, sides.groups, sides.strata)
        return cls._tested(sides, words, vocabulary, partial(phrase_evidence, grouping=grouping))

    @classmethod
    def tails(cls, sides: Sides, words: np.ndarray, vocabulary: Vocabulary) -> ImageScores:
        """The same with ``tail_z`` alone, which is all that names of concepts are weighed by."""
        return cls._tested(sides, words, vocabulary, tail_evidence)

    @classmethod
    def _tested(cls, sides: Sides, words: np.ndarray, vocabulary: Vocabulary, test: Test) -> ImageScores:
        words = np.unique(words)
        size = words_at_once(len(sides))
        parts = [
            part
            for start in range(0, len(words), size)
            for part in _tests(sides.cosines(vocabulary.centred[words[start : start + size]]), sides.n_a, test)
        ] or [test(np.zeros((0, sides.n_a), np.float32), np.zeros((0, sides.n_b), np.float32))]
        together = (np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(parts[0]))
        return cls(sides, vocabulary, words, type(parts[0])(*together))

    def row(self, word: int) -> int:
        """Row of a word's evidence."""
        return int(np.searchsorted(self.words, word))

    def values(self, words: list[int]) -> np.ndarray:
        """(m, n) float32 scores of some words, A's images first; computed again, so ask for :func:`words_at_once`."""
        return self.sides.cosines(self.vocabulary.centred[words])


def contrasts(sides: Sides, words: np.ndarray, vocabulary: Vocabulary, most: int) -> np.ndarray:
    """(m,) :func:`~latentdiff.stats.phrases.tail_contrast` of some words on at most ``most`` images, evenly spaced.

    Args:
        sides: images of A and B.
        words: (m,) rows of the vocabulary.
        vocabulary: words with vectors in the images' space.
        most: images.
    """
    rows = sides.spaced(most)
    unit, n_a = centred(sides[rows], sides.mean_direction), int(np.searchsorted(rows, sides.n_a))
    size = words_at_once(len(rows))
    parts = [vocabulary.centred[words[start : start + size]] @ unit.T for start in range(0, len(words), size)]
    return np.concatenate([np.zeros(0), *(tail_contrast(part[:, :n_a], part[:, n_a:]) for part in parts)])


def words_at_once(images: int) -> int:
    """Words whose scores with so many images are held together."""
    return max(FEWEST_WORDS, BLOCK // images)


def _tests(values: np.ndarray, n_a: int, test: Test) -> list[Any]:
    size = max(1, SHARE // values.shape[1])
    starts = range(0, len(values), size)

    def one(start: int) -> Any:
        some = values[start : start + size]
        return test(some[:, :n_a], some[:, n_a:])

    return list(ordered_map(one, starts, 1 if len(starts) == 1 else None))

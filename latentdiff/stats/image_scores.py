"""Scores of all images with chosen words, a block of words at a time: memory does not grow with the number of words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
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
KEPT = 8_000_000
"""Scores that are kept from one stage to the next (32 MB): more, and the stages between need the memory."""
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
    scored: Mapping[int, np.ndarray] = field(default_factory=dict)
    """Word → (n,) float32 scores that were kept, see :meth:`of`."""

    @classmethod
    def of(cls, sides: Sides, words: np.ndarray, vocabulary: Vocabulary, also: np.ndarray) -> ImageScores:
        """Score every image of both sides with some words, and test each word.

        Args:
            sides: images of A and B.
            words: (m,) rows of the vocabulary.
            vocabulary: words with vectors in the images' space.
            also: further words that are scored in the same pass, and not tested. Scores are kept where they are few, see ``KEPT``.
        """
        test = partial(phrase_evidence, grouping=means_test(sides.in_a, sides.groups, sides.strata))
        words = np.unique(words)
        every = np.concatenate([words, np.setdiff1d(also, words)])
        if len(every) * len(sides) > KEPT:
            return cls._tested(sides, words, vocabulary, test)
        values = sides.cosines(vocabulary.centred[every])
        evidence = _together(_tests(values[: len(words)], sides.n_a, test))
        return cls(sides, vocabulary, words, evidence, dict(zip(every.tolist(), values, strict=True)))

    @classmethod
    def tails(cls, sides: Sides, words: np.ndarray, vocabulary: Vocabulary) -> ImageScores:
        """The same with ``tail_z`` alone, which is all that names of concepts are weighed by."""
        return cls._tested(sides, np.unique(words), vocabulary, tail_evidence)

    @classmethod
    def _tested(cls, sides: Sides, words: np.ndarray, vocabulary: Vocabulary, test: Test) -> ImageScores:
        size, parts = words_at_once(len(sides)), []
        for start in range(0, max(len(words), 1), size):
            parts += _tests(sides.cosines(vocabulary.centred[words[start : start + size]]), sides.n_a, test)
        return cls(sides, vocabulary, words, _together(parts))

    def row(self, word: int) -> int:
        """Row of a word's evidence."""
        return int(np.searchsorted(self.words, word))

    def values(self, words: list[int]) -> list[np.ndarray]:
        """(n,) float32 scores of each of some words, A's images first; what is not kept is computed, so ask for :func:`words_at_once`."""
        new = [word for word in words if word not in self.scored]
        known = {**self.scored, **dict(zip(new, self.sides.cosines(self.vocabulary.centred[new]) if new else (), strict=True))}
        return [known[word] for word in words]


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
    starts = range(0, max(len(values), 1), size)

    def one(start: int) -> Any:
        some = values[start : start + size]
        return test(some[:, :n_a], some[:, n_a:])

    return list(ordered_map(one, starts, 1 if len(starts) == 1 else None))


def _together(parts: list[Any]) -> Any:
    """Evidence of all words from that of some at a time."""
    return type(parts[0])(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(parts[0])))

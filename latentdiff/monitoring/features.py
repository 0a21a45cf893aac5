"""What is watched of an image: concepts that fire, words that fit, the sides of a few cuts; fixed before the stream begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..embed.sides import centred
from ..embed.vocabulary import Vocabulary, unit_rows
from ..sae.model import SparseAutoencoder
from ..sae.naming import fitting_words, mean_activating_directions, name_of

DIRECTIONS = 16
"""Principal directions of the images that are learnt from; drift that is spread over many concepts moves along them."""
TAIL = 0.1
"""Share of images beyond the cut at either end of a direction."""


WORD_TAIL = 0.02
"""Share of images that a word fits best: those that count as showing it. A class that few images show makes its own word's share jump."""


@dataclass(frozen=True, eq=False)
class Words:
    """Words of a vocabulary, each with the cosine from which it counts as shown."""

    names: tuple[str, ...]
    directions: np.ndarray
    """(v, d) centred text vectors, float32 that float16 holds: they are kept as such."""
    mean: np.ndarray
    """(d,) mean of the unit vectors of images."""
    cuts: np.ndarray
    """(v,)."""

    @classmethod
    def learn(cls, x: np.ndarray, vocabulary: Vocabulary) -> Words:
        """From (n, d) vectors that take no part in any test."""
        mean = unit_rows(x).mean(0)
        directions = vocabulary.centred[: vocabulary.given].astype(np.float16).astype(np.float32)
        fits = centred(x, mean) @ directions.T
        cuts = np.quantile(fits, 1 - WORD_TAIL, axis=0).astype(np.float32)
        return cls(tuple(vocabulary.words[: vocabulary.given]), directions, mean, cuts)

    def best(self, x: np.ndarray, weight: np.ndarray) -> str:
        """The word that fits images best, of (n, d) vectors and how much each counts."""
        return self.names[int((self.directions @ (weight @ centred(x, self.mean))).argmax())]

    def counts(self, x: np.ndarray) -> np.ndarray:
        """(v,) how many of (n, d) images show each."""
        return np.asarray((centred(x, self.mean) @ self.directions.T > self.cuts).sum(0))


@dataclass(frozen=True, eq=False)
class Features:
    """Features 0 to K - 1 are the concepts, then an upper and a lower cut of each direction, then the words."""

    sae: SparseAutoencoder
    mean: np.ndarray
    """(d,)."""
    directions: np.ndarray
    """(m, d)."""
    cuts: np.ndarray
    """(2, m): an image is a feature's above the first, and below the second."""
    names: tuple[str, ...]
    """Of the concepts."""
    words: Words | None = None

    @classmethod
    def learn(cls, x: np.ndarray, sae: SparseAutoencoder, vocabulary: Vocabulary | None) -> Features:
        """From (n, d) vectors that take no part in any test."""
        mean = x.mean(0, dtype=np.float64).astype(np.float32)
        _, _, basis = np.linalg.svd(x - mean, full_matrices=False)
        directions = basis[:DIRECTIONS]
        cuts = np.quantile((x - mean) @ directions.T, [1 - TAIL, TAIL], axis=0).astype(np.float32)
        words = Words.learn(x, vocabulary) if vocabulary is not None else None
        return cls(sae, mean, directions, cuts, _names(x, sae, vocabulary), words)

    def __len__(self) -> int:
        return self.families[-1].stop

    @property
    def families(self) -> tuple[slice, ...]:
        """Where concepts, cuts, and words, if there are any, stand."""
        k, m = self.sae.concepts, 2 * len(self.directions)
        found = (slice(0, k), slice(k, k + m))
        return found if self.words is None else (*found, slice(k + m, k + m + len(self.words.names)))

    def counts(self, x: np.ndarray) -> np.ndarray:
        """(features,) how many of (n, d) images have each."""
        fires = np.bincount(self.sae.encode(x).indices, minlength=self.sae.concepts)
        along = (x - self.mean) @ self.directions.T
        of = [fires, (along > self.cuts[0]).sum(0), (along < self.cuts[1]).sum(0)]
        return np.concatenate(of if self.words is None else [*of, self.words.counts(x)]).astype(np.int64)

    def showing(self, x: np.ndarray, feature: int, codes: Any) -> tuple[np.ndarray, np.ndarray]:
        """Which of (n, d) images show a concept or a word, and how much each counts.

        Args:
            x: the images.
            feature: its number.
            codes: (n, K) CSC activations of the images.
        """
        if feature < self.sae.concepts:
            at = slice(codes.indptr[feature], codes.indptr[feature + 1])
            return codes.indices[at], codes.data[at]
        assert self.words is not None  # no other features have names
        word = feature - self.families[2].start
        fits = centred(x, self.words.mean) @ self.words.directions[word]
        rows = np.flatnonzero(fits > self.words.cuts[word])
        return rows, fits[rows]

    def named(self) -> tuple[np.ndarray, list[str]]:
        """Numbers and names of the features that have one: concepts and words."""
        concepts, _, *words = self.families
        numbers = np.concatenate([np.arange(part.start, part.stop) for part in (concepts, *words)])
        return numbers, [*self.names, *(self.words.names if self.words is not None else ())]


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

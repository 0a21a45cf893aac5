"""Captions without any model: the words of a vocabulary that are nearest to an image's vector (method section 6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..embed.sides import centred
from ..embed.vocabulary import Vocabulary, unit_rows
from ..embed.word_forms import same_word
from ..errors import InputError
from ..progress import Progress, silent
from ..sae.naming import strongest
from .captions import Caption, CaptionFailure

WORDS = 5
"""Words per caption."""
PHRASE_FROM = 8
"""The two-word phrase is made of so many nearest words."""
ROWS = 256


class VocabularyCaptioner:
    """Nearest centred words, and the two-word phrase that fits better than either of its words.

    Args:
        vocabulary: words with text vectors in the images' space.
        mean: (d,) mean direction of the unit vectors of all images of the comparison: what they share says nothing about one of them.
        words: words per caption, >= 1.

    Raises:
        InputError: ``mean`` is not as wide as the vocabulary.
    """

    reads, sends, name = "vectors", "", "vocabulary"

    def __init__(self, vocabulary: Vocabulary, mean: np.ndarray, *, words: int = WORDS) -> None:
        if np.shape(mean) != (vocabulary.width,):
            raise InputError(f"mean must have shape ({vocabulary.width},), the vocabulary's width, not {np.shape(mean)}")
        self._vocabulary, self._mean, self._words = vocabulary, np.asarray(mean, np.float32), words

    def captions(self, images: Sequence[Any], *, progress: Progress = silent) -> list[Caption]:
        """Captions such as ``"wine glass, wine, bottle, glass"`` of (m, d) raw image vectors."""
        vectors = np.atleast_2d(np.asarray(images, np.float32))
        out: list[Caption] = []
        for start in range(0, len(vectors), ROWS):
            unit = centred(vectors[start : start + ROWS], self._mean)
            cosine = unit @ self._vocabulary.centred.T
            out += [self._caption(u, c) for u, c in zip(unit, cosine, strict=True)]
            progress(min(1.0, (start + ROWS) / len(vectors)), "captions from the vocabulary")
        return out

    def _caption(self, unit: np.ndarray, cosine: np.ndarray) -> Caption:
        if not np.isfinite(unit).all():
            return CaptionFailure("its vector is not finite")
        chosen: list[int] = []
        for i in strongest(cosine, 4 * self._words):
            if not any(same_word(self._vocabulary.words[i], self._vocabulary.words[j]) for j in chosen):
                chosen.append(int(i))
        words = [self._vocabulary.words[i] for i in chosen[: self._words]]
        phrase = self._phrase(unit, chosen[:PHRASE_FROM])
        return ", ".join([*phrase, *words])

    def _phrase(self, unit: np.ndarray, near: list[int]) -> list[str]:
        """The pair of near words whose joint direction is closest to the image, where it is closer than the nearest word."""
        v = self._vocabulary.centred[near]
        pair = unit_rows((v[:, None] + v[None]).reshape(-1, v.shape[1])).reshape(len(near), len(near), -1) @ unit
        pair[np.tril_indices(len(near))] = -1.0
        i, j = np.unravel_index(pair.argmax(), pair.shape)
        one, other = (self._vocabulary.words[near[k]] for k in (i, j))
        return [f"{one} {other}"] if pair[i, j] > float(v[0] @ unit) and " " not in one + other else []

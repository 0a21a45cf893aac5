"""Phrases to directions in the images' space: by a text encoder, or composed of a vocabulary's words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..embed.vocabulary import Vocabulary, unit_rows
from .proposals import TextEncoder

Directions = Callable[[Sequence[str]], np.ndarray]
"""m phrases → (m, d) float32 directions to compare centred images with; a row of NaN where a phrase has none."""


def encoded_directions(encode_texts: TextEncoder, vocabulary: Vocabulary | None = None) -> Directions:
    """Directions by a text encoder.

    Args:
        encode_texts: m texts to (m, d) raw vectors, such as ``Encoder.encode_texts``.
        vocabulary: words of the same encoder whose mean direction is subtracted; None leaves the phrases uncentred.
    """
    mean = 0.0 if vocabulary is None else unit_rows(vocabulary.vectors).mean(0)
    return lambda texts: unit_rows(unit_rows(encode_texts(list(texts))) - mean)


def composed_directions(vocabulary: Vocabulary, *, centred: bool = True) -> Directions:
    """Directions without a text encoder: a phrase that the vocabulary holds, or the sum of those of its words that it holds.

    A phrase with fewer than half of its words in the vocabulary has no direction.

    Args:
        vocabulary: the words.
        centred: whether the words' mean direction is subtracted.
    """
    vectors = vocabulary.centred if centred else unit_rows(vocabulary.vectors)
    row = {word.casefold(): i for i, word in reversed(list(enumerate(vocabulary.words)))}

    def direction(text: str) -> np.ndarray:
        whole = row.get(text.casefold().strip())
        words = text.casefold().replace("-", " ").split()
        known = [whole] if whole is not None else [row[w] for w in words if w in row]
        if not known or (whole is None and 2 * len(known) < len(words)):
            return np.full(vocabulary.width, np.nan, np.float32)
        return unit_rows(vectors[known].sum(0, keepdims=True))[0]

    return lambda texts: np.stack([direction(t) for t in texts]) if len(texts) else np.zeros((0, vocabulary.width), np.float32)

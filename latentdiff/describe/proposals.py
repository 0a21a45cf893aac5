"""Phrases that were proposed, as entries of the vocabulary: so that they are tested like its words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..embed.vocabulary import Vocabulary
from ..errors import InputError

TextEncoder = Callable[[Sequence[str]], np.ndarray]
"""m texts to (m, d) vectors in the images' space."""


@dataclass(frozen=True, eq=False)
class Proposals:
    """Proposed phrases that have vectors."""

    vocabulary: Vocabulary
    """The one given, with the new phrases at its end; its own centring."""
    rows: dict[str, np.ndarray]
    """By side, rows of the vocabulary that were proposed for it."""
    untested: tuple[str, ...] = ()
    """Phrases without a vector: no text encoder, and not made of the vocabulary's words."""


def propose(vocabulary: Vocabulary, phrases: Mapping[str, Sequence[str]], encode_texts: TextEncoder | None) -> Proposals:
    """Find or make the vector of every phrase.

    Args:
        vocabulary: of the comparison.
        phrases: by side.
        encode_texts: for phrases that the vocabulary lacks; None: two-word phrases are composed of its words, others stay untested.

    Raises:
        InputError: ``encode_texts`` gives vectors that do not fit the vocabulary.
    """
    known = {w.casefold() for w in vocabulary.words}
    new = {p.casefold(): p for side in phrases.values() for p in side if p.casefold() not in known}
    if encode_texts is None:
        vocabulary = vocabulary.with_phrases([(p[0], p[1]) for p in map(str.split, new) if len(p) == 2])
    elif new:
        vectors = np.asarray(encode_texts(list(new.values())), np.float32)
        if vectors.shape != (len(new), vocabulary.width):
            raise InputError(f"encode_texts gave {vectors.shape} for {len(new)} phrases; the vocabulary is {vocabulary.width} wide")
        fit = np.asarray(np.isfinite(vectors).all(1) & vectors.any(1))
        vocabulary = vocabulary.with_encoded([p for p, ok in zip(new.values(), fit, strict=True) if ok], vectors[fit])
    row = {w.casefold(): i for i, w in enumerate(vocabulary.words)}
    rows = {s: np.array([row[p.casefold()] for p in side if p.casefold() in row], int) for s, side in phrases.items()}
    return Proposals(vocabulary, rows, tuple(p for key, p in new.items() if key not in row))

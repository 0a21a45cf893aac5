"""Concepts to words: decoder direction and mean firing image, against a centred vocabulary (method section 3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from ..embed.vocabulary import Vocabulary, unit_rows
from .model import SparseAutoencoder

ALTERNATIVES = 4
"""Further words kept for each concept."""


@dataclass(frozen=True)
class Name:
    """The words that fit one concept."""

    words: tuple[int, ...]
    """Rows of the vocabulary, best first, near-identical words counted once."""
    strength: float
    """Mean of the two cosines of the best word, in [-1, 1]."""
    margin: float
    """Strength minus that of the next word that is not nearly the same."""


def mean_activating_directions(codes: sp.csr_array, concepts: np.ndarray, chunks: Iterable[tuple[int, np.ndarray]]) -> np.ndarray:
    """Data directions of concepts: ``sum_i a_i e_i / sum_i a_i - mean(e)``, e the unit image vectors.

    Args:
        codes: (n, K) activations.
        concepts: (m,) rows of the dictionary.
        chunks: first row and (rows, d) raw vectors of consecutive chunks that cover all n images.

    Returns:
        (m, d) float32; the negated mean for a concept that never fires.
    """
    some = codes[:, concepts]
    total = np.maximum(np.asarray(some.sum(0)).ravel(), 1e-12)
    weighted, mean = 0.0, 0.0
    for start, x in chunks:
        unit = unit_rows(x)
        weighted = weighted + some[start : start + len(x)].T @ unit
        mean = mean + unit.sum(0) / codes.shape[0]
    return np.asarray(weighted / total[:, None] - mean, np.float32)


def name_concepts(sae: SparseAutoencoder, concepts: np.ndarray, data: np.ndarray | None, vocabulary: Vocabulary) -> list[Name]:
    """Name concepts by the sum of decoder cosine and data cosine.

    Args:
        sae: its decoder rows are the first direction.
        concepts: (m,) rows of the dictionary.
        data: (m, d) directions of :func:`mean_activating_directions`, or None for decoder names only.
        vocabulary: words with vectors in the images' space.
    """
    names = []
    for start in range(0, len(concepts), 256):
        some = slice(start, start + 256)
        cosine = unit_rows(sae.w_dec[concepts[some]]) @ vocabulary.centred.T
        if data is not None:
            cosine = (cosine + unit_rows(data[some]) @ vocabulary.centred.T) / 2
        names += [_best(row, vocabulary.words) for row in cosine]
    return names


def _best(cosine: np.ndarray, words: tuple[str, ...]) -> Name:
    chosen: list[int] = []
    for i in strongest(cosine, 4 * ALTERNATIVES):
        if not any(same_word(words[i], words[j]) for j in chosen):
            chosen.append(int(i))
    chosen = chosen[: ALTERNATIVES + 1]
    margin = float(cosine[chosen[0]] - cosine[chosen[1]]) if len(chosen) > 1 else 0.0
    return Name(tuple(chosen), float(cosine[chosen[0]]), margin)


def strongest(values: np.ndarray, k: int) -> np.ndarray:
    """Positions of the k largest values, largest first; ties go to the lower position."""
    k = min(k, len(values))
    part = np.argpartition(-values, k - 1)[:k]
    return part[np.lexsort((part, -values[part]))]


def same_word(one: str, other: str) -> bool:
    """Whether two phrases are near-identical: equal but for case and a regular plural ending ("bus", "buses")."""
    one, other = one.casefold().strip(), other.casefold().strip()
    return one == other or one in _plurals(other) or other in _plurals(one)


def _plurals(word: str) -> tuple[str, ...]:
    """Regular English plurals: built from the singular, since "buses" and "houses" cannot be told apart by their endings."""
    if len(word) < 3:
        return ()
    if word.endswith("y") and word[-2] not in "aeiou":
        return (word[:-1] + "ies",)
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return (word + "es",)
    return (word + "s", word + "es") if word.endswith("o") else (word + "s",)

"""Concepts to words: decoder direction and mean firing image, against a centred vocabulary (method section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..compute.parallel import map_rows
from ..embed.usable import ROWS
from ..embed.vocabulary import Vocabulary, unit_rows
from ..embed.word_forms import same_words
from ..errors import InputError
from .model import SparseAutoencoder

ALTERNATIVES = 4
"""Further words kept for each concept."""
ALTERNATIVE_SHARE = 0.6
"""A further word fits at least so well, as a share of the best."""
FITTING = 6 * ALTERNATIVES
"""Words that fit a concept best, among which it is named."""
PREFERENCE = 0.05
"""What the evidence of its own adds at most to the cosine of a word (110 COCO pairs of other parents than pairs.json's, five names: .753
without, .761 with; .02 and .2 alike on both sets of pairs or worse on one)."""

PAPER_WORDS = 5
"""Words of a concept in the paper (its section 6.2)."""
DECODER_SHARE = 0.5
"""Weight of the decoder's cosine beside that of the data (.4 to .7 are alike on COCO's pairs, given and of other parents)."""
NEAR_SYNONYM = 0.65
"""Cosine of centred text vectors from which two words count as one (COCO pairs and Corel: .6 to .7 alike; .5 loses "horse" to "foal")."""
JOINT_LAYER = "post_projection"
"""The layer whose vectors live in the texts' space: elsewhere a decoder direction cannot be compared with words."""


@dataclass(frozen=True)
class Name:
    """The words that fit one concept."""

    words: tuple[int, ...]
    """Rows of the vocabulary, best first, near-synonyms counted once."""
    strength: float
    """Mean of the cosines of the best word (decoder and data, or the one there is), in [-1, 1]."""
    margin: float
    """How much better the best word fits than the next that is no near-synonym, >= 0, on the scale of cosines."""
    also: tuple[int, ...] = ()
    """Near-synonyms of the best word among the strongest, best first."""


def mean_activating_directions(codes: sp.csr_array, concepts: np.ndarray, vectors: Any) -> np.ndarray:
    """Data directions of concepts: ``sum_i a_i e_i / sum_i a_i - mean(e)``, e the unit image vectors.

    Args:
        codes: (n, K) activations.
        concepts: (m,) rows of the dictionary.
        vectors: (n, d) raw vectors of the same images: an array, or anything that has a shape and slices.

    Returns:
        (m, d) float32; the negated mean for a concept that never fires.
    """
    some = codes[:, concepts]
    total = np.maximum(np.asarray(some.sum(0)).ravel(), 1e-12)

    def sums(_: int, x: np.ndarray, codes: sp.csr_array) -> tuple[np.ndarray, np.ndarray]:
        unit = unit_rows(x)
        return codes.T @ unit, unit.sum(0, dtype=np.float64)

    weighted, mean = np.zeros((len(concepts), vectors.shape[1])), np.zeros(vectors.shape[1])
    for product, direction in map_rows(vectors, sums, ROWS, (some,)):
        weighted += product
        mean += direction / codes.shape[0]
    return np.asarray(weighted / total[:, None] - mean, np.float32)


def in_joint_space(sae: SparseAutoencoder, vocabulary: Vocabulary) -> bool:
    """Whether the SAE's decoder directions can be compared with words: the same width, and no layer before the projection.

    The layer is what the SAE's ``info["encoder"]["layer"]`` says; without a word on it, equal widths are taken as one space.
    """
    encoder = sae.info.get("encoder")
    layer = encoder.get("layer") if isinstance(encoder, dict) else None
    return sae.width == vocabulary.width and (layer is None or layer == JOINT_LAYER)


@dataclass(frozen=True, eq=False)
class Fit:
    """The words that fit one concept best, best first, plurals told in the singular; arrays of one length."""

    words: np.ndarray
    """Rows of the vocabulary."""
    cosine: np.ndarray
    """Mean of the cosines of decoder and data, or the one there is."""
    rank: np.ndarray
    """The same less the handicap of composed phrases: what the words are ordered by."""

    @property
    def in_reach(self) -> np.ndarray:
        """(m,) bool: words that evidence of their own can make the name."""
        return self.rank >= self.rank[0] - 2 * PREFERENCE


def name_concepts(sae: SparseAutoencoder, concepts: np.ndarray, data: np.ndarray | None, vocabulary: Vocabulary) -> list[Name]:
    """Name concepts by the mean of decoder cosine and data cosine, or by data alone for a layer outside the joint space.

    Args:
        sae: its decoder rows are the first direction, where :func:`in_joint_space`.
        concepts: (m,) rows of the dictionary.
        data: (m, d) directions of :func:`mean_activating_directions` over image vectors in the vocabulary's space, which need not be the
            SAE's; None for decoder names only.
        vocabulary: words or phrases with vectors in the images' joint space.

    Raises:
        InputError: an SAE outside the vocabulary's space without data directions, or directions of another width.

    Source: method section 3.
    """
    return [name_of(fit, vocabulary) for fit in fitting_words(sae, concepts, data, vocabulary)]


def fitting_words(sae: SparseAutoencoder, concepts: np.ndarray, data: np.ndarray | None, vocabulary: Vocabulary) -> list[Fit]:
    """The words from which :func:`name_of` makes the name of each concept; arguments and errors are those of :func:`name_concepts`."""
    # The mean of a word's cosines is its product with the mean of the directions: all words are read once for both.
    direction = np.asarray(sum(w * d for w, d in naming_directions(sae, concepts, data, vocabulary)), np.float32)
    fits = []
    for start in range(0, len(concepts), 256):
        fits += [_fit(row, vocabulary) for row in direction[start : start + 256] @ vocabulary.centred.T]
    return fits


def _fit(cosine: np.ndarray, vocabulary: Vocabulary) -> Fit:
    ranked = cosine - vocabulary.handicap
    near = strongest(ranked, FITTING)
    head, first = np.unique(vocabulary.headword[near], return_index=True)
    order = np.argsort(first)  # a word stands where the better of its forms does
    form = near[first[order]]
    return Fit(head[order], cosine[form], ranked[form])


def name_of(fit: Fit, vocabulary: Vocabulary, support: np.ndarray | None = None) -> Name:
    """The name of a concept: the word that fits best, or one that fits about as well and has more evidence.

    Args:
        fit: the words that fit.
        vocabulary: theirs.
        support: (len(fit.words),) evidence that a comparison finds for each word on the concept's side; only ratios count.
    """
    ranked = fit.rank
    if support is not None:
        support = np.where(fit.in_reach, support, 0.0)
        ranked = ranked + PREFERENCE * support / max(float(np.abs(support).max()), 1e-9)
    order = np.argsort(-ranked, kind="stable")
    words = fit.words[order]
    text = vocabulary.centred[words]
    same = ((text @ text.T > NEAR_SYNONYM) | same_words([vocabulary.words[w] for w in words.tolist()])).tolist()
    chosen: list[int] = []
    also: list[int] = []
    for i, word in enumerate(words.tolist()):
        if i and same[i][0]:  # as the name itself
            also.append(word)
        elif len(chosen) <= ALTERNATIVES and not any(same[i][j] for j in chosen):
            chosen.append(i)
    best = float(fit.rank[order[0]])
    margin = max(best - float(fit.rank[order[chosen[1]]]), 0.0) if len(chosen) > 1 else 0.0
    further = [i for i in chosen[1:] if fit.rank[order[i]] >= ALTERNATIVE_SHARE * best]
    return Name(tuple(words[[0, *further]].tolist()), float(fit.cosine[order[0]]), margin, tuple(also[:ALTERNATIVES]))


def decoder_names(sae: SparseAutoencoder, concepts: np.ndarray, vocabulary: Vocabulary) -> list[Name]:
    """The paper's names, literally: the five words of the largest cosine with the decoder direction (its section 6.2).

    Args:
        sae: its decoder rows are the directions.
        concepts: (m,) rows of the dictionary.
        vocabulary: words with vectors in the SAE's space.

    Raises:
        InputError: an SAE outside the vocabulary's space.
    """
    names = []
    for start in range(0, len(concepts), 256):
        (_, directions), = naming_directions(sae, concepts[start : start + 256], None, vocabulary)
        for cosine in directions @ vocabulary.centred.T:
            best = strongest(cosine, PAPER_WORDS)
            names.append(Name(tuple(best.tolist()), float(cosine[best[0]]), float(cosine[best[0]] - cosine[best[min(1, len(best) - 1)]])))
    return names


def naming_directions(
    sae: SparseAutoencoder, concepts: np.ndarray, data: np.ndarray | None, vocabulary: Vocabulary
) -> list[tuple[float, np.ndarray]]:
    """One or two (m, d) arrays of unit directions and the weights, summing to 1, of their cosines: see :func:`name_concepts`."""
    if data is not None and data.shape != (len(concepts), vocabulary.width):
        raise InputError(f"data directions must be ({len(concepts)}, {vocabulary.width}), one a concept as wide as words, not {data.shape}")
    joint = in_joint_space(sae, vocabulary)
    if data is None and not joint:
        raise InputError(outside(sae, vocabulary))
    share = (1.0 if data is None else DECODER_SHARE) if joint else 0.0
    directions = [(share, unit_rows(sae.w_dec[concepts]))] if joint else []
    return directions if data is None else [*directions, (1 - share, unit_rows(data))]


def outside(sae: SparseAutoencoder, vocabulary: Vocabulary) -> str:
    """What to tell someone who wants words for an SAE of another space."""
    layer = (sae.info.get("encoder") or {}).get("layer", "of another layer")
    return (
        f"this SAE (width {sae.width}, {layer}) is outside the space of the words (width {vocabulary.width}), so its concepts are named by "
        "data only: give the vectors of the same images in the words' space too (joint_vectors)"
    )


def is_weak(name: Name, vocabulary: Vocabulary, weak_name: float) -> bool:
    """Whether a name is a guess: weaker than ``weak_name`` times :attr:`Vocabulary.chance_cosine`."""
    return name.strength < weak_name * vocabulary.chance_cosine


def concept_label(concept: int, name: Name | None, vocabulary: Vocabulary | None, weak_name: float) -> str:
    """What a concept is called: "motorcycle"; "concept 812 · looks like: court, net" where that is a guess; "concept 812" without words."""
    if name is None or vocabulary is None:
        return f"concept {concept}"
    if is_weak(name, vocabulary, weak_name):
        return f"concept {concept} · looks like: {', '.join(vocabulary.words[w] for w in name.words[:2])}"
    return vocabulary.words[name.words[0]]


def strongest(values: np.ndarray, k: int) -> np.ndarray:
    """Positions of the k largest values, largest first; ties go to the lower position."""
    k = min(k, len(values))
    part = np.argpartition(-values, k - 1)[:k]
    return part[np.lexsort((part, -values[part]))]

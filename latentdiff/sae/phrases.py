"""Two words that both fit a concept, as one phrase: "tennis" and "court" become "tennis court"."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..embed.vocabulary import Vocabulary, unit_rows
from ..embed.word_forms import same_word
from .model import SparseAutoencoder
from .naming import Name, naming_directions

GAIN = 0.03
"""A phrase replaces the best word when it fits so much better: the best of a score of phrases is a little better by luck."""
WORDS = 5
"""Best words of a concept, of which phrases are made: 20 ordered pairs."""


def compose_phrases(
    sae: SparseAutoencoder,
    concepts: np.ndarray,
    data: np.ndarray | None,
    names: Sequence[Name],
    vocabulary: Vocabulary,
    encode_texts: Callable[[Sequence[str]], np.ndarray],
) -> tuple[Vocabulary, list[Name]]:
    """Offer each concept the ordered pairs of its best words as names.

    Args:
        sae, concepts, data: as :func:`~latentdiff.sae.naming.name_concepts` got them.
        names: its answer.
        vocabulary: the words.
        encode_texts: texts to (m, d) vectors by the vocabulary's encoder.

    Returns:
        The vocabulary with the phrases that were taken at its end, and the names; a name whose phrase was taken begins with that phrase,
        followed by the words that it had.
    """
    known = set(vocabulary.words)
    offers = [_pairs(name, vocabulary, known) for name in names]
    phrases = list(dict.fromkeys(p for some in offers for p in some))
    if not phrases:
        return vocabulary, list(names)
    vectors = np.asarray(encode_texts(phrases), np.float32)
    unit = unit_rows(unit_rows(vectors) - unit_rows(vocabulary.vectors).mean(0))
    row = {p: i for i, p in enumerate(phrases)}
    directions = naming_directions(sae, concepts, data, vocabulary)
    taken: dict[str, int] = {}
    out = []
    for i, (name, some) in enumerate(zip(names, offers, strict=True)):
        fit = np.sum([w * (unit[[row[p] for p in some]] @ d[i]) for w, d in directions], axis=0) if some else np.zeros(0)
        if len(fit) and fit.max() > name.strength + GAIN:
            best = some[int(fit.argmax())]
            word = taken.setdefault(best, len(vocabulary) + len(taken))
            strength = float(fit.max())
            out.append(Name((word, *name.words[: WORDS - 1]), strength, strength - name.strength, name.also))
        else:
            out.append(name)
    if not taken:
        return vocabulary, out
    added = vectors[[row[p] for p in taken]]
    return Vocabulary((*vocabulary.words, *taken), np.concatenate([vocabulary.vectors, added])), out


def _pairs(name: Name, vocabulary: Vocabulary, known: set[str]) -> list[str]:
    """Ordered pairs of the best words, of three words at most, without a repeated word; none that the vocabulary holds."""
    best = [vocabulary.words[w] for w in name.words[:WORDS]]
    pairs = [f"{a} {b}" for a in best for b in best if not any(same_word(x, y) for x in a.split() for y in b.split())]
    return [p for p in pairs if p not in known and len(p.split()) <= 3]

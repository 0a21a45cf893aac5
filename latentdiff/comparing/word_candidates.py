"""Words as a third source of candidates: those whose best images of one side beat the best of the other (method section 10)."""

from __future__ import annotations

from ..describe.nearest_words import WordCandidate
from ..embed.sides import Sides
from ..embed.vocabulary import Vocabulary
from ..embed.word_forms import same_word
from ..sae.naming import NEAR_SYNONYM, strongest
from ..stats.word_tails import word_tails

WORDS = 10
"""Words proposed for each side, near-synonyms counted once."""
AMONG = 80
FEWEST = 50
"""A vocabulary of fewer words gives no spread over words to measure a contrast by."""


def tail_words(sides: Sides, vocabulary: Vocabulary) -> dict[str, list[WordCandidate]]:
    """By side: words by the contrast of the tails of both sides, best first; plurals told in the singular.

    Near synonyms share a place; the one whose plain contrast is largest is told (CLIP pairs of 10 of 200 not reported: first .88 by the
    order of places, .89 so).
    """
    if vocabulary.given < FEWEST:
        return {}
    tails = word_tails(sides, vocabulary)
    out: dict[str, list[WordCandidate]] = {}
    for side in "AB":
        score, plain, strength = tails.score[side], tails.plain[side], tails.strength[side]
        first: list[int] = []
        told: list[int] = []
        for i in strongest(score, AMONG).tolist():
            word = int(vocabulary.headword[i])
            if score[i] <= 0 or word >= vocabulary.given:
                continue
            place = next((k for k, other in enumerate(first) if _same(word, other, vocabulary)), len(first))
            if place == len(first) < WORDS:
                first.append(word)
                told.append(i)
            elif place < len(first) and plain[i] > plain[told[place]]:
                told[place] = i
        words = [int(vocabulary.headword[i]) for i in told]
        out[side] = [WordCandidate(word, float(strength[word])) for word in words]
    return out


def _same(one: int, other: int, vocabulary: Vocabulary) -> bool:
    close = float(vocabulary.centred[one] @ vocabulary.centred[other]) > NEAR_SYNONYM
    return one == other or close or same_word(vocabulary.words[one], vocabulary.words[other])

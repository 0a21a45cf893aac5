"""Guesses renamed by what their images show: a pattern points at a poor word where its images together fit a right one."""

from __future__ import annotations

import dataclasses

import numpy as np
import scipy.sparse as sp

from ..config import CompareConfig
from ..embed.sides import Sides
from ..embed.vocabulary import Vocabulary
from ..results.hypothesis import Hypothesis
from ..sae.naming import Name
from .candidates import Draft
from .showing import best_words, few


def rename_guesses(
    candidates: tuple[Hypothesis, ...],
    drafts: list[Draft],
    shows: sp.csr_array,
    sides: Sides,
    vocabulary: Vocabulary | None,
    names: dict[int, Name],
    config: CompareConfig,
) -> tuple[Hypothesis, ...]:
    """Call findings of concepts whose names are guesses by the word that fits the images of their own side best, on which they fire.

    Phrases keep theirs, by whose scores they were tested; what they fit best is told to folding alone. Of guesses at classes that the words
    have, where all images differ, 0 of 21 were right by the concept's own name and 18 by its images (24 pairs of CLIP classes, which chose
    nothing; Corel, 126 guesses: .08 and .40). They stay guesses; what does not pass keeps its name, by which it was ranked. Where a finding
    of the side has that name, a guess keeps its text, and only folding (:mod:`.folding`) goes by the word: one thing is not two cards of
    one name.

    Args:
        candidates: hypotheses, their echoes settled, in the order of rank.
        drafts: what they were made of, in the same order; what guesses fit is written there.
        shows: (n, len(candidates)) bool.
        sides: images of A and B.
        vocabulary: the words; without them there is nothing to rename, nor with ``naming="decoder"``, the paper's names.
        names: of the concepts; those renamed change.
        config: ``naming`` and ``alpha`` count.
    """
    passing = [i for i, h in enumerate(candidates) if h.q_value <= config.alpha and not h.slight]
    guesses = [i for i in passing if candidates[i].weak]
    if vocabulary is None or config.naming == "decoder" or not guesses:
        return candidates
    columns = sp.csc_array(shows[:, guesses])
    rows = [np.sort(some) for some in np.split(columns.indices, columns.indptr[1:-1])]
    own = [some[(some < sides.n_a) == (candidates[i].side == "A")] for i, some in zip(guesses, rows, strict=True)]
    told = [(i, few(some)) for i, some in zip(guesses, own, strict=True) if len(some)]
    best = vocabulary.headword[best_words([some for _, some in told], sides, vocabulary)[0]].tolist()
    out, new = list(candidates), {}
    taken = {(candidates[i].side, candidates[i].text) for i in passing}
    for (i, _), word in zip(told, best, strict=True):
        h = candidates[i]
        text = vocabulary.words[word]
        drafts[i].fits = word
        if h.concept is not None and (h.side, text) not in taken:
            taken.add((h.side, text))
            new[h.side, h.text] = text
            drafts[i].text, drafts[i].word = text, word
            out[i] = dataclasses.replace(h, text=text, words=(h.text, *(w for w in h.words if w != text)))
            names[h.concept] = _first(names[h.concept], word)
    return tuple(_retold(h, new) for h in out) if new else candidates


def _retold(h: Hypothesis, new: dict[tuple[str, str], str]) -> Hypothesis:
    """The same with the new names of what it mentions, its own left out."""
    echoes, overlaps = (dict.fromkeys(new.get((h.side, text), text) for text in told) for told in (h.echoes, h.overlaps))
    return dataclasses.replace(h, echoes=tuple(x for x in echoes if x != h.text), overlaps=tuple(x for x in overlaps if x != h.text))


def _first(name: Name, word: int) -> Name:
    return dataclasses.replace(name, words=(word, *(w for w in name.words if w != word)))

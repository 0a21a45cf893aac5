"""Several findings of one thing, told as one: near names, or guesses, on the same images."""

from __future__ import annotations

import dataclasses

import numpy as np
import scipy.sparse as sp

from ..config import CompareConfig
from ..embed.sides import Sides
from ..embed.vocabulary import Vocabulary
from ..results.hypothesis import Hypothesis
from ..results.ranking import fold, same_thing
from ..stats.echoes import SAME_IMAGES, shared_images
from .candidates import Draft

WITHIN = 0.8
"""Share of a finding's images, of its side, that show another, from which it lies within that one."""
NEAR_NAMES = 2.5
"""Cosine of centred text vectors, in chance cosines, from which names are near: "horse" and "foal", "rose" and "flower" (at 2, two of 28
classes of the other sets lost their names to a neighbour's)."""
NEAR_GUESS = 1.0
"""The same for a guess within another finding: related at all is near enough for "looks like crab" within "seafood"."""


def fold_wordings(
    candidates: tuple[Hypothesis, ...],
    drafts: list[Draft],
    shows: sp.csr_array,
    sides: Sides,
    vocabulary: Vocabulary | None,
    config: CompareConfig,
) -> tuple[Hypothesis, ...]:
    """Let one finding tell others of its side that say the same in other words.

    A finding tells another where the same images show both, and the other's name is near its own or a guess: of images that have a name,
    a guess says nothing more. It also tells one that lies within it, of a near name ("rose" within "flower") or a guess that is at all
    related. Names that fit go before guesses, then the better placed goes first. What is told so is no finding less: its evidence stays
    with the candidates.

    Args:
        candidates: hypotheses, their echoes settled, in the order of rank.
        drafts: what they were made of, in the same order.
        shows: (n, len(candidates)) bool.
        sides: images of A and B.
        vocabulary: the words that name the drafts; without one nothing is folded.
        config: ``alpha`` counts.

    Returns:
        Candidates with ``folded``; the teller takes over what the folded ones had as echoes.
    """
    if vocabulary is None:
        return candidates
    place = {id(h): i for i, h in enumerate(candidates)}
    gated = [h for h in candidates if h.q_value <= config.alpha and not h.slight]
    ranked = [place[id(h)] for h in fold(gated)]
    order = sorted(ranked, key=lambda i: candidates[i].weak)
    told = _tellers(order, candidates, drafts, shows, sides, vocabulary)
    out = list(candidates)
    for i, by in sorted(told.items()):
        folded, echoes = (*out[by].folded, candidates[i].text), (*out[by].echoes, *candidates[i].echoes)
        out[by] = dataclasses.replace(out[by], folded=folded, echoes=tuple(dict.fromkeys(echoes)))
    renamed = {(candidates[i].side, candidates[i].text): candidates[by].text for i, by in told.items()}
    for h in gated:  # what two branches say alike is listed by one of its names
        by = next(i for i in ranked if same_thing(h, candidates[i]))
        renamed.setdefault((h.side, h.text), candidates[told.get(by, by)].text)
    for i in ranked:
        if i not in told and out[i].overlaps:
            overlaps = dict.fromkeys(renamed.get((out[i].side, text), text) for text in out[i].overlaps)
            out[i] = dataclasses.replace(out[i], overlaps=tuple(text for text in overlaps if text != out[i].text))
    return tuple(out)


def _tellers(
    order: list[int], candidates: tuple[Hypothesis, ...], drafts: list[Draft], shows: sp.csr_array, sides: Sides, vocabulary: Vocabulary
) -> dict[int, int]:
    """Place of a folded candidate -> place of the one that tells it; earlier ones of the order tell later ones."""
    told: dict[int, int] = {}
    for side, rows in (("A", slice(None, sides.n_a)), ("B", slice(sides.n_a, None))):
        own = [i for i in order if candidates[i].side == side]
        if len(own) < 2:
            continue
        same, inside = shared_images(shows[rows][:, own])
        words = [drafts[i].word if drafts[i].fits is None else drafts[i].fits for i in own]
        names = [np.zeros(vocabulary.width) if word is None else vocabulary.centred[word] for word in words]
        cosine = np.stack(names) @ np.stack(names).T / vocabulary.chance_cosine
        weak = np.array([candidates[i].weak for i in own])[:, None]
        near = cosine >= np.where(weak, NEAR_GUESS, NEAR_NAMES)
        fits = ((same >= SAME_IMAGES) & (weak | (cosine >= NEAR_NAMES))) | ((inside >= WITHIN) & near)
        tellers: list[int] = []
        for i in range(len(own)):
            able = [j for j in tellers if fits[i, j]]
            if able:
                told[own[i]] = own[max(able, key=lambda j: same[i, j])]
            else:
                tellers.append(i)
    return told

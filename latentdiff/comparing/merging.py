"""Drafts of all sources to one list: what says the same is told once, and words by their tails find their places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..describe.nearest_words import WordCandidate
from ..embed.vocabulary import Vocabulary
from ..embed.word_forms import same_word, same_words
from ..results.ranking import mix
from ..sae.naming import NEAR_SYNONYM
from .candidates import Draft

TRUSTED = 2.5
"""Median strength of the strongest concepts' names, in chance cosines, from which they go before words by their tails: where concepts
point at their words (caption space: 2.6 to 3.4 over 98 pairs) the branches name best, across the gap between pictures and texts (CLIP:
1.7 to 2.4 over 390) the tails do."""
STRONGEST = 10
SUNK = 0.5
"""What is left of the score of a draft whose word was rejected before. Stronger sinking, and near synonyms with it, costs more than it
brings: a word that is wrong of one pair is right of another (benchmarks/feedback.py)."""
FIVE = 5
"""Candidates of the two branches among which words take their places."""
AFTER = {True: (2,), False: (-1, -1, -1, -1, 0, 1, 2)}
"""The place of each word: after so many'th of the five (-1: before all), where names are trusted and where they are not. Pairs not
reported: CLIP, 4 of 200, exact name among five .71 where the branches have two places, .76 with one; caption space best of five .789
without words, .787 with."""


def distinct(drafts: list[Draft], vocabulary: Vocabulary | None, limit: int) -> list[Draft]:
    """At most ``limit`` drafts a side; of near-identical words the best-supported stays and lists the others under ``also``."""
    kept: list[Draft] = []
    for side in "AB":
        own = [x for x in drafts if x.side == side]
        alike = _alike(own, vocabulary)
        mine: list[int] = []
        for i, draft in enumerate(own):
            twin = next((own[k] for k in np.flatnonzero(alike[i, :i]).tolist() if k in mine), None)
            if twin is not None:
                twin.also = list(dict.fromkeys([*twin.also, draft.text])) if draft.text != twin.text else twin.also
            elif len(mine) < limit:
                mine.append(i)
        kept += [own[i] for i in mine]
    return sorted(kept, key=lambda x: -x.score)


def link(concepts: list[Draft], phrases: list[Draft], vocabulary: Vocabulary) -> None:
    """Let hypotheses of the two branches that say the same know of each other, so that only one is shown."""
    for i, j in np.argwhere(_alike([*concepts, *phrases], vocabulary)[: len(concepts), len(concepts) :]).tolist():
        c, p = concepts[i], phrases[j]
        if c.side == p.side and c.text != p.text:
            c.also = list(dict.fromkeys([*c.also, p.text]))
            p.also = list(dict.fromkeys([*p.also, c.text]))


def _alike(drafts: Sequence[Draft], vocabulary: Vocabulary | None) -> np.ndarray:
    """(n, n) bool: near-identical spelling, or centred text vectors closer than ``NEAR_SYNONYM``."""
    named = [i for i, x in enumerate(drafts) if x.word is not None and vocabulary is not None]
    out = np.zeros((len(drafts), len(drafts)), bool)
    if vocabulary is not None and named:
        word = np.array([drafts[i].word for i in named])
        vectors = vocabulary.centred[word]
        close = vectors @ vectors.T > NEAR_SYNONYM
        out[np.ix_(named, named)] = close | (word[:, None] == word) | same_words([drafts[i].text for i in named])
    return out


def names_trusted(concepts: Sequence[Draft], vocabulary: Vocabulary) -> bool:
    """Whether concepts point at their words; see ``TRUSTED``."""
    strengths = [x.strength for side in "AB" for x in [c for c in concepts if c.side == side][:STRONGEST]]
    return bool(strengths) and float(np.median(strengths)) >= TRUSTED * vocabulary.chance_cosine


def with_words(
    drafts: Sequence[Draft],
    words: Sequence[Draft],
    tails: Mapping[str, Sequence[WordCandidate]],
    trusted: bool,
    shares: tuple[int, int],
    texts: Sequence[str],
) -> list[Draft]:
    """Drafts of both branches and of words by their tails, best first, with scores in that order.

    A word that a branch has found too lifts that draft to its place, so that a concept keeps its firing; one that a branch tells by a near
    synonym ("ice cream" by "icecream") lifts that.

    Args:
        drafts: of both branches, distinct.
        words: drafts of source "word".
        tails: by side, the words, best first.
        trusted: of :func:`names_trusted`.
        shares: ``CompareConfig.mix``.
        texts: the vocabulary's words.
    """
    out: list[Draft] = []
    for side in "AB":
        rest = sorted((x for x in drafts if x.side == side), key=_order)
        five: list[Draft] = list(mix(rest, FIVE, shares))  # type: ignore[arg-type]  # it looks at what drafts have too
        first = {x: i for i, x in enumerate(five)}
        own = {x.word: x for x in words if x.side == side}
        runs: dict[int, list[Draft]] = {}
        lifted: list[Draft] = []
        for c, after in zip(tails.get(side, ()), AFTER[trusted], strict=False):
            free = [x for x in rest if x not in lifted]
            found = next((x for x in free if x.word == c.word), own.get(c.word))
            found = found or next((x for x in free if texts[c.word] in x.also), None)
            if found is not None and first.get(found, FIVE) > after:
                runs.setdefault(after, []).append(found)
                lifted.append(found)
        out += _placed([x for x in rest if x not in lifted], {x: i for x, i in first.items() if x not in lifted}, runs)
    return sorted(out, key=_order)


def sink(drafts: list[Draft], rejected: Sequence[str]) -> list[Draft]:
    """Drafts, best first, after those whose words were rejected went down.

    Args:
        drafts: of all sources.
        rejected: ``CompareConfig.rejected``.
    """
    for draft in drafts if rejected else ():
        if draft.word is not None and any(same_word(draft.text, word) for word in rejected):
            draft.score *= SUNK
    return sorted(drafts, key=_order) if rejected else drafts


def _placed(rest: Sequence[Draft], first: Mapping[Draft, int], runs: Mapping[int, Sequence[Draft]]) -> list[Draft]:
    """The drafts of one side in order; those of the runs get scores between their neighbours'."""
    order: list[Draft] = [*runs.get(-1, ())]
    waiting = dict(runs)
    waiting.pop(-1, None)
    for draft in rest:
        order.append(draft)
        for after in sorted(a for a in waiting if draft in first and first[draft] >= a):
            order += waiting.pop(after)
    order += [x for after in sorted(waiting) for x in waiting[after]]
    moved = {x for run in runs.values() for x in run}
    above = 1.5 * max((x.score for x in rest), default=1.0)
    for i, draft in enumerate(order):
        if draft in moved:
            run = next((j for j in range(i, len(order)) if order[j] not in moved), len(order))
            below = order[run].score if run < len(order) else 0.0
            draft.score = above - (above - below) / (run - i + 1)
        above = draft.score
    return order


def _order(draft: Draft) -> tuple[float, str, str]:
    return -draft.score, draft.text, draft.source

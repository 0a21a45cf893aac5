"""The two branches of a comparison: concepts of the SAE, and phrases from density-ratio exemplars. Each returns ranked drafts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp

from ..config import CompareConfig
from ..describe.nearest_words import WordCandidate, nearest_words
from ..embed.sides import Sides, centred
from ..embed.vocabulary import Vocabulary, unit_rows
from ..sae.model import SparseAutoencoder
from ..sae.monosemanticity import purest
from ..sae.naming import Name, decoder_names, fitting_words, mean_activating_directions, name_of
from ..stats.divergence import Divergence, q_values
from ..stats.exemplars import extreme_rows
from ..stats.image_scores import ImageScores, contrasts

BRANCHES = 2
"""Concepts and phrases share alpha: each family's q-values are multiplied by this where no crowds are looked for."""
FAMILIES = BRANCHES + 1
"""Of a comparison: concepts, phrases, and crowds of images (:mod:`.crowding`). No q is below the p of the verdict, which is tested at all
of alpha."""
TESTED_FROM = 5
"""Concepts that fire in fewer images of both sides together cannot reach significance and are not tested (blind to the sides)."""
RANKED_FROM = 2
"""They are still ranked as candidates from this many images on."""
TELLING = 20
"""Most extreme images a side whose words become phrases (COCO pairs: 20 beat 10 and 40)."""
AGREEMENT = 0.5
"""Weight, in standard deviations of a random direction's cosine, of a concept's agreement with the density-ratio head (COCO pairs with
two SAEs, given and of ten other parents, five names: .757 without, .765 with; ten names: .78 and .80)."""
SOME_ROWS = 20_000
"""Images, evenly spaced, from which the head's direction and the evidence that chooses among names are taken."""
HEAD_RIDGE = 0.1
STRENGTH_POWER = 1.5
"""Evidence counts times this power of the strength of the words (COCO pairs of other parents than pairs.json's, five names: concepts .746
at 1 and .753 at 1.5 over 110 pairs, phrases .678 and .682 over 217; pairs.json's alike; 2 is worse for concepts)."""
DESCRIBED = 1.5
"""Weight of a phrase that captions of the exemplars proposed (COCO pairs, real captions, exemplar phrases alone: 1 .79, 1.5 and 2 .82)."""


@dataclass(eq=False)
class Draft:
    """A hypothesis before its images are attached."""

    text: str
    side: str
    source: str
    score: float
    p_value: float
    q_value: float
    strength: float
    margin: float = math.nan
    weak: bool = False
    concept: int | None = None
    word: int | None = None
    """Row of the vocabulary that names it."""
    fits: int | None = None
    """Guesses: the row that its images fit best, by which findings of one thing are known."""
    threshold: float = 0.0
    """Phrases: an image shows it above this score."""
    also: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)


def concept_q_values(d: Divergence, config: CompareConfig) -> tuple[np.ndarray, np.ndarray]:
    """Which concepts are tested, (K,) bool, and their q-values, (K,), 1 where untested."""
    tested = d.fires_a + d.fires_b >= TESTED_FROM
    q = np.ones(len(tested))
    q[tested] = np.minimum(1.0, FAMILIES * q_values(d.p_value[tested], config.correction))
    return tested, q


def promising_concepts(d: Divergence, config: CompareConfig, purity: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Concepts worth a name, by side, strongest evidence first: four times as many as are kept.

    Args:
        d: evidence of all concepts.
        config: pruning and ranking.
        purity: (K,) monosemanticity, where ``prune_monosemanticity`` asks for it.
    """
    alive = d.fires_a + d.fires_b >= RANKED_FROM
    if config.prune_dominant and alive.any():
        both = np.minimum(d.rate_a, d.rate_b)
        alive &= both <= np.quantile(both[alive], 1 - config.prune_dominant)
    if purity is not None:
        alive = purest(purity, alive, config.prune_monosemanticity)
    out = {}
    for side, sign in (("A", 1), ("B", -1)):
        evidence = concept_evidence_of_side(d, config, sign)
        ids = np.flatnonzero(alive & (sign * d.gap > 0) & (evidence > 0))
        out[side] = ids[np.argsort(-evidence[ids], kind="stable")][: 4 * config.max_candidates]
    return out


def concept_evidence_of_side(d: Divergence, config: CompareConfig, sign: int) -> np.ndarray:
    """(K,) evidence that a concept is more present in A (sign 1) or B (-1): the larger z, or the JSD, corrected or as it is."""
    if config.rank_by != "gap":
        jsd = d.jsd if config.rank_by == "paper" else d.jsd - d.bias
        return np.where(sign * d.gap > 0, np.maximum(jsd, 0.0), 0.0)
    return np.maximum(sign * d.firing_z, sign * d.gap_z)


def name_promising(
    promising: dict[str, np.ndarray],
    codes: sp.csr_array,
    sides: Sides,
    sae: SparseAutoencoder,
    vocabulary: Vocabulary,
    naming: str = "both",
) -> dict[int, Name]:
    """Name the promising concepts of both sides (method section 3); of words that fit about alike, the one that differs is the name."""
    ids = np.unique(np.concatenate(list(promising.values())))
    if not len(ids):
        return {}
    if naming == "decoder":
        return dict(zip(ids.tolist(), decoder_names(sae, ids, vocabulary), strict=True))
    fits = fitting_words(sae, ids, mean_activating_directions(codes, ids, sides), vocabulary)
    words = np.unique(np.concatenate([fit.words[fit.in_reach] for fit in fits]))
    contrast = np.zeros(len(vocabulary))
    contrast[words] = contrasts(sides, words, vocabulary, SOME_ROWS)
    sign = np.where(np.isin(ids, promising["A"]), 1, -1).tolist()
    return {k: name_of(fit, vocabulary, s * contrast[fit.words]) for k, fit, s in zip(ids.tolist(), fits, sign, strict=True)}


def concept_drafts(
    d: Divergence,
    promising: dict[str, np.ndarray],
    names: dict[int, Name],
    scores: ImageScores | None,
    vocabulary: Vocabulary | None,
    agreement: np.ndarray,
    config: CompareConfig,
) -> list[Draft]:
    """Candidates of the concept branch, best first.

    Evidence of the concept, plus that of its name on all images (a wrong name finds no support there), times the strength of the name.
    On the COCO pairs, five names: evidence alone .75, times strength .78, with the name's own evidence .79.

    Args:
        agreement: (K,) of :func:`head_agreement`, added to the evidence.
    """
    _, q = concept_q_values(d, config)
    drafts = []
    for side, sign in (("A", 1), ("B", -1)):
        evidence = concept_evidence_of_side(d, config, sign)
        if config.rank_by == "gap":
            evidence = evidence + AGREEMENT * sign * agreement
        for k in promising[side].tolist():
            draft = Draft(f"concept {k}", side, "sae", float(evidence[k]), float(d.p_value[k]), float(q[k]), math.nan, concept=k)
            if names and vocabulary is not None and scores is not None:
                _word(draft, names[k], sign, scores, vocabulary, config)
            drafts.append(draft)
    return sorted(drafts, key=lambda x: -x.score)


def head_agreement(sides: Sides, ranking: np.ndarray, sae: SparseAutoencoder) -> np.ndarray:
    """(K,) how far each concept's direction points along that of the density-ratio head, towards A: its cosine in standard deviations.

    The head weighs all concepts together, so what merely accompanies a difference points along it less than what makes it. Its direction
    is the ridge regression of its scores on the centred unit vectors.

    Args:
        sides: images of A and B.
        ranking: (n,) in-sample log ratios.
        sae: zeros are returned for one of a layer of another width.
    """
    if sae.width != sides.shape[1]:
        return np.zeros(sae.concepts)
    rows = sides.spaced(SOME_ROWS)
    x, score = centred(sides[rows], sides.mean_direction), ranking[rows] - ranking[rows].mean()
    gram = x.T @ x + HEAD_RIDGE * np.eye(x.shape[1], dtype=np.float32)
    direction = np.linalg.solve(gram, x.T @ score)
    return np.asarray(unit_rows(sae.w_dec) @ unit_rows(direction[None])[0] * np.sqrt(sae.width), np.float64)


def _word(draft: Draft, name: Name, sign: int, scores: ImageScores, vocabulary: Vocabulary, config: CompareConfig) -> None:
    """Name a draft, and weigh its evidence, with that of its name, by the strength of the name; to the letter the name has no say."""
    draft.word, draft.strength, draft.margin = name.words[0], name.strength, name.margin
    draft.text, draft.words = vocabulary.words[draft.word], [vocabulary.words[w] for w in name.words[1:]]
    draft.weak = name.strength < config.weak_name * vocabulary.chance_cosine
    if config.rank_by == "paper":
        return
    support = sign * float(scores.evidence.tail_z[scores.row(draft.word)]) if config.rank_by == "gap" else 0.0
    draft.score = max(draft.score + support, 0.0) * _weight(name.strength)


def _weight(strength: float) -> float:
    return max(strength, 0.0) ** STRENGTH_POWER


def phrase_drafts(
    sides: Sides,
    ranking: np.ndarray,
    vocabulary: Vocabulary,
    config: CompareConfig,
    described: Mapping[str, np.ndarray] | None = None,
    tails: Mapping[str, Sequence[WordCandidate]] | None = None,
    named: Sequence[Draft] = (),
) -> tuple[list[Draft], ImageScores]:
    """Candidates of the density-ratio branch, best first: words of the most telling images, tested on all images.

    The exemplars were chosen by looking at the sides, so a word's p-value alone would flatter it: the q-value counts the whole
    vocabulary as tested.

    Args:
        described: by side, rows of the vocabulary that captions of the exemplars proposed; they are candidates too, and weigh more.
        tails: by side, words of :mod:`.word_candidates`; those that no exemplar proposed become drafts of source "word", tested as one
            family with the others.
        named: drafts of concepts; words that name them are scored in the same pass, since their images are looked for.
    """
    described, tails = described or {}, tails or {}
    telling, mean = _telling_rows(sides, ranking), sides.mean_direction
    proposed = {s: nearest_words(centred(sides[np.sort(rows)], mean), vocabulary, described.get(s)) for s, rows in telling.items()}
    of_tails = {s: [c for c in tails.get(s, ()) if c.word not in {p.word for p in proposed[s]}] for s in proposed}
    everything = {s: [*proposed[s], *of_tails[s]] for s in proposed}
    names = np.array([x.word for x in named if x.word is not None and not x.weak], int)
    scores = ImageScores.of(sides, np.array([c.word for side in everything.values() for c in side]), vocabulary, names)
    e = scores.evidence
    drafts = []
    for side, sign, p in (("A", 1, e.p_more_in_a), ("B", -1, e.p_more_in_b)):
        rows = np.array([scores.row(c.word) for c in everything[side]])
        # A p that counts only one direction has half the size of a two-sided one: both sides together are one family's false alarms.
        q = np.minimum(1.0, FAMILIES * q_values(p[rows], config.correction, tests=len(vocabulary)))
        for place, (c, i, q_value) in enumerate(zip(everything[side], rows, q, strict=True)):
            source = "dre" if place < len(proposed[side]) else "word"
            score = sign * e.contrast[i] * _weight(c.strength) * (DESCRIBED if c.described else 1.0)
            if score > 0 or source == "word":
                draft = Draft(vocabulary.words[c.word], side, source, float(score), float(p[i]), float(q_value), c.strength)
                draft.weak = c.strength < config.weak_name * vocabulary.chance_cosine
                draft.word, draft.threshold = c.word, float(e.threshold[i])
                drafts.append(draft)
    return sorted(drafts, key=lambda x: -x.score), scores


def _telling_rows(sides: Sides, ranking: np.ndarray) -> dict[str, np.ndarray]:
    """The most extreme rows of each side, as rows of ``sides``."""
    return {"A": extreme_rows(ranking[: sides.n_a], TELLING), "B": sides.n_a + extreme_rows(-ranking[sides.n_a :], TELLING)}

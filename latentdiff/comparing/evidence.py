"""Drafts to hypotheses: which images show each, with rates, effect, interval, AUROC and exemplars."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from ..compute.parallel import ordered_map
from ..config import CompareConfig
from ..embed.sides import Sides, centred
from ..results.hypothesis import Hypothesis
from ..stats.exemplars import diverse, extreme_rows, modes, one_a_group
from ..stats.grouped import independent_images
from ..stats.image_scores import ImageScores, words_at_once
from ..stats.intervals import difference
from ..stats.phrases import auroc, shows_threshold
from ..stats.prevalence import prevalence
from ..stats.strata import Strata
from .candidates import Draft

FEWEST_SHOWING = 3
"""Images of its own side that a finding needs, to be more than a shift of the scores."""
LEAST_GAP = 0.01
"""What the lower end of the difference's interval must exceed, or, for a rare thing, ``LEAST_SHARE`` of its rate."""
LEAST_SHARE = 0.5
"""The same share of its rate bounds the other side's rate of a finding whose images do not stand apart: else it is all shift."""
SHOWN_FIT = 0.7
"""Mean cosine of the images that show it, in ``weak_name`` chance cosines, below which a name is a guess: the best images fit many words,
those of a class that the vocabulary lacks fit none of them in the mean (22 pairs of Corel classes, LVIS words: of the names that fit, 16 of
18 are right with it, 24 of 48 without; of guesses 34 of 333)."""
PARALLEL_FROM = 20_000
"""Images from which threads save more than they cost."""
SHORTLIST = 2
"""Exemplars are chosen among so many times as many images that show a hypothesis best."""


@dataclass(frozen=True, eq=False)
class Shown:
    """Which images show a draft, how well it tells the sides apart, and where its exemplars are chosen."""

    rows: np.ndarray
    """Rows of ``sides`` that show it, ascending."""
    auroc: float
    """Probability that an image of A scores above one of B."""
    best: np.ndarray
    """Rows of its own side that show it best, best first: more than are needed."""
    values: np.ndarray
    """Their scores."""
    images: tuple[float, float]
    """Images of A and B that tell its rates, at most those there are: scores that overlap tell less than labels would."""
    measurable: bool = True
    """Whether the images that show it stand apart from the others."""
    fires: tuple[float, float] = (math.nan, math.nan)
    """Concepts: shares of A's and B's images on which the pattern fires."""
    fit: float = math.nan
    """Mean cosine, in chance cosines of the vocabulary, of the images of its own side that show it with its word; NaN without a word."""

    @classmethod
    def of_scores(cls, value: np.ndarray, threshold: float, among: np.ndarray, n_a: int, config: CompareConfig) -> Shown:
        """From (n,) scores of all images; exemplars come from the rows ``among``.

        Those on the phrase's side of the mixture of :mod:`~latentdiff.stats.prevalence` show it; where there is no such mixture, those
        above the threshold, and its rates are not measurable.
        """
        best = among[extreme_rows(value[among], SHORTLIST * config.exemplars)]
        found = prevalence(value[:n_a], value[n_a:], threshold)
        rows = np.flatnonzero(value > (found.threshold if found.measurable else threshold))
        images = (found.effective_a, found.effective_b)
        return cls(rows, auroc(value[:n_a], value[n_a:]), best, value[best], images, found.measurable)

    @classmethod
    def of_concept(cls, rows: np.ndarray, values: np.ndarray, side: str, sides: Sides, config: CompareConfig) -> Shown:
        """From the images in which a concept fires: in all others it scores zero."""
        in_a = rows < sides.n_a
        own = in_a if side == "A" else ~in_a
        best = extreme_rows(values[own], SHORTLIST * config.exemplars)
        fires_a, fires_b = int(in_a.sum()), int((~in_a).sum())
        area = auroc(values[in_a], values[~in_a], sides.n_a - fires_a, sides.n_b - fires_b)
        fires, counts = (fires_a / sides.n_a, fires_b / sides.n_b), (float(sides.n_a), float(sides.n_b))
        return cls(np.sort(rows), area, rows[own][best], values[own][best], counts, True, fires)

    def rates(self, sides: Sides) -> tuple[float, float]:
        """Shares of A's and B's images that show it; adjusted to one mix of strata where there are such."""
        if sides.strata is not None:
            share = Strata(sides.in_a, sides.strata).shares[self.rows]
            of_a = self.rows < sides.n_a
            return min(1.0, float(share[of_a].sum())), min(1.0, float(share[~of_a].sum()))
        in_a = int(np.searchsorted(self.rows, sides.n_a))
        return in_a / sides.n_a, (len(self.rows) - in_a) / sides.n_b

    def fitted(self, value: np.ndarray, draft: Draft, n_a: int) -> Shown:
        """The same with its ``fit``, from the (n,) scores of all images with its word, in chance cosines."""
        own = self.rows[(self.rows < n_a) == (draft.side == "A")]
        return dataclasses.replace(self, fit=float(value[own].mean(dtype=np.float64)) if len(own) else 0.0)

    def independent(self, sides: Sides) -> tuple[float, float]:
        """Independent images of A and B behind its rates: ``images``, fewer where images come in groups, or count unequally by strata."""
        if sides.strata is not None:
            effective = Strata(sides.in_a, sides.strata).effective
            return min(self.images[0], effective[0]), min(self.images[1], effective[1])
        if sides.groups is None:
            return self.images
        shows = np.zeros(len(sides), bool)
        shows[self.rows] = True
        n_a, groups = sides.n_a, sides.groups
        parts = independent_images(shows[:n_a], groups[:n_a]) / n_a, independent_images(shows[n_a:], groups[n_a:]) / sides.n_b
        return self.images[0] * parts[0], self.images[1] * parts[1]

    def more_of(self, side: str, sides: Sides) -> bool:
        """Whether a larger share of that side's images shows it."""
        rate_a, rate_b = self.rates(sides)
        return rate_a > rate_b if side == "A" else rate_b > rate_a


def assemble(
    drafts: list[Draft],
    sides: Sides,
    codes: sp.csr_array,
    scores: ImageScores | None,
    ranking: np.ndarray,
    config: CompareConfig,
) -> tuple[tuple[Hypothesis, ...], sp.csr_array]:
    """Attach images to ranked drafts.

    Returns:
        The hypotheses in the drafts' order, and (n, len(drafts)) bool: which images show which.
    """
    shown = list(_shown(drafts, sides, codes, scores, ranking, config))
    hypotheses = tuple(hypothesis_of(draft, s, sides, config) for draft, s in zip(drafts, shown, strict=True))
    return hypotheses, shows_matrix(shown, len(sides))


def shows_matrix(shown: list[Shown], n: int) -> sp.csr_array:
    """(n, len(shown)) bool: which images show which."""
    indptr = np.concatenate([[0], np.cumsum([len(s.rows) for s in shown])]).astype(np.int64)
    rows = np.concatenate([np.zeros(0, np.int64), *(s.rows for s in shown)])
    return sp.csr_array(sp.csc_array((np.ones(len(rows), bool), rows, indptr), shape=(n, len(shown))))


def _shown(
    drafts: list[Draft], sides: Sides, codes: sp.csr_array, scores: ImageScores | None, ranking: np.ndarray, config: CompareConfig
) -> Iterator[Shown]:
    """A block of drafts at a time: all images' scores with all phrases would not fit into memory."""
    ids = np.array([x.concept for x in drafts if x.concept is not None], int)
    columns = sp.csc_array(codes[:, ids])
    place = {k: i for i, k in enumerate(ids.tolist())}
    pool = _telling(sides, ranking, config)
    everywhere = {"A": np.arange(sides.n_a), "B": np.arange(sides.n_a, len(sides))}
    size, chance = words_at_once(len(sides)), 1.0 if scores is None else scores.vocabulary.chance_cosine
    for start in range(0, len(drafts), size):
        block = drafts[start : start + size]
        words = sorted({x.word for x in block if _named_by(x) and x.word is not None})
        values = dict(zip(words, scores.values(words), strict=True)) if scores is not None and words else {}

        def attach(draft: Draft, values: dict[int, np.ndarray] = values) -> Shown:
            value = None if draft.word is None else values.get(draft.word)
            if draft.concept is None:
                assert value is not None
                among = (pool if draft.source == "dre" else everywhere)[draft.side]
                return Shown.of_scores(value, draft.threshold, among, sides.n_a, config).fitted(value / chance, draft, sides.n_a)
            own = slice(*columns.indptr[place[draft.concept] :][:2])
            fires = Shown.of_concept(columns.indices[own], columns.data[own], draft.side, sides, config)
            if not _named_by(draft) or value is None:  # a phrase may have asked for the scores of a guessed word
                return fires
            named = Shown.of_scores(value, shows_threshold(np.sort(value)), everywhere[draft.side], sides.n_a, config)
            named = named.fitted(value / chance, draft, sides.n_a)
            # Where the name does not fit its images, or is not more frequent on the pattern's side, it is not what differs.
            tells = named.measurable and named.more_of(draft.side, sides) and named.fit >= SHOWN_FIT * config.weak_name
            return dataclasses.replace(named, fires=fires.fires) if tells else fires.fitted(value / chance, draft, sides.n_a)

        yield from ordered_map(attach, block, None if len(sides) >= PARALLEL_FROM else 1)


def _telling(sides: Sides, ranking: np.ndarray, config: CompareConfig) -> dict[str, np.ndarray]:
    """By side, the rows of its most telling images."""
    few = config.exemplar_pool
    return {"A": extreme_rows(ranking[: sides.n_a], few), "B": sides.n_a + extreme_rows(-ranking[sides.n_a :], few)}


def _named_by(draft: Draft) -> bool:
    """Whether what a draft's word names is measured: not where the word is only a guess at what a concept is."""
    return draft.concept is None or not draft.weak


def telling_images(sides: Sides, ranking: np.ndarray, config: CompareConfig) -> dict[str, dict[str, list[int]]]:
    """By side: rows of its most telling images, diverse, and the mode that each belongs to (method section 5)."""
    mean, out = sides.mean_direction, {}
    for side, score, offset, keep in (("A", ranking[: sides.n_a], 0, sides.keep_a), ("B", -ranking[sides.n_a :], sides.n_a, sides.keep_b)):
        pool = one_a_group(extreme_rows(score, config.exemplar_pool) + offset, sides.groups) - offset
        unit = centred(sides[pool + offset], mean)
        few = config.exemplars
        chosen = diverse(unit, few, score[pool]) if config.exemplar_pool > few else np.arange(min(few, len(pool)))
        out[side] = {"rows": keep[pool[chosen]].tolist(), "modes": modes(unit[chosen]).tolist()}
    return out


def hypothesis_of(draft: Draft, shown: Shown, sides: Sides, config: CompareConfig) -> Hypothesis:
    """A draft with its evidence on all images."""
    (rate_a, rate_b), (n_a, n_b) = shown.rates(sides), shown.independent(sides)
    sign = 1 if draft.side == "A" else -1
    own, other = ((rate_a, n_a), (rate_b, n_b)) if sign > 0 else ((rate_b, n_b), (rate_a, n_a))
    low, high = difference(own[0], other[0], own[1], other[1])
    showing = round(own[0] * (sides.n_a if sign > 0 else sides.n_b))
    slight = showing < FEWEST_SHOWING or low <= min(LEAST_GAP, LEAST_SHARE * own[0])
    if not shown.measurable:
        slight = slight or other[0] >= LEAST_SHARE * own[0]
        low = high = math.nan  # the one NaN: hypotheses of equal comparisons are equal
    return Hypothesis(
        text=draft.text,
        side=draft.side,
        source=draft.source,
        effect=sign * (rate_a - rate_b),
        rate_a=rate_a,
        rate_b=rate_b,
        p_value=draft.p_value,
        q_value=draft.q_value,
        auroc=shown.auroc if sign > 0 else 1 - shown.auroc,
        name_strength=draft.strength,
        score=draft.score,
        concept=draft.concept,
        exemplars=_exemplars(shown, draft.side, sides, config),
        also=tuple(draft.also),
        words=tuple(draft.words),
        interval=(low, high),
        name_margin=draft.margin,
        weak=draft.weak or shown.fit < SHOWN_FIT * config.weak_name,
        slight=slight,
        fires_a=shown.fires[0],
        fires_b=shown.fires[1],
    )


def _exemplars(shown: Shown, side: str, sides: Sides, config: CompareConfig) -> tuple[int, ...]:
    """Rows, within the side as given, of diverse images that show it best; phrases choose among the most telling images."""
    best = one_a_group(shown.best, sides.groups)
    if config.exemplar_pool > config.exemplars and len(best):
        values = shown.values[np.isin(shown.best, best)]
        best = best[diverse(centred(sides[best], sides.mean_direction), config.exemplars, values)]
    keep, offset = (sides.keep_a, 0) if side == "A" else (sides.keep_b, sides.n_a)
    return tuple(int(keep[i - offset]) for i in best[: config.exemplars])

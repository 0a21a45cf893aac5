"""Which images show each draft: by the scores of its word, or by where its concept fires."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from ..compute.parallel import ordered_map
from ..config import CompareConfig
from ..embed.sides import Sides, centred
from ..embed.vocabulary import Vocabulary
from ..stats.exemplars import extreme_rows
from ..stats.grouped import independent_images
from ..stats.image_scores import ImageScores, words_at_once
from ..stats.phrases import auroc, auroc_ordered, shows_threshold
from ..stats.prevalence import Prevalence, Started, prevalences, started
from ..stats.strata import Strata
from .candidates import Draft

SHOWN_FIT = 0.7
"""Mean cosine of the images that show it, in ``weak_name`` chance cosines, below which a name is a guess: the best images fit many words,
those of a class that the vocabulary lacks fit none of them in the mean (22 pairs of Corel classes, LVIS words: of the names that fit, 16 of
18 are right with it, 24 of 48 without; of guesses 34 of 333)."""
BEST_SHARE = 0.9
"""A name is a guess too where some other word fits the images that show it clearly better: of names that fit by the rule above, those with
at least this share of the best word's fit are right in .92 of 39 (Corel classes and modes, which chose it) and .93 of 134 (CLIP classes,
which did not), the others in 4 of 7 and 11 of 33."""
FEW = 200
"""Images, evenly spaced, whose mean tells which words fit."""
PARALLEL_FROM = 20_000
"""Images from which threads save more than they cost."""
SHORTLIST = 2
"""Exemplars are chosen among so many times as many images that show a hypothesis best."""


class Told(NamedTuple):
    """What the scores of a phrase tell before its images are looked for."""

    threshold: float
    found: Prevalence
    auroc: float


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
    best_share: float = math.nan
    """Its word's fit as a share of the best word's; at most 1, NaN without a word."""

    @classmethod
    def of_scores(cls, value: np.ndarray, told: Told, among: np.ndarray, config: CompareConfig) -> Shown:
        """From (n,) scores of all images, and what they told; exemplars come from the rows ``among``.

        Those on the phrase's side of the mixture of :mod:`~latentdiff.stats.prevalence` show it; where there is no such mixture, those
        above the threshold, and its rates are not measurable.
        """
        found, best = told.found, among[extreme_rows(value[among], SHORTLIST * config.exemplars)]
        rows = np.flatnonzero(value > (found.threshold if found.measurable else told.threshold))
        return cls(rows, told.auroc, best, value[best], (found.effective_a, found.effective_b), found.measurable)

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

    def fitted(self, value: np.ndarray, side: str, sides: Sides, words: Vocabulary) -> Shown:
        """The same with its ``fit``, from the (n,) scores of all images with its word."""
        own = self.of_side(side, sides)
        return dataclasses.replace(self, fit=float(value[own].mean(dtype=np.float64)) / words.chance_cosine if len(own) else 0.0)

    def of_side(self, side: str, sides: Sides) -> np.ndarray:
        """Rows of one side that show it, ascending."""
        return self.rows[(self.rows < sides.n_a) == (side == "A")]

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


def shown_by(
    drafts: list[Draft], sides: Sides, codes: sp.csr_array, scores: ImageScores | None, ranking: np.ndarray, config: CompareConfig
) -> Iterator[Shown]:
    """The images of each draft, a block of drafts at a time: all images' scores with all phrases would not fit into memory."""
    some = _Showing(drafts, sides, codes, ranking, None if scores is None else scores.vocabulary, config)
    size, workers = words_at_once(len(sides)), None if len(sides) >= PARALLEL_FROM else 1
    for start in range(0, len(drafts), size):
        block = drafts[start : start + size]
        words = sorted({x.word for x in block if _named_by(x) and x.word is not None})
        values = dict(zip(words, scores.values(words), strict=True)) if scores is not None and words else {}
        # A phrase may have asked for the scores of a word that is only guessed for a concept.
        value = [values.get(x.word) if _named_by(x) and x.word is not None else None for x in block]
        begun = list(ordered_map(some.started, list(zip(block, value, strict=True)), workers))
        shares = iter(prevalences([x[1] for x in begun if x is not None]))
        found = [None if x is None else Told(x[0], next(shares), x[2]) for x in begun]
        shown = list(ordered_map(some.shown, list(zip(block, value, found, strict=True)), workers))
        yield from shown if some.words is None else with_best_shares(shown, block, value, sides, some.words)


class _Showing:
    """What all drafts share: columns of their concepts, and the rows of each side among which exemplars are."""

    def __init__(
        self,
        drafts: Sequence[Draft],
        sides: Sides,
        codes: sp.csr_array,
        ranking: np.ndarray,
        words: Vocabulary | None,
        config: CompareConfig,
    ) -> None:
        ids = np.array([x.concept for x in drafts if x.concept is not None], int)
        self.columns = sp.csc_array(codes[:, ids])
        self.place = {k: i for i, k in enumerate(ids.tolist())}
        few = config.exemplar_pool
        self.telling = {"A": extreme_rows(ranking[: sides.n_a], few), "B": sides.n_a + extreme_rows(-ranking[sides.n_a :], few)}
        self.everywhere: Mapping[str, np.ndarray] = {"A": np.arange(sides.n_a), "B": np.arange(sides.n_a, len(sides))}
        self.sides, self.words, self.config = sides, words, config

    def started(self, one: tuple[Draft, np.ndarray | None]) -> tuple[float, Started, float] | None:
        """The threshold of a draft's scores, their mixture and their AUROC; None where its word is not measured."""
        draft, value = one
        if value is None:
            return None
        a, b = np.sort(value[: self.sides.n_a]), np.sort(value[self.sides.n_a :])
        ordered = np.sort(np.concatenate([a, b]), kind="stable")  # which goes once through two ascending runs
        threshold = draft.threshold if draft.concept is None else shows_threshold(ordered)
        return threshold, started(a, b, threshold, ordered), auroc_ordered(a, b)

    def shown(self, one: tuple[Draft, np.ndarray | None, Told | None]) -> Shown:
        """The images of one draft, from the scores of its word and the shares that they show."""
        draft, value, found = one
        sides, config, among = self.sides, self.config, self.everywhere[draft.side]
        if draft.concept is None:
            assert value is not None and found is not None and self.words is not None
            among = self.telling[draft.side] if draft.source == "dre" else among
            return Shown.of_scores(value, found, among, config).fitted(value, draft.side, sides, self.words)
        own = slice(*self.columns.indptr[self.place[draft.concept] :][:2])
        fires = Shown.of_concept(self.columns.indices[own], self.columns.data[own], draft.side, sides, config)
        if value is None or found is None or self.words is None:
            return fires
        named = Shown.of_scores(value, found, among, config).fitted(value, draft.side, sides, self.words)
        # Where the name does not fit its images, or is not more frequent on the pattern's side, it is not what differs.
        tells = named.measurable and named.more_of(draft.side, sides) and named.fit >= SHOWN_FIT * config.weak_name
        return dataclasses.replace(named, fires=fires.fires) if tells else fires.fitted(value, draft.side, sides, self.words)


def _named_by(draft: Draft) -> bool:
    """Whether what a draft's word names is measured: not where the word is only a guess at what a concept is."""
    return draft.concept is None or not draft.weak


def with_best_shares(
    shown: Sequence[Shown], drafts: Sequence[Draft], values: Sequence[np.ndarray | None], sides: Sides, words: Vocabulary
) -> list[Shown]:
    """Each with its ``best_share``, from the (n,) scores of its word; without one where a draft is a guess whatever other words do."""
    out = list(shown)
    asked = [i for i, s in enumerate(shown) if s.fit > 0 and not drafts[i].weak]
    rows = [few(shown[i].of_side(drafts[i].side, sides)) for i in asked]
    for i, some, best in zip(asked, rows, best_words(rows, sides, words)[1].tolist(), strict=True):
        value = values[i]
        assert value is not None  # its fit was taken from them
        out[i] = dataclasses.replace(out[i], best_share=min(1.0, float(value[some].mean(dtype=np.float64)) / best))
    return out


def few(rows: np.ndarray) -> np.ndarray:
    """At most ``FEW`` of some rows, evenly spaced."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(FEW, len(rows))).astype(int))]


def best_words(rows: Sequence[np.ndarray], sides: Sides, words: Vocabulary) -> tuple[np.ndarray, np.ndarray]:
    """Of each set of images the word of the largest mean cosine, (m,), and that cosine: one reading of all words for all sets."""
    if not len(rows):
        return np.zeros(0, int), np.zeros(0, np.float32)
    fits = words.centred[: words.given] @ np.stack([centred(sides[some], sides.mean_direction).mean(0) for some in rows], axis=1)
    return fits.argmax(0), fits.max(0)

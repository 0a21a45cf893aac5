"""Drafts to hypotheses: which images show each, with rates, effect, interval, AUROC and exemplars."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from ..compute.parallel import ordered_map
from ..config import CompareConfig
from ..embed.sides import Sides, centred
from ..results.hypothesis import Hypothesis
from ..stats.exemplars import diverse, extreme_rows, modes
from ..stats.image_scores import ImageScores, words_at_once
from ..stats.phrases import auroc
from .candidates import Draft

DRAWS = 1000
"""Bootstrap draws of a rate difference."""
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

    @classmethod
    def of_scores(cls, value: np.ndarray, threshold: float, among: np.ndarray, n_a: int, config: CompareConfig) -> Shown:
        """From (n,) scores of all images: those above the threshold show it; exemplars come from the rows ``among``."""
        best = among[extreme_rows(value[among], SHORTLIST * config.exemplars)]
        return cls(np.flatnonzero(value > threshold), auroc(value[:n_a], value[n_a:]), best, value[best])

    @classmethod
    def of_concept(cls, rows: np.ndarray, values: np.ndarray, side: str, sides: Sides, config: CompareConfig) -> Shown:
        """From the images in which a concept fires: in all others it scores zero."""
        in_a = rows < sides.n_a
        own = in_a if side == "A" else ~in_a
        best = extreme_rows(values[own], SHORTLIST * config.exemplars)
        area = auroc(values[in_a], values[~in_a], sides.n_a - int(in_a.sum()), sides.n_b - int((~in_a).sum()))
        return cls(np.sort(rows), area, rows[own][best], values[own][best])


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
    rng = np.random.default_rng(config.seed)
    shown = list(_shown(drafts, sides, codes, scores, ranking, config))
    hypotheses = tuple(hypothesis_of(draft, s, sides, rng, config) for draft, s in zip(drafts, shown, strict=True))
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
    pool = {
        "A": extreme_rows(ranking[: sides.n_a], config.exemplar_pool),
        "B": sides.n_a + extreme_rows(-ranking[sides.n_a :], config.exemplar_pool),
    }
    size = words_at_once(len(sides))
    for start in range(0, len(drafts), size):
        block = drafts[start : start + size]
        words = [x.word for x in block if x.concept is None and x.word is not None]
        values = dict(zip(words, scores.values(words), strict=True)) if scores is not None and words else {}

        def attach(draft: Draft, values: dict[int, np.ndarray] = values) -> Shown:
            if draft.concept is None:
                assert draft.word is not None
                return Shown.of_scores(values[draft.word], draft.threshold, pool[draft.side], sides.n_a, config)
            own = slice(*columns.indptr[place[draft.concept] :][:2])
            return Shown.of_concept(columns.indices[own], columns.data[own], draft.side, sides, config)

        yield from ordered_map(attach, block, None if len(sides) >= PARALLEL_FROM else 1)


def telling_images(sides: Sides, ranking: np.ndarray, config: CompareConfig) -> dict[str, dict[str, list[int]]]:
    """By side: rows of its most telling images, diverse, and the mode that each belongs to (method section 5)."""
    mean, out = sides.mean_direction, {}
    for side, score, offset, keep in (("A", ranking[: sides.n_a], 0, sides.keep_a), ("B", -ranking[sides.n_a :], sides.n_a, sides.keep_b)):
        pool = extreme_rows(score, config.exemplar_pool)
        unit = centred(sides[pool + offset], mean)
        few = config.exemplars
        chosen = diverse(unit, few, score[pool]) if config.exemplar_pool > few else np.arange(min(few, len(pool)))
        out[side] = {"rows": keep[pool[chosen]].tolist(), "modes": modes(unit[chosen]).tolist()}
    return out


def hypothesis_of(draft: Draft, shown: Shown, sides: Sides, rng: np.random.Generator, config: CompareConfig) -> Hypothesis:
    """A draft with its evidence on all images; ``rng`` draws the bootstrap."""
    n_a, n_b = sides.n_a, sides.n_b
    in_a = int(np.searchsorted(shown.rows, n_a))
    rate_a, rate_b = in_a / n_a, (len(shown.rows) - in_a) / n_b
    sign = 1 if draft.side == "A" else -1
    # Resampling images with replacement makes a firing count binomial: drawn directly.
    resampled = sign * (rng.binomial(n_a, rate_a, DRAWS) / n_a - rng.binomial(n_b, rate_b, DRAWS) / n_b)
    low, high = np.quantile(resampled, [0.025, 0.975])
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
        interval=(float(low), float(high)),
        name_margin=draft.margin,
        weak=draft.weak,
    )


def _exemplars(shown: Shown, side: str, sides: Sides, config: CompareConfig) -> tuple[int, ...]:
    """Rows, within the side as given, of diverse images that show it best; phrases choose among the most telling images."""
    best = shown.best
    if config.exemplar_pool > config.exemplars and len(best):
        best = best[diverse(centred(sides[best], sides.mean_direction), config.exemplars, shown.values)]
    keep, offset = (sides.keep_a, 0) if side == "A" else (sides.keep_b, sides.n_a)
    return tuple(int(keep[i - offset]) for i in best[: config.exemplars])

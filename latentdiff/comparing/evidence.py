"""Drafts to hypotheses: which images show each, with rates, effect, interval, AUROC and exemplars."""

from __future__ import annotations

import math

import numpy as np
import scipy.sparse as sp

from ..config import CompareConfig
from ..embed.sides import Sides, centred
from ..results.hypothesis import Hypothesis
from ..stats.exemplars import diverse, extreme_rows, modes, one_a_group
from ..stats.image_scores import ImageScores
from ..stats.intervals import difference
from .candidates import Draft
from .showing import BEST_SHARE, SHOWN_FIT, Shown, shown_by

FEWEST_SHOWING = 3
"""Images of its own side that a finding needs, to be more than a shift of the scores."""
LEAST_GAP = 0.01
"""What the lower end of the difference's interval must exceed, or, for a rare thing, ``LEAST_SHARE`` of its rate."""
LEAST_SHARE = 0.5
"""The same share of its rate bounds the other side's rate of a finding whose images do not stand apart: else it is all shift."""

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
    shown = list(shown_by(drafts, sides, codes, scores, ranking, config))
    hypotheses = tuple(hypothesis_of(draft, s, sides, config) for draft, s in zip(drafts, shown, strict=True))
    return hypotheses, shows_matrix(shown, len(sides))


def shows_matrix(shown: list[Shown], n: int) -> sp.csr_array:
    """(n, len(shown)) bool: which images show which."""
    indptr = np.concatenate([[0], np.cumsum([len(s.rows) for s in shown])]).astype(np.int64)
    rows = np.concatenate([np.zeros(0, np.int64), *(s.rows for s in shown)])
    return sp.csr_array(sp.csc_array((np.ones(len(rows), bool), rows, indptr), shape=(n, len(shown))))


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
        weak=draft.weak or shown.fit < SHOWN_FIT * config.weak_name or shown.best_share < BEST_SHARE,
        slight=slight,
        fires_a=shown.fires[0],
        fires_b=shown.fires[1],
    )


def _exemplars(shown: Shown, side: str, sides: Sides, config: CompareConfig) -> tuple[int, ...]:
    """Rows, within the side as given, of diverse images that show it best; phrases choose among the most telling images."""
    best = one_a_group(shown.best, sides.groups)
    if config.exemplar_pool > config.exemplars and len(best):
        values = shown.values if best is shown.best else shown.values[np.isin(shown.best, best)]
        best = best[diverse(centred(sides[best], sides.mean_direction), config.exemplars, values)]
    keep, offset = (sides.keep_a, 0) if side == "A" else (sides.keep_b, sides.n_a)
    return tuple(int(keep[i - offset]) for i in best[: config.exemplars])

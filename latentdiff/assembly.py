"""Drafts to hypotheses: which images show each, with rates, effect, interval, AUROC and exemplars."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from .branches import Draft, ImageScores
from .config import CompareConfig
from .embed.sides import Sides, centred
from .result import Hypothesis
from .stats.exemplars import diverse, extreme_rows, modes
from .stats.phrases import auroc

DRAWS = 1000
"""Bootstrap draws of a rate difference."""
SHORTLIST = 2
"""Exemplars are chosen among so many times as many images that show a hypothesis best."""


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
    ids = np.array([x.concept for x in drafts if x.concept is not None], int)
    active = dict(zip(ids.tolist(), codes[:, ids].T.toarray(), strict=True)) if len(ids) else {}
    mean = sides.mean_direction
    pool = {
        "A": extreme_rows(ranking[: sides.n_a], config.exemplar_pool),
        "B": sides.n_a + extreme_rows(-ranking[sides.n_a :], config.exemplar_pool),
    }
    hypotheses, columns = [], []
    for draft in drafts:
        if draft.concept is not None:
            value, threshold, among = active[draft.concept], 0.0, None
        else:
            assert scores is not None and draft.word is not None
            value, threshold, among = scores.values[scores.row(draft.word)], draft.threshold, pool[draft.side]
        shown = value > threshold
        hypotheses.append(hypothesis_of(draft, value, shown, sides, rng, exemplars_of(value, among, draft.side, sides, mean, config)))
        columns.append(sp.csr_array(shown[:, None]))
    shows = sp.csr_array(sp.hstack(columns, format="csr")) if columns else sp.csr_array((len(sides), 0), dtype=bool)
    return tuple(hypotheses), shows


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


def hypothesis_of(
    draft: Draft, value: np.ndarray, shown: np.ndarray, sides: Sides, rng: np.random.Generator, exemplars: tuple[int, ...]
) -> Hypothesis:
    """A draft with its evidence on all images.

    Args:
        draft: what is claimed of which side.
        value: (n,) how much each image shows it, A's first.
        shown: (n,) bool: which images show it.
        sides: the images.
        rng: source of the bootstrap.
        exemplars: rows, within the draft's side, of the images that show it best.
    """
    n_a, n_b = sides.n_a, sides.n_b
    rate_a, rate_b = float(shown[:n_a].mean()), float(shown[n_a:].mean())
    sign = 1 if draft.side == "A" else -1
    # Resampling images with replacement makes a firing count binomial: drawn directly.
    resampled = sign * (rng.binomial(n_a, rate_a, DRAWS) / n_a - rng.binomial(n_b, rate_b, DRAWS) / n_b)
    low, high = np.quantile(resampled, [0.025, 0.975])
    area = auroc(value[:n_a], value[n_a:])
    return Hypothesis(
        text=draft.text,
        side=draft.side,
        source=draft.source,
        effect=sign * (rate_a - rate_b),
        rate_a=rate_a,
        rate_b=rate_b,
        p_value=draft.p_value,
        q_value=draft.q_value,
        auroc=area if sign > 0 else 1 - area,
        name_strength=draft.strength,
        score=draft.score,
        concept=draft.concept,
        exemplars=exemplars,
        also=tuple(draft.also),
        words=tuple(draft.words),
        interval=(float(low), float(high)),
        name_margin=draft.margin,
        weak=draft.weak,
    )


def exemplars_of(
    value: np.ndarray, among: np.ndarray | None, side: str, sides: Sides, mean: np.ndarray, config: CompareConfig
) -> tuple[int, ...]:
    """Rows, within the side as given, of diverse images that show it best; phrases choose among the most telling images."""
    offset = 0 if side == "A" else sides.n_a
    rows = np.arange(offset, sides.n_a if side == "A" else len(sides)) if among is None else among
    if among is None:
        rows = rows[value[rows] > 0]
    best = rows[extreme_rows(value[rows], SHORTLIST * config.exemplars)]
    if config.exemplar_pool > config.exemplars and len(best):
        best = best[diverse(centred(sides[best], mean), config.exemplars, value[best])]
    keep = sides.keep_a if side == "A" else sides.keep_b
    return tuple(int(keep[i - offset]) for i in best[: config.exemplars])

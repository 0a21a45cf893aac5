"""In how many refits each finding is found again: its test on the images of all but one fifth, at the level that it passed."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp

from ..config import CompareConfig
from ..embed.sides import Sides
from ..results.hypothesis import Hypothesis
from ..stats.image_scores import ImageScores
from ..stats.refits import concepts_again, parts, phrases_again
from .candidates import Draft
from .crowding import crowds_again
from .echoes import phrase_scores

ROWS = 20_000
"""Images, evenly spaced, that the refits deal out: of more, what passes would pass every time."""


def largest_passing(drafts: Sequence[Draft], levels: dict[str, float], alpha: float) -> dict[bool, float]:
    """By family (True: concepts): the largest p that passes, at least that of a single finding.

    Args:
        drafts: with the q-values of their families alone.
        levels: of ``Comparison.info``.
        alpha: the level of all together.
    """
    passing = {family: [x.p_value for x in drafts if (x.concept is not None) == family and x.q_value <= alpha] for family in (True, False)}
    return {family: max([levels["concept" if family else "phrase"], *own]) for family, own in passing.items()}


def with_refits(
    candidates: tuple[Hypothesis, ...],
    drafts: list[Draft],
    shows: sp.csr_array,
    levels: dict[bool, float],
    sides: Sides,
    codes: sp.csr_array,
    scores: ImageScores | None,
    config: CompareConfig,
) -> tuple[Hypothesis, ...]:
    """Findings with ``refits``, by their own test or as crowds, whichever passes more often; candidates that do not pass have none.

    Args:
        candidates: hypotheses, their echoes settled.
        drafts: what they were made of, in the same order.
        shows: (n, len(candidates)) bool.
        levels: of :func:`largest_passing`.
        sides: images of A and B.
        codes: (n, K) activations.
        scores: the phrases' scores; None without a vocabulary.
        config: ``alpha``, ``seed`` and ``binning`` count.
    """
    gated = [i for i, h in enumerate(candidates) if h.q_value <= config.alpha and not h.slight]
    if not gated:
        return candidates
    rows = sides.spaced(ROWS)
    n_a, groups = int(np.searchsorted(rows, sides.n_a)), None if sides.groups is None else sides.groups[rows]
    strata = None if sides.strata is None else sides.strata[rows]
    order = np.searchsorted(rows, sides.by_content(ROWS))
    part = parts(np.arange(len(rows)) < n_a, order, groups, config.seed)
    found: dict[int, int] = {}
    crowds = [i for i in gated if not math.isnan(candidates[i].crowd_p)]
    if crowds:
        times = crowds_again(shows[rows][:, crowds], [candidates[i].side for i in crowds], part, rows, sides, config)
        found.update(zip(crowds, times.tolist(), strict=True))
    for of_concepts in (True, False):
        own = [i for i in gated if (candidates[i].concept is not None) == of_concepts]
        if not own:
            continue
        sign = np.array([1 if candidates[i].side == "A" else -1 for i in own])
        level = np.full(len(own), levels[of_concepts])
        if of_concepts:
            some = codes[rows][:, [candidates[i].concept for i in own]]
            times = concepts_again(some, sign, level, part, n_a, groups, config.binning, strata)
        else:
            values = phrase_scores([drafts[i] for i in own], sides, rows, scores)
            times = phrases_again(np.stack([values[k] for k in range(len(own))]), sign, level, part, n_a, groups, strata)
        found.update({i: max(found.get(i, 0), count) for i, count in zip(own, times.tolist(), strict=True)})
    return tuple(dataclasses.replace(h, refits=found[i]) if i in found else h for i, h in enumerate(candidates))

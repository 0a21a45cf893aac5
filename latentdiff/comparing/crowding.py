"""Evidence that does not hang on a word or a concept: the images that a candidate shows are a crowd of which one side has more."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import scipy.sparse as sp

from ..compute.sparse import rows_by_column
from ..config import CompareConfig
from ..embed.grouping import numbered
from ..embed.sides import Sides, centred
from ..results.hypothesis import Hypothesis
from ..stats.crowds import crowds_of
from ..stats.echoes import of_side
from ..stats.two_sample import MOST, Verdict
from .candidates import FAMILIES
from .evidence import FEWEST_SHOWING

RELABELLINGS = 333
"""Of a refit; the verdict takes more."""


def with_crowds(
    candidates: tuple[Hypothesis, ...], shows: sp.csr_array, sides: Sides, found: Verdict, config: CompareConfig
) -> tuple[Hypothesis, ...]:
    """Candidates whose images are a crowd have its p and q where that q is smaller than their own.

    Ten photographs of leopards among 200 are too few for the test of one word among thousands. As a place where one side has ten images
    and the other none they are beyond chance, and where a candidate shows these very images it says what is there.

    Args:
        candidates: hypotheses with their evidence.
        shows: (n, len(candidates)) bool.
        sides: images of A and B.
        found: the verdict, with crowds among the rows that it looked at.
        config: ``alpha`` counts.
    """
    if found.crowds is None or found.p_value > config.alpha:
        return candidates
    rows = sides.by_content(MOST)
    n_a, out = int(sides.in_a[rows].sum()), []
    for h, shown in zip(candidates, rows_by_column(shows[rows]), strict=True):
        p = found.crowds.behind(of_side(shown, h.side, n_a), h.side) if h.effect > 0 and not shifts(h, sides) else math.nan
        if FAMILIES * p <= config.alpha:
            h = dataclasses.replace(h, crowd_p=p, slight=False)
        if FAMILIES * h.crowd_p < h.q_value:
            h = dataclasses.replace(h, p_value=min(h.p_value, p), q_value=max(found.p_value, FAMILIES * p))
        out.append(h)
    return tuple(out)


def shifts(h: Hypothesis, sides: Sides) -> bool:
    """Whether no images cross over, or the difference may be none: a slight shift that no crowd can make a finding."""
    showing = h.rate_a * sides.n_a if h.side == "A" else h.rate_b * sides.n_b
    return h.slight and not (round(showing) >= FEWEST_SHOWING and h.interval[0] > 0)


def crowds_again(
    shown: sp.csr_array, own_side: list[str], part: np.ndarray, rows: np.ndarray, sides: Sides, config: CompareConfig
) -> np.ndarray:
    """In how many refits the images of each finding are a crowd beyond chance again.

    Args:
        shown: (n, m) bool: which of some images, A's first, show which finding.
        own_side: "A" or "B" of each.
        part: (n,) which refit leaves an image out, 0 to 4.
        rows: (n,) these images.
        sides: images of A and B.
        config: ``alpha`` and ``seed`` count.

    Returns:
        (m,) int.
    """
    times, unit = np.zeros(len(own_side), int), centred(sides[rows], sides.mean_direction)
    for left_out in np.unique(part):
        kept = part != left_out
        some, in_a = rows[kept], sides.in_a[rows[kept]]
        groups, strata = (None if of is None else numbered(of[some]) for of in (sides.groups, sides.strata))
        crowds = crowds_of(unit[kept], in_a, groups, strata, RELABELLINGS, config.seed)
        own = zip(rows_by_column(shown[np.flatnonzero(kept)]), own_side, strict=True)
        p = [crowds.behind(of_side(found, side, int(in_a.sum())), side) for found, side in own]
        times += np.array([FAMILIES * value <= config.alpha for value in p])
    return times

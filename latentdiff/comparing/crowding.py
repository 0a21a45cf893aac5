"""Evidence that does not hang on a word or a concept: the images that a candidate shows are a crowd of which one side has more."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import scipy.sparse as sp

from ..config import CompareConfig
from ..embed.sides import Sides, centred
from ..results.hypothesis import Hypothesis
from ..stats.crowds import crowds_of
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
    shown = sp.csc_array(shows[rows])
    out = []
    for i, h in enumerate(candidates):
        p = found.crowds.behind(_of_side(shown, i, sides.in_a[rows], h.side), h.side) if h.effect > 0 and not shifts(h, sides) else math.nan
        if FAMILIES * p <= config.alpha:
            h = dataclasses.replace(h, crowd_p=p, slight=False)
            if FAMILIES * p < h.q_value:
                h = dataclasses.replace(h, p_value=min(h.p_value, p), q_value=min(h.q_value, max(found.p_value, FAMILIES * p)))
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
    times = np.zeros(len(own_side), int)
    for left_out in np.unique(part):
        kept = part != left_out
        some = rows[kept]
        unit, in_a = centred(sides[some], sides.mean_direction), sides.in_a[some]
        groups, strata = (None if of is None else np.unique(of[some], return_inverse=True)[1] for of in (sides.groups, sides.strata))
        crowds = crowds_of(unit, in_a, groups, strata, RELABELLINGS, config.seed)
        columns = sp.csc_array(shown[np.flatnonzero(kept)])
        p = [crowds.behind(_of_side(columns, i, in_a, side), side) for i, side in enumerate(own_side)]
        times += np.array([FAMILIES * value <= config.alpha for value in p])
    return times


def _of_side(shown: sp.csc_array, i: int, in_a: np.ndarray, side: str) -> np.ndarray:
    """Rows of one side in column i of (n, m) bool."""
    rows = shown.indices[shown.indptr[i] : shown.indptr[i + 1]]
    return np.asarray(rows[in_a[rows] == (side == "A")])

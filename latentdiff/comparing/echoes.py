"""Which findings stand by themselves: those that only echo a stronger one do not pass the gate, and are told with it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp

from ..compute.parallel import ordered_map
from ..config import CompareConfig
from ..embed.sides import Sides, centred
from ..results.hypothesis import Hypothesis
from ..stats.echoes import Gated, find_echoes
from ..stats.image_scores import ImageScores
from .candidates import Draft

ROWS = 100_000
"""Images on which findings are tested again: evenly spaced ones where there are more, which is enough to tell an echo."""

CHUNK = 2048
"""Of these, images whose vectors are held at once."""


def settle_echoes(
    candidates: tuple[Hypothesis, ...],
    drafts: list[Draft],
    shows: sp.csr_array,
    sides: Sides,
    codes: sp.csr_array,
    scores: ImageScores | None,
    config: CompareConfig,
) -> tuple[Hypothesis, ...]:
    """Raise the q of echoes above alpha, and list them with the finding that they echo; see :mod:`latentdiff.stats.echoes`.

    Args:
        candidates: hypotheses with their evidence.
        drafts: what they were made of, in the same order.
        shows: (n, len(candidates)) bool.
        sides: images of A and B.
        codes: (n, K) activations.
        scores: the phrases' scores; None without a vocabulary.
        config: ``alpha`` and ``binning`` count.
    """
    gated = [i for i, h in enumerate(candidates) if h.q_value <= config.alpha and not h.slight]
    if len(gated) < 2:
        return candidates
    rows = sides.spaced(ROWS)
    some, image = codes[rows], phrase_scores([drafts[i] for i in gated], sides, rows, scores)

    def values(i: int) -> np.ndarray:
        draft = drafts[gated[i]]
        return some[:, [draft.concept]].toarray().ravel() if draft.concept is not None else image[i]

    passing = [candidates[i] for i in gated]
    findings = [Gated(h.side, h.concept is not None, certainty(h, passing), h.score, h.weak) for h in passing]
    n_a, groups = int(np.searchsorted(rows, sides.n_a)), None if sides.groups is None else sides.groups[rows]
    found = find_echoes(findings, values, shows[rows][:, gated], n_a, config.alpha, config.binning, groups)
    out = list(candidates)
    for i, p, stronger in zip(gated, found.p_value.tolist(), found.of.tolist(), strict=True):
        if stronger >= 0:
            of = gated[stronger]
            out[i] = dataclasses.replace(out[i], q_value=max(out[i].q_value, p))
            if out[i].text != out[of].text:
                out[of] = dataclasses.replace(out[of], echoes=tuple(dict.fromkeys([*out[of].echoes, out[i].text])))
    for i, stronger in zip(gated, found.overlaps.tolist(), strict=True):
        if stronger >= 0 and out[i].text != out[gated[stronger]].text:
            out[i] = dataclasses.replace(out[i], overlaps=(out[gated[stronger]].text,))
    return tuple(out)


def certainty(h: Hypothesis, findings: Sequence[Hypothesis]) -> float:
    """p by which stronger findings go first; those whose images are crowds are alike in it, and the better name goes first."""
    if math.isnan(h.crowd_p):
        return h.p_value
    return min(min(x.p_value, x.crowd_p) for x in findings if x.side == h.side and not math.isnan(x.crowd_p))


def phrase_scores(drafts: list[Draft], sides: Sides, rows: np.ndarray, scores: ImageScores | None) -> dict[int, np.ndarray]:
    """By position: scores of some images with the phrases among some drafts."""
    words = {i: x.word for i, x in enumerate(drafts) if x.concept is None and x.word is not None}
    if scores is None or not words:
        return {}
    directions, mean = scores.vocabulary.centred[list(words.values())], sides.mean_direction

    def score(start: int) -> np.ndarray:
        return directions @ centred(sides[rows[start : start + CHUNK]], mean).T

    values = np.concatenate(list(ordered_map(score, range(0, len(rows), CHUNK), None if len(rows) > CHUNK else 1)), axis=1)
    return dict(zip(words, values, strict=True))

"""A baseline's ranked phrases → the Comparison that cards, reports and the command line show."""

from __future__ import annotations

import dataclasses
import math
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..comparing.candidates import Draft
from ..comparing.evidence import hypothesis_of, shows_matrix
from ..comparing.showing import Shown, Told
from ..config import CompareConfig
from ..embed.sides import Sides
from ..embed.word_forms import same_word
from ..results.comparison import Comparison
from ..results.hypothesis import ConceptTable, TwoSampleTest
from ..stats.phrases import auroc
from ..stats.prevalence import prevalences, started

NAN = math.nan


@dataclass(frozen=True, eq=False)
class Claim:
    """One phrase that a baseline claims of one side, with what it measured on all images in use."""

    text: str
    side: str
    score: float
    """Its ranking score; higher is better."""
    p_value: float
    q_value: float
    """It passes the gate at q <= alpha."""
    values: np.ndarray
    """(n,) how well each image fits it, A's first."""
    threshold: float
    """An image shows it above this."""
    strength: float = NAN
    """How well the words fit, where the method says."""


def narrowed(a: np.ndarray, b: np.ndarray, config: CompareConfig, most: int | None = None) -> Sides:
    """Checked sides, of which at most ``most`` images each, drawn by the seed, are in use."""
    sides = Sides(a, b, skip_bad=config.skip_bad)
    return sides if most is None else sides.narrowed(most, np.random.default_rng(config.seed))


def comparison_of(
    claims: Sequence[Claim], sides: Sides, lengths: tuple[int, int], source: str, config: CompareConfig, info: dict[str, Any]
) -> Comparison:
    """Make a comparison of claims.

    Args:
        claims: of both sides, in any order; near-identical words are folded, the better one stays.
        sides: the images that were used.
        lengths: images given of A and of B.
        source: the method, as hypotheses name it.
        config: ``alpha``, ``seed``, ``max_candidates`` and the exemplars' choices count.
        info: what else there is to say; plain JSON values.

    Returns:
        A comparison without density ratio, two-sample test and concepts: its log ratios are NaN, and the sides differ where a phrase
        passes the gate.
    """
    drafts, kept = _folded(claims, source, config.max_candidates)
    own = {"A": np.arange(sides.n_a), "B": np.arange(sides.n_a, len(sides))}
    shares, shown = prevalences([started(x.values[: sides.n_a], x.values[sides.n_a :], x.threshold) for x in kept]), []
    for claim, found in zip(kept, shares, strict=True):
        among = own[claim.side][claim.values[own[claim.side]] > claim.threshold]
        area = auroc(claim.values[: sides.n_a], claim.values[sides.n_a :])
        shown.append(Shown.of_scores(claim.values, Told(claim.threshold, found, area), among, config))
    # A baseline lists whatever passes its own test: no shift of its scores is held against it.
    hypotheses = [dataclasses.replace(hypothesis_of(draft, s, sides, config), slight=False) for draft, s in zip(drafts, shown, strict=True)]
    shows = shows_matrix(shown, len(sides)).toarray()
    placed = [_placed(part, keep, n) for part, keep, n in zip((shows[: sides.n_a], shows[sides.n_a :]), _kept(sides), lengths, strict=True)]
    return Comparison(
        candidates=tuple(hypotheses),
        log_ratio_a=np.full(lengths[0], np.nan, np.float32),
        log_ratio_b=np.full(lengths[1], np.nan, np.float32),
        shows_a=placed[0],
        shows_b=placed[1],
        two_sample=TwoSampleTest(NAN, NAN),
        differs=any(h.q_value <= config.alpha for h in hypotheses),
        smallest_detectable=NAN,
        concepts=ConceptTable.empty(),
        config=config,
        info=_info(sides, source, info),
    )


def _folded(claims: Sequence[Claim], source: str, limit: int) -> tuple[list[Draft], list[Claim]]:
    """At most ``limit`` a side, best first; spellings of one word ("bus", "buses") are listed once."""
    drafts: list[Draft] = []
    kept: list[Claim] = []
    for claim in sorted(claims, key=lambda c: -c.score):
        mine = [d for d in drafts if d.side == claim.side]
        twin = next((d for d in mine if d.text.casefold() == claim.text.casefold() or same_word(d.text, claim.text)), None)
        if twin is not None:
            twin.also = list(dict.fromkeys([*twin.also, claim.text])) if claim.text != twin.text else twin.also
        elif len(mine) < limit:
            drafts.append(Draft(claim.text, claim.side, source, claim.score, claim.p_value, claim.q_value, claim.strength))
            kept.append(claim)
    return drafts, kept


def _kept(sides: Sides) -> tuple[np.ndarray, np.ndarray]:
    return sides.keep_a, sides.keep_b


def _placed(shows: np.ndarray, keep: np.ndarray, n: int) -> sp.csr_array:
    out = np.zeros((n, shows.shape[1]), bool)
    out[keep] = shows
    return sp.csr_array(out)


def _info(sides: Sides, source: str, info: dict[str, Any]) -> dict[str, Any]:
    from ..version import __version__

    used = {"method": source, "n_a": sides.n_a, "n_b": sides.n_b, "dropped_rows": sides.dropped, "left_out": sides.left_out}
    return {**used, **info, "versions": {"latentdiff": __version__, "numpy": np.__version__, "python": platform.python_version()}}

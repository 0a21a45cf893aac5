"""Which images of a pool show what A has and B lacks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..embed.sides import centred
from ..embed.vocabulary import unit_rows
from ..results.comparison import Comparison
from ..results.gap import Shortfall
from ..results.hypothesis import Hypothesis
from ..stats.discriminant import group_scores
from ..stats.exemplars import diverse
from ..stats.importance import prior_of
from ..stats.repeats import TWIN

FEWEST = 5
"""Images of A that a mode needs to be learnt from."""
SAME = 0.5
"""Share of a finding's images that a stronger one shows too, from which both are one mode."""
LIKELY = 0.5
"""Probability from which an image of the pool is held to show a mode."""
CHOICE = 3
"""Diverse images are chosen among so many times as many."""
SHIFT = "density ratio"


@dataclass(frozen=True, eq=False)
class Mode:
    """What A has more of: the images that show it, and how many B lacks."""

    text: str
    rows_a: np.ndarray
    rows_b: np.ndarray
    wanted: int


def modes_of(comparison: Comparison) -> list[Mode]:
    """The findings of A, the strongest first, those that show the same images told once."""
    out: list[Mode] = []
    taken = np.zeros(0, np.int64)
    n_b = int(np.isfinite(comparison.log_ratio_b).sum())
    for h in comparison.hypotheses:
        rows_a, rows_b = comparison.rows_showing(h, "A"), comparison.rows_showing(h, "B")
        if h.side != "A" or len(rows_a) < FEWEST or len(np.intersect1d(rows_a, taken)) > SAME * len(rows_a):
            continue
        taken = np.union1d(taken, rows_a)
        out.append(Mode(h.text, rows_a, rows_b, missing(h, n_b)))
    return [mode for mode in out if mode.wanted > 0]


def missing(h: Hypothesis, n_b: int) -> int:
    """Images of a finding that, added to B's n_b, bring it to A's rate: ``n_b (r_a - r_b) / (1 - r_a)``."""
    return math.ceil(n_b * (h.rate_a - h.rate_b) / max(1 - h.rate_a, 1 / max(n_b, 1)) - 1e-9)


def choose(
    a: np.ndarray, b: np.ndarray, pool: np.ndarray, modes: list[Mode], budget: int, seed: int = 0
) -> tuple[list[int], list[str], list[Shortfall]]:
    """Images of a pool for each mode, in its missing amount.

    An image's score for a mode is a discriminant of A's images that show it against all other images of A and B; its probability takes the
    share of the mode in the pool from the pool itself. Where there are more than are wanted, diverse ones are chosen; near-duplicates
    count once.

    Args:
        a, b, pool: (n, d) raw vectors.
        modes: of :func:`modes_of`, rows within ``a`` and ``b``; none: whatever tells A from B.
        budget: images at most.
        seed: of folds.

    Returns:
        Rows of the pool, the mode of each, and what is there of each mode.
    """
    both, unit = np.concatenate([a, b]), _unit(a, b, pool)
    rows: list[int] = []
    why: list[str] = []
    told: list[Shortfall] = []
    candidates = [distinct(_of_mode(mode, both, len(a), pool, seed), unit, []) for mode in modes]
    shares = quotas([min(mode.wanted, len(there)) for mode, there in zip(modes, candidates, strict=True)], budget)
    for mode, there, quota in zip(modes, candidates, shares, strict=True):
        chosen = pick(distinct(there, unit, rows), unit, quota)
        rows, why = rows + chosen, why + [mode.text] * len(chosen)
        told.append(Shortfall(mode.text, mode.wanted, len(there), len(chosen)))
    if not modes:
        likely = _likely(both, np.arange(len(both)) < len(a), pool, seed)
        rows = pick(distinct(likely, unit, []), unit, budget)
        why = [SHIFT] * len(rows)
    return rows, why, told


def _of_mode(mode: Mode, both: np.ndarray, n_a: int, pool: np.ndarray, seed: int) -> list[int]:
    shown, inside = np.zeros(len(both), bool), np.ones(len(both), bool)
    shown[mode.rows_a] = True
    inside[n_a + mode.rows_b] = False  # B's own few images of the mode teach nothing about what it is not
    return _likely(both[inside], shown[inside], pool, seed)


def quotas(wanted: list[int], budget: int) -> list[int]:
    """Images of each mode within a budget, in proportion to what is wanted, by largest remainders."""
    total = sum(wanted)
    if total <= budget:
        return list(wanted)
    exact = [w * budget / total for w in wanted]
    out = [int(e) for e in exact]
    for i in sorted(range(len(out)), key=lambda i: out[i] - exact[i])[: budget - sum(out)]:
        out[i] += 1
    return out


def _likely(x: np.ndarray, shown: np.ndarray, pool: np.ndarray, seed: int) -> list[int]:
    """Rows of the pool that probably show what some rows of x do, the likeliest first."""
    folds = min(5, int(shown.sum()), int((~shown).sum()))
    found = group_scores(x, np.where(shown, 0, 1), 2, folds=max(folds, 2), repeats=3, seed=seed)
    log_ratio = found.discriminants.log_ratio(pool)[:, 0]
    share = prior_of(log_ratio, float(shown.mean()))
    limit = -math.log(share / (1 - share)) + math.log(LIKELY / (1 - LIKELY))
    order = np.argsort(-log_ratio, kind="stable")
    return [int(row) for row in order if log_ratio[row] > limit]


def distinct(rows: list[int], unit: np.ndarray, chosen: list[int]) -> list[int]:
    """Rows that are near-duplicates neither of an earlier one nor of those chosen already."""
    kept: list[int] = []
    for row in rows:
        others = [*chosen, *kept]
        if row not in chosen and (not others or float((unit[others] @ unit[row]).max()) <= TWIN):
            kept.append(row)
    return kept


def pick(rows: list[int], unit: np.ndarray, count: int) -> list[int]:
    """At most so many rows, diverse ones among the likeliest."""
    if len(rows) <= count or count == 0:
        return rows[:count]
    among = rows[: CHOICE * count]
    return [among[i] for i in diverse(unit[among], count, np.arange(len(among), 0.0, -1.0))]


def _unit(a: np.ndarray, b: np.ndarray, pool: np.ndarray) -> np.ndarray:
    mean = (unit_rows(a).sum(0) + unit_rows(b).sum(0)) / (len(a) + len(b))
    return centred(pool, np.asarray(mean, np.float32))

"""What changes, put together: counts by bins → changes with their uncertainty, bands, and when it was first seen."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ..config import CompareConfig
from ..results.groups import GroupComparison
from ..results.trends import ChangePoint, Trend, Trends
from ..stats.change_points import change_p_values, changes_of, rate_band
from ..stats.divergence import q_values

NEXT_TO_NONE = 0.1
"""Rate before a rise, as a share of that after it, up to which something is seen for the first time."""


def trend_of(
    text: str,
    source: str,
    concept: int | None,
    counts: np.ndarray,
    totals: np.ndarray,
    evidence: tuple[float, float],
    config: CompareConfig,
    exemplars: tuple[int, ...] = (),
) -> Trend:
    """A trend, from the images that show it.

    Args:
        text: what it is called.
        source: where it comes from, as :attr:`Trend.source`.
        concept: row of the SAE's dictionary, if it is one.
        counts: (b,) images of each bin that show it.
        totals: (b,) images of each bin.
        evidence: its p and q.
        config: the level counts.
        exemplars: rows of images that show it best.
    """
    changes = _changes(counts, totals, max(evidence[0], config.alpha))
    low, high = rate_band(counts, totals)
    rates = tuple((counts / totals).tolist())
    bands = tuple(low.tolist()), tuple(high.tolist())
    return Trend(text, source, concept, *evidence, rates, *bands, tuple(changes), _first_seen(changes, counts), exemplars)


def course_of(found: GroupComparison) -> Trends:
    """How the findings of groups that are bins go over them: of those by which groups differ, the ones whose rates change.

    Args:
        found: a comparison of groups in the order of time, or of a number.

    Returns:
        The trends, surest first; q is over the findings.
    """
    totals = np.bincount(found.label[found.label >= 0], minlength=len(found.names))
    counts = np.rint(found.rates * totals).astype(np.int64)
    p = change_p_values(counts, totals) if len(counts) else np.zeros(0)
    q = q_values(p, found.config.correction)
    passing = sorted(np.flatnonzero(q <= found.config.alpha).tolist(), key=lambda i: (q[i], p[i]))
    evidence = {i: (float(p[i]), float(q[i])) for i in passing}
    trends = tuple(trend_of(found.rate_texts[i], "finding", None, counts[i], totals, evidence[i], found.config) for i in passing)
    return Trends(
        bins=found.names,
        images=tuple(totals.tolist()),
        bin_of=found.label,
        trends=trends,
        differs=bool(trends),
        p_value=min((trend.q_value for trend in trends), default=1.0),
        info={"left_out": found.info.get("left_out") or {}},
    )


def _first_seen(changes: list[ChangePoint], counts: np.ndarray) -> int | None:
    """The first bin that shows what next to none did before its first change, a rise."""
    rise = changes[0]
    if rise.after <= rise.before or rise.before > NEXT_TO_NONE * rise.after:
        return None
    return next(i for i in range(rise.earliest, len(counts)) if counts[i])


def _changes(counts: np.ndarray, totals: np.ndarray, level: float) -> list[ChangePoint]:
    found = changes_of(counts, totals, level)
    cuts = [0, *(at + 1 for at, _, _, _ in found), len(counts)]
    rate = [float(counts[a:b].sum() / totals[a:b].sum()) for a, b in pairwise(cuts)]
    return [ChangePoint(at + 1, low + 1, high + 1, rate[i], rate[i + 1], p) for i, (at, low, high, p) in enumerate(found)]

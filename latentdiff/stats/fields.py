"""Do the sides differ in what their fields say: each value's share, and numbers by their ranks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.stats import rankdata

from ..embed.grouping import numbered
from ..inputs.column_kinds import FEW_NUMBERS
from .grouped import Grouping
from .hypergeometric import fisher_exact
from .phrases import auroc
from .strata import Strata, rank_test
from .within import Within

TAILS = (0.025, 0.05, 0.075, 0.1, 0.15)
"""Shares of the lowest and of the highest numbers that are looked at by themselves."""
FEWEST = 5
"""Images that make a tail."""
MOST = 0.3
"""Share of the images that are no tail any more: many equal numbers lie together."""


@dataclass(frozen=True, eq=False)
class ValueTests:
    """Of k values: arrays of length k."""

    rate_a: np.ndarray
    """Share of A's images with it; within strata the adjusted one."""
    rate_b: np.ndarray
    p_value: np.ndarray


@dataclass(frozen=True)
class Tail:
    """The lowest or highest numbers of a field."""

    lowest: bool
    cut: float
    """Numbers below it (the lowest) or above it (the highest) are in the tail."""
    rate_a: float
    """Share of A's images in it."""
    rate_b: float
    p_value: float
    end: float | None = None
    """The very lowest or highest number, where many images share it: they are the tail where it is ``cut``, else they are no part of it."""


@dataclass(frozen=True)
class NumberTest:
    """Of one field of numbers."""

    center_a: float
    """Median of A's images."""
    center_b: float
    auroc: float
    """Probability that a random image of A has the higher number."""
    p_value: float
    """Of ranks and tails together."""
    tail: Tail | None
    """The tail that differs, where that is surer than that the ranks do."""


def value_tests(has: sp.csr_array, strata: Strata, groups: np.ndarray | None = None) -> ValueTests:
    """Is each value more frequent on one side?

    Args:
        has: (n, k) bool.
        strata: which images are compared with which; one stratum: Fisher's exact test.
        groups: (n,) group of each image; they are counted then, and not images (one stratum only).
    """
    of_a, of_b = (np.asarray(has[rows].sum(0, dtype=np.int64)).ravel() for rows in (strata.in_a, ~strata.in_a))
    if groups is not None:
        p = Grouping(strata.in_a, groups).sparse(sp.csr_array(has, dtype=np.float64)).p_value
    elif len(strata.weight) == 1:
        p = fisher_exact(of_a, of_b, int(strata.in_a.sum()), int((~strata.in_a).sum()))
    else:
        p = Within(strata.in_a, strata.number).sparse(has).p_value
    if len(strata.weight) == 1:
        return ValueTests(of_a / strata.n_a, of_b / strata.n_b, np.asarray(p))
    rates = [np.clip(has.T @ np.where(side, strata.shares, 0.0), 0, 1) for side in (strata.in_a, ~strata.in_a)]
    return ValueTests(rates[0], rates[1], np.asarray(p))


def number_test(number: np.ndarray, strata: Strata, groups: np.ndarray | None = None) -> NumberTest | None:
    """Are the numbers higher on one side, by their ranks, or are some of one side extreme, by the shares of the sides in the tails?

    Images without a number are left out; None where a side has none. Ranks see a shift of many images, tails a change of a few. The p is
    twice the smaller of both, that of the tails counted once for each.

    Args:
        number: (n,) values, NaN where there is none.
        strata: which images are compared with which.
        groups: (n,) group of each image; they are counted then (one stratum only).
    """
    known = np.isfinite(number)
    x, inner = number[known], Strata(strata.in_a[known], strata.number[known])
    a, b = x[inner.in_a], x[~inner.in_a]
    if not len(a) or not len(b) or not inner.weight.any():
        return None
    own = None if groups is None else numbered(groups[known])
    p = float(rank_test(x[None], inner)[1][0] if own is None else Grouping(inner.in_a, own).dense(rankdata(x)[None]).p_value[0])
    tail, tested = _surest_tail(x, inner, own)
    p_tail = 1.0 if tail is None else min(1.0, tested * tail.p_value)
    centers = float(np.median(a)), float(np.median(b))
    return NumberTest(*centers, _area(x, inner), min(1.0, 2 * min(p, p_tail)), tail if p_tail < p else None)


def _area(x: np.ndarray, strata: Strata) -> float:
    """AUROC of A over B, within strata: the side that is higher there may not be the one that is higher over all."""
    total = 0.0
    for s in np.flatnonzero(strata.weight):
        here = strata.number == s
        total += strata.weight[s] * auroc(x[here & strata.in_a], x[here & ~strata.in_a])
    return float(total / strata.weight.sum())


def _surest_tail(x: np.ndarray, strata: Strata, groups: np.ndarray | None) -> tuple[Tail | None, int]:
    """The tail in whose share the sides differ most surely, and how many different ones were tested.

    Where many images share the very lowest or highest number (pictures without any colour, say), they are a tail of their own, and the
    others are looked at without them: they would hide the few next to them.
    """
    several = len(np.unique(x)) > FEW_NUMBERS  # few are tested value by value
    members: list[tuple[bool, float, float | None, np.ndarray]] = []
    for lowest in (True, False):
        at_end = x == (x.min() if lowest else x.max())
        apart = several and FEWEST <= at_end.sum() <= MOST * len(x)
        rest, end = (~at_end, float(x[at_end][0])) if apart else (np.ones(len(x), bool), None)
        if end is not None:
            members.append((lowest, end, end, at_end))
        for share in TAILS:
            cut = np.quantile(x[rest], share if lowest else 1 - share)
            member = rest & (x < cut if lowest else x > cut)
            if FEWEST <= member.sum() <= MOST * len(x):
                members.append((lowest, float(cut), end, member))
    if not members:
        return None, 0
    tests = value_tests(sp.csr_array(np.column_stack([m for *_, m in members])), strata, groups)
    best = int(tests.p_value.argmin())
    lowest, cut, end, _ = members[best]
    rates = float(tests.rate_a[best]), float(tests.rate_b[best])
    return Tail(lowest, cut, *rates, float(tests.p_value[best]), end), len(members)


def together(p_pictures: float, p_fields: float) -> tuple[float, float]:
    """The p of the pictures and that of the fields, adjusted for each other, so that both share one level (Hochberg 1988).

    The smaller counts twice, unless the other is below that; the larger counts once.
    """
    larger = max(p_pictures, p_fields)
    low = min(1.0, 2 * min(p_pictures, p_fields), larger)
    return (low, larger) if p_pictures <= p_fields else (larger, low)

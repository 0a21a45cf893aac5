"""What to look at where nothing was found, and what would decide it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ..results.comparison import Comparison
from ..results.feedback import said_of
from ..results.hypothesis import Hypothesis
from .finding import SIDES, Card, card
from .text import p_text, rates_of, title

SAME = 1.1
"""Sides whose numbers differ by less are told by one number."""


def leads(comparison: Comparison, names: Sequence[str]) -> tuple[str, ...]:
    """A sentence for each side that has no finding: what came nearest to one, told apart from findings.

    Args:
        comparison: the result.
        names: what people call A and B.
    """
    notes = []
    for side, name in zip(SIDES, names, strict=True):
        best = _of_side(comparison, side)
        if not best:
            continue
        first = best[0]
        others = "".join(f"; then {title(h)}" for h in best[1:])  # not commas: a title may hold some
        said = decides(comparison, first, names)
        decide = f"; {said} would decide it" if said else ""
        nearest = f"{title(first)} ({rates_of(first, names)}{decide}){others}"
        notes.append(f"nothing passes as more frequent in {name}; nearest to it, perhaps chance: {nearest}")
    return tuple(notes)


def lead_cards(comparison: Comparison, side: str, names: Mapping[str, str]) -> tuple[tuple[Card, str], ...]:
    """The same as cards, of one side, each with how far it is from a finding: panel, page, notebook and report draw them grey.

    Args:
        comparison: the result.
        side: "A" or "B".
        names: what people call "A" and "B".
    """
    return tuple((one := card(comparison, h, -1, names), standing(comparison, one, names)) for h in _of_side(comparison, side))


def standing(comparison: Comparison, lead: Card, names: Mapping[str, str]) -> str:
    """"perhaps chance; q = 0.21 against 0.05; about 900 more images a side would decide it"; what is not known is left out."""
    level = f"{p_text(lead.hypothesis.q_value, 'q')} against {comparison.config.alpha:g}" if lead.q else ""
    needs = decides(comparison, lead.hypothesis, (names["A"], names["B"]))
    return "; ".join(filter(None, ("perhaps chance", level, f"{needs} would decide it" if needs else "")))


def _of_side(comparison: Comparison, side: str) -> list[Hypothesis]:
    """Leads of a side that has no finding."""
    if any(h.side == side for h in comparison.hypotheses):
        return []
    return [h for h in comparison.leads if h.side == side and not said_of(comparison.feedback, h).hidden]


def decides(comparison: Comparison, lead: Hypothesis, names: Sequence[str]) -> str:
    """How many more images would decide a lead: "about 900 more images a side"; empty where that is not known.

    Args:
        comparison: the result.
        lead: one of its candidates that does not pass.
        names: what people call A and B.
    """
    needed, n_a, n_b = comparison.to_decide(lead), comparison.info.get("n_a"), comparison.info.get("n_b")
    if not math.isfinite(needed) or not n_a or not n_b:
        return ""
    times = needed / (n_a + n_b) - 1
    if times * min(n_a, n_b) < 1:
        return ""  # as many as there are: what lacks is not their number
    more = _rounded(times * n_a), _rounded(times * n_b)
    if max(more) <= SAME * min(more):
        return f"about {max(more):,} more images a side"
    return f"about {more[0]:,} more images of {names[0]} and {more[1]:,} of {names[1]}"


def _rounded(count: float) -> int:
    """To two digits."""
    digits = max(math.floor(math.log10(max(count, 1))) - 1, 0)
    return math.ceil(count / 10**digits) * 10**digits

"""Which findings of a side are shown, and in which order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..results.comparison import Comparison
from ..results.feedback import ACCEPTED, OPEN, Feedback, said_of
from ..results.hypothesis import Hypothesis
from .finding import Card

BEST, ALL = "best", "all"
ORDERS: dict[str, tuple[str, Callable[[Hypothesis, Feedback], Any]]] = {
    BEST: ("Best first", lambda h, said: 0),
    "difference": ("Largest difference first", lambda h, said: -h.effect),
    "sure": ("Surest first", lambda h, said: h.q_value),
    "auroc": ("Tells the sides apart best first", lambda h, said: -h.auroc),
    "source": ("By what found it", lambda h, said: h.source),
    "text": ("By name", lambda h, said: (said.name or h.text).casefold()),
    "open": ("Not judged yet first", lambda h, said: said.state != OPEN),
    ACCEPTED: ("Accepted first", lambda h, said: said.state != ACCEPTED),
}
"""Order → what people read, and what it sorts by, of a finding and what was said of it; findings alike in that stay best first."""
ONLY = {ALL: "All", "open": "Not judged yet", ACCEPTED: "Accepted", "named": "Names that fit", "guess": "Names that are guesses"}


@dataclass(frozen=True)
class Arrangement:
    """How one wants to see the findings."""

    order: str = BEST
    only: str = ALL
    search: str = ""
    """Part of the phrase, of another wording, of what else its card tells, of its new name or of its note; empty: all."""

    @property
    def plain(self) -> bool:
        """Whether it is the usual one: all, best first."""
        return (self.order, self.only, self.search.strip()) == (BEST, ALL, "")


def arranged(comparison: Comparison, side: str, count: int, page: int, how: Arrangement) -> tuple[list[Hypothesis], int]:
    """Findings of a side that are shown, and how many there are.

    Args:
        comparison: the result.
        side: "A" or "B".
        count: how many are shown at most.
        page: how many were shown at first: what one has seen stays where it is when more are shown.
        how: order, and what is left out.

    Returns:
        The findings, and how many pass the filter in all; rejected ones and parts of others are none.
    """
    own = [h for h in comparison.hypotheses if h.side == side and not said_of(comparison.feedback, h).hidden]
    if not how.plain:
        found = [h for h in own if _wanted(comparison, h, how)]
        by = ORDERS.get(how.order, ORDERS[BEST])[1]
        return sorted(found, key=lambda h: by(h, said_of(comparison.feedback, h)))[:count], len(found)
    shown: list[Hypothesis] = []
    hidden = len(comparison.hypotheses) - len(own)
    for k in [*range(page, count, page), count]:
        best = [h for h in comparison.top(side, k + hidden) if any(h is mine for mine in own)]
        shown += [h for h in best if not any(h is seen for seen in shown)][: k - len(shown)]
    return shown, len(own)


def heading(card: Card, how: Arrangement) -> str:
    """What the group of cards is called that a card is in; "" in orders that make no groups."""
    if how.order == "source":
        return card.found[0].capitalize()
    return ("Accepted" if ACCEPTED in card.said else "Not judged yet") if how.order in ("open", ACCEPTED) else ""


def _wanted(comparison: Comparison, h: Hypothesis, how: Arrangement) -> bool:
    said, search = said_of(comparison.feedback, h), how.search.strip().casefold()
    kinds = {"open": said.state == OPEN, ACCEPTED: said.state == ACCEPTED, "named": not h.weak or bool(said.name)}
    kinds["guess"] = not kinds["named"]
    texts = (h.text, said.name, said.note, *h.also, *h.words, *h.folded, *h.echoes)
    return kinds.get(how.only, True) and any(search in text.casefold() for text in texts)

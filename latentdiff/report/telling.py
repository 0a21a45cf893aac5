"""What a card tells beside its own difference, as lines: parts by hand, other words for it, what differs only along with it; a caveat."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ..results.comparison import Comparison
from ..results.feedback import said_of
from ..results.hypothesis import Hypothesis

LISTED = 8
"""Other differences that a card lists by name."""
WORDINGS = 3


def told_beside(comparison: Comparison, h: Hypothesis) -> list[str]:
    """What a card tells beside its own difference: parts by what people call them, then what was folded into it or them, then echoes.

    What has a card of its own under the same words (a concept, of which a phrase is an echo) is told there and nowhere else.
    """
    parts = [one for one in comparison.feedback if (one.side, one.merged) == (h.side, h.text)]
    found = [h, *(own for own in comparison.hypotheses if any(part.of(own) for part in parts))]
    names = [part.name or part.text for part in parts]
    told = [text for own in found for text in own.folded] + [text for own in found for text in own.echoes]
    elsewhere = with_cards(comparison, h.side) if told else set()
    return names + [text for text in told if text not in elsewhere]


def other_words(comparison: Comparison, h: Hypothesis, told: Sequence[str]) -> tuple[str, ...]:
    """Other wordings of a difference, at most ``WORDINGS``: none that its card tells beside it, and none that names another card.

    Args:
        comparison: the result.
        h: the difference.
        told: of :func:`told_beside`.
    """
    words = dict.fromkeys((*h.also, *h.words))
    elsewhere = {h.text, *told, *with_cards(comparison, h.side)} if words else set()
    return tuple(word for word in words if word not in elsewhere)[:WORDINGS]


def with_cards(comparison: Comparison, side: str) -> set[str]:
    """Words of a side's findings that have a card of their own, and the names that people gave them."""
    cards = comparison.top(side, max(1, len(comparison.hypotheses)))  # what two sources found has one
    own = [(h, said_of(comparison.feedback, h)) for h in cards]
    return {text for h, said in own if not said.hidden for text in (h.text, said.name) if text}


def leans_back(h: Hypothesis, names: Mapping[str, str]) -> str:
    """What to say where a finding's AUROC is below one half though its rate is higher: its tail is of its side, the bulk of the other.

    Args:
        h: the difference.
        names: what people call "A" and "B".
    """
    if math.isnan(h.auroc) or round(h.auroc, 2) >= 0.5 or not h.effect > 0:
        return ""
    other = names["B" if h.side == "A" else "A"]
    return f"only images that clearly show it are more frequent here: over all images its score is higher in {other}"


def counted(comparison: Comparison, h: Hypothesis, told: Sequence[str]) -> str:
    """What is told with a difference: names that fit, and how many are guesses; beside a guess, guesses too."""
    told = tuple(dict.fromkeys(told))
    weak = {c.text for c in comparison.candidates if c.side == h.side and c.weak} if told and not h.weak else set()
    named = [text for text in told if text not in weak]
    count = len(told) - len(named)
    guesses = f"{count} {'guess' if count == 1 else 'guesses'}" if count else ""
    return " and ".join(part for part in (listed(named), guesses) if part)


def listed(texts: Sequence[str]) -> str:
    """The first of some phrases, and how many more there are."""
    more = f" and {len(texts) - LISTED} more" if len(texts) > LISTED else ""
    return ", ".join(texts[:LISTED]) + more

"""Differences read from coarse to fine, where a Matryoshka SAE groups their concepts: "vehicle", below it "motorcycle", "scooter"."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..results.comparison import Comparison
from ..results.hypothesis import Hypothesis
from .text import headline


@dataclass(frozen=True)
class Branch:
    """One line of the tree."""

    depth: int
    """0 for what has nothing above it."""
    label: str
    hypothesis: Hypothesis | None
    """None for a coarser concept that is not among the differences itself."""


def as_tree(comparison: Comparison, hypotheses: Sequence[Hypothesis]) -> tuple[Branch, ...]:
    """Differences as an indented list, each below the coarser concepts that contain it.

    Args:
        comparison: the result; the cards of its concepts say what is above each.
        hypotheses: of it, best first; phrases, and concepts without a coarser one, stand at depth 0. Siblings keep this order.

    Returns:
        Lines from the top, or nothing where no concept has a coarser one above it: without groups there is no tree.
    """
    found: dict[Hashable, Hypothesis] = {}
    labels: dict[Hashable, str] = {}
    above: dict[Hashable, Hashable] = {}
    for i, h in enumerate(hypotheses):
        own = f"difference {i}" if h.concept is None or h.concept in found else h.concept
        coarser = _coarser(comparison, h)
        labels = {**coarser, **labels, own: headline(h, comparison.feedback)}
        found[own] = h
        chain = [None, *coarser, own]
        for upper, lower in pairwise(chain):
            if above.get(lower) is None:  # where two paths name different ancestors, the first that names any stays
                above[lower] = upper
    if not any(upper is not None for upper in above.values()):
        return ()
    below: dict[Hashable, list[Hashable]] = {}
    for lower, upper in above.items():
        below.setdefault(upper, []).append(lower)
    lines, stack = [], [(key, 0) for key in reversed(below.get(None, []))]
    while stack:
        key, depth = stack.pop()
        lines.append(Branch(depth, labels[key], found.get(key)))
        stack += [(lower, depth + 1) for lower in reversed(below.get(key, []))]
    return tuple(lines)


def path_of(comparison: Comparison, h: Hypothesis) -> tuple[str, ...]:
    """What the coarser concepts above a difference are called now, coarsest first."""
    return tuple(_coarser(comparison, h).values()) or h.path


def _coarser(comparison: Comparison, h: Hypothesis) -> dict[Hashable, str]:
    """Concepts above a difference and what they are called, coarsest first; nothing where its card is missing or damaged."""
    called = {one.concept: one.name for one in comparison.feedback if one.name and one.concept is not None}
    cards = comparison.info.get("cards")
    card = cards.get(str(h.concept)) if isinstance(cards, dict) else None
    path = card.get("path") if isinstance(card, dict) else None
    steps = [s for s in path if isinstance(s, dict)] if isinstance(path, list) else []
    above = [s for s in steps if isinstance(s.get("concept"), int) and s["concept"] != h.concept]
    return {s["concept"]: called.get(s["concept"]) or str(s.get("label")) for s in above}

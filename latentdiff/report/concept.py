"""The concept behind a difference, in words: what else it is called, how often it fires, how pure it is, what it occurs with."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from ..results.comparison import Comparison
from ..results.hypothesis import ConceptTable, Hypothesis
from .text import headline, images, percent
from .tree import path_of

COMPANIONS = 3
"""Concepts that occur with it, at most."""


def concept_facts(comparison: Comparison, hypothesis: Hypothesis) -> tuple[tuple[str, str, str], ...]:
    """What is known of the concept behind a difference, as (name, value, explanation).

    Args:
        comparison: the result.
        hypothesis: one of its candidates.

    Returns:
        Words, path from coarse to fine, how often it occurs, purity, what it occurs with, further figures of the table of concepts, its
        number; what is not known is left out. Nothing for a phrase that no concept stands behind.
    """
    if hypothesis.concept is None:
        return ()
    cards = comparison.info.get("cards")
    card = cards.get(str(hypothesis.concept)) if isinstance(cards, dict) else None
    path = path_of(comparison, hypothesis)
    below = (*path, headline(hypothesis, comparison.feedback)) if path else ()
    facts = [*_of_card(card if isinstance(card, dict) else {}, below), *_of_table(comparison.concepts, hypothesis.concept)]
    return (*facts, ("Number", str(hypothesis.concept), "among the concepts that the sparse autoencoder has learnt"))


def _of_card(card: dict[str, Any], below: tuple[str, ...]) -> list[tuple[str, str, str]]:
    facts = []
    if card.get("words"):
        facts.append(("Words", ", ".join(map(str, card["words"])), "what fits its images best, the best first"))
    if below:
        facts.append(("Part of", " > ".join(below), "from the general to the particular"))
    rate, count = card.get("firing_rate"), card.get("images_firing")
    if isinstance(rate, float) and isinstance(count, int):
        facts.append(("Occurs on", f"{images(count)} ({percent(rate)})", "of all that were looked at, both sides together"))
    purity = card.get("monosemanticity")
    if isinstance(purity, float):
        facts.append(("Purity", f"{purity:.2f}", "how alike the images are on which it occurs: 1 all the same, near 0 a mixture"))
    together = _together(card)
    if together:
        facts.append(("Occurs with", together, "other concepts on the same images; in brackets, on how many of them"))
    return facts


def _of_table(table: ConceptTable, concept: int) -> list[tuple[str, str, str]]:
    """Figures of a concept whose fields say what they are called; see :class:`~latentdiff.results.hypothesis.ConceptTable`."""
    rows = np.flatnonzero(table.concept == concept)
    shown = [f for f in dataclasses.fields(table) if "title" in f.metadata] if len(rows) else []
    values = [(f.metadata, float(getattr(table, f.name)[rows[0]])) for f in shown]
    return [(told["title"], f"{value:.3g}", told["meaning"]) for told, value in values if not math.isnan(value)]


def _together(card: dict[str, Any]) -> str:
    """Names of the companions; one that is called as the concept itself, or as another, says nothing new."""
    said: dict[str, str] = {}
    for companion in card.get("cofiring") or ():
        label = str(companion["label"])
        if label != card.get("label"):
            said.setdefault(label.rpartition(" · ")[2], percent(float(companion["share"])))
    return "; ".join(f"{name} ({share})" for name, share in list(said.items())[:COMPANIONS])

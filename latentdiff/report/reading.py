"""How to read a report: the terms that stand in it, and no others, each with what it means."""

from __future__ import annotations

import re

import numpy as np

from ..results.comparison import Comparison
from .content import Content, version_text
from .fields import ALONG, GOES_WITH
from .finding import SIDES, legend
from .meanings import MEANING

SHOWN = ("difference", "q", "AUROC", "found as", "name")
"""Facts of a difference that a table shows beside its rates."""
TABLED = "Below the name of a side: the share of its images that show it."
"""What rates are where no bars are drawn."""
TOLD = ("AUC", "p", "q", "AUROC")
"""Terms that sentences use."""


def reading(content: Content, *, drawn: bool) -> tuple[tuple[str, str], ...]:
    """Term and meaning of what a report shows, and which kept SAE its concepts are of.

    Args:
        content: what the report says.
        drawn: whether it has cards with bars, and plots; else a table a side.
    """
    there, cards = _there(content, drawn), [one for side in SIDES for one in content.cards[side]]
    meanings = {**MEANING, GOES_WITH: ALONG, **({} if drawn else {"rates": TABLED})}
    sources = dict.fromkeys(one.hypothesis.source for one in cards)
    found = [legend(content.comparison, source) for source in sources]
    told = ((f"found as “{name}”", meaning) for name, meaning in found)
    return (*((term, meaning) for term, meaning in meanings.items() if term in there), *told, *_kept(content.comparison))


def _there(content: Content, drawn: bool) -> set[str]:
    """Terms that have a place in the report."""
    cards = [one for side in SIDES for one in content.cards[side]]
    leads = [one for side in SIDES for one in content.leads[side]] if drawn else []
    there = {name for one in cards for name, _, _ in one.facts if drawn or name in SHOWN}
    said = [content.verdict, *content.notes, *(content.shifts if drawn else content.below), *(standing for _, standing in leads)]
    said += [one.leans for one in cards]
    there |= {term for term in TOLD if any(re.search(rf"\b{term}\b", text) for text in said)}
    there |= {"rates"} if cards or leads else set()
    there |= {"also"} if any(one.tells for one in cards) else set()
    there |= {"q", "AUROC"} if content.fields else set()
    comparison = content.comparison
    scored = drawn and any(np.isfinite(ratio).any() for ratio in (comparison.log_ratio_a, comparison.log_ratio_b))
    there |= {"score"} if scored else set()
    return there | ({"how sure", "q"} if drawn and len(comparison.concepts.concept) else set())


def _kept(comparison: Comparison) -> tuple[tuple[str, str], ...]:
    """Which kept SAE the concepts are of, where it is one that other comparisons share."""
    sae = comparison.info.get("sae") or {}
    kept, training = sae.get("kept") or {}, sae.get("training") or {}
    if not kept.get("why"):
        return ()
    explained = f"{training['explained_variance']:.0%} of whose variance they explain"
    learnt = f"learnt from {training['vectors']:,} of {kept['of']:,} vectors, {explained}"
    number = version_text(kept["version"], kept["why"])
    what = f"{sae['concepts']:,} patterns, {learnt}; {number}, kept as {kept['key'][:8]}: comparisons that name it share them"
    return ((f"concepts of {kept['name']}", what),)

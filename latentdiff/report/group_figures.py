"""What reports and the panel draw of many groups: which findings, and the tree of groups by distance."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np

from ..results.groups import GroupComparison
from .text import isolated, unmarked

MOST_ROWS = 30
"""Findings in the panel's map: more are not told apart."""
HALF = 0.5
"""AUC of two groups that cannot be told apart."""
WIDTH, ROW, LABEL, FOOT = 640, 22, 180, 24
LONGEST = 24
"""Letters of a name beside the tree."""


@dataclass(frozen=True)
class Tree:
    """The average-linkage tree of groups: leaves one below the other, joints at the AUC by which what they join is told apart."""

    names: tuple[str, ...]
    """From top to bottom, near ones beside each other."""
    lines: tuple[tuple[tuple[float, float], ...], ...]
    """Per joint four points (AUC, row), row 0 the first name."""


def tree_of(found: GroupComparison) -> Tree:
    """The tree of a comparison's groups.

    Args:
        found: the comparison of many groups.
    """
    from scipy.cluster.hierarchy import dendrogram

    drawn = dendrogram(found.tree(), no_plot=True)  # its leaves stand at 5, 15, 25, ...
    joints = zip(drawn["icoord"], drawn["dcoord"], strict=True)
    lines = tuple(tuple((HALF + d, (i - 5) / 10) for i, d in zip(at, height, strict=True)) for at, height in joints)
    return Tree(tuple(found.names[leaf] for leaf in drawn["leaves"]), lines)


def rows_of(found: GroupComparison, most: int = MOST_ROWS) -> list[int]:
    """Rows of ``rates`` that a small map shows: those by which groups differ most, in the order that they have."""
    if not len(found.rates):
        return []
    spread = found.rates.max(1) - found.rates.min(1)
    return sorted(np.argsort(-spread, kind="stable")[:most].tolist())


def row_names(found: GroupComparison) -> list[str]:
    """The findings of ``rates`` as a table names them: with what their rates count, where that is not what a fitting name says."""
    return [_row_name(text, found) for text in found.rate_texts]


def _row_name(text: str, found: GroupComparison) -> str:
    h = found.told_by(text)
    if h is None:
        return text
    said = (one for c in found.comparisons for one in c.feedback)
    name = next((one.name for one in said if one.name and (one.source, one.text, one.concept) == (h.source, h.text, h.concept)), "")
    if name:
        return name
    if h.weak:
        return f"looks like: {text}"
    if h.concept is not None and text != f"concept {h.concept}" and (h.rate_a, h.rate_b) == (h.fires_a, h.fires_b):
        return f"pattern of {text}"  # its name tells no images apart, and the rates say where the concept fires
    return text


def tree_svg(found: GroupComparison) -> str:
    """The tree as a figure of a report."""
    tree = tree_of(found)
    low, high = HALF, max(max(x for line in tree.lines for x, _ in line), HALF + 0.05)
    height = ROW * len(tree.names)

    def across(auc: float) -> float:
        return LABEL + (WIDTH - LABEL - 10) * (auc - low) / (high - low)

    lines = "".join(
        f'<polyline points="{" ".join(f"{across(x):.1f},{ROW * (y + 0.5):.1f}" for x, y in line)}" fill="none" stroke="currentColor"/>'
        for line in tree.lines
    )
    names = "".join(
        f'<text x="{LABEL - 8}" y="{ROW * (i + 0.5) + 4:.1f}" text-anchor="end">{escape(shortened(name))}</text>'
        for i, name in enumerate(tree.names)
    )
    ends = ((low, "start"), (high, "end"))
    ticks = "".join(f'<text x="{across(at):.1f}" y="{height + 16}" text-anchor="{side}">{at:.2f}</text>' for at, side in ends)
    label = "groups joined where they can be told apart by so much"
    box = f'viewBox="0 0 {WIDTH} {height + FOOT}" role="img" aria-label="{label}" font-size="12" fill="currentColor"'
    return f"<svg {box}>{lines}{names}{ticks}</svg>"


def shortened(name: str, longest: int = LONGEST) -> str:
    """A name that fits beside a figure, or wherever there is room for so many letters."""
    name = unmarked(name)
    return isolated(name if len(name) <= longest else f"{name[: longest - 1]}…")

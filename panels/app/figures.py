"""A comparison → Plotly traces: the log ratios of both sides, and every concept that was tested."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from latentdiff.report import p_text, percent
from latentdiff.report.text import images
from latentdiff.results.levels import shown_q_values

BINS = 60
POINTS = 3000
"""Concepts drawn: more than one can tell apart, and still quick to send and draw."""
HIGHEST = 50.0
"""-log10 q drawn at most: beyond it one concept would press all others flat, and sure is sure."""
COLOURS = {"A": "rgb(255, 109, 4)", "B": "rgb(46, 134, 255)"}
BLUE_TO_ORANGE = [[0.0, COLOURS["B"]], [0.5, "rgb(150, 150, 150)"], [1.0, COLOURS["A"]]]
GREY = "rgba(127, 127, 127, 0.6)"


def score_range(run: Any) -> tuple[float, float]:
    """Lowest and highest log ratio of both sides, rounded outwards to hundredths; (0, 0) where there is none."""
    values = _finite(run.comparison.log_ratio_a), _finite(run.comparison.log_ratio_b)
    both = np.concatenate(values)
    if not len(both):
        return 0.0, 0.0
    return math.floor(100 * float(both.min())) / 100, math.ceil(100 * float(both.max())) / 100


def histogram(run: Any, bins: int = BINS) -> list[dict[str, Any]]:
    """Two overlaid bar traces: per bin of the log ratio, the share of each side's images.

    Args:
        run: a ``ComparisonRun``.
        bins: how many bars a side.

    Returns:
        Plotly traces; a bar's ``ids`` entry is ``"low|high"``, the ends of its bin (exact, to be filtered by).
    """
    low, high = score_range(run)
    edges = np.linspace(low, high if high > low else low + 1, bins + 1)
    ids = [f"{a!r}|{b!r}" for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)]
    traces = []
    for side, values in (("A", run.comparison.log_ratio_a), ("B", run.comparison.log_ratio_b)):
        counts = np.histogram(_finite(values), edges)[0]
        share = counts / max(1, counts.sum())
        text = [f"{images(int(n))} of {_text(run.sides[side].name)}<br>{percent(float(s))}" for n, s in zip(counts, share, strict=True)]
        traces.append(
            {
                "type": "bar",
                "name": _text(run.sides[side].name),
                "x": ((edges[:-1] + edges[1:]) / 2).tolist(),
                "y": share.tolist(),
                "width": float(edges[1] - edges[0]),
                "ids": ids,
                "hovertext": text,
                "hoverinfo": "text",
                "marker": {"color": COLOURS[side], "opacity": 0.55},
            }
        )
    return traces


def brushed(points: Any) -> tuple[float, float] | None:
    """The range of log ratios under the bars that were brushed; None where none was."""
    ends = [str(point.get("id")).split("|") for point in points or () if isinstance(point, dict) and "|" in str(point.get("id"))]
    try:
        pairs = [(float(low), float(high)) for low, high in ends]
    except ValueError:
        return None
    return (min(low for low, _ in pairs), max(high for _, high in pairs)) if pairs else None


def volcano(run: Any, points: int = POINTS) -> list[dict[str, Any]]:
    """One scatter trace: rate difference in percentage points against -log10 q, a point per tested concept.

    Args:
        run: a ``ComparisonRun``.
        points: at most so many, the smallest q first.

    Returns:
        Plotly traces; a point's ``ids`` entry is the concept's number. Filled points are those whose images are known.
    """
    table, alpha, q = run.comparison.concepts, run.comparison.config.alpha, shown_q_values(run.comparison)
    known = np.flatnonzero(np.isfinite(q))
    rows = known[np.argsort(q[known], kind="stable")][:points]
    gap = table.rate_a[rows] - table.rate_b[rows]
    height = np.minimum(HIGHEST, -np.log10(np.maximum(q[rows], 10.0**-HIGHEST)))
    passes = q[rows] <= alpha
    colours = [COLOURS["A" if d > 0 else "B"] if ok else GREY for d, ok in zip(gap, passes, strict=True)]
    shown = shown_by(run)
    hovers = [_hover(concept_text(run, int(row), float(q[row]))) for row in rows]
    symbols = ["circle" if shown(int(row)) else "circle-open" for row in rows]
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": "concepts",
            "x": (100 * gap).tolist(),
            "y": height.tolist(),
            "ids": [str(int(table.concept[row])) for row in rows],
            "hovertext": hovers,
            "hoverinfo": "text",
            "marker": {"color": colours, "symbol": symbols, "size": 8, "opacity": 0.75},
        }
    ]


def concept_row(run: Any, concept: Any) -> int | None:
    """Row of the concept table that a point of the volcano plot stands for; None where there is none."""
    if not str(concept).isdigit():
        return None
    found = np.flatnonzero(run.comparison.concepts.concept == int(concept))
    return int(found[0]) if len(found) else None


def shown_by(run: Any) -> Callable[[int], Any]:
    """Whose images stand for a tested concept.

    Images are kept for ranked candidates only, and of several concepts of one name on one side the best is one: it stands for the others.

    Returns:
        Row of the concept table → one of the run's candidates, or None where no images are known.
    """
    table = run.comparison.concepts
    own = {h.concept: h for h in run.candidates if h.concept is not None}
    named = {(h.side, text): h for h in reversed(run.candidates) for text in h.also}
    named |= {(h.side, h.text): h for h in reversed(run.candidates)}

    def shown(row: int) -> Any:
        side = "A" if table.gap[row] > 0 else "B"
        return own.get(int(table.concept[row])) or (named.get((side, table.name[row])) if table.name else None)

    return shown


def concept_text(run: Any, row: int, q: float | None = None) -> dict[str, str]:
    """A tested concept's name, rates and q, as people read them; ``q``: where it is known already."""
    table = run.comparison.concepts
    name = table.name[row] if table.name else f"concept {int(table.concept[row])}"
    q = float(shown_q_values(run.comparison)[row]) if q is None else q
    rates = [f"{percent(float(rate))} of {run.sides[s].name}" for s, rate in (("A", table.rate_a[row]), ("B", table.rate_b[row]))]
    return {"name": name, "rates": ", ".join(rates), "q": p_text(q, "q")}


def _hover(said: dict[str, str]) -> str:
    return f"<b>{_text(said['name'])}</b><br>{_text(said['rates'])}<br>{_text(said['q'])}"


def _text(text: str) -> str:
    """Plotly reads a little HTML in its texts."""
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _finite(values: np.ndarray) -> np.ndarray:
    return values[np.isfinite(values)]

"""How the map's points are coloured: by side, by score, or by what a field says of the images."""

from __future__ import annotations

from collections import Counter
from typing import Any

from latentdiff.report.group_figures import shortened

from .figures import BLUE_TO_ORANGE, COLOURS, GREY

SIDE, SCORE, FIELD = "side", "score", "field:"
COLOURED = {SIDE: "By side", SCORE: "By score"}
PALETTE = ("#59a14f", "#b07aa1", "#edc948", "#e15759", "#76b7b2", "#ff9da7", "#4e9af1", "#f28e2b")
"""Colours of the most frequent values, those that are like the sides' own last; all others are grey."""
LOW_TO_HIGH = [[0.0, "#7b6ee6"], [0.35, "#3f9fc4"], [0.65, "#4fae62"], [1.0, "#e0a21b"]]
"""Of numbers: each end is seen on a dark and on a light ground."""
SYMBOLS = {"A": "circle", "B": "diamond"}
"""Tell the sides apart where colours say something else."""


def ways_to_colour(fields: list[str]) -> dict[str, str]:
    """What can be chosen → what people read; a field that is called as a built-in choice says that it is one."""
    return COLOURED | {f"{FIELD}{path}": f"By {'field ' * (path.casefold() in COLOURED)}{path}" for path in fields}


def by_score(scores: Any) -> dict[str, Any]:
    """Marker of one side's points by their log ratios."""
    return {"color": [round(float(s), 2) if s == s else None for s in scores], "colorscale": BLUE_TO_ORANGE, "cmid": 0}


def by_value(values: dict[str, list[Any]]) -> tuple[dict[str, dict[str, Any]], str]:
    """Markers of both sides by values of a field; and what is to be said of the colours.

    Args:
        values: by side, a value per point; None: none.
    """
    known = _known(values)
    if _scaled(known):
        low, high = min(known), max(known)
        scale = {"colorscale": LOW_TO_HIGH, "cmin": low, "cmax": high}
        bars = {"A": {"showscale": True, "colorbar": {"thickness": 10}}, "B": {}}
        said = "" if len(known) == sum(map(len, values.values())) else "Images without a value are not coloured."
        return {side: {"color": values[side], **scale, **bars[side]} for side in "AB"}, said
    colour = _frequent(known)
    said = "The legend names the values, most frequent first." if colour else "No image has a value."
    return {side: {"color": [colour.get(str(v), GREY) if v is not None else GREY for v in values[side]]} for side in "AB"}, said


def legend(values: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """Traces without points, whose names stand beside their colours: the most frequent values, and what is grey; none along a scale.

    Args:
        values: as :func:`by_value` takes them.
    """
    known = _known(values)
    if not known or _scaled(known):
        return []
    colour = _frequent(known)
    others, without = len(set(map(str, known))) - len(colour), len(known) < sum(map(len, values.values()))
    grey = [f"{others} further value{'s' if others > 1 else ''}"] if others else []
    grey += ["no value"] if without else []
    named = [*((shortened(value), own) for value, own in colour.items()), *([(" or ".join(grey), GREY)] if grey else [])]
    empty = {"type": "scatter", "mode": "markers", "x": [None], "y": [None], "hoverinfo": "skip", "showlegend": True}
    return [{**empty, "name": name.replace("<", "&lt;"), "marker": {"size": 9, "color": own}} for name, own in named]


def _known(values: dict[str, list[Any]]) -> list[Any]:
    return [value for side in "AB" for value in values[side] if value is not None]


def _scaled(known: list[Any]) -> bool:
    """Whether they are so many numbers that they lie along a scale."""
    numbers = bool(known) and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in known)
    return numbers and len(set(known)) > len(PALETTE)


def _frequent(known: list[Any]) -> dict[str, str]:
    """The most frequent values, most frequent first, each with its colour."""
    return dict(zip((value for value, _ in Counter(map(str, known)).most_common(len(PALETTE))), PALETTE, strict=False))


def by_side(side: str) -> dict[str, Any]:
    """Marker of one side's points."""
    return {"color": COLOURS[side]}

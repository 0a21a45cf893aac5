"""How the map's points are coloured: by side, by score, or by what a field says of the images."""

from __future__ import annotations

from collections import Counter
from typing import Any

from .figures import BLUE_TO_ORANGE, COLOURS, GREY

SIDE, SCORE, FIELD = "side", "score", "field:"
COLOURED = {SIDE: "By side", SCORE: "By score: how typical of either side"}
PALETTE = ("#4e9af1", "#f28e2b", "#59a14f", "#e15759", "#b07aa1", "#edc948", "#76b7b2", "#ff9da7")
"""Colours of the most frequent values; all others are grey."""
SYMBOLS = {"A": "circle", "B": "diamond"}
"""Tell the sides apart where colours say something else."""


def ways_to_colour(fields: list[str]) -> dict[str, str]:
    """What can be chosen → what people read."""
    return COLOURED | {f"{FIELD}{path}": f"By {path}" for path in fields}


def by_score(scores: Any) -> dict[str, Any]:
    """Marker of one side's points by their log ratios."""
    return {"color": [round(float(s), 2) if s == s else None for s in scores], "colorscale": BLUE_TO_ORANGE, "cmid": 0}


def by_value(values: dict[str, list[Any]]) -> tuple[dict[str, dict[str, Any]], str]:
    """Markers of both sides by values of a field; and which colour means what, in words where they are few.

    Args:
        values: by side, a value per point; None: none.
    """
    known = [value for side in "AB" for value in values[side] if value is not None]
    numbers = bool(known) and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in known)
    if numbers and len(set(known)) > len(PALETTE):
        low, high = min(known), max(known)
        scale = {"colorscale": "Viridis", "cmin": low, "cmax": high}
        bars = {"A": {"showscale": True, "colorbar": {"thickness": 10}}, "B": {}}
        return {side: {"color": values[side], **scale, **bars[side]} for side in "AB"}, "Images without a value are not coloured."
    first = [str(value) for value, _ in Counter(map(str, known)).most_common(len(PALETTE))]
    colour = dict(zip(first, PALETTE, strict=False))
    others = len(set(map(str, known))) - len(first)
    rest = f"; grey: {others} further values, or none" if others else "; grey: none" if len(known) < sum(map(len, values.values())) else ""
    said = "Colours, most frequent first: " + ", ".join(first) + rest + "." if first else "No image has a value."
    return {side: {"color": [colour.get(str(v), GREY) if v is not None else GREY for v in values[side]]} for side in "AB"}, said


def by_side(side: str) -> dict[str, Any]:
    """Marker of one side's points."""
    return {"color": COLOURS[side]}

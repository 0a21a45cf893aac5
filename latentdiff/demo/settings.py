"""The ten settings: their ground, their words, and where things stand, fly and float in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from PIL import Image

from . import grounds
from .brush import RGB
from .grounds import Random, Span


class Setting(NamedTuple):
    """One setting."""

    paint: Callable[[int, Random], Image.Image]
    """(side in pixels, randomness) -> the empty scene."""
    phrase: str
    """How a caption says it."""
    ground: Span = (0.68, 0.97)
    """Heights at which things stand (share of the image, downwards)."""
    air: Span = (0.12, 0.42)
    """Heights of the centre of things that fly."""
    water: Span | None = None
    """Heights at which things float; None where there is no water."""
    tint: RGB = (255, 255, 255)
    """Light that falls on the objects."""


SETTINGS: dict[str, Setting] = {
    "beach": Setting(grounds.beach, "at the beach", (0.74, 0.97), water=(0.5, 0.62)),
    "snow": Setting(grounds.snow, "in the snow", tint=(244, 248, 255)),
    "night": Setting(grounds.night, "at night", tint=(190, 194, 226)),
    "street": Setting(grounds.street, "on a street", (0.68, 0.96), (0.12, 0.36)),
    "forest": Setting(grounds.forest, "in a forest", (0.72, 0.97), tint=(238, 250, 236)),
    "room": Setting(grounds.room, "in a room", (0.68, 0.96), (0.14, 0.4)),
    "desert": Setting(grounds.desert, "in the desert", tint=(255, 248, 234)),
    "field": Setting(grounds.field, "in a field", (0.66, 0.97)),
    "mountain": Setting(grounds.mountain, "in the mountains", (0.7, 0.97)),
    "underwater": Setting(grounds.underwater, "under water", (0.8, 0.97), (0.15, 0.7), (0.3, 0.8), tint=(206, 232, 246)),
}
"""Word → setting; the order is fixed because scenes are drawn from it by a seed."""

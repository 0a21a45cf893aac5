"""The kinds of objects: how each is drawn, where it goes, which colours it usually has."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image

from ..brush import COLOURS, INK, Brush, Paint
from . import animals, household, travel

Drawing = Callable[[Brush, Paint], None]


class Kind(NamedTuple):
    """One kind of object."""

    drawing: Drawing
    place: str
    """Where it goes: "ground", "air" or "water" (ground where a setting has no water)."""
    at_home: tuple[str, ...]
    """Settings in which it occurs most."""
    colours: tuple[str, ...] = tuple(COLOURS)
    """Colours it comes in."""
    scale: float = 1.0
    """Typical height beside other kinds."""


KINDS: dict[str, Kind] = {
    "boat": Kind(travel.boat, "water", ("beach",), scale=1.1),
    "car": Kind(travel.car, "ground", ("street", "night"), scale=1.1),
    "bus": Kind(travel.bus, "ground", ("street", "night"), scale=1.25),
    "bicycle": Kind(travel.bicycle, "ground", ("street", "field", "beach")),
    "train": Kind(travel.train, "ground", ("mountain", "field", "snow"), scale=1.2),
    "airplane": Kind(travel.airplane, "air", ("mountain", "desert", "night")),
    "balloon": Kind(travel.balloon, "air", ("field", "mountain", "desert"), scale=1.15),
    "kite": Kind(travel.kite, "air", ("beach", "field")),
    "umbrella": Kind(travel.umbrella, "ground", ("beach", "street"), scale=1.1),
    "ball": Kind(travel.ball, "ground", ("beach", "room", "field"), scale=0.75),
    "tent": Kind(travel.tent, "ground", ("forest", "mountain", "desert"), scale=1.15),
    "sled": Kind(travel.sled, "ground", ("snow",)),
    "cat": Kind(animals.cat, "ground", ("room", "night"), ("black", "white", "orange", "brown", "yellow"), 0.9),
    "dog": Kind(animals.dog, "ground", ("street", "field", "snow"), ("black", "white", "orange", "brown", "yellow"), 0.95),
    "bird": Kind(animals.bird, "air", ("forest", "beach", "field"), scale=0.8),
    "duck": Kind(animals.duck, "water", ("field", "beach"), ("yellow", "white", "green", "brown", "blue"), 0.8),
    "penguin": Kind(animals.penguin, "ground", ("snow",), ("black", "blue", "purple"), 0.95),
    "butterfly": Kind(animals.butterfly, "air", ("field", "forest"), scale=0.75),
    "turtle": Kind(animals.turtle, "ground", ("underwater", "beach"), ("green", "brown", "blue", "purple", "orange"), 0.85),
    "fish": Kind(animals.fish, "water", ("underwater",), scale=0.85),
    "crab": Kind(animals.crab, "ground", ("underwater", "beach"), ("red", "orange", "pink", "blue", "brown"), 0.8),
    "snail": Kind(animals.snail, "ground", ("forest", "field", "underwater"), scale=0.75),
    "bench": Kind(household.bench, "ground", ("street", "field", "night")),
    "chair": Kind(household.chair, "ground", ("room", "beach")),
    "lamp": Kind(household.lamp, "ground", ("room", "night"), scale=1.15),
    "clock": Kind(household.clock, "ground", ("room", "street"), scale=0.85),
    "cup": Kind(household.cup, "ground", ("room", "snow"), scale=0.8),
    "book": Kind(household.book, "ground", ("room",), scale=0.85),
    "guitar": Kind(household.guitar, "ground", ("room", "night"), ("brown", "orange", "red", "black", "blue", "white"), 1.05),
    "television": Kind(household.television, "ground", ("room",)),
    "backpack": Kind(household.backpack, "ground", ("mountain", "forest", "snow"), scale=0.9),
    "cake": Kind(household.cake, "ground", ("room", "field"), ("pink", "brown", "white", "yellow", "red", "purple"), 0.85),
    "cactus": Kind(household.cactus, "ground", ("desert",), ("green", "green", "green", "blue", "yellow", "purple"), 1.15),
    "mushroom": Kind(household.mushroom, "ground", ("forest",), scale=0.8),
    "flower": Kind(household.flower, "ground", ("field", "forest"), ("red", "orange", "yellow", "blue", "purple", "pink", "white"), 0.95),
    "snowman": Kind(household.snowman, "ground", ("snow",), ("white",), 1.15),
    "vase": Kind(household.vase, "ground", ("room", "desert"), scale=0.9),
}
"""Word → kind; the order is fixed because scenes are drawn from it by a seed."""


def tile(kind: str, colour: str, px: int) -> Image.Image:
    """Draw one object alone.

    Args:
        kind: a key of :data:`KINDS`.
        colour: a key of :data:`latentdiff.demo.brush.COLOURS`.
        px: side of the square the object is drawn in, in pixels, >= 8.

    Returns:
        RGBA image cut to the object, with a dark outline so that it stays readable on a ground of its own colour.
    """
    edge = max(1, round(px * 0.014))
    image = Image.new("RGBA", (px, px), (*INK, 0))
    KINDS[kind].drawing(Brush(image), Paint.of(colour))
    framed = Image.new("RGBA", (px + 4 * edge, px + 4 * edge), (*INK, 0))
    framed.paste(image, (2 * edge, 2 * edge))
    outline = Image.fromarray(_dilated(np.asarray(framed.getchannel("A")), edge))
    inked = Image.new("RGBA", framed.size, (*INK, 0))
    inked.putalpha(outline)
    inked.alpha_composite(framed)
    return inked.crop(outline.getbbox())


def _dilated(alpha: np.ndarray, r: int) -> np.ndarray:
    """Maximum over the square of side 2 r + 1 about each pixel, rows first, then columns; beyond the edge all is empty."""
    for _ in range(2):
        wide = np.pad(alpha, ((r, r), (0, 0)))
        most = wide[: len(alpha)].copy()
        for k in range(1, 2 * r + 1):
            np.maximum(most, wide[k : k + len(alpha)], out=most)
        alpha = np.ascontiguousarray(most.T)
    return alpha

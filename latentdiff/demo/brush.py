"""Drawing in unit coordinates, and the palette of the drawn world."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

RGB = tuple[int, int, int]
Point = tuple[float, float]

COLOURS: dict[str, RGB] = {
    "red": (214, 54, 52),
    "orange": (243, 138, 40),
    "yellow": (250, 209, 56),
    "green": (62, 156, 76),
    "blue": (50, 104, 204),
    "purple": (134, 72, 172),
    "pink": (245, 142, 182),
    "brown": (134, 86, 52),
    "white": (246, 246, 244),
    "black": (46, 46, 54),
}
"""Colour word → body colour."""

INK: RGB = (40, 38, 52)
METAL: RGB = (150, 156, 168)
WOOD: RGB = (166, 112, 66)
GLASS: RGB = (186, 226, 244)
CREAM: RGB = (252, 244, 222)
LEAF: RGB = (78, 152, 70)


def blend(a: RGB, b: RGB, t: float) -> RGB:
    """Colour at t in [0, 1] on the way from a to b."""
    return (round(a[0] + (b[0] - a[0]) * t), round(a[1] + (b[1] - a[1]) * t), round(a[2] + (b[2] - a[2]) * t))


class Paint(NamedTuple):
    """One body colour with its shade and its highlight, and a contrasting accent."""

    main: RGB
    dark: RGB
    light: RGB
    accent: RGB

    @classmethod
    def of(cls, colour: str) -> Paint:
        """The paint of a colour word."""
        main = COLOURS[colour]
        pale = sum(main) > 560
        accent = blend(main, (120, 130, 160), 0.6) if pale else CREAM
        return cls(main, blend(main, (30, 24, 50), 0.3), blend(main, (255, 255, 255), 0.35), accent)


class Brush:
    """An image and a pen whose coordinates run from 0 to 1, y downwards; lengths are shares of the image's side."""

    def __init__(self, image: Image.Image, blended: bool = False) -> None:
        """Draw on ``image`` (square). ``blended`` lets fills with alpha mix with what lies below (RGB images only)."""
        self.image = image
        self.side = image.width
        self.pen = ImageDraw.Draw(image, "RGBA") if blended else ImageDraw.Draw(image)

    def _xy(self, points: Sequence[Point]) -> list[Point]:
        return [(x * self.side, y * self.side) for x, y in points]

    def disc(self, x: float, y: float, rx: float, ry: float | None = None, *, fill: Any) -> None:
        """Filled ellipse about (x, y)."""
        ry = rx if ry is None else ry
        self.pen.ellipse(self._xy([(x - rx, y - ry), (x + rx, y + ry)]), fill=fill)

    def box(self, x0: float, y0: float, x1: float, y1: float, *, fill: Any, radius: float = 0.0) -> None:
        """Filled rectangle, rounded by ``radius``."""
        corners = self._xy([(x0, y0), (x1, y1)])
        if radius:
            self.pen.rounded_rectangle(corners, radius * self.side, fill=fill)
        else:
            self.pen.rectangle(corners, fill=fill)

    def poly(self, *points: Point, fill: Any) -> None:
        """Filled polygon."""
        self.pen.polygon(self._xy(points), fill=fill)

    def line(self, *points: Point, fill: Any, width: float) -> None:
        """Open line with round ends and joints."""
        px = max(1, round(width * self.side))
        self.pen.line(self._xy(points), fill=fill, width=px, joint="curve")
        if px > 2:
            for x, y in points:
                self.disc(x, y, width / 2, fill=fill)

    def ring(self, x: float, y: float, r: float, *, fill: Any, width: float) -> None:
        """Circle line whose outer radius is r."""
        self.pen.ellipse(self._xy([(x - r, y - r), (x + r, y + r)]), outline=fill, width=max(1, round(width * self.side)))

    def arc(self, x: float, y: float, rx: float, ry: float, start: float, end: float, *, fill: Any, width: float) -> None:
        """Elliptic arc from ``start`` to ``end`` degrees, clockwise from the right."""
        corners = self._xy([(x - rx, y - ry), (x + rx, y + ry)])
        self.pen.arc(corners, start, end, fill=fill, width=max(1, round(width * self.side)))

    def pie(self, x: float, y: float, rx: float, ry: float, start: float, end: float, *, fill: Any) -> None:
        """Filled elliptic sector from ``start`` to ``end`` degrees, clockwise from the right."""
        self.pen.pieslice(self._xy([(x - rx, y - ry), (x + rx, y + ry)]), start, end, fill=fill)

    def leaf(self, x: float, y: float, length: float, breadth: float, degrees: float, *, fill: Any) -> None:
        """Pointed oval that grows from (x, y) in a direction (0 = right, 90 = down)."""
        c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        outline = [(t / 8, math.sin(math.pi * t / 8) * breadth / 2) for t in range(9)]
        outline += [(u, -v) for u, v in reversed(outline)]
        self.poly(*((x + length * u * c - v * s, y + length * u * s + v * c) for u, v in outline), fill=fill)


def gradient(side: int, top: RGB, bottom: RGB) -> Image.Image:
    """Square image that runs from one colour at the top to another at the bottom."""
    share = np.linspace(0, 1, side)[:, None]
    column = np.rint(np.array(top) + (np.array(bottom) - np.array(top)) * share).astype(np.uint8)
    return Image.fromarray(np.repeat(column[:, None], side, axis=1))

"""Photographs made over in another style or composition, in ways that anyone can make again: what the suite ``style`` finds and names."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageChops, ImageFilter, ImageOps

TILT = 12
"""Degrees by which a picture is turned."""
CLOSE = 0.4
"""Share of its width and height that a close-up shows."""


def painted(image: Image.Image) -> Image.Image:
    """Flat strokes of one colour: the most frequent colour within 7 pixels, of 32 colours."""
    return image.quantize(32, dither=Image.Dither.NONE).convert("RGB").filter(ImageFilter.ModeFilter(7))


def sketched(image: Image.Image) -> Image.Image:
    """Grey lines on white: the picture over its own blurred negative (colour dodge)."""
    grey = ImageOps.grayscale(image)
    soft = np.asarray(ImageOps.invert(grey).filter(ImageFilter.GaussianBlur(6)), np.float32)
    lines = np.minimum(255.0, np.asarray(grey, np.float32) * 255 / np.maximum(255 - soft, 1))
    return Image.fromarray(lines.astype(np.uint8)).convert("RGB")


def at_night(image: Image.Image) -> Image.Image:
    """Dark and blue."""
    return ImageChops.multiply(image, Image.new("RGB", image.size, (50, 65, 120)))


def close_up(image: Image.Image) -> Image.Image:
    """The middle of the picture, at the picture's size."""
    edges = [round(n * (1 - CLOSE) / 2) for n in image.size]
    part = image.crop((edges[0], edges[1], image.width - edges[0], image.height - edges[1]))
    return part.resize(image.size, Image.Resampling.BICUBIC)


def tilted(image: Image.Image) -> Image.Image:
    """Turned, and so much enlarged that no corner is empty."""
    w, h = image.size
    angle = np.radians(TILT)
    zoom = np.cos(angle) + max(w / h, h / w) * np.sin(angle)
    large = image.resize((round(w * zoom), round(h * zoom)), Image.Resampling.BICUBIC).rotate(TILT, Image.Resampling.BICUBIC)
    left, top = (large.width - w) // 2, (large.height - h) // 2
    return large.crop((left, top, left + w, top + h))


STYLES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "painting": painted,
    "sketch": sketched,
    "night": at_night,
    "close-up": close_up,
    "tilted": tilted,
}
"""Its name → what makes a photograph so."""

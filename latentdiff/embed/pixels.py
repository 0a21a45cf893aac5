"""Every kind of pixel as a viewer shows it: colour modes, depth, transparency, orientation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .depth import is_deep, measured, values_of, white_is_zero
from .ranges import Ranges

if TYPE_CHECKING:
    from PIL import Image


def plain(image: Image.Image, ranges: Ranges | None = None) -> Image.Image:
    """The same picture in mode L, RGB or RGBA.

    Args:
        image: of any mode.
        ranges: what is black and white in a deep picture; None: by the picture itself.
    """
    mode = image.mode
    if is_deep(image):
        return _drawn(image, ranges)
    if mode in ("L", "RGB") and "transparency" not in image.info:
        image.load()
        return image
    if image.has_transparency_data:
        return _keep_turn(image.convert("RGBA"), image)
    return _keep_turn(image.convert("L" if mode == "1" else "RGB"), image)


def _drawn(image: Image.Image, ranges: Ranges | None) -> Image.Image:
    """A deep picture in 8 bits; what is beyond its range is black or white, what is missing black."""
    from PIL import Image as pil

    values = values_of(image)
    black, white = (ranges or Ranges()).of(values)
    scale = 255.0 / (white - black or 1.0)
    known = measured(values)
    drawn = np.rint(np.clip((np.where(known, values, black).astype(np.float32) - black) * scale, 0.0, 255.0)).astype(np.uint8)
    if values.dtype.kind == "f" and white_is_zero(image):  # they have no largest value to be taken from
        drawn = np.where(known, 255 - drawn, 0).astype(np.uint8)
    new = pil.fromarray(drawn)
    return _keep_turn(new.convert("RGBA") if new.mode == "LA" else new, image)


def orientation(image: Image.Image) -> int:
    """EXIF orientation, 1..8; 1 where there is none or it cannot be read."""
    if "exif" not in image.info and image.format not in ("TIFF", "PNG", "WEBP", "AVIF"):
        return 1  # getexif would parse for nothing
    try:
        value = image.getexif().get(0x0112, 1)
    except Exception:  # damaged metadata is no reason to lose the picture
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _keep_turn(new: Image.Image, old: Image.Image) -> Image.Image:
    turn = orientation(old)
    if turn > 1:
        new.info["latentdiff_orientation"] = turn
    return new


def upright(image: Image.Image) -> Image.Image:
    """The picture turned as its EXIF orientation says."""
    from PIL import Image as pil

    turn = image.info.get("latentdiff_orientation") or orientation(image)
    flips = pil.Transpose
    methods = {
        2: flips.FLIP_LEFT_RIGHT,
        3: flips.ROTATE_180,
        4: flips.FLIP_TOP_BOTTOM,
        5: flips.TRANSPOSE,
        6: flips.ROTATE_270,
        7: flips.TRANSVERSE,
        8: flips.ROTATE_90,
    }
    return image.transpose(methods[turn]) if turn in methods else image

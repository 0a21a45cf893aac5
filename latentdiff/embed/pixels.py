"""Every kind of pixel as a viewer shows it: colour modes, depth, transparency, orientation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .depth import MISSING, brightness, is_deep, white_of

if TYPE_CHECKING:
    from PIL import Image


def plain(image: Image.Image, white: float | None = None) -> Image.Image:
    """The same picture in mode L, RGB or RGBA.

    Args:
        image: of any mode.
        white: value of a deep grey picture that becomes white; None: by the picture itself.
    """
    mode = image.mode
    if mode in ("L", "RGB") and "transparency" not in image.info:
        image.load()
        return image
    if is_deep(image):
        return _grey(image, white_of(brightness(image), mode.startswith("F")) if white is None else white)
    if image.has_transparency_data:
        return _keep_turn(image.convert("RGBA"), image)
    return _keep_turn(image.convert("L" if mode == "1" else "RGB"), image)


def _grey(image: Image.Image, white: float) -> Image.Image:
    """8-bit grey of a deep grey picture; what is brighter than white is white, what is missing black."""
    from PIL import Image as pil

    values = np.asarray(image).astype(np.float32)
    values = np.clip(np.where(np.abs(values) < MISSING, values, 0.0), 0.0, white or 1.0)  # NaN is not below
    return _keep_turn(pil.fromarray(np.rint(values * (255.0 / (white or 1.0))).astype(np.uint8)), image)


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

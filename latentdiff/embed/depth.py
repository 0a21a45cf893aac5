"""Deep grey pictures (12, 16 or 32 bits, floats): which of their values is white."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .opening import opened

if TYPE_CHECKING:
    from PIL import Image

TOPS = (1.0, 255.0, 1023.0, 4095.0, 16383.0, 65535.0)
"""White of the usual ranges: floats up to 1, and 8, 10, 12, 14 and 16 bits."""
BRIGHT = 0.99
"""Quantile of a picture's values that has to fit: a few hot or missing pixels say nothing."""
OVER = 1.1
"""And how far it may lie beyond a range: resampled and calibrated floats overshoot it a little."""
MISSING = 1e9
"""A value as large as this marks a pixel that was not measured."""
LOOKED_AT = 32
"""Pictures of a side by which its range is chosen."""
SUFFIXES = (".tif", ".tiff", ".png", ".pgm", ".pfm", ".pnm", ".jp2", ".j2k", ".jpx")
"""Endings of files that may hold such."""


def is_deep(image: Image.Image) -> bool:
    """Whether a picture's values are beyond 8 bits, by its header."""
    return image.mode.startswith(("I", "F"))


def brightness(image: Image.Image) -> float:
    """The value that 99 in 100 of the pixels that were measured do not exceed."""
    values = np.asarray(image)
    values = values[np.abs(values.astype(np.float64)) < MISSING]  # NaN is not
    return float(np.quantile(values, BRIGHT)) if values.size else 0.0


def white_of(brightest: float, floats: bool) -> float:
    """White of the smallest usual range that holds a brightness; the brightness itself beyond them all."""
    return next((top for top in TOPS[0 if floats else 1 :] if brightest <= OVER * top), brightest)


def common_white(sources: Sequence[Any]) -> float | None:
    """One white for all deep grey pictures of a side, so that they stay as bright to each other as they are.

    Args:
        sources: paths or PIL images; some that may be deep, evenly spaced, are looked at.

    Returns:
        The white; None where none of them is deep (one that is met later goes by itself).
    """
    from PIL import Image

    may_be = [s for s in sources if isinstance(s, Image.Image) or os.fsdecode(s).lower().endswith(SUFFIXES)]
    found, floats = [], False
    for source in may_be[:: max(1, -(-len(may_be) // LOOKED_AT))]:
        file = contextlib.nullcontext(source) if isinstance(source, Image.Image) else opened(source)
        with contextlib.suppress(Exception), file as image:  # what cannot be read is reported when it is its turn
            if is_deep(image):
                found.append(brightness(image))
                floats |= image.mode.startswith("F")
    return white_of(max(found), floats) if found else None

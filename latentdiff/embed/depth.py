"""Deep pictures (grey of 12, 16 or 32 bits or of floats, colours of 16 bits): their values, and which of them are black and white."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

from ..errors import InputError
from .opening import opened

if TYPE_CHECKING:
    from PIL import Image

TOPS = (1.0, 255.0, 1023.0, 4095.0, 16383.0, 65535.0)
"""White of the usual ranges: floats up to 1, and 8, 10, 12, 14 and 16 bits."""
BRIGHT = 0.99
"""Quantile of a picture's values that has to fit, and its counterpart at the dark end: a few hot or missing pixels say nothing."""
OVER = 1.1
"""And how far it may lie beyond a range: resampled and calibrated floats overshoot it a little."""
MISSING = 1e9
"""A value as large as this marks a pixel that was not measured."""
LOOKED_AT = 32
"""Pictures of a side by which its range is chosen."""
SUFFIXES = (".tif", ".tiff", ".png", ".pgm", ".pfm", ".pnm", ".jp2", ".j2k", ".jpx")
"""Endings of files that may hold such."""


SIGNED = 0.05
"""Values that reach this far below zero, as a share of white, are signed: black then lies as far below zero as white above (-1 to 1)."""
OTHER_BYTE = {"16B": "16L", "16L": "16B", "16N": "16B" if sys.byteorder == "little" else "16L"}
"""Pillow reads the first byte of a colour's 16 bits alone; in the other order it reads the second."""

BITS, PLANES, APART = 258, 284, 2
"""Tags of a TIFF, and what the second says of colours that lie one after the other: Pillow takes their bytes for those of 8 bits."""
FOUR_BYTES = "RGBA"
"""Grey and opacity of 16 bits have no other order; read as four channels, their bytes lie as they are in the file."""


class Span(NamedTuple):
    """What is drawn black, and what white."""

    black: float
    white: float


def is_deep(image: Image.Image) -> bool:
    """Whether a picture's values are beyond 8 bits, by its header."""
    return image.mode.startswith(("I", "F")) or bool(_other_bytes(image))


def _other_bytes(image: Image.Image) -> list[Any]:
    """The parts of a colour file of 16 bits, to be read in the other order of bytes; empty where it is none, or is read already.

    Raises:
        InputError: for a layout that would be read wrong.
    """
    tags: Mapping[int, Any] = getattr(image, "tag_v2", {})
    if tags.get(PLANES) == APART and max(tags.get(BITS, (8,))) > 8:
        raise InputError("colours of more than 8 bits in planes of their own are not read; save the TIFF with interleaved colours")
    changed = []
    for tile in getattr(image, "tile", ()):
        mode, _, order = _mode(tile).partition(";")
        if order not in OTHER_BYTE or mode not in ("RGB", "RGBA", "LA"):
            return []
        other = FOUR_BYTES if mode == "LA" else f"{mode};{OTHER_BYTE[order]}"
        changed.append(tile._replace(args=(other, *tile.args[1:]) if isinstance(tile.args, tuple) else other))
    return changed


def _mode(tile: Any) -> str:
    """How the bytes of a part of a file are laid out."""
    return str((*tile.args, "")[0] if isinstance(tile.args, tuple) else tile.args)


def values_of(image: Image.Image) -> np.ndarray:
    """(height, width) values of a deep grey picture; (height, width, channels) of one in colours."""
    from PIL import Image as pil

    parts = _other_bytes(image)
    if not parts:
        return np.asarray(image)
    file: BinaryIO = image.fp  # type: ignore[attr-defined]  # every file has one until it is read
    file.seek(0)
    low = pil.open(io.BytesIO(file.read()), formats=(str(image.format),))
    low.tile = parts
    if _mode(parts[0]) == FOUR_BYTES:
        return np.ascontiguousarray(low).view(">u2")
    return np.asarray(image).astype(np.uint16) * 256 + np.asarray(low)


def span_of(values: np.ndarray) -> Span:
    """The smallest usual range that holds a picture: 98 in 100 of the pixels that were measured; its own beyond them all."""
    seen = values if values.ndim == 2 else values[..., : 3 if values.shape[-1] > 2 else 1]  # how opaque it is says nothing
    seen = seen[np.abs(seen.astype(np.float64)) < MISSING]  # NaN is not
    low, high = np.quantile(seen, (1 - BRIGHT, BRIGHT)).tolist() if seen.size else (0.0, 0.0)
    return _usual(low, high, values.dtype.kind == "f")


def _usual(low: float, high: float, floats: bool) -> Span:
    far = max(high, -low)
    white = next((top for top in TOPS[0 if floats else 1 :] if far <= OVER * top), far)
    return Span(-white if low < -SIGNED * white else 0.0, white)


def common_span(sources: Sequence[Any]) -> Span | None:
    """One range for all deep pictures of a side, so that they stay as bright to each other as they are.

    Args:
        sources: paths or PIL images; some that may be deep, evenly spaced, are looked at.

    Returns:
        The widest; None where none of them is deep (one that is met later goes by itself).
    """
    from PIL import Image

    may_be = [s for s in sources if isinstance(s, Image.Image) or os.fsdecode(s).lower().endswith(SUFFIXES)]
    found = []
    for source in may_be[:: max(1, -(-len(may_be) // LOOKED_AT))]:
        file = contextlib.nullcontext(source) if isinstance(source, Image.Image) else opened(source)
        with contextlib.suppress(Exception), file as image:  # what cannot be read is reported when it is its turn
            if is_deep(image):
                found.append(span_of(values_of(image)))
    if not found:
        return None
    white = max(span.white for span in found)
    return Span(-white if any(span.black < 0 for span in found) else 0.0, white)

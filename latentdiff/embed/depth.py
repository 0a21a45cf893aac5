"""Deep pictures (grey of 12, 16 or 32 bits or of floats, colours of 16 bits): their values."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ..errors import InputError
from .opening import BITS, NUMBER

if TYPE_CHECKING:
    from PIL import Image

MISSING = 1e9
"""A float as large as this marks a pixel that was not measured."""
MARKS = (-9999.0, -32768.0)
"""Values that, met exactly, mark one too where numbers have a sign: what maps of the ground are written with."""
NOT_MEASURED = 42113
"""Tag of a TIFF, of GDAL's, that says by which value pixels are marked that were not measured."""
OTHER_BYTE = {"16B": "16L", "16L": "16B", "16N": "16B" if sys.byteorder == "little" else "16L"}
"""Pillow reads the first byte of a colour's 16 bits alone; in the other order it reads the second."""

PLANES, APART = 284, 2
"""A tag of a TIFF, and what it says of colours that lie one after the other: Pillow takes their bytes for those of 8 bits."""
MEANING, UNSIGNED, SIGNED = 262, 1, 2
"""The tag that says whether 0 is white; and what that of the kind of numbers says of those without and with a sign."""
FOUR_BYTES = "RGBA"
"""Grey and opacity of 16 bits have no other order; read as four channels, their bytes lie as they are in the file."""


def is_deep(image: Image.Image) -> bool:
    """Whether a picture's values are beyond 8 bits, by its header."""
    return image.mode.startswith(("I", "F")) or bool(_other_bytes(image))


def _other_bytes(image: Image.Image) -> list[Any]:
    """The parts of a colour file of 16 bits, to be read in the other order of bytes; empty where it is none, or is read already.

    Raises:
        InputError: for a layout that would be read wrong.
    """
    tags: Mapping[int, Any] = getattr(image, "tag_v2", {})
    if tags.get(NUMBER, (UNSIGNED,))[0] == SIGNED and max(tags.get(BITS, (8,))) == 8:
        raise InputError("numbers of 8 bits with a sign are not read; save the TIFF with 16 bits")
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
        return _as_tagged(np.asarray(image), image)
    file: BinaryIO = image.fp  # type: ignore[attr-defined]  # every file has one until it is read
    file.seek(0)
    data = file.read()
    high, low = (pil.open(io.BytesIO(data), formats=(str(image.format),)) for _ in range(2))  # an open picture stays as it is
    low.tile = parts
    if _mode(parts[0]) == FOUR_BYTES:
        return np.ascontiguousarray(low).view(">u2")
    return np.asarray(high).astype(np.uint16) * 256 + np.asarray(low)


def _as_tagged(values: np.ndarray, image: Image.Image) -> np.ndarray:
    """Grey as a TIFF's tags mean it, of which Pillow reads not all: 32 bits without a sign, and whole numbers of which 0 is white."""
    if not is_tiff(image):
        return values
    tags: Mapping[int, Any] = image.tag_v2  # type: ignore[attr-defined]
    if values.dtype == np.int32 and tags.get(NUMBER, (UNSIGNED,))[0] == UNSIGNED:
        values = values.view(np.uint32)
    values = _without_marks(values, tags.get(NOT_MEASURED))
    if white_is_zero(image) and values.dtype.kind != "f":
        values = (1 << tags[BITS][0]) - 1 - values
    return values


def _without_marks(values: np.ndarray, said: Any) -> np.ndarray:
    """Values of which those that a file says were not measured are NaN, or 0 of whole numbers."""
    try:
        mark = float(str(said).strip(" \0"))
    except ValueError:
        return values
    return np.where(values == mark, values.dtype.type(np.nan if values.dtype.kind == "f" else 0), values)


def white_is_zero(image: Image.Image) -> bool:
    """Whether a TIFF says that 0 is white; Pillow turns 8 bits round by itself."""
    return is_tiff(image) and image.tag_v2.get(MEANING) == 0  # type: ignore[attr-defined]


def is_tiff(image: Image.Image) -> bool:
    """Whether a picture was opened from a TIFF, and has its tags."""
    return image.format == "TIFF" and hasattr(image, "tag_v2")


def measured(values: np.ndarray) -> np.ndarray:
    """Which values are no marks of a pixel that was not measured: NaN, far too large floats, ``MARKS``, the ends of 32 bits with a sign."""
    if values.dtype.kind == "f":
        return (np.abs(values) < MISSING) & ~np.isin(values, MARKS)  # NaN is not
    if values.dtype == np.int32:
        ends = np.iinfo(np.int32)
        return ~np.isin(values, (ends.min, ends.max, *MARKS))
    return np.ones(values.shape, bool)

"""Pictures for captioners: any file as a small upright RGB picture, its digest, and its data URL."""

from __future__ import annotations

import base64
import hashlib
import io
import os
from typing import TYPE_CHECKING

import numpy as np

from ..embed.images import read_image
from ..embed.preprocess import Preprocess, flatten

if TYPE_CHECKING:
    from PIL import Image

    from ..embed.images import Source

QUALITY = 85
"""JPEG quality of pictures that are sent."""


class Thumbnail(Preprocess):
    """The whole picture, no side longer than ``longest`` pixels; smaller ones stay as they are."""

    def __init__(self, longest: int) -> None:
        super().__init__(longest, longest, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), resize_mode="longest")

    def apply(self, image: Image.Image, full: tuple[int, int] | None = None, turn: int = 1) -> np.ndarray:
        """(height, width, 3) uint8; transparent parts on white."""
        from PIL import Image as pil

        size = self.scaled_size(*image.size)
        small = image if size[0] >= image.width else image.resize(size, pil.Resampling.BICUBIC)
        return np.asarray(flatten(small))


def read_picture(source: Source, longest: int) -> Image.Image:
    """A picture in RGB, upright, no side longer than ``longest`` pixels.

    Raises:
        InputError: with the reason, for a file that cannot be used.
    """
    from PIL import Image as pil

    return pil.fromarray(read_image(source, Thumbnail(longest)))


def data_url(picture: Image.Image) -> str:
    """A picture as a JPEG data URL: pixels alone, without its file's name, place or camera."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def image_digest(source: Source) -> str:
    """32 hex digits of a file's bytes, or of an open picture's pixels.

    Raises:
        OSError: the file cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    if isinstance(source, (str, bytes, os.PathLike)):
        with open(source, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    else:
        # Of a picture with a palette the pixels are numbers: equal ones may show another picture.
        meaning = [source.mode, source.size, source.getexif().get(0x0112, 1), source.getpalette(), source.info.get("transparency")]
        digest.update(f"{meaning}|".encode())
        digest.update(source.tobytes())
    return digest.hexdigest()

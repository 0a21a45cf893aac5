"""Two samples of images as one picture: 4 rows of 10, the first set above the second (VisDiff section 4.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..embed.images import read_image
from ..embed.preprocess import Preprocess
from ..errors import InputError

if TYPE_CHECKING:
    from PIL import Image

    from ..embed.images import Source

COLUMNS, ROWS_PER_SET = 10, 2
CELL, GAP, BAR = 150, 4, 16
"""Pixels: side of an image, space between images, height of the bar between the sets."""
GREY, WHITE = (128, 128, 128), (255, 255, 255)


def image_grid(first: Sequence[Source], second: Sequence[Source]) -> Image.Image:
    """One RGB picture of the centres of the images; a cell without an image, or whose image cannot be read, is white.

    Args:
        first: at most 20 paths or PIL images, in the two upper rows.
        second: at most 20, in the two lower rows.

    Raises:
        InputError: too many images, or none of a set can be read.
    """
    from PIL import Image as pil

    most = COLUMNS * ROWS_PER_SET
    if max(len(first), len(second)) > most:
        raise InputError(f"the grid holds {most} images a set, not {max(len(first), len(second))}; use samples of at most {most}")
    step = CELL + GAP
    half = ROWS_PER_SET * step
    picture = pil.new("RGB", (COLUMNS * step, 2 * half + BAR), WHITE)
    picture.paste(GREY, (0, half, picture.width, half + BAR))
    frame = Preprocess(CELL, CELL, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    for images, top in ((first, 0), (second, half + BAR)):
        reason = "it is empty"
        for i, image in enumerate(images):
            try:
                picture.paste(pil.fromarray(read_image(image, frame)), (i % COLUMNS * step, top + i // COLUMNS * step))
                reason = ""
            except InputError as e:
                reason = reason and f"{image!r}: {e}"
        if reason:
            raise InputError(f"no image of a set can be shown in the grid ({reason})")
    return picture

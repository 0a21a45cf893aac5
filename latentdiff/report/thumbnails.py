"""Images of a comparison → small pictures that travel inside a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..embed.images import read_image
from ..embed.pixels import orientation
from ..embed.preprocess import Preprocess
from ..errors import InputError

if TYPE_CHECKING:
    from PIL import Image

Images = Sequence[Any] | Mapping[int, Any]
"""Row number → path or PIL image: a list with one entry per row, or a mapping of the rows at hand."""


def source(images: Images | None, row: int) -> Any:
    """The image of a row, or None where it is not at hand."""
    try:
        return None if images is None else images[row]
    except (IndexError, KeyError):
        return None


def square(image: Any, pixels: int) -> Image.Image:
    """The centre of an image, upright.

    Args:
        image: path or PIL image.
        pixels: side length, > 0.

    Returns:
        RGB picture of (pixels, pixels).

    Raises:
        InputError: with the reason, for a file that cannot be used.
    """
    from PIL import Image as pil

    return pil.fromarray(read_image(image, Preprocess(pixels, pixels, (0, 0, 0), (1, 1, 1))))


def whole(image: Any, pixels: int) -> Image.Image:
    """All of an image, upright, its longer side resized to so many pixels. Arguments and errors as :func:`square`."""
    from PIL import Image as pil

    frame = Preprocess(pixels, pixels, (0, 0, 0), (1, 1, 1), resize_mode="longest")
    padded = pil.fromarray(read_image(image, frame))  # checks the file, so that what follows is safe to do
    with pil.open(image) if not isinstance(image, pil.Image) else image.copy() as opened:
        size = opened.size[::-1] if orientation(opened) >= 5 else opened.size
    width, height = frame.scaled_size(*size)
    left, top = round((pixels - width) / 2), round((pixels - height) / 2)
    return padded.crop((left, top, left + width, top + height))


def data_uri(picture: Image.Image, quality: int = 82) -> str:
    """A picture as the address of itself (JPEG, base64), without its metadata."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def inline(image: Any, pixels: int = 168) -> str | None:
    """The square thumbnail of an image as a data address; None where the image is missing or cannot be read."""
    if image is None:
        return None
    try:
        return data_uri(square(image, pixels))
    except InputError:
        return None

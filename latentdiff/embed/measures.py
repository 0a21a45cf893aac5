"""What can be measured of a picture without a model: how bright, sharp, noisy, colourful, compressed, large it is."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..compute.names import shown
from ..compute.parallel import ordered_map
from ..compute.values import is_missing
from ..errors import InputError
from ..progress import Progress, silent
from . import formulas
from .images import reasons
from .opening import opened
from .pixels import plain, upright
from .preprocess import flatten

if TYPE_CHECKING:
    from PIL import Image

WINDOW = 1024
"""Side, in pixels, of the middle of a picture in which fine structure is measured; colours and borders are of all of it, made smaller."""
SMALL = 512
"""Longest side of a picture made smaller."""
LARGE = 24_000_000
"""Pixels above which a JPEG is decoded at a fraction; its fine structure is then not measured."""
HASHED = 32
MEASURES = (
    *("brightness", "highlights", "contrast", "sharpness", "noise", "colourfulness", "saturation", "vividness", "purity", "hue"),
    *("greyscale", "aspect", "pixels", "tilt", "blockiness", "bytes_per_pixel", "borders", "duplicates"),
)
"""Names of the numbers that are measured, in the order in which they are listed."""
HASH = "perceptual_hash"
"""Name of what tells near-duplicates."""
HEX = re.compile("[0-9a-f]{16}")


def measure_images(images: Iterable[Any], *, skip_bad: bool = False, progress: Progress | None = None) -> dict[str, np.ndarray]:
    """Measure the quality of pictures; the result can be given to ``compare`` as fields.

    Args:
        images: n paths or PIL images.
        skip_bad: pictures that cannot be read are NaN in every array, in place of an error.
        progress: ``progress(fraction, label)``; raise :class:`~latentdiff.errors.Cancelled` in it to stop.

    Returns:
        (n,) float64 by name: ``brightness`` (mean luma, 0 to 255), ``highlights`` (its 99th percentile), ``contrast`` (its standard
        deviation over its mean), ``sharpness`` (Laplacian over gradient, 0 to about 3), ``noise`` (Immerkaer's of calm parts, in levels),
        ``colourfulness`` (Hasler and Suesstrunk), ``saturation`` (0 to 1), ``vividness`` (the channels' span of the most colourful
        thousandth, 0 to 255), ``purity`` (saturation of the purest thousandth, 0 to 1), ``hue`` (degrees, NaN for grey), ``greyscale``
        (share of pixels without colour), ``aspect`` (width over height), ``pixels``, ``tilt`` (degrees by which lines lie off upright and
        level, 0 to 45), ``blockiness`` (how much larger steps across JPEG's blocks are, in levels), ``bytes_per_pixel`` (NaN for PIL
        images), ``borders`` (share of the picture), ``duplicates`` (other pictures of the list whose perceptual hash differs in at most 3
        of 64 bits). Light, colour and fine structure are those within borders. The formulas: :mod:`latentdiff.embed.formulas`. And (n,)
        text: ``perceptual_hash``, 16 hexadecimal digits (None of a picture that could not be read), by which comparisons count
        ``duplicates`` over both sides.

    Raises:
        InputError: no images, or one that cannot be read (the first, with its reason), unless ``skip_bad``.

    Example:
        >>> fields_a, fields_b = measure_images(paths_a), measure_images(paths_b)
        >>> compare(a, b, fields_a=fields_a, fields_b=fields_b).fields[0].name
        'brightness'
    """
    listed, report = _listed(images), progress or silent
    rows, hashes = list[dict[str, float]](), list[str | None]()
    for i, found in enumerate(ordered_map(_measured, listed)):
        if isinstance(found, str) and not skip_bad:
            name = f" ({shown(listed[i])[:200]})" if isinstance(listed[i], (str, os.PathLike)) else ""
            raise InputError(f"image {i}{name}: {found}; mend it, or pass skip_bad=True")
        rows.append({} if isinstance(found, str) else found[0])
        hashes.append(None if isinstance(found, str) else found[1])
        report((i + 1) / len(listed), "measuring images")
    out = {name: np.array([row.get(name, math.nan) for row in rows]) for name in MEASURES}
    return {**out, "duplicates": near_duplicates(hashes), HASH: np.array(hashes, object)}


def near_duplicates(hashes: Sequence[str | None]) -> np.ndarray:
    """(n,) how many other hashes differ in at most 3 of their 64 bits; NaN where there is none.

    Args:
        hashes: (n,) 16 hexadecimal digits each, or None.
    """
    known = np.array([text is not None for text in hashes], bool)
    out = np.full(len(known), np.nan)
    out[known] = formulas.near_copies(np.array([int(text, 16) for text in hashes if text is not None], np.uint64))
    return out


def as_hashes(values: Sequence[Any]) -> list[str | None] | None:
    """Values as :func:`measure_images` gives hashes, what is missing as None; None where they are something else."""
    texts = [None if is_missing(value) else value for value in values]
    return texts if all(text is None or (isinstance(text, str) and HEX.fullmatch(text)) for text in texts) else None


def _listed(images: Any) -> list[Any]:
    listed = [] if isinstance(images, (str, bytes, os.PathLike)) or not hasattr(images, "__iter__") else list(images)
    if not listed:
        raise InputError("measure_images takes a list of image files or PIL images, at least one")
    return listed


def _measured(source: Any) -> tuple[dict[str, float], str] | str:
    """What is measured of one picture, and its hash; or why it cannot be."""
    from PIL import Image

    try:
        with reasons():
            if isinstance(source, Image.Image):
                return _of(upright(plain(source)), math.nan, source.size)
            if not isinstance(source, (str, bytes, os.PathLike)):
                return f"neither a path nor a PIL image, but {type(source).__name__}"
            with opened(source) as image:
                size, whole = image.size, image.size
                if image.format == "JPEG" and size[0] * size[1] > LARGE:
                    image.draft(None, (size[0] // 2, size[1] // 2))
                    whole = (0, 0)
                return _of(upright(plain(image)), os.path.getsize(source) / (size[0] * size[1]), size, whole == size)
    except InputError as e:
        return str(e) or type(e).__name__


def _of(image: Image.Image, bytes_per_pixel: float, size: tuple[int, int], whole: bool = True) -> tuple[dict[str, float], str]:
    colour = flatten(image)
    small = colour.copy()
    small.thumbnail((SMALL, SMALL), reducing_gap=2.0)
    pixels = np.asarray(small, np.float32)
    y = formulas.luma(pixels)
    inside = formulas.inside(y)
    framed = 1.0 - y[inside].size / y.size
    if framed == 1.0:  # of one colour: there is nothing else to measure
        inside = slice(None), slice(None)
    pixels, y = pixels[inside], y[inside]
    fine = formulas.luma(_window(colour, _box(colour, small, inside))) if whole else None
    hue, saturation = formulas.hue_and_saturation(pixels)
    hashed = np.asarray(colour.convert("L").resize((HASHED, HASHED), reducing_gap=2.0), np.float64)
    values = {
        "brightness": float(y.mean(dtype=np.float64)),
        "highlights": formulas.highlights(y),
        "contrast": float(y.std(dtype=np.float64) / max(y.mean(dtype=np.float64), 1.0)),
        "sharpness": math.nan if fine is None else formulas.sharpness(fine),
        "noise": math.nan if fine is None else formulas.noise(fine),
        "colourfulness": formulas.colourfulness(pixels),
        "saturation": saturation,
        "vividness": formulas.vividness(pixels),
        "purity": formulas.purity(pixels),
        "hue": hue,
        "greyscale": formulas.greyscale(pixels),
        "aspect": image.width / image.height,
        "pixels": float(size[0] * size[1]),
        "tilt": formulas.tilt(y),
        "blockiness": math.nan if fine is None else formulas.blockiness(fine),
        "bytes_per_pixel": bytes_per_pixel,
        "borders": framed,
    }
    return values, f"{formulas.perceptual_hash(hashed):016x}"


Box = tuple[int, int, int, int]


def _box(image: Image.Image, small: Image.Image, inside: tuple[slice, slice]) -> Box:
    """Left, top, right, bottom of the same part of the picture as it is, in whole blocks from its first pixel on where it has borders."""
    box = []
    for axis, part in enumerate(inside[::-1]):
        start, stop, _ = part.indices(small.size[axis])
        whole, ratio = image.size[axis], image.size[axis] / small.size[axis]
        first = math.ceil(start * ratio / formulas.BLOCK) * formulas.BLOCK
        last = whole if stop == small.size[axis] else math.floor(stop * ratio)
        box.append((first, last) if last - first >= formulas.BLOCK else (0, whole))
    (left, right), (top, bottom) = box
    return left, top, right, bottom


def _window(image: Image.Image, box: Box) -> np.ndarray:
    """(h, w, 3) float32 of the middle of a part of a picture, from the first pixel of a block on."""
    left, top = (a + max(0, (b - a - WINDOW) // 2) // formulas.BLOCK * formulas.BLOCK for a, b in (box[0::2], box[1::2]))
    part = image.crop((left, top, min(box[2], left + WINDOW), min(box[3], top + WINDOW)))
    return np.asarray(part, np.float32)

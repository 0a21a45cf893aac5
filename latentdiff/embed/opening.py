"""Image files are opened within limits: known formats, sizes that fit, regular files, and only their headers at first."""

from __future__ import annotations

import contextlib
import functools
import mimetypes
import os
import stat
import threading
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import InputError

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF", "ICO")
"""Formats that are tried. Others are left out on purpose: EPS and the like start programs, PSD and PDF are documents."""
SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ico", ".avif", ".avifs"),
    *(".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx", ".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
)
"""Endings of the names of files in these formats: what folders and archives are searched for."""
UNREAD = (
    *(".heic", ".heif", ".hif", ".jxl", ".psd", ".psb", ".svg", ".eps", ".ai", ".tga", ".exr", ".hdr", ".dds", ".dcm", ".xcf"),
    *(".pcx", ".jxr", ".wdp", ".qoi", ".dib", ".fits", ".fit", ".sgi", ".cur", ".heics", ".jls", ".pcd", ".flif", ".bpg"),
    *(".raw", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".pef", ".srw", ".nrw", ".rwl", ".x3f", ".3fr", ".iiq"),
)
"""Endings of images that are not read; what :mod:`mimetypes` calls an image besides, and endings that begin like one of those read."""

TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""With what a TIFF begins."""
BITS, CHANNELS, NUMBER = 258, 277, 339
"""Tags of a TIFF: bits and kind of its numbers, and how many each pixel has."""
NUMBERS = {1: "integers", 2: "signed integers", 3: "floats", 5: "complex numbers", 6: "complex numbers"}

_TYPES = mimetypes.MimeTypes()

MAX_PIXELS = 89_478_485
"""Largest picture that is decoded (Pillow's own bomb level). Header only: nothing is decoded to find out."""
MAX_JPEG_PIXELS = 256_000_000
"""Largest JPEG: one is decoded at a fraction of its size, which has to be within ``MAX_PIXELS`` (200 megapixels of a phone: a second)."""
LIMIT = "LATENTDIFF_MAX_PIXELS"
"""Environment variable that takes the place of both limits."""

MAX_BYTES = 512 * 2**20
"""Largest file that is read: some decoders take the whole file into memory."""


def unread(name: str) -> bool:
    """Whether a file's name looks like that of an image, and it is not read: "x.heic", "x.jpg_large", "x.tif.gz"."""
    low, ending = name.lower(), os.path.splitext(name)[1].lower()
    if low.endswith(SUFFIXES):
        return False
    return low.endswith(UNREAD) or ending.startswith(SUFFIXES) or (_TYPES.guess_type(low)[0] or "").startswith("image/")


def said_unread(passed_over: Mapping[str, int]) -> str:
    """The counts in words: "5 files passed over: .heic 4, .psd 1"; empty where there are none."""
    count = sum(passed_over.values())
    listed = ", ".join(f"{ending} {n:,}" for ending, n in passed_over.items())
    return f"{count:,} {'file' if count == 1 else 'files'} passed over: {listed}" if count else ""


@contextlib.contextmanager
def opened(source: Any) -> Generator[Image.Image, None, None]:
    """A file as a picture of which only the header was read, if that is of a size that is decoded."""
    _check_file(source)
    with open(source, "rb") as f, _header(f) as image:
        limit = limit_of(MAX_JPEG_PIXELS if image.format == "JPEG" else MAX_PIXELS)
        if image.width * image.height > limit:
            raise InputError(f"too large: {image.width} x {image.height} pixels, the limit is {limit} pixels (set {LIMIT} to raise it)")
        if image.format == "PNG":
            _check_sums(f)
        yield image


def limit_of(usual: int) -> int:
    """Pixels that may be decoded: the usual ones, or what the environment says."""
    said = os.environ.get(LIMIT, "").replace("_", "")
    if not said:
        return usual
    if not said.isdigit() or not 0 < int(said) < 2**34:
        raise InputError(f"{LIMIT} is a number of pixels, such as 250000000, not {said[:50]!r}")
    return int(said)


def _header(file: BinaryIO) -> Image.Image:
    from PIL import Image, JpegImagePlugin, UnidentifiedImageError

    start = file.read(3)
    file.seek(0)
    if start == b"\xff\xd8\xff":  # not by Image.open, whose limit knows nothing of decoding at a fraction of the size
        try:
            return JpegImagePlugin.JpegImageFile(file)
        except SyntaxError as e:
            raise UnidentifiedImageError(str(e)) from e
    limit = limit_of(0)
    if limit and Image.MAX_IMAGE_PIXELS is not None and limit > Image.MAX_IMAGE_PIXELS:
        Image.MAX_IMAGE_PIXELS = limit  # the user's own wish
    try:
        return Image.open(file, formats=formats())
    except UnidentifiedImageError as e:
        kind = _unread_kind(file)
        if not kind:
            raise
        raise InputError(f"{kind} is not read; save it as grey or colours of 8 or 16 bits, or as grey of 32-bit floats") from e


def _unread_kind(file: BinaryIO) -> str:
    """What a file is whose format is read and whose numbers are not: "a TIFF of 1 channel of 64-bit floats"; empty for any other."""
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    file.seek(0)
    start = file.read(16)
    if start[:2] == b"PF" and start[2:3].isspace():
        return "a PFM in colours"
    if start[:4] not in TIFF:
        return ""
    try:
        tags = ImageFileDirectory_v2(start if start[2:4].strip(b"\0") == b"+" else start[:8])
        file.seek(tags.next)
        tags.load(file)
        bits, channels, number = max(tags[BITS]), tags.get(CHANNELS, 1), NUMBERS.get(max(tags.get(NUMBER, (1,))), "numbers")
    except Exception:  # damaged, in any way: then its format says nothing
        return ""
    return f"a TIFF of {channels} {'channel' if channels == 1 else 'channels'} of {bits}-bit {number}"


def _check_file(path: Any) -> None:
    try:
        info = os.stat(path)
    except ValueError as e:  # a NUL byte in the name
        raise InputError(f"not a usable file name: {e}") from e
    if stat.S_ISDIR(info.st_mode):
        raise InputError("a folder, not a file")
    if not stat.S_ISREG(info.st_mode):  # opening a pipe would wait for ever
        raise InputError("not a regular file (pipe, socket or device)")
    if info.st_size == 0:
        raise InputError("empty file")
    if info.st_size > MAX_BYTES:
        raise InputError(f"too large: {info.st_size} bytes, the limit is {MAX_BYTES}")


def _check_sums(file: BinaryIO) -> None:
    """Pillow draws a PNG whose pixel data is damaged in black, without a word; its checksums tell (a pass over the bytes, no decoding)."""
    from PIL import Image

    place = file.tell()
    file.seek(0)
    Image.open(file, formats=("PNG",)).verify()
    file.seek(place)


@functools.cache
def formats() -> tuple[str, ...]:
    from PIL import Image

    with _registering:
        Image.init()
    return tuple(f for f in FORMATS if f in Image.OPEN)


_registering = threading.Lock()
"""Pillow's formats register themselves while they are imported: a second thread must not see half of them."""

"""Read many images fast; a bad file is a value with a reason, not a crash."""

from __future__ import annotations

import functools
import os
import stat
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ..errors import InputError
from .pixels import orientation, plain, upright
from .preprocess import Preprocess

if TYPE_CHECKING:
    from PIL import Image

    Source = str | bytes | os.PathLike | Image.Image

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF", "ICO")
"""Formats that are tried. Others are left out on purpose: EPS and the like start programs, PSD and PDF are documents."""

MAX_PIXELS = 89_478_485
"""Largest picture that is decoded (Pillow's own bomb level). Header only: nothing is decoded to find out."""

MAX_BYTES = 512 * 2**20
"""Largest file that is read: some decoders take the whole file into memory."""

LARGE = 24_000_000
"""Pictures above this many decoded pixels are decoded one at a time, so that memory does not grow with the workers."""


@functools.cache
def _large_thread(process: int) -> ThreadPoolExecutor:
    """The one thread of this process that decodes large pictures. A lock would not do: the C library keeps freed memory per thread.

    Keyed by process id, because a thread does not survive a fork.
    """
    return ThreadPoolExecutor(1, thread_name_prefix="latentdiff-large")


@dataclass(frozen=True, eq=False)
class Batch:
    """Consecutive rows of a list of images, ready for an encoder."""

    start: int
    """Row of the first image."""
    pixels: np.ndarray
    """(b, height, width, 3) uint8; rows that failed hold anything."""
    failures: dict[int, str]
    """Reason per failed row (numbered over the whole list)."""


def read_image(source: Source, preprocess: Preprocess) -> np.ndarray:
    """Decode, turn upright, resize and crop one image.

    Args:
        source: path (text, bytes or path object) or an open PIL image.
        preprocess: the encoder's.

    Returns:
        (height, width, 3) uint8.

    Raises:
        InputError: with the reason, for a file that cannot be used.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        if isinstance(source, Image.Image):
            return preprocess.apply(upright(plain(source)))
        _check_file(source)
        with open(source, "rb") as f, Image.open(f, formats=_formats()) as image:
            if image.format == "PNG":
                _check_sums(f)
            return _decode(image, preprocess)
    except InputError:
        raise
    except FileNotFoundError as e:
        raise InputError("no such file") from e
    except PermissionError as e:
        raise InputError("permission denied") from e
    except UnidentifiedImageError as e:
        raise InputError(f"not an image in a known format ({', '.join(_formats())})") from e
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as e:
        raise InputError(f"too large: {e}") from e
    except MemoryError as e:
        raise InputError("too large for the memory that is free") from e
    except OSError as e:
        raise InputError(f"cannot be read: {e.strerror}" if e.strerror else f"damaged or truncated: {e}") from e
    except Exception as e:  # decoders raise anything on damaged bytes: SyntaxError, struct.error, zlib.error, KeyError, ...
        raise InputError(f"damaged or truncated: {type(e).__name__}: {e}") from e


def read_batches(
    sources: Sequence[Source],
    preprocess: Preprocess,
    *,
    batch_size: int,
    workers: int,
    ahead: int = 2,
    empty: Callable[[tuple[int, ...]], np.ndarray] | None = None,
) -> Generator[Batch, None, None]:
    """Decode images in threads (Pillow releases the interpreter lock), ``ahead`` batches before they are asked for.

    Args:
        sources: n paths or PIL images.
        preprocess: the encoder's.
        batch_size: images per batch, >= 1.
        workers: decoding threads, >= 1.
        ahead: batches decoded in advance, >= 1; memory is (ahead + 1) batches of pixels.
        empty: makes the uint8 array of a batch (pinned memory for a GPU); None: ``numpy.empty``.

    Yields:
        :class:`Batch`, in order; the last may be shorter.
    """
    if min(batch_size, workers, ahead) < 1:
        raise InputError(f"batch_size, workers and ahead must be at least 1, not {batch_size}, {workers}, {ahead}")
    make = empty or (lambda shape: np.empty(shape, np.uint8))
    pool = ThreadPoolExecutor(workers, thread_name_prefix="latentdiff-decode")
    waiting: deque[tuple[int, np.ndarray, list[Future[str]]]] = deque()
    starts = iter(range(0, len(sources), batch_size))

    def submit() -> None:
        start = next(starts, None)
        if start is not None:
            rows = sources[start : start + batch_size]
            pixels = make((len(rows), preprocess.height, preprocess.width, 3))
            waiting.append((start, pixels, [pool.submit(_fill, pixels, i, s, preprocess) for i, s in enumerate(rows)]))

    try:
        for _ in range(ahead):
            submit()
        while waiting:
            start, pixels, futures = waiting.popleft()
            reasons = [f.result() for f in futures]
            submit()
            yield Batch(start, pixels, {start + i: r for i, r in enumerate(reasons) if r})
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _fill(pixels: np.ndarray, row: int, source: Source, preprocess: Preprocess) -> str:
    try:
        pixels[row] = read_image(source, preprocess)
    except InputError as e:
        return str(e) or type(e).__name__
    return ""


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


def _decode(image: Image.Image, preprocess: Preprocess) -> np.ndarray:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise InputError(f"too large: {width} x {height} pixels, the limit is {MAX_PIXELS} pixels")
    full, turn = None, 1
    if image.format in ("JPEG", "MPO"):
        turn = orientation(image)
        turned = turn >= 5  # stored on its side
        full = (height, width) if turned else (width, height)
        side = preprocess.draft_size(*full)
        image.draft(None, side[::-1] if turned else side)
    if image.width * image.height > LARGE:
        return _large_thread(os.getpid()).submit(lambda: preprocess.apply(upright(plain(image)), full, turn)).result()
    return preprocess.apply(upright(plain(image)), full, turn)


@functools.cache
def _formats() -> tuple[str, ...]:
    from PIL import Image

    with _registering:
        Image.init()
    return tuple(f for f in FORMATS if f in Image.OPEN)


_registering = threading.Lock()
"""Pillow's formats register themselves while they are imported: a second thread must not see half of them."""

"""Read many images fast; a bad file is a value with a reason, not a crash."""

from __future__ import annotations

import contextlib
import functools
import os
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from .opening import LIMIT, MAX_PIXELS, formats, limit_of, opened
from .pixels import orientation, plain, upright
from .preprocess import Preprocess
from .ranges import Ranges, common_ranges

if TYPE_CHECKING:
    from PIL import Image

    Source = str | bytes | os.PathLike | Image.Image

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


def read_image(source: Source, preprocess: Preprocess, ranges: Ranges | None = None) -> np.ndarray:
    """Decode, turn upright, resize and crop one image.

    Args:
        source: path (text, bytes or path object) or an open PIL image.
        preprocess: the encoder's.
        ranges: what is black and white in deep pictures (:func:`~latentdiff.embed.ranges.common_ranges`); None: by the picture itself.

    Returns:
        (height, width, 3) uint8.

    Raises:
        InputError: with the reason, for a file that cannot be used.
    """
    from PIL import Image

    with reasons():
        if isinstance(source, Image.Image):
            return preprocess.apply(upright(plain(source, ranges)))
        with opened(source) as image:
            return _decode(image, preprocess, ranges)


@contextlib.contextmanager
def reasons() -> Iterator[None]:
    """Whatever a file cannot be read for, as an :class:`~latentdiff.errors.InputError` with the reason."""
    from PIL import Image, UnidentifiedImageError

    try:
        yield
    except InputError:
        raise
    except FileNotFoundError as e:
        raise InputError("no such file") from e
    except PermissionError as e:
        raise InputError("permission denied") from e
    except UnidentifiedImageError as e:
        raise InputError(f"not an image in a known format ({', '.join(formats())})") from e
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
    ranges: Ranges | None = None,
) -> Generator[Batch, None, None]:
    """Decode images in threads (Pillow releases the interpreter lock), ``ahead`` batches before they are asked for.

    Args:
        sources: n paths or PIL images.
        preprocess: the encoder's.
        batch_size: images per batch, >= 1.
        workers: decoding threads, >= 1.
        ahead: batches decoded in advance, >= 1; memory is (ahead + 1) batches of pixels.
        empty: makes the uint8 array of a batch (pinned memory for a GPU); None: ``numpy.empty``.
        ranges: what is black and white in deep pictures; None: what is chosen for these images together.

    Yields:
        :class:`Batch`, in order; the last may be shorter.
    """
    if min(batch_size, workers, ahead) < 1:
        raise InputError(f"batch_size, workers and ahead must be at least 1, not {batch_size}, {workers}, {ahead}")
    make = empty or (lambda shape: np.empty(shape, np.uint8))
    pool = ThreadPoolExecutor(workers, thread_name_prefix="latentdiff-decode")
    waiting: deque[tuple[int, np.ndarray, list[Future[str]]]] = deque()
    starts = iter(range(0, len(sources), batch_size))
    drawn = common_ranges(sources) if ranges is None else ranges

    def submit() -> None:
        start = next(starts, None)
        if start is not None:
            rows = sources[start : start + batch_size]
            pixels = make((len(rows), preprocess.height, preprocess.width, 3))
            waiting.append((start, pixels, [pool.submit(_fill, pixels, i, s, preprocess, drawn) for i, s in enumerate(rows)]))

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


def _fill(pixels: np.ndarray, row: int, source: Source, preprocess: Preprocess, ranges: Ranges | None) -> str:
    try:
        pixels[row] = read_image(source, preprocess, ranges)
    except InputError as e:
        return str(e) or type(e).__name__
    return ""


def _decode(image: Image.Image, preprocess: Preprocess, ranges: Ranges | None) -> np.ndarray:
    width, height = image.size
    full, turn = None, 1
    if image.format == "JPEG":
        turn = orientation(image)
        turned = turn >= 5  # stored on its side
        full = (height, width) if turned else (width, height)
        side = preprocess.draft_size(*full)
        image.draft(None, side[::-1] if turned else side)
        if image.width * image.height > limit_of(MAX_PIXELS):
            asked = f"{preprocess.width} x {preprocess.height}"
            raise InputError(f"too large: {width} x {height} pixels at {asked}; set {LIMIT} to raise the limit")
    # All of a progressive JPEG is in memory before the first pixel is, however small it is decoded.
    in_memory = width * height if image.info.get("progressive") else image.width * image.height
    if in_memory > LARGE:
        return _large_thread(os.getpid()).submit(lambda: preprocess.apply(upright(plain(image, ranges)), full, turn)).result()
    return preprocess.apply(upright(plain(image, ranges)), full, turn)

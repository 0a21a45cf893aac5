"""Captions are dear: they are kept on disk by image digest, model and prompt. Failures are not kept."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..compute.cache import CAPTIONS, recall, remember
from ..progress import Progress
from .captions import Caption, CaptionFailure
from .pictures import image_digest

if TYPE_CHECKING:
    from ..embed.images import Source


def cached_captions(
    images: Sequence[Source],
    identity: Sequence[str],
    make: Callable[[list[Source], Progress], list[Caption]],
    progress: Progress,
    batch: int,
    keep: bool = True,
) -> list[Caption]:
    """Captions of images: remembered ones, and the rest made in batches, each batch kept as soon as it is there, unless none is to be kept.

    Args:
        images: paths or PIL images.
        identity: what a caption depends on besides the image: kind, model, weights, prompt, size.
        make: captions of a batch of images.
        progress: called after each batch.
        batch: images per call of ``make``, >= 1.
        keep: False keeps none of those that are made.
    """
    out: list[Caption | None] = [None] * len(images)
    keys: dict[int, str] = {}
    for i, image in enumerate(images):
        key = _key(image, identity)
        if isinstance(key, CaptionFailure):
            out[i] = key
            continue
        known = recall(CAPTIONS, key)
        if known is not None and isinstance(known.get("caption"), str) and known["caption"]:
            out[i] = known["caption"]
        else:
            keys[i] = key
    rows = list(keys)
    for start in range(0, len(rows), batch):
        some = rows[start : start + batch]
        here = start / len(rows)
        progress(here, f"captions: {start} of {len(rows)} images")
        made = make([images[i] for i in some], lambda _, label, here=here: progress(here, label))  # type: ignore[misc]
        for i, caption in zip(some, made, strict=True):
            out[i] = caption
            if keep and isinstance(caption, str):
                remember(CAPTIONS, keys[i], {"caption": caption})
    return [c if c is not None else CaptionFailure("no caption was made") for c in out]


def _key(image: Source, identity: Sequence[str]) -> str | CaptionFailure:
    try:
        if isinstance(image, (str, bytes, os.PathLike)) and not stat.S_ISREG(os.stat(image).st_mode):
            return CaptionFailure("not a regular file")  # a pipe would be waited for
        digest = image_digest(image)
    except (OSError, ValueError) as e:
        return CaptionFailure(f"cannot be read: {getattr(e, 'strerror', None) or type(e).__name__}")
    text = json.dumps([digest, *identity])
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

"""Two versions of a dataset: which images were added, and which were removed."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from typing import Any


def changes(new: Any, old: Any) -> tuple[list[str], list[str]]:
    """Ids of the images that only one version has.

    Samples are the same image where they name the same file, or files of the same content: an export has other paths, and a clone keeps
    the ids of images that were exchanged since. Only files of a size that the other version has too are read.

    Args:
        new, old: views, or datasets.

    Returns:
        Ids of what was added (``new`` alone has it) and of what was removed (``old`` alone has it).
    """
    sides = [{i: os.path.realpath(path) for i, path in zip(*view.values(["id", "filepath"]), strict=True)} for view in (new, old)]
    files = [set(side.values()) for side in sides]
    content, size = lru_cache(maxsize=None)(_content), lru_cache(maxsize=None)(_size)

    def alone(side: dict[str, str], others: set[str]) -> list[str]:
        own = {i: path for i, path in side.items() if path not in others}
        sizes = {size(path) for path in own.values()} & {size(path) for path in others} - {None}
        known = {content(path) for path in others if size(path) in sizes}
        return [i for i, path in own.items() if size(path) not in sizes or content(path) not in known]

    return alone(sides[0], files[1]), alone(sides[1], files[0])


def _size(path: str) -> int | None:
    """Bytes of a file; None where there is none (media that lie elsewhere are told by their paths)."""
    return os.path.getsize(path) if os.path.isfile(path) else None


def _content(path: str) -> str:
    """Digest of a file's bytes; its path where it cannot be read."""
    try:
        with open(path, "rb") as f:
            digest = hashlib.blake2b(digest_size=16)
            for block in iter(lambda: f.read(1 << 20), b""):
                digest.update(block)
            return digest.hexdigest()
    except OSError:
        return path

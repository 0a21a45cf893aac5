"""Two versions of a dataset: which images were added, and which were removed."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from latentdiff.embed.identity import file_key
from latentdiff.errors import InputError
from latentdiff.inputs.named import Before, DatasetView


@dataclass(frozen=True)
class Changed:
    """What one version has alone, and what was left out of it."""

    ids: list[str]
    """Of its images that the other version has not."""
    common: int
    """Its images that the other version has too."""
    repeated: int
    """Samples that the view lists again, or whose file another sample shows."""
    unread: int
    """How many of ``ids`` were told by their paths alone, since their files cannot be read here."""


def changes(new: Any, old: Any) -> tuple[Changed, Changed]:
    """The images that only one version has, each file once.

    Samples are the same image where they name the same file, or files of the same content: an export has other paths, and a clone keeps
    the ids of images that were exchanged since. Only files of a size that the other version has too are read.

    Args:
        new, old: views, or datasets. Patches and frames are told by their files, and each of them counts.

    Returns:
        What was added (``new`` alone has it), and what was removed (``old`` alone has it).
    """
    new, old = _Version(new), _Version(old)
    return _alone(new, old), _alone(old, new)


def changed_sides(new: Any, old: Any) -> tuple[DatasetView, DatasetView]:
    """What was added to a dataset and what was removed, as sides that know what was left out of them.

    Args:
        new, old: views.

    Raises:
        InputError: nothing was added, or nothing removed.
    """
    added, removed = changes(new, old)
    remark = ""
    if added.unread or removed.unread:
        remark = (
            f"files of {added.unread:,} images that were added and of {removed.unread:,} that were removed cannot be read here: only their "
            "paths told that the other version lacks them"
        )
    if not added.ids or not removed.ids:
        said = f"{len(added.ids)} images were added and {len(removed.ids)} removed; comparing changes needs both"
        raise InputError(f"{said} ({remark})" if remark else said)
    return (
        DatasetView(new._root_dataset, new.select(added.ids), Before(added.common, added.repeated, remark)),
        DatasetView(new._root_dataset, old.select(removed.ids), Before(repeated=removed.repeated)),
    )


class _Version:
    """The files of a view's samples."""

    def __init__(self, view: Any) -> None:
        listed = list(zip(*view.values(["id", "filepath"]), strict=True))
        self.rows: dict[str, str] = {}
        self.paths: dict[str, str] = {}
        for sample, path in listed:
            key = file_key(path)
            if view._is_generated or key not in self.paths:
                self.rows[sample], self.paths[key] = key, path
        self.repeated = len(listed) - len(self.rows)
        self.size = lru_cache(maxsize=None)(lambda key: _size(self.paths[key]))
        self.content = lru_cache(maxsize=None)(lambda key: _content(self.paths[key]))


def _alone(own: _Version, other: _Version) -> Changed:
    left = {sample: key for sample, key in own.rows.items() if key not in other.paths}
    sizes = {own.size(key) for key in left.values()} & {other.size(key) for key in other.paths} - {None}
    known = {other.content(key) for key in other.paths if other.size(key) in sizes} - {None}
    left = {sample: key for sample, key in left.items() if own.size(key) not in sizes or own.content(key) not in known}
    unread = sum(own.size(key) is None or (own.size(key) in sizes and own.content(key) is None) for key in left.values())
    return Changed(list(left), len(own.rows) - len(left), own.repeated, unread)


def _size(path: str) -> int | None:
    """Bytes of a file; None where there is none (media may lie on another machine)."""
    return os.path.getsize(path) if os.path.isfile(path) else None


def _content(path: str) -> str | None:
    """Digest of a file's bytes; None where it cannot be read."""
    try:
        with open(path, "rb") as f:
            digest = hashlib.blake2b(digest_size=16)
            for block in iter(lambda: f.read(1 << 20), b""):
                digest.update(block)
            return digest.hexdigest()
    except OSError:
        return None

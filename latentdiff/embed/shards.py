"""One shard of stored vectors: its record on disk, and how a write of it is made to last."""

from __future__ import annotations

import contextlib
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..compute.files import read_json, what_is_wrong
from ..errors import CheckpointError

Stamp = tuple[int, int]
"""Size in bytes and modification time in ns of a file; (-1, -1) where there is none."""


@dataclass(frozen=True, eq=False)
class Shard:
    """What one shard's record says."""

    name: str
    ids: list[str]
    stamps: list[Stamp]
    failures: dict[int, str]
    """Reason per failed row of this shard."""
    checksum: str
    """BLAKE2b of the ``.npy`` file."""


def file_stamp(path: Any) -> Stamp:
    """Size and modification time; (-1, -1) where there is no such file."""
    try:
        info = os.stat(path)
    except (OSError, ValueError):
        return (-1, -1)
    return (info.st_size, info.st_mtime_ns)


def checksum(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def record_of(path: Path) -> dict[str, Any]:
    content = read_json(path)
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds a JSON {type(content).__name__}, not an object; it is damaged")
    return content


def read_shard(path: Path) -> Shard:
    record = record_of(path)
    try:
        stamps = [(int(a), int(b)) for a, b in record["stamps"]]
        ids, failures = list(record["ids"]), {int(k): str(v) for k, v in record["failures"].items()}
        if len(stamps) != len(ids) or len(set(ids)) != len(ids) or not all(isinstance(i, str) for i in ids):
            raise ValueError("ids and stamps do not fit each other, or an id is there twice")
        if not all(0 <= row < len(ids) for row in failures):
            raise ValueError("a failure of a row that there is not")
        return Shard(path.stem, ids, stamps, failures, str(record["checksum"]))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as e:
        raise CheckpointError(f"{path} is not the record of a shard: {what_is_wrong(e)}; remove it to make the shard anew") from e


def sync_folder(folder: Path) -> None:
    """A rename is only safe from a power cut once its folder is synced (not possible, and not needed, on Windows)."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

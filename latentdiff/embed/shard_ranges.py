"""One range of deep pictures and one precision for all shards: read from those that are there by every later run."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from ..errors import InputError
from .filesystem import files_of, readable
from .fingerprint import read_fingerprint
from .parquet import FINGERPRINT
from .ranges import DEEP, LOOKED_AT, Ranges, common_ranges, evenly, may_be_deep, read_ranges
from .sharding import ShardTask, as_files, pictures_of

TABLES = 8
"""Pieces of a table that are looked into: each is read whole."""


def with_ranges(tasks: Sequence[ShardTask], out: str, like: str | None = None) -> list[ShardTask]:
    """Tasks that all draw deep pictures with one range: that of the shards that are there, or of ``like``, or one chosen for them.

    Args:
        tasks: from :func:`~latentdiff.embed.sharding.plan_shards`.
        out: folder of the shards, path or URI.
        like: other vectors in Parquet, with which these shall be compared; None: none.

    Raises:
        InputError: ``like`` records no range, or another than the shards that are there.
    """
    there, wanted = kept_ranges(out), kept_ranges(like) if like is not None else None
    if like is not None and wanted is None:
        raise InputError(f"{like} does not say with which range deep pictures were drawn; embed it anew, or leave it out")
    if there is not None and wanted not in (None, there):
        raise InputError(f"the shards in {out} are drawn with another range than {like}; use another folder")
    ranges = wanted or there or _chosen(tasks)
    return [dataclasses.replace(task, ranges=ranges) for task in tasks]


def kept_ranges(source: str) -> Ranges | None:
    """The range that vectors in Parquet record; None where there are none, or only those of earlier versions."""
    return _first(source, DEEP, read_ranges)


def kept_dtype(*sources: str | None) -> str | None:
    """The precision that the first of several sets of vectors in Parquet records, for more to be computed alike; None where none does."""
    for source in filter(None, sources):
        found = _first(source, FINGERPRINT, read_fingerprint)
        if found and found.get("dtype"):
            return str(found["dtype"])
    return None


def _first(source: str, key: bytes, read: Callable[[bytes | None, str], Any]) -> Any:
    """What the first file that has a note says; None where none has."""
    import pyarrow.parquet as pq

    with contextlib.suppress(InputError):
        filesystem, paths = files_of(source)
        for path in paths:
            with readable(path), filesystem.open_input_file(path) as f:
                found = read((pq.read_schema(f).metadata or {}).get(key), path)
            if found is not None:
                return found
    return None


def _chosen(tasks: Sequence[ShardTask]) -> Ranges:
    """The range of some pictures of all tasks."""
    if not tasks[0].table:
        pictures = evenly([path for task in tasks for path in task.paths if may_be_deep(path)], LOOKED_AT)
    else:
        some, pictures = evenly(tasks, TABLES), []
        for task in some:
            own = [picture for picture in pictures_of(task)[1] if not isinstance(picture, str) or may_be_deep(picture)]
            pictures += evenly(own, LOOKED_AT // len(some))
    with as_files(pictures) as files:
        return common_ranges(files)

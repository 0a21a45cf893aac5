"""Where Parquet lies: files and folders of any filesystem that pyarrow knows, and what it says of damaged ones."""

from __future__ import annotations

import contextlib
import posixpath
import re
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ..compute.extras import needs
from ..errors import InputError
from .opening import SUFFIXES as IMAGES

SUFFIXES = (".parquet", ".pq")
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
"""In the name of a folder, the place of a value that is missing."""
WHOLE = re.compile(r"-?[0-9]{1,18}")
BLOCK_ROWS = 1 << 15
"""Rows that are decoded, written or sent at once (50 MB of float16 at width 768)."""


def is_parquet(source: str) -> bool:
    """Whether a name is that of vectors in Parquet: a file ``.parquet`` or ``.pq``, a folder that holds some, or a URI."""
    if "://" in source or source.lower().endswith(SUFFIXES):
        return True
    folder = Path(source).expanduser()
    return folder.is_dir() and _holds_parquet(folder)


def _holds_parquet(folder: Path, depth: int = 8) -> bool:
    """Directly, or in partitions: below a folder named ``key=value``, or all folders in it where it holds nothing else."""
    if not depth:  # links may go round in a circle
        return False
    inside = [p for p in folder.iterdir() if not p.name.startswith((".", "_"))]
    if any(p.suffix.lower() in SUFFIXES for p in inside):
        return not _holds_images(inside)  # a table beside photographs, or above them, tells of these
    named = [p for p in inside if "=" in p.name and p.is_dir()]
    if any(_holds_parquet(p, depth - 1) for p in named):
        return True
    return bool(inside) and all(p.is_dir() and _holds_parquet(p, depth - 1) for p in inside)


def _holds_images(inside: list[Path]) -> bool:
    folders = [p for p in inside if p.is_dir() and not p.is_symlink()]
    return any(p.name.lower().endswith(IMAGES) for p in [*inside, *(below for folder in folders for below in folder.iterdir())])


def filesystem_of(source: str) -> tuple[Any, str]:
    """The pyarrow filesystem of a path or URI, and the path in it.

    Raises:
        InputError: a URI of no filesystem that this pyarrow knows.
    """
    with needs("tables", "Parquet"):
        from pyarrow import fs

    if "://" not in source:
        return fs.LocalFileSystem(), str(Path(source).expanduser().absolute())
    try:
        return fs.FileSystem.from_uri(source)
    except Exception as e:
        raise InputError(f"{source} is on no filesystem that pyarrow can open here: {e}") from e


def below(folder: str, name: str) -> str:
    """The place of a name in a folder, by path or URI; the options of a URI (``?region=...``) stay at its end."""
    place, mark, options = folder.partition("?") if "://" in folder else (folder, "", "")
    return f"{place.rstrip('/')}/{name}{mark}{options}"


def files_of(source: str) -> tuple[Any, list[str]]:
    """The filesystem and the Parquet files of a file or folder, in the order of their names.

    Raises:
        InputError: there are none.
    """
    filesystem, place = filesystem_of(source)
    from pyarrow import fs

    try:
        info = filesystem.get_file_info(place)
        found = [info]
        if info.type == fs.FileType.Directory:
            found = filesystem.get_file_info(fs.FileSelector(place, recursive=True))
    except OSError as e:
        raise InputError(f"{source} cannot be opened: {e}") from e
    # Hidden files and folders are half-written ones, or another program's notes.
    paths = sorted(i.path for i in found if i.is_file and i.base_name.lower().endswith(SUFFIXES) and not _hidden(i.path, place))
    if not paths:
        raise InputError(f"{source} holds no Parquet files ({', '.join(SUFFIXES)})")
    return filesystem, paths


def _hidden(path: str, top: str) -> bool:
    below = posixpath.basename(path) if path == top else posixpath.relpath(path, top)
    return any(part.startswith((".", "_")) and "=" not in part for part in below.split("/"))


def partitions(source: str, paths: Iterable[str]) -> dict[str, dict[str, str | int | None]]:
    """What folders named ``key=value`` below a source say of the files in them.

    Args:
        source: path or URI.
        paths: of the files, as :func:`files_of` has them.

    Returns:
        By key, the value of each file: integers where all are, else texts; None for Hive's mark of none, and for a file without the key.
    """
    top, paths = filesystem_of(source)[1], list(paths)
    found: dict[str, dict[str, Any]] = {}
    for path in paths:
        for part in posixpath.relpath(path, top).split("/")[:-1]:
            key, is_named, value = part.partition("=")
            if is_named and key:
                found.setdefault(unquote(key), dict.fromkeys(paths))[path] = None if value == NO_VALUE else unquote(value)
    return {key: _integers(values) for key, values in found.items()}


def _integers(values: dict[str, Any]) -> dict[str, str | int | None]:
    if not all(value is None or WHOLE.fullmatch(value) for value in values.values()):
        return values
    return {path: None if value is None else int(value) for path, value in values.items()}


@contextlib.contextmanager
def readable(path: str) -> Iterator[None]:
    """What pyarrow says of a damaged file, in our words."""
    import pyarrow as pa

    try:
        yield
    except InputError:
        raise
    except (pa.ArrowException, OSError, ValueError, OverflowError) as e:
        raise InputError(f"{path} cannot be read as Parquet: {str(e).strip()[:300]}; write it anew") from e


def write_table(table: Any, path: str) -> None:
    """Write a Parquet file, whole or not at all; vectors are stored plain, since their mantissas compress no further.

    Args:
        table: a pyarrow table, or an iterator of tables of one schema, none of which need fit into memory with another.
        path: local path or URI; folders are made.
    """
    filesystem, place = filesystem_of(path)
    import pyarrow.parquet as pq

    folder = posixpath.dirname(place)
    if folder:
        filesystem.create_dir(folder, recursive=True)
    hidden = posixpath.join(folder, f".{posixpath.basename(place)}.{uuid.uuid4().hex[:8]}.tmp")
    parts = iter([table] if hasattr(table, "schema") else table)
    first = next(parts)
    plain = [n for n in first.schema.names if n != "vector"]
    try:
        with filesystem.open_output_stream(hidden) as f, pq.ParquetWriter(f, first.schema, compression="none", use_dictionary=plain) as out:
            out.write_table(first, BLOCK_ROWS)
            for part in parts:
                out.write_table(part, BLOCK_ROWS)
        filesystem.move(hidden, place)
    except BaseException:
        if filesystem.get_file_info(hidden).is_file:
            filesystem.delete_file(hidden)
        raise

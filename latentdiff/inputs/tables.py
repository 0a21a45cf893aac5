"""Tables of paths: a CSV with the columns ``path`` and ``group_name`` → the two groups that are compared."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..progress import Progress, silent
from .field_files import typed
from .folders import ImageSide, allowed, may_be_read

MOST_ROWS = 2_000_000
"""Rows of a table of paths; beyond it is no table that a person made."""


def read_table(
    text: str,
    base: Path | None,
    roots: Sequence[Path] | None = None,
    progress: Progress = silent,
    *,
    groups: Sequence[str] | None = None,
) -> tuple[ImageSide, ImageSide]:
    """The two sides of a CSV with the columns ``path`` and ``group_name`` (VisDiff's format).

    Args:
        text: the file's content. Further columns are fields: see :func:`table_fields`.
        base: folder to which relative paths refer; where a file is not there, the folder above it (VisDiff's ``data/Examples.csv`` names
            ``./data/examples/...``, from the root of its repository). None: relative paths are refused.
        roots: resolved folders that may be read; None: every folder.
        progress: ``progress(fraction, label)``, once in a thousand rows.
        groups: the two groups to compare, where there are more; files of other groups need not exist.

    Returns:
        The two groups, as named, or in the order in which they first appear.

    Raises:
        InputError: missing columns, another number of groups than two, files that do not exist or lead out of ``roots``.
    """
    found = _listed(text, progress)
    chosen = _two(list(found), groups) if groups is not None or len(found) > 2 else list(found)
    files = {name: tuple(_member(path, number, base, roots) for path, number in found[name]) for name in chosen}
    a, b = _two(list(files), groups)
    return ImageSide(a, files[a]), ImageSide(b, files[b])


def table_groups(text: str) -> list[str]:
    """The groups that a CSV names, in the order in which they first appear. Arguments and errors as :func:`read_table`."""
    return list(_listed(text, silent))


def table_fields(text: str, groups: Sequence[str]) -> tuple[dict[str, list[Any]], dict[str, list[Any]]] | None:
    """What the further columns of a CSV say of the images of two groups, by name, in the order of :func:`read_table`'s files.

    Args:
        text: as :func:`read_table`.
        groups: A and B.

    Returns:
        Of A and of B; None where there is no further column.
    """
    rows, names = _rows(text)
    further = [name for name in names if name not in ("path", "group_name")]
    own = [row for row in rows if _group(row) in groups]
    columns = {name: typed([(row.get(name) or "").strip() for row in own]) for name in further}
    of = {group: [i for i, row in enumerate(own) if _group(row) == group] for group in groups}
    a, b = ({name: [values[i] for i in of[group]] for name, values in columns.items()} for group in groups)
    return (a, b) if further else None


def table_column(text: str, base: Path, column: str, progress: Progress = silent) -> tuple[ImageSide, list[str]]:
    """All images of a CSV with a column ``path``, and what another column says of each.

    Args:
        text, base, progress: as :func:`read_table`.
        column: its name.

    Raises:
        InputError: missing columns, or files that do not exist.
    """
    found = _listed(text, progress, column)
    rows = sorted((number, path, value) for value, listed in found.items() for path, number in listed)
    files = tuple(_member(path, number, base, None) for number, path, _ in rows)
    return ImageSide("the table", files), [value for _, _, value in rows]


def _rows(text: str) -> tuple[csv.DictReader[str], list[str]]:
    """Rows of a CSV, and the names of its columns."""
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), skipinitialspace=True)
    columns = [str(name).strip() for name in rows.fieldnames or ()]
    rows.fieldnames = columns
    return rows, columns


def _group(row: dict[str, Any], column: str = "group_name") -> str:
    return " ".join((row.get(column) or "").split())


def _listed(text: str, progress: Progress, column: str = "group_name") -> dict[str, list[tuple[str, int]]]:
    """Group → the paths that a CSV names, and their lines."""
    try:
        rows, columns = _rows(text)
        if not {"path", column} <= set(columns):
            raise InputError(f"the CSV needs the columns path and {column}; it has {', '.join(columns)[:200] or 'none'}")
        found: dict[str, list[tuple[str, int]]] = {}
        for number, row in enumerate(rows, 2):
            if number > MOST_ROWS:
                raise InputError(f"the CSV has more than {MOST_ROWS:,} rows; split it")
            path, group = (row.get("path") or "").strip(), _group(row, column)
            if not path or not group:
                raise InputError(f"line {number} of the CSV has no {column if path else 'path'}")
            found.setdefault(group, []).append((path, number))
            if number % 1000 == 0:
                progress(0.0, f"reading the table: {number:,} rows so far")
    except csv.Error as e:
        raise InputError(f"this is no readable CSV: {e}") from e
    return found


def _two(found: Sequence[str], groups: Sequence[str] | None) -> tuple[str, str]:
    """The two groups of a table that are compared."""
    names = ", ".join(map(repr, found[:20])) or "none"
    if groups is None:
        if len(found) != 2:
            more = "; name the two to compare (--sides A B; on the page: Group A and Group B)" if len(found) > 2 else ""
            raise InputError(f"the CSV names {len(found)} groups in group_name ({names}); a comparison needs exactly two{more}")
        return found[0], found[1]
    chosen = [" ".join(g.split()) for g in groups]
    if len(set(chosen)) != 2 or not set(chosen) <= set(found):
        raise InputError(f"two different groups of the CSV are compared, not {', '.join(map(repr, chosen))}; it names {names}")
    return chosen[0], chosen[1]


def _member(path: str, line: int, base: Path | None, roots: Sequence[Path] | None) -> Path:
    if "://" in path:
        raise InputError(f"line {line} of the CSV is an address ({path[:100]}); only files are read")
    try:
        given = Path(path).expanduser()
        if base is None:
            if not given.is_absolute():
                raise InputError(f"{path[:200]} is a relative path; say in which folder the images lie")
            base = given.parent
        file = allowed(base / given, roots)
        found = file.is_file()
        if not found and not given.is_absolute() and (above := _above(base, given, roots)) is not None:
            file, found = above, True
    except InputError as e:
        raise InputError(f"line {line} of the CSV: {e}") from e
    except (OSError, RuntimeError, ValueError) as e:  # too long a name, an unknown ~user, a NUL byte
        raise InputError(f"line {line} of the CSV: {path[:200]!r} cannot be opened: {e}") from e
    if not found:
        raise InputError(f"line {line} of the CSV: there is no file {path[:200]}")
    return file


def _above(base: Path, given: Path, roots: Sequence[Path] | None) -> Path | None:
    """The file below the folder above, where it is there and may be read."""
    file = base.parent / given
    return allowed(file, roots) if may_be_read(file, roots) and file.is_file() else None

"""Fields of images from where people keep them: mappings, tables with a row per image, or the pictures themselves."""

from __future__ import annotations

import csv
import datetime
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..compute.extras import needs
from ..embed.measures import measure_images
from ..embed.parquet import ParquetVectors
from ..embed.styles import name_styles
from ..errors import InputError
from ..progress import Progress, part
from .columns import Both, check_fields

MEASURED = "measures"
"""In place of fields: what is measured of the pictures themselves."""
ALL = "all"
"""In place of fields: all columns of Parquet beside ids and vectors."""
NAMED_BY = ("path", "filepath", "file")
"""Columns by which a table of both sides says whose a row is."""
WORDS = {"true": True, "false": False}


def fields_of(given: Any, items: tuple[Any, Any], skip_bad: bool, progress: Progress) -> tuple[dict[str, Any], list[str]]:
    """``fields_a`` and ``fields_b`` for :func:`latentdiff.compare`, nothing where there are none; and what is to be said of them.

    Args:
        given: None, "measures", a pair of mappings or of tables with a row per image, or one table with a column ``path``.
        items: per side, the file of each row; None where rows have no file.
        skip_bad: pictures that cannot be read are not measured, in place of an error.
        progress: ``progress(fraction, label)``, while pictures are measured.

    Raises:
        InputError: tables that cannot be read or do not fit the rows.
    """
    if given is None:
        return {}, []
    if given == MEASURED:
        if any(side is None for side in items):
            raise InputError("measures (--fields measures) are those of images; name folders, or give the fields themselves")
        size = len(items[0]) / max(1, len(items[0]) + len(items[1]))
        parts = zip(items, (part(progress, 0.0, size), part(progress, size, 1.0)), strict=True)
        measured = [measure_images(side, skip_bad=skip_bad, progress=own) for side, own in parts]
        return {f"fields_{letter}": {**side, "style": name_styles(side)} for letter, side in zip("ab", measured, strict=True)}, []
    if isinstance(given, (str, os.PathLike)):
        *given, remarks = _by_path(Path(os.fspath(given)), items)
    else:
        remarks = []
    a, b = (read_fields(side) if isinstance(side, (str, os.PathLike)) else side for side in given)
    return {"fields_a": a, "fields_b": b}, remarks


def fields_of_tables(given: Any, known: Sequence[Any], tables: tuple[ParquetVectors, ParquetVectors]) -> Both | None:
    """Fields of both sides whose vectors lie in Parquet.

    Args:
        given: "all" other columns, names of some, or a pair of mappings with a value per row; None: none but those in ``known``.
        known: what is looked past; columns that it names are read.
        tables: A and B.

    Raises:
        InputError: a column that one of them lacks.
    """
    if given is not None and not isinstance(given, str) and len(given) == 2 and all(isinstance(side, Mapping) for side in given):
        return check_fields(given[0], given[1], (tables[0].shape[0], tables[1].shape[0]))
    others = [[name for name in t.columns if name not in (t.vector_column, t.id_column)] for t in tables]
    both = [name for name in others[0] if name in others[1]]
    names = both if given == ALL else [given] if isinstance(given, str) else list(given or ())
    named = [one.partition(" = ")[0] for one in known if isinstance(one, str)]
    names += [name for name in (getattr(one, "field", None) for one in known) if name] + [name for name in named if name in both]
    for name in names:
        for table, own in zip(tables, others, strict=True):
            if name not in own:
                raise InputError(f"{table.source} has no column {name!r} beside ids and vectors; it has {', '.join(own) or 'none'}")
    if not names and given is None:
        return None
    found: list[dict[str, Sequence[Any]]] = [{name: t.values(name) for name in dict.fromkeys(names)} for t in tables]
    return check_fields(found[0], found[1], (tables[0].shape[0], tables[1].shape[0]))


def read_fields(path: str | os.PathLike) -> dict[str, list[Any]]:
    """Columns of a ``.csv`` (numbers, dates, true and false are told from texts; empty: none) or ``.parquet`` table.

    Raises:
        InputError: no such file, or none that can be read.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise InputError(f"there is no file {file}")
    if file.suffix.lower() == ".parquet":
        with needs("tables", "fields in Parquet"):
            import pyarrow.parquet as parquet
        try:
            return dict(parquet.read_table(file).to_pydict())
        except Exception as e:  # Arrow raises what it likes on a damaged file
            raise InputError(f"the fields in {file} cannot be read as Parquet: {e}") from e
    try:
        with file.open(encoding="utf-8-sig", newline="") as f:
            head, *rows = (row for row in csv.reader(f) if row)
    except (OSError, UnicodeDecodeError, ValueError, csv.Error) as e:
        raise InputError(f"the fields in {file} cannot be read as a CSV with a line of names first: {e}") from e
    if len(set(head)) != len(head) or any(len(row) != len(head) for row in rows):
        raise InputError(f"the fields in {file}: every row needs {len(head)} values, one for each name in the first line, all different")
    return {name: typed([row[i].strip() for row in rows]) for i, name in enumerate(head)}


def typed(texts: Sequence[str]) -> list[Any]:
    """Texts as what all of them are: truth values, numbers, dates (ISO 8601), else texts; an empty one is None."""
    for read in (_truth, _number, datetime.datetime.fromisoformat):
        try:
            return [read(text) if text else None for text in texts]
        except (ValueError, KeyError):
            continue
    return [text or None for text in texts]


def _truth(text: str) -> bool:
    return WORDS[text.lower()]


def _number(text: str) -> float:
    value = float(text)
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _by_path(table: Path, items: tuple[Any, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any], list[str]]:
    """Rows of one table, by the files that they name; and of how many images there is none."""
    columns = read_fields(table)
    key = next((name for name in NAMED_BY if name in columns), None)
    if key is None or any(side is None for side in items):
        raise InputError(f"{table} is one table for both sides: it needs a column path, and sides of image files; else name two tables")
    folder = table.absolute().parent
    row: dict[str, int] = {}
    for i, path in enumerate(columns.pop(key)):
        first = row.setdefault(os.path.normpath(folder / str(path)), i) if path is not None else i
        if any(values[first] != values[i] for values in columns.values()):
            raise InputError(f"{table} says two things of {path}, in rows {first + 1} and {i + 1}; write one row for each image")
    rows = [[row.get(os.path.normpath(os.path.abspath(os.fspath(item)))) for item in side] for side in items]
    for letter, side in zip("AB", rows, strict=True):
        if side.count(None) == len(side):
            raise InputError(f"{table} names none of the images of {letter} in its column {key}; paths are relative to the table's folder")
    a, b = ({name: [None if i is None else values[i] for i in side] for name, values in columns.items()} for side in rows)
    without, count = sum(side.count(None) for side in rows), sum(map(len, rows))
    said = f"{table.name} says nothing of {without:,} of {count:,} images; these have no value in its fields"
    return a, b, [said] if without else []

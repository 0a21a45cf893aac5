"""Columns of Parquet tables as people and libraries write them: lists and tensors of floats, and names of images."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from .alike import Rows, alike, repeated

IMAGE = re.compile(r"(.*[/\\])?[^/\\]+\.(jpe?g|jfif|png|webp|bmp|gif|tiff?|avif|jp2|heic)", re.IGNORECASE | re.DOTALL)
"""A text that names a picture."""
PATH = re.compile(r"[a-z0-9+]+://.+|([a-zA-Z]:)?[/\\].+", re.IGNORECASE | re.DOTALL)
"""One that may name any file: a licence's address too, a video's, and a label such as "/m/01g317"."""
LOOKED_AT = 100
"""Values of a column by which paths are told."""


def choose(schema: Any, source: str, vector: str | None, name: str | None) -> tuple[str, list[str]]:
    """The column of the vectors, and those that may say whose they are, likeliest first.

    Args:
        schema: of the table.
        source: of it, for messages.
        vector, name: columns that the caller names; None: to be found.

    Raises:
        InputError: there is no such column, or none that fits, or several that do.
    """
    shown = ", ".join(f"{f.name} ({f.type})" for f in schema)[:300]
    for wanted in (vector, name):
        if wanted is not None and wanted not in schema.names:
            raise InputError(f"{source} has no column {wanted!r}; its columns are {shown}")
    vectors = [f.name for f in schema if _of_floats(f.type)]
    if vector is not None and vector not in vectors:
        raise InputError(f"{source}: column {vector!r} holds no vectors of floats; its columns are {shown}")
    found = [vector] if vector is not None else ["vector"] if "vector" in vectors else vectors
    if len(found) != 1:
        raise InputError(f"{source} needs one column of lists of floats, or one named 'vector'; name it (vector=). Its columns are {shown}")
    names = [f.name for f in schema if _of_names(f.type)]
    if name is not None and name not in names:
        raise InputError(f"{source}: column {name!r} holds no texts or integers, and so no ids; its columns are {shown}")
    return found[0], [name] if name is not None else ["id"] if "id" in names else names


def naming(names: Sequence[str], column: Callable[[str], Any], vectors: Rows) -> str | None:
    """The column that says whose a row is; None where none does.

    It names pictures, if possible another in every row; or files of which each stands for one vector; or holds another value in every row.

    Args:
        names: of columns that may, likeliest first.
        column: reads one; those after the first that names another picture in every row are not read.
        vectors: gives the vectors of rows.
    """
    pictures, paths, apart = [], [], []
    for name in names:
        values = column(name)
        is_apart, is_picture = _tells_apart(values), _all_fit(values, IMAGE)
        if is_apart and is_picture:
            return name
        pictures += [name] if is_picture else []
        paths += [name] if _all_fit(values, PATH) else []
        apart += [name] if is_apart else []
    found = pictures or [name for name in paths if _one_vector_each(column(name), vectors)] or apart
    return found[0] if found else None


def _all_fit(names: Any, form: re.Pattern[str]) -> bool:
    import pyarrow as pa

    if not (pa.types.is_string(names.type) or pa.types.is_large_string(names.type)):
        return False
    some = names.drop_null()[:LOOKED_AT].to_pylist()
    return bool(some) and all(form.fullmatch(text) for text in some)


def _tells_apart(names: Any) -> bool:
    import pyarrow.compute as pc

    return bool(len(names) and names.null_count == 0 and pc.count_distinct(names).as_py() == len(names))


def _one_vector_each(names: Any, vectors: Rows) -> bool:
    rows, first = repeated(names)
    return bool(alike(vectors, rows, vectors, first).all())


def plain(column: Any) -> Any:
    """A column without an extension type, and without a dictionary (pandas' categories)."""
    import pyarrow as pa

    column = getattr(column, "storage", column)
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def kind_of(kind: Any) -> np.dtype:
    """Number format of a column of vectors."""
    return np.dtype(_inner(kind).to_pandas_dtype())


def may_miss(row_group: Any, column: str) -> bool:
    """Whether rows of a row group may have no vector: its statistics say so, or say nothing."""
    for i in range(row_group.num_columns):
        chunk = row_group.column(i)
        if chunk.path_in_schema == column or chunk.path_in_schema.startswith(column + "."):
            known = chunk.statistics
            return known is None or not known.has_null_count or known.null_count > 0
    return True


def without_vector(column: Any) -> np.ndarray:
    """(n,) bool: rows that hold nothing, or an empty list."""
    import pyarrow.compute as pc

    lengths = pc.fill_null(pc.list_value_length(plain(column)), 0)
    return np.asarray(lengths.to_numpy(zero_copy_only=False)) == 0


def fixed_width(kind: Any) -> int:
    """Numbers in each row, where the column's type says so; else 0."""
    kind, width = getattr(kind, "storage_type", kind), 1
    while hasattr(kind, "value_type"):
        width, kind = width * getattr(kind, "list_size", 0), kind.value_type
    return width


def first_width(column: Any) -> int:
    """Numbers in the first row that holds a vector; 0 where none does."""
    rows = np.flatnonzero(~without_vector(column))
    return len(_numbers(plain(column)[int(rows[0]) : int(rows[0]) + 1])) if len(rows) else 0


def matrix(column: Any, width: int, dtype: np.dtype, path: str) -> np.ndarray:
    """(n, d) vectors of a batch, NaN where a row has none.

    Raises:
        InputError: vectors of another width.
    """
    column = plain(column)
    here = ~without_vector(column)
    values = _numbers(column)
    if (_counts(column)[here] != width).any():
        raise InputError(f"{path} has rows with a vector of other than {width} numbers; write NaN vectors for images that failed")
    with np.errstate(over="ignore"):  # what overflows is infinite, and reported as such
        values = values.astype(dtype, copy=False).reshape(-1, width)
    if here.all():
        return values
    out = np.full((len(column), width), np.nan, dtype)
    out[here] = values
    return out


def _counts(column: Any) -> np.ndarray:
    """(n,) numbers in each row, of lists of lists (a matrix of Hugging Face's datasets) those of all its lists."""
    import pyarrow.compute as pc

    lengths = np.asarray(pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False))
    inner = column.flatten()
    if not hasattr(inner.type, "value_type"):
        return lengths
    ends = np.concatenate([[0], np.cumsum(lengths)])
    return np.diff(np.concatenate([[0], np.cumsum(_counts(inner))])[ends])


def _numbers(column: Any) -> np.ndarray:
    """All numbers of all rows; a missing number inside a vector is NaN."""
    while hasattr(column.type, "value_type"):
        column = column.flatten()
    if column.null_count and column.type.bit_width == 16:  # pyarrow makes objects of half floats with gaps
        return np.array([np.nan if v is None else v for v in column.to_pylist()], np.float16)
    return np.asarray(column.to_numpy(zero_copy_only=False))


def _inner(kind: Any) -> Any:
    """Type of the numbers in lists, lists of lists or tensors."""
    kind = getattr(kind, "storage_type", kind)
    while hasattr(kind, "value_type") and not hasattr(kind, "index_type"):
        kind = kind.value_type
    return kind


def _of_floats(kind: Any) -> bool:
    import pyarrow as pa

    stored = getattr(kind, "storage_type", kind)
    return bool(_is_list(stored) and pa.types.is_floating(_inner(stored)))


def _is_list(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _of_names(kind: Any) -> bool:
    import pyarrow as pa

    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind))

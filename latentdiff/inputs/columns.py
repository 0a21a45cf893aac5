"""Fields of the images as people hold them (a dict of arrays, a data frame) → columns that can be tested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..compute.files import as_text
from ..compute.garbage import no_search_for_cycles
from ..compute.values import plain
from ..embed.measures import HASH, as_hashes, near_duplicates
from ..errors import InputError
from .column_kinds import Column, column_of

UNNAMED = "unnamed"
"""What a field without a name is called: the running number of rows, where pandas wrote the table."""
Fields = Mapping[str, Any] | None
"""By field: one value per row. A ``pandas.DataFrame`` is one."""
Both = tuple[dict[str, Sequence[Any]], dict[str, Sequence[Any]]]
"""Checked fields of A and of B, a value for each row as given."""


@dataclass(frozen=True, eq=False)
class Columns:
    """Fields that can be tested, and why others cannot."""

    columns: tuple[Column, ...]
    left_out: dict[str, str]

    def named(self, name: str) -> Column | None:
        """The column of a field."""
        return next((c for c in self.columns if c.name == name), None)

    def take(self, rows: np.ndarray) -> Columns:
        """The same of some images."""
        return Columns(tuple(c.take(rows) for c in self.columns), self.left_out)


def check_fields(fields_a: Fields, fields_b: Fields, rows: tuple[int, int]) -> Both | None:
    """Fields of both sides, or None where there are none.

    Args:
        fields_a: by name, a value per row of A as given.
        fields_b: the same of B.
        rows: (rows of A, rows of B), as given.

    Raises:
        InputError: fields of one side alone, of another length, two of one name, or that are no mapping.
    """
    if fields_a is None and fields_b is None:
        return None
    return _recounted(_checked("a", fields_a, rows[0]), _checked("b", fields_b, rows[1]))


def read_columns(held: Both, used: np.ndarray) -> Columns:
    """Columns of checked fields.

    Args:
        held: fields of A and B.
        used: rows that are compared, as numbers among A's rows and then B's, in their order.
    """
    columns, left_out = [], {name: "on one side only" for name in [*held[0], *held[1]] if (name in held[0]) != (name in held[1])}
    for name in (name for name in held[0] if name in held[1]):
        values = [*held[0][name], *held[1][name]]
        if name.rpartition(".")[2] == HASH and as_hashes(values) is not None:
            left_out[name] = "it tells near-duplicates, no kinds of images"
            continue
        with no_search_for_cycles():
            found = column_of(name, [values[i] for i in used.tolist()])
        if isinstance(found, str):
            left_out[name] = found
        else:
            columns.append(found)
    return Columns(tuple(columns), left_out)


def _recounted(a: dict[str, Sequence[Any]], b: dict[str, Sequence[Any]]) -> Both:
    """Near-duplicates are counted over both sides: a count within one grows with it, which by itself tells sides of unequal size apart."""
    for name in (name for name in a if name in b and name.rpartition(".")[2] == HASH):
        counted, hashes = f"{name.removesuffix(HASH)}duplicates", (as_hashes(a[name]), as_hashes(b[name]))
        if counted in a and counted in b and hashes[0] is not None and hashes[1] is not None:
            together = near_duplicates([*hashes[0], *hashes[1]]).tolist()
            a, b = {**a, counted: together[: len(a[name])]}, {**b, counted: together[len(a[name]) :]}
    return a, b


def _checked(side: str, given: Fields, n: int) -> dict[str, Sequence[Any]]:
    if given is None:
        raise InputError(f"fields_{side} is missing; give the fields of both sides")
    if not hasattr(given, "items"):
        ways = [f".{way}()" for way in ("to_pandas", "to_pydict", "to_dict") if hasattr(given, way)]
        kind = f"{type(given).__module__.partition('.')[0]}.{type(given).__name__}" if ways else type(given).__name__
        told = f"; pass its {' or its '.join(ways)}" if ways else ""
        raise InputError(f"fields_{side} must be a dict of arrays or a data frame of pandas, not {kind}{told}")
    out: dict[str, Sequence[Any]] = {}
    for name, values in given.items():
        if isinstance(values, (str, bytes)) or not hasattr(values, "__len__") or len(values) != n:
            got = len(values) if hasattr(values, "__len__") and not isinstance(values, (str, bytes)) else repr(values)
            raise InputError(f"fields_{side}[{name!r}] must hold one value per row: {n} values, not {got}")
        known_as = as_text(name) if str(name).strip() else UNNAMED
        if known_as in out:
            raise InputError(f"fields_{side} holds two fields that are called {known_as!r}; give each a name of its own")
        out[known_as] = plain(values)
    return out

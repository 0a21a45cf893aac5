"""The papers' figures, from the package's data file ``papers.json``, and ours beside them in the same tables and bars."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

from .suite import Bars, Report, Table

NONE = float("nan")


def papers_tables(name: str) -> tuple[Table, ...]:
    """The papers' tables for a suite, as published."""
    return tuple(_table(entry) for entry in _entries(name))


def with_papers(report: Report, name: str) -> Report:
    """A report whose tables and bars show the papers' figures beside ours.

    An entry of the data file says where by its ``"beside"``: the title of our ``"table"``; the paper's ``"columns"`` and what they are
    called there (several entries may fill one column); ``"names"`` of our rows where they differ from the paper's; a ``"plot"`` of bars
    that gets the same columns as further series. Or ``"rows"`` that are added to our table as they are, and what their columns are called
    there (``"header"``).

    Args:
        report: what a suite found.
        name: the suite.
    """
    tables, plots = list(report.tables), dict(report.plots)
    for entry in _entries(name):
        place = entry.get("beside", {})
        for i, table in enumerate(tables):
            if table.title == place.get("table"):
                tables[i] = _with_rows(table, entry) if "rows" in place else _with_columns(table, entry)
        bars = plots.get(place.get("plot", ""))
        if isinstance(bars, Bars):
            plots[place["plot"]] = _with_series(bars, entry)
    return dataclasses.replace(report, tables=tuple(tables), plots=plots)


def _entries(name: str) -> list[dict[str, Any]]:
    return json.loads(resources.files(__package__).joinpath("papers.json").read_text(encoding="utf8")).get(name, [])


def _table(entry: Mapping[str, Any]) -> Table:
    return Table(entry["title"], tuple(entry["header"]), tuple(map(tuple, entry["rows"])), entry.get("note", ""))


def _columns(entry: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Title of each further column → our row's name → the paper's figure."""
    names = entry["beside"].get("names") or [row[0] for row in entry["rows"]]
    out = {}
    for column, title in entry["beside"]["columns"].items():
        place = entry["header"].index(column)
        figures = {name: row[place] for name, row in zip(names, entry["rows"], strict=True)}
        out[title] = {name: figure for name, figure in figures.items() if name is not None and figure is not None}
    return out


def _with_columns(table: Table, entry: Mapping[str, Any]) -> Table:
    """The table with the paper's columns; one that an earlier entry made gets the rows that it lacks."""
    columns = {title: own for title, own in _columns(entry).items() if any(row[0] in own for row in table.rows)}
    header = tuple(dict.fromkeys((*table.header, *columns)))

    def filled(row: tuple[Any, ...]) -> tuple[Any, ...]:
        cells = dict(zip(table.header, row, strict=True))
        cells |= {title: own[row[0]] for title, own in columns.items() if row[0] in own}
        return tuple(cells.get(title, NONE) for title in header)

    return dataclasses.replace(table, header=header, rows=tuple(map(filled, table.rows)))


def _with_rows(table: Table, entry: Mapping[str, Any]) -> Table:
    place = entry["beside"]
    own = {ours: entry["header"].index(paper) for paper, ours in place["header"].items()}
    rows = {row[0]: row for row in entry["rows"]}
    added = [(title, *(rows[name][own[h]] if h in own else NONE for h in table.header[1:])) for name, title in place["rows"].items()]
    return dataclasses.replace(table, rows=(*table.rows, *added))


def _with_series(bars: Bars, entry: Mapping[str, Any]) -> Bars:
    columns = {title: own for title, own in _columns(entry).items() if any(g in own for g in bars.groups)}
    return dataclasses.replace(bars, series={**bars.series, **{t: [own.get(g, NONE) for g in bars.groups] for t, own in columns.items()}})

"""A comparison of groups → the small dictionaries that the panel draws, and Plotly traces: the map of rates and the tree."""

from __future__ import annotations

import dataclasses
from typing import Any

from latentdiff.report import percent
from latentdiff.report.group_figures import row_names, rows_of, shortened, tree_of
from latentdiff.report.groups import group_verdict, notes
from latentdiff.report.text import apart, isolated

COURSE_COLOURS = ("255, 109, 4", "76, 155, 232", "102, 187, 106", "186, 104, 200")
"""Of lines, so that two beside each other are told apart on light and dark."""
COURSES = len(COURSE_COLOURS)
LOWEST, FULL = "rgb(52, 48, 46)", "rgb(190, 80, 4)"
UNCHANGED = (
    "Nothing by which a bin differs from the rest changes at some time. In Python compare_over_time tests every concept and word, "
    "also what no single bin shows."
)
NAMED = 34
"""Letters of a finding's name beside the map; "looks like: " is twelve of them."""
INK = "rgb(255, 255, 255)"
"""Cells are opaque, and their numbers can be read on the emptiest and the fullest of them, in either theme."""


def group_board(groups: Any, chosen: str) -> dict[str, Any]:
    """All that the panel shows of groups beside the one that is open.

    Args:
        groups: a ``GroupsOfDataset`` that is stored.
        chosen: the group whose differences are shown.

    Returns:
        JSON: ``name`` of the run, ``verdict``, ``differs``, ``notes``, ``chosen``, ``names`` (of all groups) and ``about`` of each,
        ``across`` and ``down``: what stands beside the map, ``tree``: the names beside the tree; where the groups are bins, ``over`` (what
        stands below the lines) and ``course``: what changes, in sentences.
    """
    found, trends = groups.found, apart(groups.trends)
    told = dataclasses.replace(found, names=tuple(map(isolated, found.names)))
    differing, called = set(found.differing), row_names(found)
    return {
        "name": groups.name,
        "verdict": group_verdict(told),
        "differs": bool(found.differs),
        "notes": [*(f"{note}." for note in notes(found)), *([UNCHANGED] if trends and not trends.trends else [])],
        "chosen": chosen,
        "names": list(found.names),
        "about": [f"{isolated(name)}{': differs' if name in differing else ''}" for name in found.names],
        "across": [shortened(name) for name in found.names],
        "down": [shortened(called[row], NAMED) for row in rows_of(found)],
        "course": [trends.told(trend) for trend in trends.trends[:COURSES]] if trends else [],
        "over": _over(trends),
        "tree": [shortened(name) for name in tree_of(found).names] if len(found.names) > 2 else [],
    }


def rate_map(groups: Any) -> list[dict[str, Any]]:
    """One heat map: findings down, groups across; a cell's ``ids`` entry is "finding|group", both by number."""
    found = groups.found
    rows, k = rows_of(found), len(found.names)
    if not rows:
        return []
    rates, called = found.rates[rows].tolist(), row_names(found)
    said = [
        [f"{_text(called[row])}: {percent(rate)} of {_text(name)}" for name, rate in zip(found.names, of_row, strict=True)]
        for row, of_row in zip(rows, rates, strict=True)
    ]
    return [
        {
            "type": "heatmap",
            "z": rates,
            "x": list(range(k)),
            "y": list(range(len(rows))),
            "ids": [[f"{row}|{g}" for g in range(k)] for row in rows],
            "text": [[percent(rate) for rate in of_row] for of_row in rates],
            "texttemplate": "%{text}",
            "textfont": {"color": INK},
            "hovertext": said,
            "hoverinfo": "text",
            "zmin": 0,
            "zmax": max(max(map(max, rates)), 0.01),
            "colorscale": [[0, LOWEST], [1, FULL]],
            "showscale": False,
            "xgap": 2,
            "ygap": 2,
        }
    ]


def _over(trends: Any) -> list[str]:
    """Names of the bins below the lines; none where no line is drawn."""
    return [shortened(name) for name in trends.bins] if trends and trends.trends else []


def course_lines(groups: Any) -> list[dict[str, Any]]:
    """Per trend a band and a line with a point a bin, whose ``ids`` entry is "finding|group"; the point from which it changes is larger."""
    trends, out = groups.trends, []
    for trend, colour in zip(trends.trends[:COURSES] if trends else (), COURSE_COLOURS, strict=False):
        x, row = list(range(len(trends.bins))), groups.found.rate_texts.index(trend.text)
        band = {"x": x + x[::-1], "y": [*trend.high, *trend.low[::-1]], "fill": "toself", "fillcolor": f"rgba({colour}, 0.15)"}
        out.append({"type": "scatter", "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False, **band})
        changes = {change.bin for change in trend.changes}
        said = [f"{_text(trend.text)}: {percent(rate)} of {_text(name)}" for name, rate in zip(trends.bins, trend.rates, strict=True)]
        out.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": _text(shortened(trend.text)),
                "x": x,
                "y": list(trend.rates),
                "ids": [f"{row}|{g}" for g in x],
                "hovertext": said,
                "hoverinfo": "text",
                "line": {"color": f"rgb({colour})"},
                "marker": {"size": [12 if g in changes else 6 for g in x]},
            }
        )
    return out


def tree_lines(groups: Any) -> list[dict[str, Any]]:
    """One trace: the joints of the tree, each lifted from the next; none of two groups."""
    if len(groups.found.names) < 3:
        return []
    x: list[float | None] = []
    y: list[float | None] = []
    for line in tree_of(groups.found).lines:
        x += [at for at, _ in line] + [None]
        y += [row for _, row in line] + [None]
    stroke = {"color": "rgb(127, 127, 127)", "width": 1.5}
    return [{"type": "scatter", "mode": "lines", "x": x, "y": y, "line": stroke, "hoverinfo": "x", "showlegend": False}]


def cell(groups: Any, params: dict[str, Any]) -> tuple[str, str] | None:
    """The finding and the group that a click on the map meant; None where it meant none."""
    found = groups.found
    row, between, group = str(params.get("id") or "").partition("|")
    if not between and params.get("x") is not None and params.get("y") is not None:  # without its id: by its place
        rows, at = rows_of(found), str(params["y"])
        row, group = (str(rows[int(at)]) if at.isdigit() and int(at) < len(rows) else ""), str(params["x"])
    if not (row.isdigit() and group.isdigit() and int(row) < len(found.rate_texts) and int(group) < len(found.names)):
        return None
    return found.rate_texts[int(row)], found.names[int(group)]


def _text(text: str) -> str:
    """Plotly reads a little HTML in its texts; a name in one keeps to itself."""
    return isolated(text).replace("&", "&amp;").replace("<", "&lt;")

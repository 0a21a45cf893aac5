"""How the panel shows groups: who differs, the map of rates, the tree, and which group is open."""

from __future__ import annotations

from html import escape
from typing import Any

from fiftyone.operators import types

from latentdiff.report.text import plain_markdown as plain

from .style import FAINT, ONE_COLUMN, ROW, SMALL, choice, grid
from .toolbar import noted

CONFIG = {"displayModeBar": False, "scrollZoom": False, "responsive": True}
CELL, EDGE = 26, 90
"""Pixels of a row of the tree or the map, and of what stands round a tree."""
LEAST, NAMES, LETTER, TICK = 38, 150, 7, 15
"""Pixels that a cell of the map is wide at least ("100%" is 36), of names of rows, of a letter of a name, and from there to the cells."""
TOLD = "How often each group shows each finding. Click a cell: its group opens below, and the grid shows the images."
LINES = "Share of each bin's images that show it, with 95 % bands; a large point is where it changes. Click a point to see its images."
WHAT = "Groups that look alike are joined near the left, at the AUC by which they can be told apart (0.5 not at all, 1 always)."


def groups(panel: Any, root: types.Object, board: dict[str, Any], *, unfolded: bool = False) -> None:
    """Everything of a comparison of groups but the cards of the one that is open.

    Args:
        panel: the panel whose methods the plots call.
        root: where it goes.
        board: of :func:`~.group_figures.group_board`.
        unfolded: whether its notes are.
    """
    box = root.v_stack("many", gap=1, componentsProps=grid(width="100%", minWidth=0, **ONE_COLUMN))
    box.view("verdict", types.AlertView(severity="success" if board["differs"] else "info", label=board["verdict"]))
    noted(panel, box, board["notes"], unfolded=unfolded)
    if board.get("over"):
        box.md("\n".join(f"- {plain(told)}" for told in board["course"]), name="changes")
        legend = {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"}
        layout = {**_axes({"x": board["over"]}), "margin": {"t": 40, "l": 60, "b": 60, "r": 10}, "showlegend": True, "legend": legend}
        layout["xaxis"]["range"] = [-0.3, len(board["over"]) - 0.7]  # the first bin's name stands clear of the lowest share
        layout["yaxis"] = {"tickformat": ".0%", "rangemode": "tozero", "fixedrange": True}
        box.plot("course", on_click=panel.click_course, height="300px", width="100%", config=CONFIG, layout=layout)
        box.md(LINES, name="lines", componentsProps=FAINT)
    if board["down"]:
        box.md(TOLD, name="told", componentsProps=FAINT)
        _rates(panel, box, board["across"], board["down"])
    if board["tree"]:
        box.md(WHAT, name="what", componentsProps=FAINT)
        layout = {**_axes({"y": board["tree"]}), "margin": {"t": 10, "l": NAMES, "b": 40, "r": 10}}
        layout["yaxis"]["range"] = [len(board["tree"]) - 0.5, -0.5]
        layout["xaxis"] = {"title": {"text": "AUC"}, "fixedrange": True, "zeroline": False}
        box.plot("tree", height=f"{EDGE + CELL * len(board['tree'])}px", width="100%", config=CONFIG, layout=layout)
    row = box.h_stack("row", gap=1, componentsProps=grid(**ROW, alignItems="flex-end"))
    named = dict(zip(board["names"], board["about"], strict=True))
    choice(row, "group", "Group", named, board["chosen"], panel.on_change_group)
    text = "All its images in the grid"
    row.btn("show", label="Show its images", variant="outlined", title=text, on_click=panel.show_group, componentsProps=SMALL)


def _rates(panel: Any, box: types.Object, across: list[str], down: list[str]) -> None:
    """The map of rates, names of groups above it; where the panel is too narrow for its cells, it is moved sideways."""
    longest = LETTER * max(map(len, across))
    slanted = longest > LEAST
    above = 20 + (round(0.7 * longest) if slanted else 10)  # at 45 degrees
    names = max(NAMES, LETTER * max(map(len, down)) + TICK)  # what names of rows do not get they take from the cells
    layout = {**_axes({"x": across, "y": down}), "margin": {"t": above, "l": names, "b": 10, "r": 10}}
    layout["xaxis"] |= {"side": "top", "tickangle": 45 if slanted else 0, "automargin": False}
    layout["yaxis"] |= {"automargin": False}  # else the App's plots take from the cells what they think that names need
    scroll = box.v_stack("scroll", componentsProps=grid(width="100%", minWidth=0, overflowX="auto", **ONE_COLUMN))
    wide = scroll.v_stack("wide", componentsProps=grid(width="100%", minWidth=f"{names + 10 + LEAST * len(across)}px", **ONE_COLUMN))
    height = f"{above + 10 + CELL * len(down)}px"
    wide.plot("rates", on_click=panel.click_rate, height=height, width="100%", config=CONFIG, layout=layout)


def _axes(names: dict[str, list[str]]) -> dict[str, Any]:
    """Axes whose whole numbers have names; the first row is on top."""
    out: dict[str, Any] = {"hovermode": "closest", "dragmode": False, "xaxis": {"fixedrange": True}, "yaxis": {"fixedrange": True}}
    for axis, of in names.items():
        ticks = {"tickvals": list(range(len(of))), "ticktext": [escape(name, quote=False) for name in of]}
        out[f"{axis}axis"] |= {**ticks, "zeroline": False, "showgrid": False}
    out["yaxis"]["autorange"] = "reversed"
    return out

"""How the panel shows fields that differ, and what was set aside."""

from __future__ import annotations

from typing import Any

from fiftyone.operators import types

from latentdiff.report.text import plain_markdown as plain

from .style import FAINT, ONE_COLUMN, ROW, SMALL, grid

ASIDE = "I know this: what else?"
WHY = "Compare again, each image with those that are alike in this: what differs beyond it?"


def fields(panel: Any, root: types.Object, board: dict[str, Any]) -> None:
    """Every field that differs, best first, each with a button that sets it aside."""
    box = root.v_stack("fields", gap=1, componentsProps=grid(width="100%", minWidth=0, **ONE_COLUMN))
    if not board["fields"]:
        said = "No field differs." if board["tested"] else "No fields were compared: choose them in the form of **Compare two views**."
        box.md(said, name="none", componentsProps=FAINT)
    else:
        _differing(panel, box, board)
    if board["untested"]:
        box.md(plain("; ".join(board["untested"])) + ".", name="untested", componentsProps=FAINT)


def _differing(panel: Any, box: types.Object, board: dict[str, Any]) -> None:
    box.md("What else is known of the images and differs between the sides, tested at the level that the pictures share.", name="what")
    for i, row in enumerate(board["fields"]):
        line = box.h_stack(f"field_{i}", gap=1, componentsProps=grid(**ROW, alignItems="center"))
        line.md(f"**{plain(row['title'])}**: {plain(row['text'])}", name="text")
        at = {"run": board["name"], "known": row["name"]}
        line.btn("aside", label=ASIDE, variant="text", title=WHY, on_click=panel.set_aside, params=at, componentsProps=SMALL)
    if board["more_fields"]:
        box.md(f"and {board['more_fields']:,} more, in the report", name="more", componentsProps=FAINT)


def set_aside(panel: Any, root: types.Object, board: dict[str, Any]) -> None:
    """What this comparison looks past, each with a button that takes it back."""
    if not board["given"]:
        return
    row = root.h_stack("given", gap=0.5, componentsProps=grid(**ROW, alignItems="center"))
    row.md("Looking past:", name="past", componentsProps=FAINT)
    for i, known in enumerate(board["given"]):
        at = {"run": board["name"], "known": known}
        title = "Take it back: compare without looking past it"
        row.btn(f"back_{i}", label=known, icon="close", variant="outlined", title=title, on_click=panel.take_back, params=at)

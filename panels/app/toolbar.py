"""How the panel's tool-bar looks, the list of comparisons, and the choice of what cards are shown in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fiftyone.operators import types

from fiftyone_plugin.listing import NEWEST
from fiftyone_plugin.listing import ORDERS as LIST_ORDERS
from latentdiff.report.arranging import ALL, BEST, ONLY, ORDERS
from latentdiff.report.text import plain_markdown as plain

from .style import FAINT, FAINT_TIGHT, ONE_COLUMN, ROW, SMALL, choice, entered, grid, named

VERDICT = (
    "AUC: how well all vectors together tell the two sides apart, on images not learnt from (0.5 not at all, 1 perfectly). "
    "p: how often two sides that do not differ would look this different."
)
GROUPS = "Compare groups: cameras, sites, months, each against the rest, and every pair"
GAP = "Close the gap: which images of a pool to label, so that one side becomes like the other; and weights for its own"
LISTED = {"container": {"sx": {**FAINT_TIGHT["container"]["sx"], "& ul": {"m": 0, "pl": 2.5}}}}
LINE = 120
"""Letters of a note that fit into a line or two of a panel beside the grid."""
CHOICE = {"flex": "1 1 130px", "minWidth": "min(130px, 100%)", "maxWidth": "360px"}
TOOLBAR = {"alignItems": "flex-end", "pt": 0.5, "&& > *:has([role=combobox])": CHOICE}
"""A drop-down would take a whole line of its own; two of them stand beside a search where the panel is 560 pixels wide. Their labels
reach above them."""


def toolbar(panel: Any, root: types.Object, names: list[str], state: dict[str, Any], *, vectors: bool, gap: bool) -> None:
    """Which comparison, the one button, and icons for what is rarer: low, since cards are what people came for.

    Args:
        panel: the panel whose methods the buttons call.
        root: where it goes.
        names: of the comparisons, newest first.
        state: as of the panel.
        vectors: whether there is anything to compare.
        gap: whether the gap of the open comparison can be closed.
    """
    bar_ = root.h_stack("toolbar", gap=1, componentsProps=grid(**{**ROW, **TOOLBAR}))
    if names:
        choice(bar_, "run", "Comparison", {name: name for name in names}, state.get("run"), panel.on_change_run)
    first = "contained" if vectors else "outlined"
    bar_.btn("compare", label="Compare two views", icon="compare_arrows", variant=first, on_click=panel.compare)
    # In a row of their own: together they go into the next line, and only where that is too narrow into two.
    # As high as the button beside them.
    icons = bar_.h_stack("tools", gap=0, componentsProps=grid(**ROW, alignItems="center", minHeight="33px"))

    def icon(name: str, symbol: str, title: str, method: Any, **more: Any) -> None:
        icons.btn(name, label="", icon=symbol, variant="text", title=title, on_click=method, componentsProps=named(title), **more)

    icon("groups", "grid_view", GROUPS, panel.compare_groups)
    if names:
        icon("list", "history", "Hide the list" if state.get("listed") else "All comparisons", panel.list_runs)
        icon("arrange", "filter_list", "Sort, filter or search the differences", panel.arrange)
        icon("report", "summarize", "Export a report", panel.report)
    icon("refresh", "refresh", "Refresh", panel.refresh)
    icon("folders", "folder_open", "Folders or zip files: images that are in no dataset", panel.open_page)
    if gap:
        icon("gap", "playlist_add_check", GAP, panel.close_gap)
    if names:
        icon("help", "help_outline", "What do these numbers mean?", panel.explain, params={"text": VERDICT})


def listed(panel: Any, root: types.Object, runs: list[dict[str, Any]], state: dict[str, Any]) -> None:
    """Past comparisons, sorted and searched, each with what can be done with it; and two of them beside each other."""
    box = root.v_stack("past", gap=0.5, variant="outline", componentsProps=grid(p=1, width="100%", **ONE_COLUMN))
    chosen, how, of_groups = state.get("run"), state.get("list_how") or {}, state["of_groups"]
    row = box.h_stack("how", gap=1, componentsProps=grid(**{**ROW, **TOOLBAR}))
    choice(row, "order", "Order", {name: text for name, (text, _) in LIST_ORDERS.items()}, how.get("order") or NEWEST, panel.list_order)
    _search(row, "words", how.get("search"), panel.list_find)
    if not runs:
        box.md("No comparison has these words.", name="none", componentsProps=FAINT)
    for i, run in enumerate(runs):
        props = grid(**ROW, alignItems="center", width="100%", borderTop=1, borderColor="divider", pt=0.5)
        row = box.h_stack(f"run_{i}", gap=0.5, componentsProps=props)
        at = {"run": run["name"]}
        variant = "outlined" if run["name"] == chosen else "text"
        row.btn("open", label=run["name"], variant=variant, on_click=panel.open_run, params=at, title="Open this comparison")
        row.md(plain(run["about"]), name="about", componentsProps=FAINT)
        tools = row.h_stack("tools", gap=0, componentsProps=grid(**ROW, alignItems="center"))
        same = run["name"] == chosen or run["name"] in of_groups or chosen in of_groups  # only two of two sides stand beside each other
        others = [] if same else [("beside", "difference", "What became of its differences in the open one", panel.beside)]
        for name, icon, tooltip, method in (
            *others,
            ("rename", "drive_file_rename_outline", "Rename", panel.rename),
            ("again", "replay", "Compare these images again", panel.again),
            ("delete", "delete_outline", "Delete", panel.delete),
        ):
            tools.btn(name, label="", icon=icon, variant="text", title=tooltip, on_click=method, params=at, componentsProps=named(tooltip))
        box.md(plain(run["details"]), name=f"details_{i}", componentsProps=FAINT_TIGHT)
        beside = state.get("beside")
        if beside and beside["before"] == run["name"]:
            box.md(_beside(beside), name="beside")


def _beside(found: dict[str, Any]) -> str:
    """What stayed, is new or gone, and what another card tells, as Markdown."""
    lines = []
    for _, heading, texts, more in found["lists"]:
        lines += [f"**{plain(heading)}**", *([f"- {plain(text)}" for text in texts] or ["- none"])]
        lines += [f"- and {more} more" if more else "", ""]
    return "\n".join(lines)


def _search(row: types.Object, name: str, now: str | None, method: Any) -> None:
    """A text field, and the button that looks for its text."""
    row.str(name, label="With the words", default=now or "", view=types.TextFieldView())
    row.btn("find", label="Find", icon="search", variant="outlined", on_click=method)
    entered(row, method)


def arrangement(panel: Any, root: types.Object, how: dict[str, str]) -> None:
    """How cards are sorted and filtered, and a text to be found in them."""
    row = root.h_stack("arrangement", gap=1, componentsProps=grid(**{**ROW, **TOOLBAR}))
    choice(row, "order", "Order", {name: text for name, (text, _) in ORDERS.items()}, how.get("order") or BEST, panel.order)
    choice(row, "only", "Show", ONLY, how.get("only") or ALL, panel.only)
    _search(row, "search", how.get("search"), panel.find)


def noted(panel: Any, root: types.Object, notes: Sequence[str], *, unfolded: bool) -> None:
    """What was left out, or sent: one line stands there, more are folded, since cards are what people came for.

    Args:
        panel: the panel whose methods the buttons call.
        root: where it goes.
        notes: what is to be known, a text each.
        unfolded: whether they are to be read.
    """
    many = len(notes) > 1 or any(len(note) > LINE for note in notes)
    if many:
        label = f"{len(notes)} note{'s' if len(notes) > 1 else ''}"
        _fold(root, "noted", label, None, panel.note, unfolded=unfolded)  # a title would cover the tabs
    if notes and (unfolded or not many):
        root.md(_listed(notes), name="notes", componentsProps=LISTED)


def _listed(texts: Sequence[str]) -> str:
    """Texts as Markdown: below each other, since they have nothing to do with each other; one alone as a sentence."""
    said = [f"{plain(text[:1].upper() + text[1:]).removesuffix('.')}." for text in texts]
    return said[0] if len(said) == 1 else "\n".join(f"- {text}" for text in said)


def shifted(panel: Any, root: types.Object, board: dict[str, Any], *, unfolded: bool) -> None:
    """Slight shifts, folded below the cards: they are no findings."""
    if not board["shifts"]:
        return
    title = "Scores that are a little higher on one side, though (next to) no image crosses over: no findings"
    _fold(root, "shifted", board["shifted"], title, panel.unfold_shifts, unfolded=unfolded)
    if unfolded:
        root.md(_listed(board["shifts"]), name="shifts", componentsProps=LISTED)


def _fold(root: types.Object, name: str, label: str, title: str | None, method: Any, *, unfolded: bool) -> None:
    icon = "expand_less" if unfolded else "expand_more"
    root.btn(name, label=label, icon=icon, variant="text", title=title, on_click=method, componentsProps=SMALL)

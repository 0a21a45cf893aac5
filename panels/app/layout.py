"""How the panel looks: pure functions from the board's dictionaries to FiftyOne's components."""

from __future__ import annotations

from typing import Any

from fiftyone.operators import types

from fiftyone_plugin.store.groups import split
from latentdiff.report.text import plain_markdown as plain

from .card_layout import card
from .field_tab import fields, set_aside
from .group_layout import groups
from .style import COLOURS, FAINT, ONE_COLUMN, ROW, SMALL, bar, grid
from .tabs import concepts, question, scores

COLUMNS = {
    "display": "grid",
    "gridTemplateColumns": "repeat(auto-fit, minmax(min(210px, 100%), 1fr))",
    "gridAutoFlow": "row",
    "width": "100%",
    "alignItems": "start",
    "&& > *": {"minWidth": 0, "width": "100%"},
}
"""Side by side where there is room, below each other where not (a stack flows by columns unless told otherwise)."""
VERDICT = (
    "AUC: how well all vectors together tell the two sides apart, on images not learnt from (0.5 not at all, 1 perfectly). "
    "p: how often two sides that do not differ would look this different."
)
TOOLBAR = {"alignItems": "flex-end", "&& > *:has([role=combobox])": {"flex": "0 1 240px", "minWidth": "min(140px, 100%)"}}
"""The drop-down would take a whole line of its own."""
TABBED: dict[str, Any] = {"borderBottom": 1, "borderColor": "divider", "& .MuiTabs-flexContainer": {"flexWrap": "wrap"}}
TABBED |= {"& .MuiTabs-indicator": {"display": "none"}, "& .MuiTab-root.Mui-selected": {"borderBottom": "2px solid"}}
"""Tabs go on in the next line where the panel is narrow; the App's own line under the chosen one knows one line only."""
DIFFERENCES, FIELDS, SCORES, CONCEPTS, ASK = "differences", "fields", "scores", "concepts", "ask"
TABS = {DIFFERENCES: "Differences", FIELDS: "Fields", SCORES: "Images by score", CONCEPTS: "All concepts", ASK: "Ask"}


def page(panel: Any, root: types.Object, state: dict[str, Any], drawn: str) -> None:
    """The whole panel.

    Args:
        panel: the panel whose methods the buttons call.
        root: where it goes.
        state: ``shown`` (runs, what waits, the board, an error), ``run``, ``page`` (the tab), ``listed`` (past comparisons unfolded),
            ``detail`` (the unfolded card), ``point`` (the concept that was clicked), ``range`` (of scores), ``framed`` (the address of the
            page for folders and zip files, while it is shown), ``nonce`` (what buttons pass on that write at once).
        drawn: tells this drawing from others; the timer sends it back.
    """
    if state.get("framed"):
        root.btn("back", label="Back to the comparisons", icon="arrow_back", variant="outlined", on_click=panel.close_page)
        root.view("frame", types.View(component="LatentDiffPage", composite_view=True, url=state["framed"]))
        return
    shown = state.get("shown") or {}
    name = split(state.get("run") or "")[0]
    _toolbar(panel, root, shown.get("runs") or [], name, bool(state.get("listed")), bool(shown.get("vectors")))
    if state.get("listed"):
        _runs(panel, root, shown.get("runs") or [], name)
    for i, waiting in enumerate(shown.get("delegated") or []):
        _delegated(panel, root, i, waiting, state["nonce"])
    for i, name in enumerate(shown.get("interrupted") or []):
        _interrupted(panel, root, i, name)
    if shown.get("leftovers"):
        _leftovers(root, shown["leftovers"])
    if shown.get("error"):
        root.view("error", types.AlertView(severity="error", label="This comparison cannot be opened", description=shown["error"]))
    if not shown.get("runs"):
        _empty(panel, root, shown)
    if shown.get("groups"):
        groups(panel, root, shown["groups"])
    if shown.get("board"):
        _board(panel, root, shown["board"], state)
    often = 2000 if shown.get("delegated") else 15000
    # By its own name, since a timer of the same name would go on with the parameters that it was first drawn with.
    root.view(f"timer_{drawn}", types.TimerView(interval=often, on_interval=panel.look, params={"drawn": drawn}))


def _toolbar(panel: Any, root: types.Object, runs: list[dict[str, Any]], name: str, listed: bool, vectors: bool) -> None:
    bar_ = root.h_stack("toolbar", gap=1, componentsProps=grid(**{**ROW, **TOOLBAR}))
    if runs:
        names = [run["name"] for run in runs]
        choices = types.DropdownView()
        for name in names:
            choices.add_choice(name, label=name)
        chosen = bar_.enum("run", names, label="Comparison", default=name, view=choices, on_change=panel.on_change_run)
        chosen.required = True
    first = "contained" if vectors else "outlined"
    bar_.btn("compare", label="Compare two views", icon="compare_arrows", variant=first, on_click=panel.compare)
    title = "Cameras, sites, months: each group against the rest, and every pair"
    bar_.btn("groups", label="Compare groups", icon="grid_view", variant="outlined", on_click=panel.compare_groups, title=title)
    if runs:
        text = "Hide the list" if listed else "All comparisons"
        title = "Open, rename, delete or repeat an earlier comparison"
        bar_.btn("list", label=text, icon="history", variant="outlined", on_click=panel.list_runs, title=title)
    bar_.btn("refresh", label="Refresh", icon="refresh", variant="outlined", on_click=panel.refresh)
    title = "Compare images that are in no dataset, on a page of this machine"
    bar_.btn("folders", label="Folders or zip files", icon="folder_open", variant="outlined", on_click=panel.open_page, title=title)


def _runs(panel: Any, root: types.Object, runs: list[dict[str, Any]], chosen: str | None) -> None:
    box = root.v_stack("past", gap=0.5, variant="outline", componentsProps=grid(p=1, width="100%", **ONE_COLUMN))
    for i, run in enumerate(runs):
        row = box.h_stack(f"run_{i}", gap=0.5, componentsProps=grid(**ROW, alignItems="center", width="100%"))
        at = {"run": run["name"]}
        variant = "outlined" if run["name"] == chosen else "text"
        row.btn("open", label=run["name"], variant=variant, on_click=panel.open_run, params=at, title="Open this comparison")
        row.md(plain(run["about"]), name="about", componentsProps=FAINT)
        for name, icon, tooltip, method in (
            ("rename", "drive_file_rename_outline", "Rename", panel.rename),
            ("again", "replay", "Compare these images again", panel.again),
            ("delete", "delete_outline", "Delete", panel.delete),
        ):
            row.btn(name, label="", icon=icon, variant="text", title=tooltip, on_click=method, params=at, componentsProps=SMALL)


def _delegated(panel: Any, root: types.Object, i: int, waiting: dict[str, Any], nonce: dict[str, str]) -> None:
    row = root.h_stack(f"delegated_{i}", gap=1, componentsProps=grid(width="100%", alignItems="center", **ONE_COLUMN))
    name = plain(waiting["run"])
    if waiting["state"] == "running":
        doing = f": {plain(waiting['label'])}" if waiting["label"] else ""
        bar(row, "bar", f"**{name}** is being compared, {waiting['progress']:.0%}{doing}", waiting["progress"], COLOURS["A"])
    elif waiting["state"] == "waiting":
        text = f"{waiting['run']} waits for a worker"
        start = "Workers take comparisons that were scheduled. Start one on the machine that serves the App: fiftyone delegated launch"
        row.view("alert", types.AlertView(severity="info", label=text, description=start))
    else:
        row.view("alert", types.AlertView(severity="error", label=f"{waiting['run']} failed", description=waiting["label"]))
        row.btn("dismiss", label="Dismiss", variant="text", on_click=panel.dismiss, params={"id": waiting["id"], **nonce})


def _interrupted(panel: Any, root: types.Object, i: int, name: str) -> None:
    box = root.v_stack(f"interrupted_{i}", gap=0.5, componentsProps=grid(width="100%", **ONE_COLUMN))
    text = f"The comparison {name} was interrupted, or is still being made in another window."
    box.view("alert", types.AlertView(severity="warning", label=text))
    box.btn("remove", label="Remove what it left", icon="delete_outline", variant="text", on_click=panel.delete, params={"run": name})


def _leftovers(root: types.Object, paths: list[str]) -> None:
    some = ", ".join(paths[:4]) + (f" and {len(paths) - 4} more" if len(paths) > 4 else "")
    text = f"{len(paths)} fields are left of comparisons that are gone: {some}"
    how = "To remove them: fiftyone_plugin.leftover_fields(dataset, remove=True), or latentdiff runs DATASET --tidy on the command line."
    root.view("leftovers", types.AlertView(severity="info", label=text, description=how))


def _empty(panel: Any, root: types.Object, shown: dict[str, Any]) -> None:
    if not shown.get("vectors"):
        steps = (
            "Images are compared by vectors, and this dataset has none yet. Compute them first; then click **Compare two views** "
            "and say which images to compare: saved views, tags, what the grid shows, or another dataset."
        )
        root.md(f"##### How do two sets of images differ?\n\n{steps}", name="empty")
        root.btn("embed", label="Compute embeddings", icon="scatter_plot", variant="contained", on_click=panel.embed)
        return
    steps = (
        "1. Click **Compare two views**.\n"
        "2. Choose two sets of images: saved views, tags, what the grid shows or has selected, or another dataset.\n"
        "3. Read here what differs, and see the images that show it."
    )
    root.md(f"##### How do two sets of images differ?\n\n{steps}", name="empty")


def _board(panel: Any, root: types.Object, board: dict[str, Any], state: dict[str, Any]) -> None:
    root.view("verdict", types.AlertView(severity="success" if board["differs"] else "info", label=board["verdict"]))
    row = root.h_stack("about", gap=1, componentsProps=grid(**ROW, alignItems="center"))
    label = "What do these numbers mean?"
    explain = {"on_click": panel.explain, "params": {"text": VERDICT}}
    row.btn("help", label=label, icon="help_outline", variant="text", title=VERDICT, componentsProps=SMALL, **explain)
    title = "A file to keep or to send: a web page, Markdown, a table or JSON"
    row.btn("report", label="Export a report", icon="summarize", variant="text", title=title, on_click=panel.report, componentsProps=SMALL)
    if board["gap"]:
        title = "Which images of a pool to label, so that one side becomes like the other; and weights for its own"
        text = "Close the gap"
        row.btn("gap", label=text, icon="playlist_add_check", variant="text", title=title, on_click=panel.close_gap, componentsProps=SMALL)
    if board["notes"]:
        row.md(plain("; ".join(board["notes"])) + ".", name="notes", componentsProps=FAINT)
    set_aside(panel, root, board)
    tabs = types.TabsView(componentsProps={"tabs": {"sx": TABBED}})
    offered = {value: text for value, text in TABS.items() if value != FIELDS or board["pair"]}  # groups are of vectors alone
    for value, text in offered.items():
        tabs.add_choice(value, label=text)
    tab = state.get("page") if state.get("page") in offered else DIFFERENCES
    root.enum("tab", list(offered), default=tab, view=tabs, on_change=panel.on_change_tab)
    if tab == SCORES:
        scores(panel, root, board, state)
    elif tab == CONCEPTS:
        concepts(panel, root, board, state)
    elif tab == FIELDS:
        fields(panel, root, board)
    elif tab == ASK:
        question(panel, root, board, state)
    else:
        _differences(panel, root, board, state.get("detail"))


def _differences(panel: Any, root: types.Object, board: dict[str, Any], detail: dict[str, Any] | None) -> None:
    columns = root.h_stack("columns", gap=2, align_y="top", componentsProps=grid(**COLUMNS))
    for side in "AB":
        part = board["sides"][side]
        column = columns.v_stack(f"side_{side}", gap=1.5, componentsProps=grid(width="100%", minWidth=0, **ONE_COLUMN))
        column.md(f"##### More in {plain(part['name'])}\n\n{part['count']:,} {part['things']}", name=f"head_{side}")
        if not part["cards"]:
            column.md("Nothing is found more often here.", name=f"none_{side}", componentsProps=FAINT)
        for data in part["cards"]:
            open_ = detail if detail and (detail["run"], detail["rank"]) == (board["name"], data["rank"]) else None
            card(panel, column, board, data, open_)
        if part["more"]:
            column.btn(f"more_{side}", label=f"Show more ({part['more']})", icon="expand_more", variant="text", on_click=panel.more)
        if part["tree"]:
            column.md(_tree(part["tree"]), name=f"tree_{side}")


def _tree(lines: list[list[Any]]) -> str:
    """Cards from coarse to fine as a nested list; what is no card itself is only there for what lies below it."""
    said = [f"{'  ' * depth}- {plain(label) if is_card else f'*{plain(label)}*'}" for depth, label, is_card in lines]
    return "###### From coarse to fine\n\n" + "\n".join(said)


def image_data(board: dict[str, Any]) -> dict[str, Any]:
    """The thumbnails' addresses, at the places where :func:`page` puts the images."""
    columns = {}
    for side in "AB":
        cards = board["sides"][side]["cards"]
        strips = {f"card_{c['rank']}": {"strip": {f"image_{i}": url for i, url in enumerate(c["thumbnails"])}} for c in cards}
        columns[f"side_{side}"] = strips
    return {"columns": columns}

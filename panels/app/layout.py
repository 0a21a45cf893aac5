"""How the panel looks: pure functions from the board's dictionaries to FiftyOne's components."""

from __future__ import annotations

from typing import Any

from fiftyone.operators import types

from fiftyone_plugin.delegated import COMPARE
from fiftyone_plugin.store.groups import split
from fiftyone_plugin.store.sidebar import GROUP
from latentdiff.report.text import plain_markdown as plain

from .card_layout import card, lead, typical
from .field_tab import fields, set_aside
from .group_layout import groups
from .map_tab import map_tab
from .style import COLOURS, FAINT, FAINT_TIGHT, ONE_COLUMN, ROW, SMALL, TIGHT, bar, grid
from .tabs import concepts, question, scores
from .toolbar import arrangement, listed, noted, shifted, toolbar

COLUMNS = {
    "display": "grid",
    "gridTemplateColumns": "repeat(auto-fit, minmax(min(210px, 100%), 1fr))",
    "gridAutoFlow": "row",
    "width": "100%",
    "alignItems": "start",
    "&& > *": {"minWidth": 0, "width": "100%"},
}
"""Side by side where there is room, below each other where not (a stack flows by columns unless told otherwise)."""
CHOSEN = {"color": "text.primary", "borderBottom": "2px solid", "borderColor": "primary.main"}
"""The App's orange as letters can hardly be read on its light ground."""
TABBED: dict[str, Any] = {"borderBottom": 1, "borderColor": "divider", "& .MuiTabs-flexContainer": {"flexWrap": "wrap"}}
TABBED |= {"minHeight": 0, "& .MuiTab-root": {"minHeight": 0, "minWidth": 0, "px": 1, "py": 0.75}}
TABBED |= {"& .MuiTabs-indicator": {"display": "none"}, "& .MuiTab-root.Mui-selected": CHOSEN}
"""Tabs go on in the next line where the panel is narrow; the App's own line under the chosen one knows one line only."""
DIFFERENCES, FIELDS, SCORES, MAP, CONCEPTS, ASK = "differences", "fields", "scores", "map", "concepts", "ask"
TABS = {DIFFERENCES: "Differences", FIELDS: "Fields", SCORES: "Images by score", MAP: "Map", CONCEPTS: "All concepts", ASK: "Ask"}


def page(panel: Any, root: types.Object, state: dict[str, Any], drawn: str) -> None:
    """The whole panel.

    Args:
        panel: the panel whose methods the buttons call.
        root: where it goes.
        state: ``shown`` (runs, what waits, the board, an error), ``run``, ``page`` (the tab), ``listed`` (past comparisons unfolded;
            ``list_how``: their order and filter; ``beside``: what changed since one of them),
            ``arranging`` and ``how`` (order and filter of the cards, and whether they are being chosen), ``detail`` (the unfolded card),
            ``grid_shows`` (whose images), ``point`` (the concept that was clicked), ``range`` (of scores), ``framed`` (the address of the
            page for folders and zip files, while it is shown), ``noted`` and ``leaning`` (whether notes and slight shifts are unfolded),
            ``nonce`` (what buttons pass on that write at once).
        drawn: tells this drawing from others; the timer sends it back.
    """
    if state.get("framed"):
        root.btn("back", label="Back to the comparisons", icon="arrow_back", variant="outlined", on_click=panel.close_page)
        root.view("frame", types.View(component="LatentDiffPage", composite_view=True, url=state["framed"]))
        return
    shown = state.get("shown") or {}
    name = split(state.get("run") or "")[0]
    gap = bool((shown.get("board") or {}).get("gap"))
    toolbar(panel, root, shown.get("names") or [], {**state, "run": name}, vectors=bool(shown.get("vectors")), gap=gap)
    if state.get("listed"):
        listed(panel, root, shown.get("runs") or [], {**state, "run": name, "of_groups": shown.get("of_groups") or {}})
    for i, waiting in enumerate(shown.get("delegated") or []):
        _delegated(panel, root, i, waiting, state["nonce"])
    for i, interrupted in enumerate(shown.get("interrupted") or []):
        _interrupted(panel, root, i, interrupted)
    if shown.get("leftovers"):
        _leftovers(root, shown["leftovers"])
    if shown.get("error"):
        root.view("error", types.AlertView(severity="error", label="This comparison cannot be opened", description=shown["error"]))
        root.btn("remove", label="Delete it", icon="delete_outline", variant="text", on_click=panel.delete, params={"run": name})
    if not shown.get("names"):
        _empty(panel, root, shown)
    if shown.get("groups"):
        groups(panel, root, shown["groups"], unfolded=bool(state.get("noted")))
    if shown.get("board"):
        said = (shown.get("groups") or {}).get("notes") or []  # above: what holds of all groups is not said again of the open one
        notes = [note for note in shown["board"]["notes"] if f"{note}." not in said]
        _board(panel, root, {**shown["board"], "notes": notes, "nonce": state["nonce"]}, state)
    view = types.View(component="LatentDiffSidebar", composite_view=True, group=GROUP, paths=shown.get("sidebar") or [])
    root.view("sidebar", view)
    root.view("early", types.View(component="LatentDiffEarly", composite_view=True, on_change=panel.came_early))
    going = ((shown.get("board") or {}).get("first") or {}).get("going")
    often = 2000 if shown.get("delegated") or going else 15000
    # By its own name, since a timer of the same name would go on with the parameters that it was first drawn with.
    root.view(f"timer_{drawn}", types.TimerView(interval=often, on_interval=panel.look, params={"drawn": drawn}))


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
    text = f"{'1 field is' if len(paths) == 1 else f'{len(paths)} fields are'} left of comparisons that are gone: {some}"
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
    if board["first"]:
        _first(panel, root, board["first"])
    if board["unnamed"]:
        title = "Words for what is numbered: the same images and choices, compared again by the words that you choose"
        root.btn("name", label="Name the differences", icon="label", variant="outlined", title=title, on_click=panel.name_run)
    noted(panel, root, board["notes"], unfolded=bool(state.get("noted")))
    set_aside(panel, root, board)
    _rejected(panel, root, board)
    if state.get("grid_shows"):
        row = root.h_stack("grid", gap=1, componentsProps=grid(**ROW, alignItems="center"))
        row.md(f"The grid shows {plain(state['grid_shows'])}.", name="said")
        row.btn("clear", label="Show all", icon="clear", variant="outlined", on_click=panel.clear)
        row.view("news", types.View(component="LatentDiffGrid", composite_view=True, on_change=panel.regrid))
    offered = {value: text for value, text in TABS.items() if value != FIELDS or board["pair"]}  # groups are of vectors alone
    tab = state.get("page") if state.get("page") in offered else DIFFERENCES
    told = {"choices": [[value, text] for value, text in offered.items()], "value": tab, "sx": TABBED, "on_change": panel.on_change_tab}
    root.view("tabs", types.View(component="LatentDiffTabs", composite_view=True, **told))
    if tab == SCORES:
        scores(panel, root, board, state)
    elif tab == MAP:
        map_tab(panel, root, board, state)
    elif tab == CONCEPTS:
        concepts(panel, root, board, state)
    elif tab == FIELDS:
        fields(panel, root, board)
    elif tab == ASK:
        question(panel, root, board, state)
    else:
        if state.get("arranging"):
            arrangement(panel, root, state.get("how") or {})
        _differences(panel, root, board, state.get("detail"))
        shifted(panel, root, board, unfolded=bool(state.get("leaning")))


def _first(panel: Any, root: types.Object, first: dict[str, Any]) -> None:
    """That it is a first answer, and what stops or brings the final one."""
    row = root.h_stack("first", gap=1, componentsProps=grid(**ROW, alignItems="center"))
    row.md(first["text"], name="said")
    if first["going"]:
        row.view("stop", types.View(component="LatentDiffStop", composite_view=True, operator=COMPARE, text="Stop here"))
    elif first["finish"]:
        title = "Compare again: the same images, choices and words, under the same name"
        row.btn("finish", label="Finish", icon="update", variant="outlined", title=title, on_click=panel.finish)


def _rejected(panel: Any, root: types.Object, board: dict[str, Any]) -> None:
    """What was rejected, each with a button that takes it back; and what undoes the last thing that was said."""
    if not board["undo"]:
        return
    row = root.h_stack("judged", gap=0.5, componentsProps=grid(**ROW, alignItems="center", **{"&& button": {"textAlign": "left"}}))
    at = {"run": board["name"], **board["nonce"]}
    title = "Take back what was said last of a difference here"
    label = f"Undo: {board['undo']}"
    row.btn("undo", label=label, icon="undo", variant="text", title=title, on_click=panel.undo, params=at, componentsProps=SMALL)
    if board["rejected"]:
        row.md("Rejected:", name="rejected", componentsProps=FAINT)
    for rank, text in board["rejected"]:
        title = "Take it back: give it its card again"
        row.btn(f"back_{rank}", label=text, icon="close", variant="text", title=title, on_click=panel.readmit, params={**at, "rank": rank})


def _differences(panel: Any, root: types.Object, board: dict[str, Any], detail: dict[str, Any] | None) -> None:
    columns = root.h_stack("columns", gap=2, align_y="top", componentsProps=grid(**COLUMNS))
    for side in "AB":
        part = board["sides"][side]
        column = columns.v_stack(f"side_{side}", gap=1.5, componentsProps=grid(width="100%", minWidth=0, **ONE_COLUMN))
        head = f"##### More in {plain(part['name'])}\n\n{part['count']:,} {part['things']}"
        column.md(head, name=f"head_{side}", componentsProps=TIGHT)
        if not part["cards"]:
            column.md(plain(part["none"]), name=f"none_{side}", componentsProps=FAINT)
            typical(panel, column, board, side)
        if part["leads"]:
            column.md("Leads, not proven:", name=f"leads_{side}", componentsProps=FAINT)
        for data in part["leads"]:
            lead(panel, column, board, data)
        group = ""
        for data in part["cards"]:
            if data["group"] != group:
                column.md(f"{plain(data['group'])}:", name=f"group_{data['rank']}", componentsProps=FAINT_TIGHT)
            group = data["group"]
            open_ = detail if detail and (detail["run"], detail["rank"]) == (board["name"], data["rank"]) else None
            card(panel, column, board, data, open_)
        if part["more"]:
            column.btn(f"more_{side}", label=f"Show more ({part['more']})", icon="expand_more", variant="text", on_click=panel.more)
        if part["cards"]:
            typical(panel, column, board, side)
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
        part = board["sides"][side]
        strips = {f"card_{c['rank']}": _strip(c["thumbnails"]) for c in (*part["cards"], *part["leads"])}
        columns[f"side_{side}"] = {**strips, "typical": _strip(part["typical"])}
    return {"columns": columns}


def _strip(addresses: list[str]) -> dict[str, dict[str, str]]:
    return {"strip": {f"image_{i}": address for i, address in enumerate(addresses)}}

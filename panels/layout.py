"""How the panel looks: pure functions from the board's dictionaries to FiftyOne's components."""

from __future__ import annotations

from typing import Any

from fiftyone.operators import types

from .cards import plain

COLUMNS = {
    "display": "grid",
    "gridTemplateColumns": "repeat(auto-fit, minmax(min(260px, 100%), 1fr))",
    "width": "100%",
    "alignItems": "start",
}
"""Side by side where there is room, below each other where not."""
STRIP = {
    "display": "grid",
    "gridTemplateColumns": "repeat(5, minmax(0, 1fr))",
    "width": "100%",
    "& img": {"objectFit": "cover", "borderRadius": "4px"},
}
COLOURS = {"A": "rgba(255, 109, 4, 0.5)", "B": "rgba(46, 134, 255, 0.5)"}
"""FiftyOne's orange for A and a blue for B that is told from it by the colour-blind; legible under dark and light text."""
SOURCES = {
    "sae": "Found as a concept: a pattern that fires on more images of one view than of the other.",
    "dre": "Found on the most typical images: a phrase that fits those of one view better than those of the other.",
}
EVIDENCE = (
    "{source} q: of all findings at least this sure, the share that would be false alarms. {auroc}"
    "An AUROC near 0.5 is normal for what only few images show."
)
VERDICT = (
    "AUC: how well all vectors together tell the two views apart, on images not learnt from (0.5 not at all, 1 perfectly). "
    "p: how often two views that do not differ would look this different."
)
ROW = {"display": "flex", "flexWrap": "wrap", "& > *": {"width": "auto"}}
"""Buttons beside each other that go on in the next line where the panel is narrow."""
ONE_COLUMN = {"gridTemplateColumns": "minmax(0, 1fr)"}
"""Without it a grid is as wide as its widest button, and reaches beyond the panel."""


def page(panel: Any, root: types.Object, shown: dict[str, Any], chosen: str | None) -> None:
    """The whole panel."""
    runs = shown.get("runs") or []
    _toolbar(panel, root, runs, chosen)
    for name in shown.get("interrupted") or []:
        text = f"Comparison {name!r} was interrupted. Remove what it left with the operator “LatentDiff: delete a comparison”."
        root.view(f"interrupted_{name}", types.AlertView(severity="warning", label=text))
    if shown.get("error"):
        root.view("error", types.AlertView(severity="error", label="This comparison cannot be opened", description=shown["error"]))
    if not runs:
        _empty(root, shown)
    if shown.get("board"):
        _board(panel, root, shown["board"])


def _toolbar(panel: Any, root: types.Object, runs: list[str], chosen: str | None) -> None:
    bar = root.h_stack("toolbar", gap=1, componentsProps=_style(alignItems="flex-end"))
    if runs:
        choices = types.DropdownView(space=6)
        for run in runs:
            choices.add_choice(run, label=run)
        root_run = bar.enum("run", runs, label="Comparison", default=chosen, view=choices, on_change=panel.on_change_run)
        root_run.required = True
    bar.btn("compare", label="Compare two views", icon="compare_arrows", variant="contained", on_click=panel.compare)
    bar.btn("refresh", label="Refresh", icon="refresh", variant="outlined", on_click=panel.refresh)


def _empty(root: types.Object, shown: dict[str, Any]) -> None:
    steps = (
        "1. Save two views: filter the grid, then click the bookmark icon above it.\n"
        "2. Click **Compare two views** and choose them.\n"
        "3. Read here what differs."
    )
    have = shown.get("views") or 0
    if have >= 2:
        steps = f"This dataset has {have} saved views. Click **Compare two views** and choose two of them."
    root.md(f"##### How do two sets of images differ?\n\n{steps}", name="empty")


def _board(panel: Any, root: types.Object, board: dict[str, Any]) -> None:
    root.view("verdict", types.AlertView(severity="success" if board["differs"] else "info", label=board["verdict"]))
    row = root.h_stack("about", gap=1, componentsProps=_style(**ROW, alignItems="center"))
    row.btn("help", label="What do these numbers mean?", icon="help_outline", variant="text", title=VERDICT)
    if board["notes"]:
        row.md(plain("; ".join(board["notes"])) + ".", name="notes")
    columns = root.h_stack("columns", gap=2, align_y="top", componentsProps=_style(**COLUMNS))
    for side in "AB":
        _column(panel, columns, board, side)


def _column(panel: Any, columns: types.Object, board: dict[str, Any], side: str) -> None:
    part = board["sides"][side]
    column = columns.v_stack(f"side_{side}", gap=1.5, componentsProps=_style(width="100%", minWidth=0, **ONE_COLUMN))
    column.md(f"##### More in {plain(part['name'])} ({part['count']:,} images)", name=f"head_{side}")
    if not part["cards"]:
        column.md("Nothing is found more often here.", name=f"none_{side}")
    for card in part["cards"]:
        _card(panel, column, board, side, card)
    if part["more"]:
        column.md(f"and {part['more']} more", name=f"more_{side}")


def _card(panel: Any, column: types.Object, board: dict[str, Any], side: str, card: dict[str, Any]) -> None:
    key = f"card_{card['rank']}"
    box = column.v_stack(key, gap=1, variant="outline", componentsProps=_style(p=1.5, width="100%", minWidth=0, **ONE_COLUMN))
    other = "B" if side == "A" else "A"
    names = {s: board["sides"][s]["name"] for s in "AB"}
    box.md(f"###### {'*looks like* ' if card['weak'] else ''}{plain(card['text'])}", name="title")
    if card["also"]:
        box.md(f"or {plain(', '.join(card['also']))}", name="also", componentsProps={"markdown": {"sx": {"opacity": 0.7}}})
    for s in (side, other):
        _bar(box, s, card, names[s])
    strip = box.h_stack("strip", gap=0.5, componentsProps=_style(**STRIP))
    for i in range(len(card["thumbnails"])):
        strip.img(f"image_{i}", width="100%", height="72px", alt_text=f"{card['text']}, example {i + 1}")
    row = box.h_stack("actions", gap=1, componentsProps=_style(**ROW, **{"& button": {"whiteSpace": "nowrap"}}))
    for s in (side, other):
        params = {"run": board["name"], "rank": card["rank"], "side": s}
        label = f"Show {card['images'][s]:,} in {names[s]}"
        row.btn(f"show_{s}", label=label, variant="outlined" if s == side else "text", on_click=panel.show, params=params)
    auroc = f"AUROC {card['auroc']}: how well the phrase alone tells the two views' images apart. " if card["auroc"] else ""
    tooltip = EVIDENCE.format(source=SOURCES[card["source"]], auroc=auroc)
    row.btn("facts", label=card["q"], icon="help_outline", variant="text", title=tooltip)


def _bar(box: types.Object, side: str, card: dict[str, Any], name: str) -> None:
    end = f"{100 * card['shares'][side]:.1f}%"
    paint = f"linear-gradient(to right, {COLOURS[side]} {end}, rgba(127, 127, 127, 0.14) {end})"
    bar = box.v_stack(f"rate_{side}", gap=0, componentsProps=_style(background=paint, borderRadius="4px", px=1, py=0.25, width="100%"))
    bar.md(f"**{plain(card['rates'][side])}** of {plain(name)}", name="text")


def image_data(board: dict[str, Any]) -> dict[str, Any]:
    """The thumbnails' addresses, at the places where :func:`page` puts the images."""
    columns = {}
    for side in "AB":
        cards = board["sides"][side]["cards"]
        strips = {f"card_{c['rank']}": {"strip": {f"image_{i}": url for i, url in enumerate(c["thumbnails"])}} for c in cards}
        columns[f"side_{side}"] = strips
    return {"columns": columns}


def _style(**sx: Any) -> dict[str, Any]:
    return {"grid": {"sx": sx}}

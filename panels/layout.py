"""How the panel looks: pure functions from the board's dictionaries to FiftyOne's components."""

from __future__ import annotations

from typing import Any

from fiftyone.operators import types

from .cards import plain

SOURCES = {"sae": "concept found in the vectors", "dre": "phrase found on the most typical images"}


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
    bar = root.h_stack("toolbar", gap=1, align_y="center", componentsProps={"grid": {"sx": {"flexWrap": "wrap"}}})
    if runs:
        choices = types.DropdownView(space=6)
        for run in runs:
            choices.add_choice(run, label=run)
        root_run = bar.enum("run", runs, label="Comparison", default=chosen, view=choices, on_change=panel.on_change_run)
        root_run.required = True
    bar.btn("compare", label="Compare two views", icon="compare_arrows", variant="contained", on_click=panel.compare)
    bar.btn("refresh", label="Refresh", icon="refresh", variant="outlined", on_click=panel.refresh)


def _empty(root: types.Object, shown: dict[str, Any]) -> None:
    steps = "1. Save two views: filter the grid, then the bookmark icon above it.\n2. **Compare two views**.\n3. Read here what differs."
    have = shown.get("views") or 0
    if have >= 2:
        steps = f"This dataset has {have} saved views. Click **Compare two views** and choose two of them."
    root.md(f"### How do two sets of images differ?\n\n{steps}", name="empty")


def _board(panel: Any, root: types.Object, board: dict[str, Any]) -> None:
    root.view("verdict", types.AlertView(severity="success" if board["differs"] else "info", label=board["verdict"]))
    if board["notes"]:
        root.md(plain("; ".join(board["notes"])) + ".", name="notes")
    columns = root.h_stack("columns", gap=2, align_y="top", componentsProps={"grid": {"sx": {"width": "100%", "alignItems": "start"}}})
    for side in "AB":
        _column(panel, columns, board, side)


def _column(panel: Any, columns: types.Object, board: dict[str, Any], side: str) -> None:
    part = board["sides"][side]
    column = columns.v_stack(f"side_{side}", gap=1.5, componentsProps={"grid": {"sx": {"flex": "1 1 0", "minWidth": "340px"}}})
    column.md(f"### More in {plain(part['name'])}\n\n{part['count']:,} images", name=f"head_{side}")
    if not part["cards"]:
        column.md("Nothing is found more often here.", name=f"none_{side}")
    for card in part["cards"]:
        _card(panel, column, board, side, card)
    if part["more"]:
        column.md(f"and {part['more']} more", name=f"more_{side}")


def _card(panel: Any, column: types.Object, board: dict[str, Any], side: str, card: dict[str, Any]) -> None:
    key = f"card_{card['rank']}"
    box = column.v_stack(key, gap=1, variant="outline", componentsProps={"grid": {"sx": {"p": 1.5, "width": "100%"}}})
    other = "B" if side == "A" else "A"
    names = {s: board["sides"][s]["name"] for s in "AB"}
    guess = " *(looks like)*" if card["weak"] else ""
    box.md(f"#### {plain(card['text'])}{guess}", name=f"{key}_title")
    lines = [f"**{card['rates'][s]}** of {plain(names[s])} {_bar(card['shares'][s])}" for s in (side, other)]
    box.md("  \n".join(lines), name=f"{key}_rates")
    strip = box.h_stack(f"{key}_strip", gap=0.5, componentsProps={"grid": {"sx": {"flexWrap": "nowrap"}}})
    for i, url in enumerate(card["thumbnails"]):
        strip.img(f"{key}_image_{i}", href=None, width="88px", height="66px", alt_text=f"{card['text']}, example {i + 1}", default=url)
    facts = [plain(card["q"]), *([f"AUROC {plain(card['auroc'])}"] if card["auroc"] else []), SOURCES[card["source"]]]
    box.md("<!-- -->" + " · ".join(facts), name=f"{key}_facts")
    row = box.h_stack(f"{key}_actions", gap=1)
    for s in (side, other):
        params = {"run": board["name"], "rank": card["rank"], "side": s}
        label = f"Show {card['images'][s]:,} in {names[s]}"
        row.btn(f"{key}_show_{s}", label=label, variant="outlined" if s == side else "text", on_click=panel.show, params=params)


def _bar(share: float) -> str:
    full = round(20 * share)
    return "▇" * max(full, 1 if share > 0 else 0)

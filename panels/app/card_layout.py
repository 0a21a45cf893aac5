"""How one difference looks: its card, and the detail that unfolds below it."""

from __future__ import annotations

from typing import Any

from fiftyone.operators import types

from latentdiff.report.text import plain_markdown as plain

from .field_tab import ASIDE
from .style import COLOURS, FAINT, FAINT_TIGHT, ONE_COLUMN, ROW, SMALL, STRIP, TIGHT, bar, grid, named

GREY = "rgba(127, 127, 127, 0.4)"

ACCEPT = "This is right"
REJECT = "This is wrong, or of no use: no card, and its words sink in later comparisons"
EDIT = "Rename it, note something, or make it a part of another"


def card(panel: Any, column: types.Object, board: dict[str, Any], data: dict[str, Any], detail: dict[str, Any] | None) -> None:
    """One difference.

    Args:
        panel: the panel whose methods the buttons call.
        column: where it goes.
        board: the board that holds it.
        data: the card's dictionary.
        detail: what unfolds (``facts``, ``text``), None while folded.
    """
    props = grid(p=1.5, width="100%", minWidth=0, **ONE_COLUMN)
    box = column.v_stack(f"card_{data['rank']}", gap=1, variant="outline", componentsProps=props)
    own, other = data["side"], "B" if data["side"] == "A" else "A"
    names = {side: board["sides"][side]["name"] for side in "AB"}
    _title(box, data)
    if data["path"]:
        box.md(f"part of {plain(' → '.join(data['path']))}", name="path", componentsProps=FAINT_TIGHT)
    if data["also"]:
        box.md(f"or {plain(', '.join(data['also']))}", name="also", componentsProps=FAINT_TIGHT)
    if data["tells"]:
        box.md(f"also: {plain(data['tells'])}", name="tells", componentsProps=FAINT_TIGHT)
    if data["said"]:
        box.md(plain("; ".join(data["said"])), name="said", componentsProps=FAINT_TIGHT)
    for side in (own, other):
        bar(box, f"rate_{side}", f"**{plain(data['rates'][side])}** of {plain(names[side])}", data["shares"][side], COLOURS[side])
    for name in ("leans", "along"):
        if data[name]:
            box.md(plain(data[name]), name=name, componentsProps=FAINT_TIGHT)
    strip = box.h_stack("strip", gap=0.5, componentsProps=grid(**STRIP))
    for i in range(len(data["thumbnails"])):
        strip.img(f"image_{i}", width="100%", height="72px", alt_text=f"{data['text']}, example {i + 1}")
    _actions(panel, box, board["name"], data, names)
    _evidence(panel, box, board, data, detail is not None)
    if detail is not None:
        _detail(box, detail)


def _title(box: types.Object, data: dict[str, Any]) -> None:
    box.md(f"###### {'*looks like* ' if data['weak'] else ''}{plain(data['text'])}", name="title", componentsProps=TIGHT)


def lead(panel: Any, column: types.Object, board: dict[str, Any], data: dict[str, Any]) -> None:
    """What comes near a finding and did not pass: with grey bars, and with what would decide it."""
    props = grid(p=1.5, width="100%", minWidth=0, **ONE_COLUMN)
    box = column.v_stack(f"card_{data['rank']}", gap=1, variant="outline", componentsProps=props)
    names = {side: board["sides"][side]["name"] for side in "AB"}
    _title(box, data)
    for side in (data["side"], "B" if data["side"] == "A" else "A"):
        bar(box, f"rate_{side}", f"**{plain(data['rates'][side])}** of {plain(names[side])}", data["shares"][side], GREY)
    box.md(plain(data["standing"]), name="standing", componentsProps=FAINT_TIGHT)
    strip = box.h_stack("strip", gap=0.5, componentsProps=grid(**STRIP))
    for i in range(len(data["thumbnails"])):
        strip.img(f"image_{i}", width="100%", height="72px", alt_text=f"{data['text']}, lead example {i + 1}")
    _actions(panel, box, board["name"], data, names)


def typical(panel: Any, column: types.Object, board: dict[str, Any], side: str) -> None:
    """The images by which a side is told most surely: a strip, and a button that shows more of them."""
    part = board["sides"][side]
    if not part["typical"]:
        return
    box = column.v_stack("typical", gap=0.5, componentsProps=grid(width="100%", minWidth=0, **ONE_COLUMN))
    row = box.h_stack("head", gap=1, componentsProps=grid(**ROW, alignItems="center"))
    row.md(f"Most typical of {plain(part['name'])}", name="what", componentsProps=FAINT_TIGHT)
    at = {"run": board["name"], "side": side}
    props = {"button": {"sx": {**SMALL["button"]["sx"], "whiteSpace": "nowrap"}}}
    row.btn("show", label="Show in grid", variant="text", on_click=panel.show_typical, params=at, componentsProps=props)
    strip = box.h_stack("strip", gap=0.5, componentsProps=grid(**STRIP))
    for i in range(len(part["typical"])):
        strip.img(f"image_{i}", width="100%", height="72px", alt_text=f"typical of {part['name']}, {i + 1}")


def _actions(panel: Any, box: types.Object, run: str, data: dict[str, Any], names: dict[str, str]) -> None:
    own, other = data["side"], "B" if data["side"] == "A" else "A"
    row = box.h_stack("actions", gap=1, componentsProps=grid(**ROW, alignItems="center", **{"&& button": {"textAlign": "left"}}))
    at = {"run": run, "rank": data["rank"]}
    label = f"Show {data['images'][own]:,} in {names[own]}"
    if data["images"][own]:
        row.btn(f"show_{own}", label=label, variant="outlined", on_click=panel.show, params={**at, "side": own})
    count = data["images"][other]
    if not count:
        row.md(f"No image of {plain(names[other])} shows it", name=f"none_{other}", componentsProps=FAINT)
        return
    row.btn(
        f"show_{other}",
        label=f"{count:,} counter-{'example' if count == 1 else 'examples'} in {names[other]}",
        variant="text",
        on_click=panel.show,
        params={**at, "side": other},
        title=f"Images of {names[other]} that show it all the same",
        componentsProps=SMALL,
    )


def _evidence(panel: Any, box: types.Object, board: dict[str, Any], data: dict[str, Any], unfolded: bool) -> None:
    told = {name: data[name] for name in ("rank", "side", "known", "accepted")}
    at = {**board["nonce"], "run": board["name"], **told}
    row = box.h_stack("evidence", gap=0.5, componentsProps=grid(**ROW, alignItems="center"))
    for name, label, tooltip in data["badges"]:
        row.btn(name, label=label, variant="text", title=tooltip, on_click=panel.explain, params={"text": tooltip}, componentsProps=SMALL)
    # In a row of their own: together they go into the next line, and only where that is too narrow into two.
    together = row.h_stack("icons", gap=0, componentsProps=grid(**ROW, alignItems="center"))
    _icons(panel, together, at, data["copy"], unfolded)


def _icons(panel: Any, row: types.Object, at: dict[str, Any], text: str, unfolded: bool) -> None:
    def icon(name: str, symbol: str, tooltip: str, method: Any) -> None:
        row.btn(name, label="", icon=symbol, variant="text", title=tooltip, on_click=method, params=at, componentsProps=named(tooltip))

    right = ("check_circle", "Take back that it is right") if at["accepted"] else ("check", ACCEPT)
    icon("accept", *right, panel.accept)
    icon("reject", "block", REJECT, panel.reject)
    icon("edit", "edit", EDIT, panel.edit)
    icon("save", "bookmark_add", "Save these images as a view", panel.save)
    icon("tag", "local_offer", "Tag these images", panel.tag)
    # In the browser alone: the clipboard opens only to a click, not to an answer that comes later.
    row.view("copy", types.View(component="LatentDiffCopy", composite_view=True, text=text))
    if at["known"]:
        icon("aside", "filter_alt_off", ASIDE, panel.set_aside)
    icon("detail", "expand_less" if unfolded else "expand_more", "Less" if unfolded else "More about it", panel.unfold)


def _detail(box: types.Object, detail: dict[str, Any]) -> None:
    """All that is known of a difference, and of the concept behind it."""
    part = box.v_stack("facts", gap=1, componentsProps=grid(width="100%", minWidth=0, **ONE_COLUMN))
    small = {"fontSize": "0.9rem"}
    props = {"container": {"sx": {"overflowWrap": "anywhere", "& ul": {"m": 0, "pl": 2.5}, "& li": small, "& p": small}}}
    part.md(_list(detail["facts"]), name="list", componentsProps=props)
    if detail.get("concept"):
        part.md(f"**The concept behind it**\n\n{_list(detail['concept'])}", name="concept", componentsProps=props)


def _list(rows: list[list[str]]) -> str:
    lines = ((plain(_capital(name)), plain(value), plain(_capital(meaning).removesuffix("."))) for name, value, meaning in rows)
    return "\n".join(f"- **{name}**: {value}. {meaning}." for name, value, meaning in lines)


def _capital(text: str) -> str:
    """With a capital, but for the letters p and q."""
    return text if len(text) == 1 else text[:1].upper() + text[1:]

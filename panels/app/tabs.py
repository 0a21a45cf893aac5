"""How the panel's tabs look: plots, and where one asks about a phrase."""

from __future__ import annotations

from html import escape
from typing import Any

from fiftyone.operators import types

from fiftyone_plugin.questions import IMAGES
from latentdiff.report import p_text, percent
from latentdiff.report.text import plain_markdown as plain

from .style import COLOURS, FAINT, ONE_COLUMN, ROW, SMALL, STRIP, bar, entered, grid, named

CONFIG = {"displayModeBar": False, "scrollZoom": False, "responsive": True}
LONGEST = 18
"""Letters of a side's name that an axis has room for."""


def scores(panel: Any, root: types.Object, board: dict[str, Any], state: dict[str, Any]) -> None:
    """The histogram of log ratios, and the slider."""
    a, b = (plain(board["sides"][side]["name"]) for side in "AB")
    box = root.v_stack("scores", gap=1, componentsProps=grid(width="100%", minWidth=0, **ONE_COLUMN))
    if state.get("span") is None:
        box.md("No image has a score.", name="none")
        return
    text = (
        f"Each image has a score: high where it is typical of **{a}** (orange), low where it is typical of **{b}** (blue), "
        "0 where it could be from either. Drag across the plot, or move the slider, to see the images between two scores."
    )
    box.md(text, name="what", componentsProps=FAINT)
    layout = {
        "barmode": "overlay",
        "bargap": 0,
        "dragmode": "select",
        "selectdirection": "h",
        "margin": {"t": 10, "l": 50, "b": 50, "r": 10},
        "xaxis": {"title": {"text": _axis(board, "typical of", "score"), "standoff": 10}, "fixedrange": True},
        "yaxis": {"title": {"text": "share of its images"}, "tickformat": ".0%", "fixedrange": True},
    }
    plot = {"height": "250px", "width": "100%", "config": CONFIG, "layout": layout}
    box.plot("histogram", on_selected=panel.brush, on_click=panel.click_bar, **plot)
    low, high = state["span"]
    between = state.get("range") or [low, high]
    ends = {"label": "Scores", "value": between, "min": low, "max": high}
    box.view("between", types.View(component="LatentDiffRange", composite_view=True, **ends, on_change=panel.slide))


def concepts(panel: Any, root: types.Object, board: dict[str, Any], state: dict[str, Any]) -> None:
    """The volcano plot, and the concept that was clicked."""
    a, b = (plain(board["sides"][side]["name"]) for side in "AB")
    box = root.v_stack("concepts", gap=1, componentsProps=grid(width="100%", minWidth=0, **ONE_COLUMN))
    text = (
        f"Every concept that was tested. Right: more often in **{a}**; left: more often in **{b}**; the higher, the surer "
        "(a step of 1: ten times fewer false alarms). Grey ones do not pass the test. Click a filled point to see its images; "
        "of hollow ones none are kept."
    )
    box.md(text, name="what", componentsProps=FAINT)
    layout = {
        "hovermode": "closest",
        "hoverlabel": {"align": "left"},
        "dragmode": False,
        "margin": {"t": 10, "l": 50, "b": 50, "r": 10},
        "xaxis": {"title": {"text": _axis(board, "more in", "percentage points"), "standoff": 10}, "zeroline": True},
        "yaxis": {"title": {"text": "how sure (−log10 q)"}, "rangemode": "tozero"},
    }
    box.plot("volcano", height="340px", width="100%", config=CONFIG, layout=layout, on_click=panel.click_concept)
    point = state.get("point")
    if point:
        box.md(f"**{plain(point['name'])}**: {plain(point['rates'])} ({plain(point['q'])}). {plain(point['said'])}", name="point")


def _axis(board: dict[str, Any], what: str, between: str) -> str:
    """Title of an axis that points to B on the left and to A on the right; Plotly reads a little HTML in its texts."""
    names = {side: str(board["sides"][side]["name"]) for side in "AB"}
    a, b = (escape(name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…", quote=False) for name in (names["A"], names["B"]))
    return f"← {what} {b}     {between}     {what} {a} →"


def question(panel: Any, root: types.Object, board: dict[str, Any], state: dict[str, Any]) -> None:
    """A text field, and the answer."""
    names = {side: board["sides"][side]["name"] for side in "AB"}
    box = root.v_stack("ask", gap=1, componentsProps=grid(width="100%", minWidth=0, **ONE_COLUMN))
    if board["ask"]:
        box.md(plain(board["ask"]), name="cannot", componentsProps=FAINT)
        box.btn("declare", label="Say which encoder made these vectors", icon="translate", variant="outlined", on_click=panel.declare)
        return
    a, b = plain(names["A"]), plain(names["B"])
    text = f"Is something more true of **{a}** or of **{b}**? Type a phrase; it is tested on all images that were compared."
    box.md(text, name="what", componentsProps=FAINT)
    row = box.h_stack("row", gap=1, componentsProps=grid(**ROW, alignItems="flex-end"))
    row.str("phrase", label="Phrase", view=types.TextFieldView())
    row.btn("send", label="Ask", icon="contact_support", variant="contained", on_click=panel.ask)
    entered(row, panel.ask)
    answer = state.get("answer")
    if answer and answer["run"] == board["name"]:
        _answer(panel, box, answer, names, board["level"])
    if board["questions"]:
        earlier = box.h_stack("earlier", gap=0.5, componentsProps=grid(**ROW, alignItems="center"))
        earlier.md("Asked before:", name="before", componentsProps=FAINT)
        for i, phrase in enumerate(board["questions"]):
            at = {"run": board["name"], "phrase": phrase}
            earlier.btn(f"question_{i}", label=phrase, variant="text", on_click=panel.open_question, params=at, componentsProps=SMALL)


def evidence(answer: dict[str, Any], names: dict[str, str], level: float) -> str:
    """What is known of an answer: which side it says more of is perhaps chance where its p is above the comparison's level."""
    said = f"AUROC {answer['auroc']:.2f} (0.5: no difference; above: more in {names['A']}; below: more in {names['B']})"
    return f"{said}, {p_text(answer['p_value'])}{'' if answer['p_value'] <= level else ': perhaps chance'}"


def _answer(panel: Any, box: types.Object, answer: dict[str, Any], names: dict[str, str], level: float) -> None:
    props = grid(p=1.5, width="100%", minWidth=0, **ONE_COLUMN)
    card = box.v_stack("answer", gap=1, variant="outline", componentsProps=props)
    card.md(f"###### {plain(answer['phrase'])}", name="title")
    for side in "AB":
        rate = answer["rates"][side]
        bar(card, f"rate_{side}", f"about **{plain(percent(rate))}** of {plain(names[side])}", rate, COLOURS[side])
        pictures = (answer.get("pictures") or {}).get(side) or 0
        strip = card.h_stack(f"strip_{side}", gap=0.5, componentsProps=grid(**STRIP))
        for i in range(pictures):
            strip.img(f"image_{i}", width="100%", height="72px", alt_text=f"{answer['phrase']} in {names[side]}, best {i + 1}")
    card.md(plain(evidence(answer, names, level)), name="evidence", componentsProps=FAINT)
    if answer.get("notes"):
        card.md(plain("; ".join(answer["notes"])) + ".", name="notes", componentsProps=FAINT)
    row = card.h_stack("actions", gap=1, componentsProps=grid(**ROW))
    for side in "AB":
        count = len(answer["ids"][side])
        if not count:
            continue
        pair = row.h_stack(f"pair_{side}", gap=0.5, componentsProps=grid(**ROW, alignItems="center"))
        label = f"Show the {count:,} best in {names[side]}"
        pair.btn(f"best_{side}", label=label, variant="outlined", on_click=panel.show_answer, params={"side": side})
        title = f"Save the {min(count, IMAGES):,} best of {names[side]} as a view, or tag them"
        keep = {"on_click": panel.keep_answer, "params": {"side": side}, "componentsProps": named(title)}
        pair.btn(f"keep_{side}", label="", icon="bookmark_add", variant="text", title=title, **keep)

"""How the tab looks where one asks about a phrase."""

from __future__ import annotations

from typing import Any

from fiftyone.operators import types

from latentdiff.report import p_text, percent
from latentdiff.report.text import plain_markdown as plain

from .style import COLOURS, FAINT, ONE_COLUMN, ROW, bar, grid


def question(panel: Any, root: types.Object, board: dict[str, Any], state: dict[str, Any]) -> None:
    """A text field, and the answer."""
    names = {side: board["sides"][side]["name"] for side in "AB"}
    box = root.v_stack("ask", gap=1, componentsProps=grid(width="100%", minWidth=0, **ONE_COLUMN))
    if board["ask"]:
        box.md(plain(board["ask"]), name="cannot", componentsProps=FAINT)
        return
    a, b = plain(names["A"]), plain(names["B"])
    text = f"Is something more true of **{a}** or of **{b}**? Type a phrase; it is tested on all their images."
    box.md(text, name="what", componentsProps=FAINT)
    row = box.h_stack("row", gap=1, componentsProps=grid(**ROW, alignItems="flex-end"))
    row.str("phrase", label="Phrase", view=types.TextFieldView())
    row.btn("send", label="Ask", icon="contact_support", variant="contained", on_click=panel.ask)
    answer = state.get("answer")
    if answer and answer["run"] == board["name"]:
        _answer(panel, box, answer, names)


def _answer(panel: Any, box: types.Object, answer: dict[str, Any], names: dict[str, str]) -> None:
    props = grid(p=1.5, width="100%", minWidth=0, **ONE_COLUMN)
    card = box.v_stack("answer", gap=1, variant="outline", componentsProps=props)
    card.md(f"###### {plain(answer['phrase'])}", name="title")
    for side in "AB":
        rate = answer["rates"][side]
        bar(card, f"rate_{side}", f"about **{plain(percent(rate))}** of {plain(names[side])}", rate, COLOURS[side])
    said = f"AUROC {answer['auroc']:.2f} (0.5: no difference; above: more in {names['A']}; below: more in {names['B']}), "
    card.md(plain(said + p_text(answer["p_value"])), name="evidence", componentsProps=FAINT)
    row = card.h_stack("actions", gap=1, componentsProps=grid(**ROW))
    for side in "AB":
        count = len(answer["ids"][side])
        label = f"Show the {count:,} best in {names[side]}"
        row.btn(f"best_{side}", label=label, variant="outlined", disabled=not count, on_click=panel.show_answer, params={"side": side})

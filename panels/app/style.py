"""Shared pieces of the panel's look: FiftyOne's components take MUI ``sx`` dictionaries."""

from __future__ import annotations

from typing import Any

from fiftyone.operators import types

COLOURS = {"A": "rgba(255, 109, 4, 0.5)", "B": "rgba(46, 134, 255, 0.5)"}
"""FiftyOne's orange for A and a blue for B that is told from it by the colour-blind; legible under dark and light text."""
ROW: dict[str, Any] = {"display": "flex", "flexWrap": "wrap", "&& > *": {"width": "auto", "minWidth": 0, "maxWidth": "100%"}}
"""Things beside each other that go on in the next line where the panel is narrow. (The doubled & outweighs the components' own styles,
which otherwise win or lose by the order in which they were first drawn.)"""
ONE_COLUMN = {"gridTemplateColumns": "minmax(0, 1fr)"}
"""Without it a grid is as wide as its widest button, and reaches beyond the panel."""
SMALL = {"button": {"sx": {"fontSize": "0.85rem", "fontWeight": "normal", "minWidth": "auto", "px": 0.75, "py": 0.25, "opacity": 0.85}}}
"""A quiet button: a fact with a tooltip, or an icon."""
STRIP = {
    "display": "grid",
    "gridTemplateColumns": "repeat(5, minmax(0, 120px))",
    "width": "100%",
    "&& img": {"objectFit": "cover", "borderRadius": "4px"},
}
"""Five thumbnails beside each other, which a wide panel does not cut to bands."""
FAINT = {"container": {"sx": {"opacity": 0.75}}}
"""On the box around a text: the text itself takes no styles."""
TIGHT: dict[str, Any] = {"container": {"sx": {"& h5, & h6, & p": {"m": 0}}}}
FAINT_TIGHT: dict[str, Any] = {"container": {"sx": {**FAINT["container"]["sx"], **TIGHT["container"]["sx"]}}}
"""The same without the space that Markdown leaves around headings and paragraphs."""


def named(title: str) -> dict[str, Any]:
    """``componentsProps`` of a button that is an icon alone: what its tooltip says is its name for those who cannot see it.

    Without the space that the App leaves for a text beside the icon, a card's eight stand in one line of a panel beside the grid.
    """
    sx = {**SMALL["button"]["sx"], "px": 0.5, "& .MuiButton-startIcon": {"m": 0}}
    return {"button": {"sx": sx, "aria-label": title}}


def grid(**sx: Any) -> dict[str, Any]:
    """``componentsProps`` of a stack."""
    return {"grid": {"sx": sx}}


def entered(row: Any, method: Any) -> None:
    """Let the key Enter in a row's text field do what its button does; ``method`` of the panel gets the text as ``value``."""
    row.view("enter", types.View(component="LatentDiffEnter", composite_view=True, on_change=method))


def typed(ctx: Any, place: str) -> str:
    """What stands in a text field at ``place``: what Enter brought, since the state learns of it later, else what the state has."""
    value = ctx.params.get("value")
    return str((ctx.panel.get_state(place) if value is None else value) or "")


def choice(row: Any, name: str, label: str, values: dict[str, str], now: str | None, method: Any) -> None:
    """A drop-down that tells the server what a user chose, and nothing else.

    FiftyOne's own calls ``on_change`` whenever it is drawn, or its value is set by the panel: requests that nobody asked for.

    Args:
        row: where it goes.
        name: of the view.
        label: what people read.
        values: value → what people read.
        now: the value that is chosen.
        method: of the panel; gets ``value``.
    """
    choices = [[value, text] for value, text in values.items()]
    view = types.View(component="LatentDiffChoice", composite_view=True, label=label, choices=choices, value=now, on_change=method)
    row.view(name, view)


def bar(box: Any, name: str, text: str, share: float, colour: str) -> None:
    """A line of text on a bar that is filled up to ``share`` in [0, 1]."""
    end = f"{100 * share:.1f}%"
    paint = f"linear-gradient(to right, {colour} {end}, rgba(127, 127, 127, 0.14) {end})"
    row = box.v_stack(name, gap=0, componentsProps=grid(background=paint, borderRadius="4px", px=1, py=0.25, width="100%", **ONE_COLUMN))
    row.md(text, name="text", componentsProps={"container": {"sx": {"overflowWrap": "anywhere"}}})

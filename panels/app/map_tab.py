"""The panel's map: both sides in two dimensions, what a card shows lit, and a lasso that sets the grid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from fiftyone.operators import types

from latentdiff.report.text import plain_markdown as plain

from .figures import COLOURS
from .map_colours import FIELD, SCORE, SIDE, SYMBOLS, by_score, by_side, by_value, legend, ways_to_colour
from .sent import send_traces
from .style import FAINT, ONE_COLUMN, ROW, choice, grid
from .toolbar import TOOLBAR

WAYS = {"pca": "Principal components", "umap": "UMAP (takes a while)"}
NONE = "-"
LIT, DIM = 0.9, 0.12
LEGEND = {"orientation": "h", "x": 0, "xanchor": "left", "y": -0.02, "yanchor": "top", "itemclick": False, "itemdoubleclick": False}
LASSO = {"displayModeBar": True, "modeBarButtonsToRemove": ["toImage", "autoScale2d"], "scrollZoom": True, "responsive": True}


def map_tab(panel: Any, root: types.Object, board: dict[str, Any], state: dict[str, Any]) -> None:
    """The map, and how it is coloured.

    Args:
        panel: the panel whose methods are called.
        root: where it goes.
        board: the board of the open comparison.
        state: ``mapped``: what the map shows (``way``, ``colour``, ``lit``, ``said``, ``fields``), None until it was drawn.
    """
    box = root.v_stack("map", gap=1, componentsProps=grid(width="100%", minWidth=0, **ONE_COLUMN))
    mapped = state.get("mapped") or {}
    a, b = (plain(board["sides"][side]["name"]) for side in "AB")
    colour = str(mapped.get("colour") or SIDE)
    sides = f"**{a}** in orange, **{b}** in blue" if colour == SIDE else f"**{a}** are circles, **{b}** diamonds"
    typical = f"; orange ones are typical of {a}, blue ones of {b}, grey ones could be from either" if colour == SCORE else ""
    text = f"Images that lie close to each other are alike: {sides}{typical}. Draw a lasso to see its images in the grid."
    box.md(f"{text} {plain(mapped.get('said') or '')}", name="what", componentsProps=FAINT)
    row = box.h_stack("how", gap=1, componentsProps=grid(**{**ROW, **TOOLBAR}))
    cards = cards_by_rank(board)
    ways = {way: WAYS[way] for way in mapped.get("ways") or ("pca",)}
    colours = ways_to_colour(mapped.get("fields") or [])
    for name, label, values in (("way", "Projection", ways), ("colour", "Colour", colours), ("lit", "Lit", {NONE: "All images", **cards})):
        if name == "way" and len(values) == 1:
            continue  # nothing to choose
        choice(row, name, label, values, mapped.get(name) or next(iter(values)), getattr(panel, f"map_{name}"))
    layout = {
        "dragmode": "lasso",
        "hovermode": "closest",
        "showlegend": True,  # of values alone: see ``legend``
        "legend": LEGEND,
        "margin": {"t": 36, "l": 10, "b": 10, "r": 10},
        "modebar": {"bgcolor": "rgba(0, 0, 0, 0)", "color": "rgb(127, 127, 127)", "activecolor": COLOURS["A"]},  # seen on either ground
        "xaxis": {"visible": False},
        "yaxis": {"visible": False, "scaleanchor": "x"},
    }
    box.plot("plot", height="420px", width="100%", config=LASSO, layout=layout, on_selected=panel.lasso, on_click=panel.click_image)


def cards_by_rank(board: dict[str, Any]) -> dict[str, str]:
    """Cards by rank, as a list names them; of what is more frequent on both sides in different ways, in which it is."""
    cards = [(str(c["rank"]), c["named"], board["sides"][side]["name"]) for side in "AB" for c in board["sides"][side]["cards"]]
    called = Counter(name for _, name, _ in cards)
    return {rank: f"{name} (more in {where})" if called[name] > 1 else name for rank, name, where in cards}


def traces(run: Any, found: Any, colour: str, lit: Any, values: dict[str, list[Any]] | None = None) -> list[dict[str, Any]]:
    """A scatter trace per side, and then the legend of a field's values; a point's ``ids`` entry is its side and row ("A12").

    Args:
        run: a ``ComparisonRun``.
        found: its :class:`~fiftyone_plugin.mapping.Map`.
        colour: one of ``ways_to_colour``.
        lit: a hypothesis whose images stand out; None: all do.
        values: of the field that colours, by side, a value per point.
    """
    out = []
    markers = by_value(values)[0] if values is not None else None
    for side, ratio in (("A", run.comparison.log_ratio_a), ("B", run.comparison.log_ratio_b)):
        rows, at = found.rows[side], found.at[side]
        shown = set(run.comparison.rows_showing(lit, side).tolist()) if lit is not None else None
        own = markers[side] if markers else by_score(ratio[rows]) if colour == SCORE else by_side(side)
        marker: dict[str, Any] = {"size": 5, "symbol": SYMBOLS["A" if colour == SIDE else side], **own}
        marker["opacity"] = 0.8 if shown is None else [LIT if row in shown else DIM for row in rows.tolist()]
        out.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": run.sides[side].name.replace("<", "&lt;"),
                "x": [round(float(x), 4) for x in at[:, 0]],
                "y": [round(float(y), 4) for y in at[:, 1]],
                "ids": [f"{side}{row}" for row in rows.tolist()],
                "hoverinfo": "name",
                "showlegend": False,
                "marker": marker,
            }
        )
        if values is not None:
            out[-1] |= {"hoverinfo": "name+text", "text": [str(v).replace("<", "&lt;") for v in values[side]]}
    return [*out, *(legend(values) if values is not None else ())]


class MapActions:
    """Handlers of the map; a part of the panel."""

    show_view: Callable[..., bool]
    """Sets the App's view: ``CardActions.show_view``."""
    _run: Callable[[Any], Any]
    """The comparison that is open: ``PlotActions._run``."""

    def map_way(self, ctx: Any) -> None:
        """Another projection."""
        self.draw_map(ctx, way=ctx.params.get("value"))

    def map_colour(self, ctx: Any) -> None:
        """Coloured by something else."""
        self.draw_map(ctx, colour=ctx.params.get("value"))

    def map_lit(self, ctx: Any) -> None:
        """The images of one card stand out."""
        self.draw_map(ctx, lit=ctx.params.get("value"))

    def draw_map(self, ctx: Any, **how: Any) -> None:
        """Send what the map draws, unless it is drawn already."""
        from fiftyone_plugin.forms.common import find_hypothesis
        from fiftyone_plugin.mapping import colouring_fields, map_of, values_on
        from latentdiff.errors import LatentDiffError, sentence
        from latentdiff.stats.projection import ways

        before = ctx.panel.state.mapped or {}
        now = {"way": "pca", "colour": SIDE, "lit": NONE, **before, **{k: v for k, v in how.items() if v}, "run": ctx.panel.state.run}
        run = self._run(ctx) if now != before else None
        if run is None:
            return
        try:
            found = map_of(run, now["way"])
            lit = None if now["lit"] == NONE else find_hypothesis(run, now["lit"])
            now["fields"] = colouring_fields(run)
            path = now["colour"].removeprefix(FIELD)
            values = values_on(run, found, path) if path in now["fields"] and path != now["colour"] else None
        except LatentDiffError as e:
            ctx.ops.notify(sentence(e), variant="error")
            return
        shown = sum(map(len, found.rows.values()))
        now["said"] = f"{shown:,} of {found.of:,} images are drawn, evenly spaced." if shown < found.of else ""
        now["said"] = " ".join(filter(None, (now["said"], by_value(values)[1] if values is not None else "")))
        now["ways"] = list(ways())
        ctx.panel.state.mapped = now
        send_traces(ctx, "map.plot", traces(run, found, now["colour"], lit, values))

    def lasso(self, ctx: Any) -> None:
        """Show the images inside a lasso."""
        self._show_points(ctx, [str(point.get("id")) for point in ctx.params.get("data") or () if isinstance(point, dict)])

    def click_image(self, ctx: Any) -> None:
        """Show the image of one point."""
        self._show_points(ctx, [str(ctx.params.get("id"))])

    def _show_points(self, ctx: Any, points: list[str]) -> None:
        from fiftyone_plugin.mapping import view_of_points
        from latentdiff.report.text import images

        run = self._run(ctx)
        named = [p for p in points if p[:1] in ("A", "B") and p[1:].isdigit()]
        if run is not None and named:
            self.show_view(ctx, lambda: view_of_points(run, named), f"{images(len(named))} of the map")

"""FiftyOne panel "LatentDiff": choose a comparison, read what differs, see the images."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any, ClassVar

import fiftyone.operators as foo
from fiftyone.operators import types

from .card_actions import CardActions
from .early_actions import EarlyActions
from .group_actions import GroupActions
from .known_actions import KnownActions
from .list_actions import ListActions
from .map_tab import MapActions
from .run_actions import RunActions
from .stored import STORED
from .tab_actions import AskActions, PlotActions

HELP = (
    "How do two views differ? Phrases that are more true of one than of the other, each tested, with the images that show it best.\n\n"
    "- **q**: of findings at least this sure, the share that would be false alarms\n"
    "- **AUROC**: how well the phrase alone tells the two views' images apart (0.5 not at all, 1 perfectly)\n"
    "- **AUC** in the verdict: the same for all vectors together\n"
    "- **looks like**: no word fits these images well; look at them before believing the name"
)
PAGE = {"grid": {"sx": {"p": 2, "height": "100%", "overflow": "auto", "gridTemplateColumns": "minmax(0, 1fr)", "alignContent": "start"}}}
STATE: tuple[str, ...] = ("shown", "run", "page", "listed", "list_how", "beside", "arranging", "how", "detail", "point", "grid_shows")
STATE += ("range", "span", "answer", "framed", "mapped", "noted", "leaning")
"""Kept in the panel's state. None is called like a component of :mod:`.layout`: the App keeps what was chosen there under its name."""

QUIET = ("look", "regrid", "on_change_tab", "slide", "brush")
"""Methods that the App also calls by itself, or where nothing was done."""

LATE = 10.0
"""Seconds for which requests may still be under way that were sent before a click."""


class LatentDiffPanel(
    RunActions, EarlyActions, ListActions, GroupActions, CardActions, KnownActions, MapActions, PlotActions, AskActions, foo.Panel
):
    """Ranked differences of one stored comparison, in two columns."""

    _left: ClassVar[dict[Any, tuple[str, float]]] = {}
    """By panel: what was chosen in it after the last click, and when."""

    @property
    def config(self) -> foo.PanelConfig:
        return foo.PanelConfig(
            name="latentdiff_panel", label="LatentDiff", icon="compare_arrows", help_markdown=HELP, category=foo.Categories.ANALYZE
        )

    def execute(self, ctx: Any) -> Any:
        """As FiftyOne's, but where nothing changed nothing is drawn anew.

        Every drawing replaces the whole panel by what this request knew. One that came too late, such as the timer's, would take back what
        a later click had changed.
        """
        method = ctx.params.get("__method__")
        if method == "look":
            return self._look(ctx)
        before = _chosen(ctx)
        try:
            return self._answer(ctx, method)
        finally:
            gather(ctx.executor._requests)
            if method != "on_load" and _chosen(ctx) != before:
                self._remember(ctx)

    def _look(self, ctx: Any) -> None:
        """Answer the timer, unless a click came before or meanwhile: what it changed would not be drawn any more."""
        asked = _chosen(ctx)
        if not self._overtaken(ctx, asked):
            self._answer(ctx, "look")
            gather(ctx.executor._requests)
            if self._overtaken(ctx, asked):
                ctx.executor._requests.clear()

    def _remember(self, ctx: Any) -> None:
        now = time.monotonic()
        for panel_id in [panel_id for panel_id, (_, when) in list(self._left.items()) if now - when > LATE]:
            self._left.pop(panel_id, None)
        self._left[ctx.panel_id] = _chosen(ctx), now

    def _overtaken(self, ctx: Any, asked: str) -> bool:
        """Whether a timer's request knows other choices than a click left while it waited for its turn, or was answered."""
        left, when = self._left.get(ctx.panel_id, ("", -LATE))
        return time.monotonic() - when < LATE and asked != left

    def _answer(self, ctx: Any, method: str | None) -> Any:
        if method not in QUIET:
            return super().execute(ctx)
        before = len(ctx.executor._requests)
        getattr(self, method)(ctx)
        if len(ctx.executor._requests) > before:
            ctx.ops.show_panel_output(self.render(ctx))
        return None

    def on_load(self, ctx: Any) -> None:
        # The server that served the page may have gone, and what a map draws is not kept.
        ctx.panel.state.set({"framed": None, "mapped": None})
        self.update(ctx)

    def on_change_dataset(self, ctx: Any) -> None:
        ctx.panel.state.grid_shows = None  # the grid that shows it is gone
        self.forget(ctx)
        ctx.panel.state.run = None
        self.update(ctx)

    def regrid(self, ctx: Any) -> None:
        """The grid shows something else than what a button here made it show: only what an operator makes it show is said of it."""
        from fiftyone_plugin.showing import of_stages

        if ctx.panel.state.grid_shows and of_stages(ctx.view) != ctx.panel.state.grid_view and not self.say_grid(ctx):
            self.forget_grid(ctx)

    def explain(self, ctx: Any) -> None:
        """Say a tooltip's text to those who click rather than hover."""
        ctx.ops.notify(str(ctx.params.get("text")), variant="info")

    def render(self, ctx: Any) -> types.Property:
        from fiftyone_plugin import form_nonce

        from .layout import page

        root = types.Object()
        state = {name: ctx.panel.get_state(name) for name in STATE} | {"nonce": form_nonce.parameter()}
        page(self, root, state, self.drawing(ctx, state["shown"] or {}))
        return types.Property(root, view=types.GridView(orientation="vertical", gap=1, align_x="left", componentsProps=PAGE))

    def drawing(self, ctx: Any, stored: dict[str, Any]) -> str:
        """Tells one drawing of the panel from another, by what was chosen and what is stored.

        A window may show another one than the panel's state asks for: where a request that came too late took a click back, where the
        App took the state over from another window of the session, and where the server that drew it has gone, with its nonce.
        """
        from fiftyone_plugin import form_nonce

        known = {name: stored.get(name) for name in STORED}
        told = json.dumps([_chosen(ctx), _as_returned([known, form_nonce.parameter()])], sort_keys=True)
        return hashlib.blake2b(told.encode(), digest_size=8).hexdigest()


def gather(requests: list[Any]) -> None:
    """Make one of an answer's changes of what the panel knows: after each the App stores the panel, and asks for the whole dataset anew.

    What plots drew goes when it did, right before what they draw next comes: see :func:`.sent.send_traces`.

    Args:
        requests: of the answer, in order.
    """
    changes = [r for r in requests if r.operator_uri == "patch_panel_state" and not any("." in path for path in r.params["state"])]
    if changes:
        changes[0].params["state"] = {path: value for change in changes for path, value in change.params["state"].items()}
        later = {id(change) for change in changes[1:]}
        requests[:] = [request for request in requests if id(request) not in later]


def _chosen(ctx: Any) -> str:
    """All that was chosen in a panel, as one text."""
    return json.dumps(_as_returned({name: ctx.panel.get_state(name) for name in STATE if name != "shown"}), sort_keys=True)


def _as_returned(value: Any) -> Any:
    """Numbers as text: a browser gives 1.0 back as 1."""
    if isinstance(value, dict):
        return {name: _as_returned(one) for name, one in value.items() if one is not None}
    if isinstance(value, (list, tuple)):
        return [_as_returned(one) for one in value]
    return f"{value:.6g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else value

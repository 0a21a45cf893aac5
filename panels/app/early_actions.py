"""What the panel does with a first answer: show it, keep what was chosen in it when the final one takes its place, have it finished."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .run_actions import PLUGIN


class EarlyActions:
    """Handlers of first answers; a part of the panel."""

    compared: Callable[[Any], None]
    """Shows the newest comparison: ``RunActions.compared``."""
    refresh: Callable[[Any], None]
    """Looks again: ``RunActions.refresh``."""

    def came_early(self, ctx: Any) -> None:
        """A first answer is there: show it."""
        self.compared(ctx)
        ctx.panel.state.early = ctx.panel.state.run

    def finish(self, ctx: Any) -> None:
        """Open the form that makes the final answer of which the first is open."""
        ctx.prompt(f"{PLUGIN}/finish_comparison", params={"run": ctx.panel.state.run}, on_success=self.refresh)

    def keep_open(self, ctx: Any, run: Any, board: dict[str, Any]) -> None:
        """The card that is unfolded stays so in a comparison that took its own first answer's place, if its words are still there."""
        from fiftyone_plugin.forms.common import find_hypothesis

        from .cards import detail

        before, open_ = (ctx.panel.state.shown or {}).get("board"), ctx.panel.state.detail
        if not (before and before.get("first") and not board["first"] and open_ and open_["run"] == before["name"] == board["name"]):
            return
        cards = {(c["side"], c["text"]): c["rank"] for side in "AB" for c in board["sides"][side]["cards"]}
        was = next(((c["side"], c["text"]) for side in "AB" for c in before["sides"][side]["cards"] if c["rank"] == open_["rank"]), None)
        rank = cards.get(was) if was else None
        ctx.panel.state.detail = None if rank is None else {**open_, "rank": rank, **detail(run, find_hypothesis(run, rank))}

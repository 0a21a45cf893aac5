"""What the panel does with one difference: show, save, tag, unfold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

PLUGIN = "@latentdiff/latentdiff"


class CardActions:
    """Handlers of the cards' buttons; a part of the panel."""

    update: Callable[[Any], None]
    """Looks again: ``RunActions.update``."""

    def show(self, ctx: Any) -> None:
        """Set the App's view to a card's images."""
        found = self._found(ctx)
        if found:
            run, hypothesis = found
            self.show_view(ctx, lambda: run.view(hypothesis, ctx.params.get("side")))

    def show_view(self, ctx: Any, make: Any) -> bool:
        """Set the App's view to what ``make()`` gives; say so where it cannot be shown here."""
        from latentdiff.errors import LatentDiffError

        try:
            view = make()
        except LatentDiffError as e:
            ctx.ops.notify(str(e), variant="error")
            return False
        if view._root_dataset.name != ctx.dataset.name:
            ctx.ops.notify(f"These images are in dataset {view._root_dataset.name!r}; open it to see them.", variant="info")
            return False
        ctx.ops.set_view(view)
        return True

    def save(self, ctx: Any) -> None:
        """Ask for a name, then save a card's images as a view."""
        self._ask(ctx, "save_hypothesis")

    def tag(self, ctx: Any) -> None:
        """Ask for a tag, then tag a card's images."""
        self._ask(ctx, "tag_hypothesis")

    def _ask(self, ctx: Any, operator: str) -> None:
        if self._found(ctx):
            answers = {"run": ctx.params["run"], "hypothesis": str(ctx.params["rank"]), "side": ctx.params["side"]}
            ctx.prompt(f"{PLUGIN}/{operator}", params=answers)

    def unfold(self, ctx: Any) -> None:
        """Unfold a card's detail, or fold it."""
        from .cards import detail

        at = (ctx.params.get("run"), ctx.params.get("rank"))
        now = ctx.panel.state.detail
        if now and (now["run"], now["rank"]) == at:
            ctx.panel.state.detail = None
            return
        found = self._found(ctx)
        if found:
            ctx.panel.state.detail = {"run": at[0], "rank": at[1], **detail(*found)}

    def _found(self, ctx: Any) -> tuple[Any, Any] | None:
        """The run and the difference that a button belongs to; where another window deleted it, that is said."""
        from fiftyone_plugin import hypotheses
        from fiftyone_plugin.forms import common as forms
        from latentdiff.errors import LatentDiffError

        try:
            run = hypotheses.open_comparison(ctx.dataset, str(ctx.params.get("run")))
            return run, forms.find_hypothesis(run, ctx.params.get("rank"))
        except LatentDiffError as e:
            ctx.ops.notify(str(e), variant="error")
            self.update(ctx)
            return None

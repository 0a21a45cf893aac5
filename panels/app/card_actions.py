"""What the panel does with one difference: show, save, tag, unfold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

PLUGIN = "@latentdiff/latentdiff"


class CardActions:
    """Handlers of the cards' buttons; a part of the panel."""

    update: Callable[[Any], None]
    """Looks again: ``RunActions.update``."""
    forget_grid: Callable[[Any], None]
    """Says no more whose images the grid shows: ``PlotActions.forget_grid``."""

    def show(self, ctx: Any) -> None:
        """Set the App's view to a card's images."""
        from fiftyone_plugin import hypotheses
        from fiftyone_plugin.showing import shown_of

        found = self._found(ctx)
        if found:
            run, hypothesis = found
            side = str(ctx.params.get("side"))
            self.show_view(ctx, lambda: hypotheses.best_view(run, hypothesis, side), shown_of(run, hypothesis, side))

    def show_typical(self, ctx: Any) -> None:
        """Set the App's view to the most typical images of a side."""
        from fiftyone_plugin import hypotheses
        from latentdiff.errors import LatentDiffError, sentence
        from latentdiff.report.text import images

        try:
            run = hypotheses.open_comparison(ctx.dataset, str(ctx.params.get("run")))
        except LatentDiffError as e:
            ctx.ops.notify(sentence(e), variant="error")
            self.update(ctx)
            return
        side = str(ctx.params.get("side"))
        what = f"the most typical of {run.sides[side].name}, {images(len(hypotheses.typical_rows(run, side)))}"
        self.show_view(ctx, lambda: hypotheses.typical_view(run, side), what)

    def show_view(self, ctx: Any, make: Any, what: str, between: list[float] | None = None) -> bool:
        """Set the App's view to what ``make()`` gives; say so where it cannot be shown here.

        Args:
            ctx: the ``ExecutionContext``.
            make: gives the view.
            what: whose images these are; the panel says it on every tab, until all are shown again.
            between: the scores that these images have, for the slider.
        """
        from fiftyone_plugin.showing import of_stages
        from latentdiff.errors import LatentDiffError, sentence

        try:
            view = make()
        except LatentDiffError as e:
            ctx.ops.notify(sentence(e), variant="error")
            return False
        if view._root_dataset.name != ctx.dataset.name:
            ctx.ops.notify(f"These images are in dataset {view._root_dataset.name!r}; open it to see them.", variant="info")
            return False
        ctx.ops.set_view(view)
        ctx.panel.state.set({"grid_shows": what, "grid_view": of_stages(view), "range": between})
        return True

    def clear(self, ctx: Any) -> None:
        """Back to the whole dataset."""
        self.forget_grid(ctx)
        ctx.ops.clear_view()

    def save(self, ctx: Any) -> None:
        """Ask for a name, then save a card's images as a view."""
        self._ask(ctx, "save_hypothesis")

    def tag(self, ctx: Any) -> None:
        """Ask for a tag, then tag a card's images."""
        self._ask(ctx, "tag_hypothesis")

    def accept(self, ctx: Any) -> None:
        """Say that a difference is right, or take that back."""
        self._judge(ctx, state="" if ctx.params.get("accepted") else "accepted")

    def reject(self, ctx: Any) -> None:
        """Say that a difference is wrong or of no use."""
        self._judge(ctx, state="rejected")

    def readmit(self, ctx: Any) -> None:
        """Take back that a difference was rejected."""
        self._judge(ctx, state="")

    def edit(self, ctx: Any) -> None:
        """Open the form that renames, notes and merges."""
        if self._found(ctx):
            answers = {"run": ctx.params["run"], "hypothesis": str(ctx.params["rank"])}
            ctx.prompt(f"{PLUGIN}/judge_finding", params=answers, on_success=self.edited)

    def edited(self, ctx: Any) -> None:
        """Show what was said."""
        self.update(ctx)

    def undo(self, ctx: Any) -> None:
        """Take back what was said last."""
        from fiftyone_plugin import form_nonce
        from fiftyone_plugin.feedback import undo_feedback
        from latentdiff.errors import LatentDiffError, sentence

        form_nonce.check(ctx.params)
        try:
            undo_feedback(ctx.dataset, str(ctx.params.get("run")))
        except LatentDiffError as e:
            ctx.ops.notify(sentence(e), variant="error")
        self.update(ctx)

    def _judge(self, ctx: Any, **said: str) -> None:
        from fiftyone_plugin import form_nonce
        from fiftyone_plugin.feedback import judge_finding
        from latentdiff.errors import LatentDiffError, sentence

        form_nonce.check(ctx.params)
        found = self._found(ctx)
        if not found:
            return
        try:
            judge_finding(ctx.dataset, found[0].name, found[1], **said)
        except LatentDiffError as e:
            ctx.ops.notify(sentence(e), variant="error")
        self.update(ctx)

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
        from latentdiff.errors import LatentDiffError, sentence

        try:
            run = hypotheses.open_comparison(ctx.dataset, str(ctx.params.get("run")))
            return run, forms.find_hypothesis(run, ctx.params.get("rank"))
        except LatentDiffError as e:
            ctx.ops.notify(sentence(e), variant="error")
            self.update(ctx)
            return None

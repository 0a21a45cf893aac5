"""What the panel does with its lists: which cards, which comparisons, in which order, and two comparisons beside each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .style import typed

LIST_SEARCH = "past.how.words"
SEARCH = "arrangement.search"
"""Where the App keeps what is typed to be found, in the list and in cards: the text fields' places in the panel."""


class ListActions:
    """Handlers of lists; a part of the panel."""

    update: Callable[[Any], None]
    """Looks again: ``RunActions.update``."""

    def arrange(self, ctx: Any) -> None:
        """Unfold or fold how cards are sorted, filtered and searched."""
        ctx.panel.state.arranging = not ctx.panel.state.arranging

    def order(self, ctx: Any) -> None:
        """Another order of the cards."""
        self._arranged(ctx, order=ctx.params.get("value"))

    def only(self, ctx: Any) -> None:
        """Other cards."""
        self._arranged(ctx, only=ctx.params.get("value"))

    def find(self, ctx: Any) -> None:
        """Cards with what was typed."""
        self._arranged(ctx, search=typed(ctx, SEARCH))

    def _arranged(self, ctx: Any, **how: Any) -> None:
        self._keep(ctx, "how", how)
        ctx.panel.state.cards = None
        self.update(ctx)

    def list_runs(self, ctx: Any) -> None:
        """Unfold or fold the list of comparisons."""
        ctx.panel.state.listed = not ctx.panel.state.listed

    def list_order(self, ctx: Any) -> None:
        """Another order of the list."""
        self._list(ctx, order=ctx.params.get("value"))

    def list_find(self, ctx: Any) -> None:
        """Comparisons with what was typed."""
        self._list(ctx, search=typed(ctx, LIST_SEARCH))

    def _list(self, ctx: Any, **how: Any) -> None:
        self._keep(ctx, "list_how", how)
        self.update(ctx)

    def _keep(self, ctx: Any, at: str, how: dict[str, Any]) -> None:
        """Keep what was chosen beside what was chosen before."""
        ctx.panel.set_state(at, {**(ctx.panel.get_state(at) or {}), **{name: value for name, value in how.items() if value is not None}})

    def beside(self, ctx: Any) -> None:
        """What became of the differences of an earlier comparison in the one that is open; or no more of that."""
        from fiftyone_plugin import hypotheses
        from latentdiff.errors import LatentDiffError, sentence

        from .cards import beside

        other, now = str(ctx.params.get("run")), ctx.panel.state.beside
        if now and now["before"] == other:
            ctx.panel.state.beside = None
            return
        try:
            told = beside(*(hypotheses.open_comparison(ctx.dataset, name) for name in (other, str(ctx.panel.state.run))))
        except LatentDiffError as e:
            ctx.ops.notify(sentence(e), variant="error")
            ctx.panel.state.beside = None
            self.update(ctx)
            return
        ctx.panel.state.beside = told

    def set_beside_again(self, ctx: Any, run: Any) -> None:
        """The same after something was said of a difference of ``run``, the comparison that is open."""
        from fiftyone_plugin import hypotheses
        from latentdiff.errors import LatentDiffError

        from .cards import beside

        if now := ctx.panel.state.beside:
            try:
                ctx.panel.state.beside = beside(hypotheses.open_comparison(ctx.dataset, now["before"]), run)
            except LatentDiffError:  # it was deleted meanwhile
                ctx.panel.state.beside = None

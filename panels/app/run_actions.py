"""What the panel does with comparisons: list, open, follow, compare, rename, delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .stored import address, newest, stored

PLUGIN = "@latentdiff/latentdiff"


class RunActions:
    """Handlers of the toolbar and the list of comparisons; a part of the panel."""

    draw_tab: Callable[[Any, Any], None]
    """Sends what the open tab's plot draws: ``PlotActions.draw_tab``."""
    draw_groups: Callable[[Any, Any, str], dict[str, Any]]
    """Sends the plots of groups: ``GroupActions.draw_groups``."""
    set_beside_again: Callable[[Any, Any], None]
    """Tells what became of differences as they are now: ``ListActions.set_beside_again``."""
    say_grid: Callable[[Any], bool]
    """Says whose images an operator made the grid show: ``PlotActions.say_grid``."""
    keep_open: Callable[[Any, Any, dict[str, Any]], None]
    """Keeps a card unfolded where the final answer takes the first one's place: ``EarlyActions.keep_open``."""
    drawing: Callable[[Any, dict[str, Any]], str]
    """Tells one drawing of the panel from another: ``LatentDiffPanel.drawing``."""

    def update(self, ctx: Any) -> None:
        """Look at what is stored now, and open the chosen comparison, or the newest."""
        from fiftyone_plugin import hypotheses
        from fiftyone_plugin.store.groups import split
        from latentdiff.errors import LatentDiffError, sentence

        from .cards import CARDS, board
        from .layout import image_data

        if ctx.dataset is None:
            return
        shown = stored(ctx.dataset, ctx.panel.state.list_how) | {"board": None, "groups": None, "error": None}
        chosen = address(shown["names"], shown["of_groups"], ctx.panel.state.run)
        if ctx.panel.state.run != chosen:  # a timer that is answered late must not take back what was opened meanwhile
            ctx.panel.state.run = chosen
        if chosen:
            try:
                group = split(chosen)[1]
                if group is not None:
                    shown["groups"] = self.draw_groups(ctx, hypotheses.open_groups(ctx.dataset, chosen), group)
                run = hypotheses.open_comparison(ctx.dataset, chosen)
                shown["board"] = board(run, ctx.panel.state.cards or CARDS, ctx.panel.state.how)
                self.keep_open(ctx, run, shown["board"])
                ctx.panel.set_data(image_data(shown["board"]))
                self.draw_tab(ctx, run)
                self.set_beside_again(ctx, run)
            except LatentDiffError as e:
                shown["error"] = sentence(e)
        ctx.panel.state.shown = shown

    def forget(self, ctx: Any, *, grid: bool = True) -> None:
        """What was unfolded, brushed or clicked in the comparison that was open; and, where ``grid``, what the grid shows of it."""
        if grid and ctx.panel.state.grid_shows:
            ctx.ops.clear_view()
        names = ("detail", "point", "cards", "answer", "beside", "mapped", *(("grid_shows", "range") if grid else ()))
        ctx.panel.state.set(dict.fromkeys(names))

    def open_run(self, ctx: Any) -> None:
        """Open a comparison."""
        from fiftyone_plugin.store.groups import split

        if ctx.params.get("run") not in (ctx.panel.state.run, split(ctx.panel.state.run or "")[0]):
            self.forget(ctx)
            ctx.panel.state.run = ctx.params.get("run")
        self.update(ctx)

    def on_change_run(self, ctx: Any) -> None:
        """Another comparison was chosen in the drop-down."""
        from fiftyone_plugin.store.groups import split

        if ctx.params.get("value") and ctx.params["value"] != split(ctx.panel.state.run or "")[0]:
            self.forget(ctx)
            ctx.panel.state.run = ctx.params["value"]
            self.update(ctx)

    def refresh(self, ctx: Any) -> None:
        """Look again."""
        self.update(ctx)

    def note(self, ctx: Any) -> None:
        """Unfold or fold what is to be known of the comparison."""
        ctx.panel.state.noted = not ctx.panel.state.noted

    def unfold_shifts(self, ctx: Any) -> None:
        """Unfold or fold the slight shifts of the comparison."""
        ctx.panel.state.leaning = not ctx.panel.state.leaning

    def more(self, ctx: Any) -> None:
        """More cards on both sides."""
        from .cards import CARDS

        ctx.panel.state.cards = (ctx.panel.state.cards or CARDS) + CARDS
        self.update(ctx)

    def look(self, ctx: Any) -> None:
        """Every few seconds: does the window show what is stored and what was clicked?

        Another window, a worker or the SDK may have added, changed or finished a comparison; ``drawn`` comes with the timer that this
        window draws, and so says what it shows.
        """
        if ctx.dataset is None or ctx.panel.state.shown is None:
            return
        self.say_grid(ctx)
        before, now = ctx.panel.state.shown, stored(ctx.dataset, ctx.panel.state.list_how)
        if ctx.params.get("drawn") == self.drawing(ctx, now) or now["writing"]:  # what takes another's place has two names for a moment
            return
        known = set(before.get("names") or [])
        for name in now["names"]:
            if name not in known and name in {d["run"] for d in before.get("delegated") or []}:
                ctx.ops.notify(f"The comparison {name} is ready.", variant="success")
                ctx.ops.reload_dataset()
        self.update(ctx)

    def compare(self, ctx: Any) -> None:
        """Open the form."""
        self.ask_to_compare(ctx, "compare_views")

    def compare_groups(self, ctx: Any) -> None:
        """Open the form of groups."""
        self.ask_to_compare(ctx, "compare_groups")

    def close_gap(self, ctx: Any) -> None:
        """Open the form that looks for images of a pool which close the gap of the open comparison."""
        ctx.prompt(f"{PLUGIN}/close_gap", params={"run": ctx.panel.state.run}, on_success=self.refresh)

    def ask_to_compare(self, ctx: Any, operator: str, **how: Any) -> None:
        """Open a form that compares, and note what is the newest comparison before it does."""
        ctx.panel.state.set({"before": newest(ctx.dataset), "early": None})
        ctx.prompt(f"{PLUGIN}/{operator}", on_success=self.compared, **how)

    def compared(self, ctx: Any) -> None:
        """Show the newest comparison; what is open stays where none was made: FiftyOne calls what was cancelled a success.

        Where its first answer was shown before, what was chosen since stays too.
        """
        now = newest(ctx.dataset)
        if ctx.panel.state.before != now and not (ctx.panel.state.early and str(now).startswith(f"{ctx.panel.state.early} ")):
            self.forget(ctx)
            ctx.panel.state.run = None
        self.update(ctx)

    def again(self, ctx: Any) -> None:
        """Open the form with the answers that made a comparison."""
        from fiftyone_plugin.forms import groups
        from fiftyone_plugin.forms import sides as side_choices
        from latentdiff.errors import LatentDiffError, sentence

        run = str(ctx.params.get("run"))
        answers = groups.answers_for(ctx.dataset, run)
        if answers is not None:
            self.ask_to_compare(ctx, "compare_groups", params=answers)
            return
        try:
            answers = side_choices.answers_for(ctx.dataset, run)
        except LatentDiffError as e:
            ctx.ops.notify(sentence(e), variant="error")
            self.update(ctx)
            return
        self.ask_to_compare(ctx, "compare_views", params=answers)

    def rename(self, ctx: Any) -> None:
        """Ask for another name."""
        ctx.prompt(f"{PLUGIN}/rename_comparison", params={"run": ctx.params.get("run")}, on_success=self.renamed)

    def renamed(self, ctx: Any) -> None:
        """Stay on the comparison under its new name."""
        from fiftyone_plugin.store.groups import BETWEEN, split

        result, (run, group) = ctx.params.get("result") or {}, split(ctx.panel.state.run or "")
        if result.get("renamed") == run:
            ctx.panel.state.run = result.get("new") if group is None else f"{result.get('new')}{BETWEEN}{group}"
        self.update(ctx)

    def delete(self, ctx: Any) -> None:
        """Ask, then delete."""
        ctx.prompt(f"{PLUGIN}/delete_comparison", params={"run": ctx.params.get("run")}, on_success=self.deleted)

    def deleted(self, ctx: Any) -> None:
        """Go on with what is left."""
        self.forget(ctx)
        self.update(ctx)

    def dismiss(self, ctx: Any) -> None:
        """Tell no more of a failed comparison."""
        from fiftyone_plugin import delegated, form_nonce

        form_nonce.check(ctx.params)
        delegated.dismiss(str(ctx.params.get("id")))
        self.update(ctx)

    def report(self, ctx: Any) -> None:
        """Open the form that writes the open comparison to a file."""
        from fiftyone_plugin.store.groups import split

        ctx.prompt(f"{PLUGIN}/export_report", params={"run": split(ctx.panel.state.run or "")[0]})

    def name_run(self, ctx: Any) -> None:
        """Open the form that gives the open comparison words."""
        ctx.prompt(f"{PLUGIN}/name_comparison", params={"run": ctx.panel.state.run}, on_success=self.named)

    def named(self, ctx: Any) -> None:
        """Show it with its words."""
        self.forget(ctx)
        self.update(ctx)

    def declare(self, ctx: Any) -> None:
        """Open the form that says which encoder made the open comparison's vectors."""
        ctx.prompt(f"{PLUGIN}/declare_encoder", on_success=self.refresh)

    def open_page(self, ctx: Any) -> None:
        """Show the page that compares folders and zip files, in place of the comparisons."""
        from latentdiff.errors import LatentDiffError, sentence

        from ..page.serve import open_page

        try:
            ctx.panel.state.framed = open_page().url
        except LatentDiffError as e:
            ctx.ops.notify(sentence(e), variant="error")

    def close_page(self, ctx: Any) -> None:
        """Back to the comparisons, of which the page may have made one."""
        ctx.panel.state.framed = None
        self.update(ctx)

    def embed(self, ctx: Any) -> None:
        """Open the form that computes vectors."""
        ctx.prompt(f"{PLUGIN}/compute_embeddings", on_success=self.refresh)

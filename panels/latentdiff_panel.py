"""FiftyOne panel "LatentDiff": choose a comparison, read what differs, see the images."""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

HELP = (
    "How do two views differ? Phrases that are more true of one than of the other, each tested, with the images that show it best.\n\n"
    "- **q**: of findings at least this sure, the share that would be false alarms\n"
    "- **AUROC**: how well the phrase alone tells the two views' images apart (0.5 not at all, 1 perfectly)\n"
    "- **AUC** in the verdict: the same for all vectors together\n"
    "- **looks like**: no word fits these images well; look at them before believing the name"
)


class LatentDiffPanel(foo.Panel):
    """Ranked differences of one stored comparison, in two columns."""

    @property
    def config(self) -> foo.PanelConfig:
        return foo.PanelConfig(
            name="latentdiff_panel", label="LatentDiff", icon="compare_arrows", help_markdown=HELP, category=foo.Categories.ANALYZE
        )

    def on_load(self, ctx: Any) -> None:
        self._refresh(ctx)

    def on_change_dataset(self, ctx: Any) -> None:
        ctx.panel.state.run = None
        self._refresh(ctx)

    def on_change_run(self, ctx: Any) -> None:
        """Another comparison was chosen."""
        ctx.panel.state.run = ctx.params.get("value")
        self._refresh(ctx)

    def refresh(self, ctx: Any) -> None:
        """Look again: another window or the SDK may have added a comparison."""
        self._refresh(ctx)

    def compare(self, ctx: Any) -> None:
        """Open the form."""
        ctx.prompt("@latentdiff/latentdiff/compare_views", on_success=self.compared)

    def compared(self, ctx: Any) -> None:
        """Show the newest comparison."""
        ctx.panel.state.run = None
        self._refresh(ctx)

    def show(self, ctx: Any) -> None:
        """Set the App's view to a card's images."""
        from fiftyone_plugin import forms, load_comparison
        from latentdiff.errors import LatentDiffError

        try:
            run = load_comparison(ctx.dataset, ctx.params.get("run"))
            hypothesis = forms.find_hypothesis(run, ctx.params.get("rank"))
            view = run.view(hypothesis, ctx.params.get("side"))
        except LatentDiffError as e:
            ctx.ops.notify(str(e), variant="error")
            return
        if view._root_dataset.name != ctx.dataset.name:
            ctx.ops.notify(f"These images are in dataset {view._root_dataset.name!r}; open it to see them.", variant="info")
            return
        ctx.ops.set_view(view)

    def clear(self, ctx: Any) -> None:
        """Back to the whole dataset."""
        ctx.ops.clear_view()

    def _refresh(self, ctx: Any) -> None:
        from fiftyone_plugin import list_comparisons, load_comparison
        from latentdiff.errors import LatentDiffError

        from .cards import board
        from .layout import image_data

        runs = list_comparisons(ctx.dataset)
        usable = [str(run) for run in runs if run.complete]
        chosen = ctx.panel.state.run
        if chosen not in usable:
            chosen = usable[0] if usable else None
        shown: dict[str, Any] = {"runs": usable, "interrupted": [str(r) for r in runs if not r.complete]}
        shown |= {"views": len(ctx.dataset.list_saved_views()), "board": None, "error": None}
        if chosen:
            try:
                shown["board"] = board(load_comparison(ctx.dataset, chosen))
                ctx.panel.set_data(image_data(shown["board"]))
            except LatentDiffError as e:
                shown["error"] = str(e)
        ctx.panel.state.shown = shown
        ctx.panel.state.run = chosen
        ctx.panel.state.toolbar = {"run": chosen}

    def render(self, ctx: Any) -> types.Property:
        from .layout import page

        root = types.Object()
        page(self, root, ctx.panel.state.shown or {}, ctx.panel.state.run)
        return types.Property(root, view=types.GridView(orientation="vertical", gap=2, align_x="left", componentsProps=PAGE))


PAGE = {"grid": {"sx": {"p": 2, "height": "100%", "overflow": "auto", "gridTemplateColumns": "minmax(0, 1fr)", "alignContent": "start"}}}

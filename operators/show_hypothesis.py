"""Operator: set the App's view to the images that show one of a comparison's differences."""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types


class ShowHypothesis(foo.Operator):
    """Form → the view of a hypothesis's samples."""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="show_hypothesis",
            label="LatentDiff: show a difference's images",
            description="Set the view to the images that show a difference, on one side or both",
            icon="image_search",
            dynamic=True,
        )

    def resolve_input(self, ctx: Any) -> types.Property:
        from fiftyone_plugin import forms, load_comparison

        inputs = types.Object()
        chosen = forms.choose_run(inputs, ctx.dataset, complete=True)
        if ctx.params.get("run") and not chosen.invalid:
            run = load_comparison(ctx.dataset, ctx.params["run"])
            names = {side: run.sides[side].name for side in "AB"}
            texts = [f"{h.text} (more in {names[h.side]})" for h in run.hypotheses]
            ranks = [str(i) for i in range(len(texts))]
            empty = "This comparison found no difference that passes its test."
            forms.choose(inputs, "hypothesis", "Difference", ranks, labels=texts, description="Best first", empty=empty)
            labels = [names["A"], names["B"], "both"]
            forms.choose(inputs, "side", "Side", ["A", "B", "both"], labels=labels, description="Whose images to show", empty="")
        return types.Property(inputs, view=types.View(label="Show a difference's images"))

    def execute(self, ctx: Any) -> dict[str, Any]:
        from fiftyone_plugin import forms, load_comparison

        run = load_comparison(ctx.dataset, ctx.params["run"])
        hypothesis = forms.find_hypothesis(run, ctx.params["hypothesis"])
        side = ctx.params.get("side") or hypothesis.side
        view = run.view(hypothesis, None if side == "both" else side)
        if view._root_dataset.name != ctx.dataset.name:
            ctx.ops.open_dataset(view._root_dataset.name)
        ctx.ops.set_view(view)
        return {"text": hypothesis.text, "side": side, "count": len(view)}

    def resolve_output(self, ctx: Any) -> types.Property:
        outputs = types.Object()
        outputs.str("text", label="Difference")
        outputs.int("count", label="Images that show it")
        return types.Property(outputs)

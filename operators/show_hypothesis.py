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

    def resolve_placement(self, ctx: Any) -> types.Placement:
        button = types.Button(label="Show a difference's images (LatentDiff)", icon="image_search", prompt=True)
        return types.Placement(types.Places.SAMPLES_GRID_SECONDARY_ACTIONS, button)

    def resolve_input(self, ctx: Any) -> types.Property:
        from fiftyone_plugin import hypothesis_forms

        inputs = types.Object()
        hypothesis_forms.choose_hypothesis(inputs, ctx.dataset, ctx.params)
        return types.Property(inputs, view=types.PromptView(label="Show a difference's images", submit_button_label="Show"))

    def execute(self, ctx: Any) -> dict[str, Any]:
        from fiftyone_plugin import hypotheses, hypothesis_forms

        run, hypothesis, side = hypothesis_forms.chosen_hypothesis(ctx.dataset, ctx.params)
        view = hypotheses.hypothesis_view(run, hypothesis, side)
        if view._root_dataset.name != ctx.dataset.name:
            ctx.ops.open_dataset(view._root_dataset.name)
        ctx.ops.set_view(view)
        return {"text": hypothesis.text, "side": side, "count": len(view)}

"""Operator: save the images that show a difference as a view."""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types


class SaveHypothesis(foo.Operator):
    """Form → :func:`fiftyone_plugin.hypotheses.save_hypothesis_view`."""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="save_hypothesis",
            label="LatentDiff: save a difference's images as a view",
            description="Keep the images that show a difference as a saved view",
            icon="bookmark_add",
            dynamic=True,
        )

    def resolve_placement(self, ctx: Any) -> types.Placement:
        button = types.Button(label="Save a difference's images as a view (LatentDiff)", icon="bookmark_add", prompt=True)
        return types.Placement(types.Places.SAMPLES_GRID_SECONDARY_ACTIONS, button)

    def resolve_input(self, ctx: Any) -> types.Property:
        from fiftyone_plugin import hypothesis_forms

        inputs = types.Object()
        run = hypothesis_forms.choose_hypothesis(inputs, ctx.dataset, ctx.params)
        hypothesis_forms.name_view(inputs, run, ctx.params)
        return types.Property(inputs, view=types.PromptView(label="Save as a view", submit_button_label="Save"))

    def execute(self, ctx: Any) -> dict[str, Any]:
        from fiftyone_plugin import hypotheses, hypothesis_forms

        run, hypothesis, side = hypothesis_forms.chosen_hypothesis(ctx.dataset, ctx.params)
        name = str(ctx.params.get("name") or "")
        view = hypotheses.save_hypothesis_view(run, hypothesis, side, name, overwrite=bool(ctx.params.get("overwrite")))
        count = len(view)
        ctx.ops.reload_dataset()
        ctx.ops.notify(f"Saved {count:,} images as the view {name.strip()!r}.", variant="success")
        return {"name": name.strip(), "side": side, "count": count}

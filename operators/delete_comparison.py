"""Operator: delete a stored comparison and all that it wrote."""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types


class DeleteComparison(foo.Operator):
    """Form → :func:`delete_comparison`."""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="delete_comparison",
            label="LatentDiff: delete a comparison",
            description="Remove a comparison and the two fields that it wrote, and nothing else",
            icon="delete_outline",
            dynamic=True,
        )

    def resolve_placement(self, ctx: Any) -> types.Placement:
        button = types.Button(label="Delete a comparison (LatentDiff)", icon="delete_outline", prompt=True)
        return types.Placement(types.Places.SAMPLES_GRID_SECONDARY_ACTIONS, button)

    def resolve_input(self, ctx: Any) -> types.Property:
        from fiftyone_plugin import forms

        inputs = types.Object()
        forms.choose_run(inputs, ctx.dataset, complete=False)
        run = ctx.params.get("run")
        if run:
            text = f"Deletes the comparison, and the fields {run}_log_ratio and {run}_concepts. Images and other fields stay."
            inputs.view("notice", types.Notice(label=text))
        return types.Property(inputs, view=types.PromptView(label="Delete a comparison", submit_button_label="Delete"))

    def execute(self, ctx: Any) -> dict[str, Any]:
        from fiftyone_plugin import delete_comparison

        delete_comparison(ctx.dataset, ctx.params["run"])
        ctx.ops.reload_dataset()
        return {"deleted": ctx.params["run"]}

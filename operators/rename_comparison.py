"""Operator: give a stored comparison, and its fields, another name."""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types


class RenameComparison(foo.Operator):
    """Form → :func:`rename_comparison`."""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="rename_comparison",
            label="LatentDiff: rename a comparison",
            description="Another name for a comparison and the two fields that it wrote",
            icon="drive_file_rename_outline",
            dynamic=True,
        )

    def resolve_input(self, ctx: Any) -> types.Property:
        from fiftyone_plugin import forms

        inputs = types.Object()
        forms.choose_run(inputs, ctx.dataset, complete=True)
        forms.rename_run(inputs, ctx.dataset, ctx.params)
        return types.Property(inputs, view=types.PromptView(label="Rename a comparison", submit_button_label="Rename"))

    def execute(self, ctx: Any) -> dict[str, Any]:
        from fiftyone_plugin import rename_comparison

        rename_comparison(ctx.dataset, ctx.params["run"], str(ctx.params.get("new") or ""))
        ctx.ops.reload_dataset()
        return {"renamed": ctx.params["run"], "new": ctx.params["new"]}

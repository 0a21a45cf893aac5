"""Operator: two views that differ in one rare attribute each, from labels."""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types


class BuildNoisyDiff(foo.Operator):
    """Form → :func:`build_noisy_diff`."""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="build_noisy_diff",
            label="LatentDiff: build a Noisy-Diff pair",
            description="Two saved views of one class, each with a rare attribute that the other lacks, and the truth in a run",
            icon="call_split",
            dynamic=True,
        )

    def resolve_input(self, ctx: Any) -> types.Property:
        from fiftyone_plugin.noisy_diff_form import choose_pair

        inputs = types.Object()
        choose_pair(inputs, ctx.dataset, ctx.params)
        return types.Property(inputs, view=types.PromptView(label="Build a Noisy-Diff pair", submit_button_label="Build"))

    def execute(self, ctx: Any) -> dict[str, Any]:
        from fiftyone_plugin import build_noisy_diff
        from fiftyone_plugin.noisy_diff_form import chosen_pair

        made = build_noisy_diff(ctx.dataset, **chosen_pair(ctx.params))
        ctx.ops.reload_dataset()
        return {"view_a": made.view_a, "view_b": made.view_b, "planted_a": len(made.planted_a), "planted_b": len(made.planted_b)}

    def resolve_output(self, ctx: Any) -> types.Property:
        outputs = types.Object()
        outputs.str("view_a", label="View A")
        outputs.str("view_b", label="View B")
        outputs.int("planted_a", label="Images of A that show its attribute")
        outputs.int("planted_b", label="Images of B that show its attribute")
        return types.Property(outputs, view=types.View(label="Noisy-Diff pair"))

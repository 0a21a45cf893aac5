"""Operator: compare two saved views of the current dataset."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types


class CompareViews(foo.Operator):
    """Form → :func:`compare_views`; at once with a live bar, or delegated."""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="compare_views",
            label="LatentDiff: compare two views",
            description="How do two saved views differ? Named, tested differences, stored with the dataset",
            icon="compare_arrows",
            dynamic=True,
            execute_as_generator=True,
            allow_immediate_execution=True,
            allow_delegated_execution=True,
        )

    def resolve_input(self, ctx: Any) -> types.Property:
        from fiftyone_plugin import forms

        inputs = types.Object()
        forms.choose_views(inputs, ctx.dataset, ctx.params)
        forms.choose_vectors(inputs, ctx.dataset)
        forms.choose_vocabulary(inputs, ctx.dataset, ctx.params)
        forms.name_run(inputs, ctx.dataset, ctx.params)
        inputs.bool(
            "skip_bad",
            label="Leave out broken vectors",
            description="Drop images whose vector holds NaN or infinity, and count them",
            default=False,
        )
        return types.Property(inputs, view=types.PromptView(label="Compare two views", submit_button_label="Compare"))

    def execute(self, ctx: Any) -> Iterator[Any]:
        from fiftyone_plugin import compare_views, forms
        from latentdiff.report import verdict

        from .live import shown

        params = ctx.params

        def work(progress: Any) -> Any:
            return compare_views(
                ctx.dataset,
                params["view_a"],
                params["view_b"],
                embeddings=params["embeddings"],
                vocabulary=forms.chosen_vocabulary(params),
                sae=params.get("sae") or None,
                run=params["run"],
                overwrite=bool(params.get("overwrite")),
                skip_bad=bool(params.get("skip_bad")),
                progress=progress,
            )

        run = yield from shown(ctx, work)
        if not ctx.delegated:
            yield ctx.ops.reload_dataset()
            yield ctx.ops.notify(verdict(run.comparison, run.sides["A"].name, run.sides["B"].name), variant="success")

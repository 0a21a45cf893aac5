"""Operator: give the images of a dataset or view vectors to compare them by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types


class ComputeEmbeddings(foo.Operator):
    """Form → :func:`compute_embeddings`; at once with a live bar, or delegated."""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="compute_embeddings",
            label="LatentDiff: compute embeddings",
            description="One vector per image, written as they are made; start it again to go on where it was stopped",
            icon="scatter_plot",
            dynamic=True,
            execute_as_generator=True,
            allow_immediate_execution=True,
            allow_delegated_execution=True,
        )

    def resolve_placement(self, ctx: Any) -> types.Placement:
        button = types.Button(label="Compute embeddings (LatentDiff)", icon="scatter_plot", prompt=True)
        return types.Placement(types.Places.SAMPLES_GRID_SECONDARY_ACTIONS, button)

    def resolve_input(self, ctx: Any) -> types.Property:
        from fiftyone_plugin import forms

        inputs = types.Object()
        ctx.target_view()  # asks FiftyOne for its choice between the dataset and what is shown
        forms.choose_encoder(inputs, ctx.params)
        forms.name_vectors(inputs, ctx.dataset, ctx.params)
        return types.Property(inputs, view=types.PromptView(label="Compute embeddings", submit_button_label="Compute"))

    def execute(self, ctx: Any) -> Iterator[Any]:
        from fiftyone_plugin import compute_embeddings, forms

        from .live import shown

        def work(progress: Any) -> Any:
            return compute_embeddings(
                ctx.target_view(),
                forms.chosen_encoder(ctx.params),
                ctx.params.get("field") or "clip",
                batch_size=ctx.params.get("batch_size") or None,
                overwrite=bool(ctx.params.get("overwrite")),
                progress=progress,
            )

        done = yield from shown(ctx, work)
        if ctx.delegated:
            return
        text = f"{done.encoded:,} images have a vector now; {done.kept:,} had one."
        if done.failures:
            text += f" {len(done.failures):,} could not be read: see the field {done.field}_error."
        yield ctx.ops.reload_dataset()
        yield ctx.ops.notify(text, variant="warning" if done.failures else "success")

"""Operator: learn the concepts of a dataset's or view's image vectors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types


class TrainSae(foo.Operator):
    """Form → :func:`train_sae`; at once with a live bar, or delegated."""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="train_sae",
            label="LatentDiff: train a sparse autoencoder",
            description="Learn the concepts that image vectors are made of, and keep them in a folder for comparisons",
            icon="hub",
            dynamic=True,
            execute_as_generator=True,
            allow_immediate_execution=True,
            allow_delegated_execution=True,
        )

    def resolve_input(self, ctx: Any) -> types.Property:
        from fiftyone_plugin import forms
        from fiftyone_plugin.training import choose_training

        inputs = types.Object()
        ctx.target_view()  # asks FiftyOne for its choice between the dataset and what is shown
        forms.choose_vectors(inputs, ctx.dataset, ctx.params)
        choose_training(inputs, ctx.params)
        return types.Property(inputs, view=types.PromptView(label="Train a sparse autoencoder", submit_button_label="Train"))

    def execute(self, ctx: Any) -> Iterator[Any]:
        from fiftyone_plugin import train_sae
        from fiftyone_plugin.training import chosen_training

        from .live import shown

        def work(progress: Any) -> Any:
            return train_sae(ctx.target_view(), ctx.params["embeddings"], progress=progress, **chosen_training(ctx.params))

        sae = yield from shown(ctx, work)
        if not ctx.delegated:
            report = sae.info["training"]
            text = f"{sae.concepts:,} concepts explain {report['explained_variance']:.0%} of the variance; saved in {ctx.params['folder']}."
            yield ctx.ops.notify(text, variant="success")

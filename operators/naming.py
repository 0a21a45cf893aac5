"""Operators that give differences words: say which encoder made vectors, and name a comparison later."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fiftyone.operators import types

from .base import FormOperator


class DeclareEncoder(FormOperator):
    """Form → :func:`declare_embeddings`."""

    NAME = "declare_encoder"
    LABEL = "say which encoder made vectors"
    DESCRIPTION = "Of vectors that came from elsewhere: with their encoder known, differences get words and phrases can be asked about"
    ICON = "translate"
    SUBMIT = "Check and record"

    def fill(self, inputs: types.Object, ctx: Any) -> None:
        from fiftyone_plugin.forms import encoder

        encoder.choose_declared(inputs, ctx.dataset, ctx.params)

    def perform(self, ctx: Any) -> dict[str, Any]:
        from fiftyone_plugin.embedding import declare_embeddings
        from fiftyone_plugin.forms import common as forms

        field = str(ctx.params.get("field") or "")
        declare_embeddings(ctx.dataset, field, forms.chosen_encoder(ctx.params), overwrite=bool(ctx.params.get("overwrite")))
        text = f"The encoder of {field!r} is recorded: differences can be named by common words, and phrases asked."
        ctx.ops.notify(text, variant="success")
        return {"field": field}


class FinishComparison(FormOperator):
    """Form → :func:`finish_comparison`; at once with a live bar, or delegated."""

    NAME = "finish_comparison"
    LABEL = "finish a comparison"
    DESCRIPTION = "Make the final answer of a comparison of which a first one is stored: the same images, choices and words"
    ICON = "update"
    SUBMIT = "Finish"
    LONG = True

    def fill(self, inputs: types.Object, ctx: Any) -> None:
        from fiftyone_plugin.forms import words

        words.choose_unfinished(inputs, ctx.dataset, ctx.params)

    def perform(self, ctx: Any) -> Iterator[Any]:
        from fiftyone_plugin.naming import finish_comparison
        from fiftyone_plugin.running import shown

        yield from shown(ctx, lambda progress: finish_comparison(ctx.dataset, str(ctx.params["run"]), progress=progress))


class NameComparison(FormOperator):
    """Form → :func:`name_comparison`; at once with a live bar, or delegated."""

    NAME = "name_comparison"
    LABEL = "name a comparison's differences"
    DESCRIPTION = "Give a comparison that was made without words some, or other ones; its images and choices stay as they are"
    ICON = "label"
    SUBMIT = "Name"
    TITLE = "Name the differences"
    LONG = True

    def fill(self, inputs: types.Object, ctx: Any) -> None:
        from fiftyone_plugin.forms import words

        words.choose_words_of_run(inputs, ctx.dataset, ctx.params)

    def perform(self, ctx: Any) -> Iterator[Any]:
        from fiftyone_plugin.encoders import chosen_vocabulary
        from fiftyone_plugin.forms.comparison import reached
        from fiftyone_plugin.naming import name_comparison
        from fiftyone_plugin.running import shown

        words: Any = chosen_vocabulary(reached(ctx.params))  # none of them is refused, in words

        def work(progress: Any) -> Any:
            return name_comparison(ctx.dataset, str(ctx.params["run"]), words, progress=progress)

        run = yield from shown(ctx, work)
        if not ctx.delegated:
            yield ctx.ops.reload_dataset()
            yield ctx.ops.notify(f"The differences of {run.name} have words now.", variant="success")

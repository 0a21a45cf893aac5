"""Operator: tag the images that show a difference."""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types


class TagHypothesis(foo.Operator):
    """Form → :func:`fiftyone_plugin.hypotheses.tag_hypothesis`."""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="tag_hypothesis",
            label="LatentDiff: tag a difference's images",
            description="Tag the images that show a difference, to go on working with them",
            icon="local_offer",
            dynamic=True,
        )

    def resolve_input(self, ctx: Any) -> types.Property:
        from fiftyone_plugin import forms, hypothesis_forms

        inputs = types.Object()
        run = hypothesis_forms.choose_hypothesis(inputs, ctx.dataset, ctx.params)
        hypothesis = hypothesis_forms.answered(run, ctx.params)
        suggested = hypothesis.text if hypothesis else ""
        prop = inputs.str("tag", label="Tag", description="Goes on every one of these images", default=suggested, required=True)
        if "tag" in ctx.params and not str(ctx.params["tag"] or "").strip():
            forms.reject(prop, "A tag needs a name, such as check.")
        return types.Property(inputs, view=types.PromptView(label="Tag these images", submit_button_label="Tag"))

    def execute(self, ctx: Any) -> dict[str, Any]:
        from fiftyone_plugin import hypotheses, hypothesis_forms

        run, hypothesis, side = hypothesis_forms.chosen_hypothesis(ctx.dataset, ctx.params)
        tag = str(ctx.params.get("tag") or "")
        count = hypotheses.tag_hypothesis(run, hypothesis, side, tag)
        ctx.ops.reload_dataset()
        ctx.ops.notify(f"{count:,} images carry the tag {tag.strip()!r} now.", variant="success")
        return {"tag": tag.strip(), "side": side, "count": count}

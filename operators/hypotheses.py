"""Operators on one difference: show its images, save them as a view, tag them."""

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
        from fiftyone_plugin.forms import hypotheses as hypothesis_forms

        inputs = types.Object()
        hypothesis_forms.choose_hypothesis(inputs, ctx.dataset, ctx.params)
        return types.Property(inputs, view=types.PromptView(label="Show a difference's images", submit_button_label="Show"))

    def execute(self, ctx: Any) -> dict[str, Any]:
        from fiftyone_plugin import hypotheses
        from fiftyone_plugin.forms import hypotheses as hypothesis_forms

        run, hypothesis, side = hypothesis_forms.chosen_hypothesis(ctx.dataset, ctx.params)
        view = hypotheses.hypothesis_view(run, hypothesis, side)
        if view._root_dataset.name != ctx.dataset.name:
            ctx.ops.open_dataset(view._root_dataset.name)
        ctx.ops.set_view(view)
        return {"text": hypothesis.text, "side": side, "count": len(view)}


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
        from fiftyone_plugin.forms import hypotheses as hypothesis_forms

        inputs = types.Object()
        run = hypothesis_forms.choose_hypothesis(inputs, ctx.dataset, ctx.params)
        hypothesis_forms.name_view(inputs, run, ctx.params)
        return types.Property(inputs, view=types.PromptView(label="Save as a view", submit_button_label="Save"))

    def execute(self, ctx: Any) -> dict[str, Any]:
        from fiftyone_plugin import hypotheses
        from fiftyone_plugin.forms import hypotheses as hypothesis_forms

        run, hypothesis, side = hypothesis_forms.chosen_hypothesis(ctx.dataset, ctx.params)
        name = str(ctx.params.get("name") or "")
        view = hypotheses.save_hypothesis_view(run, hypothesis, side, name, overwrite=bool(ctx.params.get("overwrite")))
        count = len(view)
        ctx.ops.reload_dataset()
        ctx.ops.notify(f"Saved {count:,} images as the view {name.strip()!r}.", variant="success")
        return {"name": name.strip(), "side": side, "count": count}


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
        from fiftyone_plugin.forms import common as forms
        from fiftyone_plugin.forms import hypotheses as hypothesis_forms

        inputs = types.Object()
        run = hypothesis_forms.choose_hypothesis(inputs, ctx.dataset, ctx.params)
        hypothesis = hypothesis_forms.answered(run, ctx.params)
        suggested = hypothesis.text if hypothesis else ""
        prop = inputs.str("tag", label="Tag", description="Goes on every one of these images", default=suggested, required=True)
        if "tag" in ctx.params and not str(ctx.params["tag"] or "").strip():
            forms.reject(prop, "A tag needs a name, such as check.")
        return types.Property(inputs, view=types.PromptView(label="Tag these images", submit_button_label="Tag"))

    def execute(self, ctx: Any) -> dict[str, Any]:
        from fiftyone_plugin import hypotheses
        from fiftyone_plugin.forms import hypotheses as hypothesis_forms

        run, hypothesis, side = hypothesis_forms.chosen_hypothesis(ctx.dataset, ctx.params)
        tag = str(ctx.params.get("tag") or "")
        count = hypotheses.tag_hypothesis(run, hypothesis, side, tag)
        ctx.ops.reload_dataset()
        ctx.ops.notify(f"{count:,} images carry the tag {tag.strip()!r} now.", variant="success")
        return {"tag": tag.strip(), "side": side, "count": count}

"""Operators on one difference: show its images, save them as a view, tag them."""

from __future__ import annotations

from typing import Any

from fiftyone.operators import types

from .base import FormOperator


class ShowHypothesis(FormOperator):
    """Form → the view of a hypothesis's samples."""

    NAME = "show_hypothesis"
    LABEL = "show a difference's images"
    DESCRIPTION = "Set the view to the images that show a difference, on one side or both"
    ICON = "image_search"
    SUBMIT = "Show"
    SHOWS_ONLY = True

    def fill(self, inputs: types.Object, ctx: Any) -> None:
        from fiftyone_plugin.forms import hypotheses as hypothesis_forms

        hypothesis_forms.choose_hypothesis(inputs, ctx.dataset, ctx.params)

    def perform(self, ctx: Any) -> dict[str, Any]:
        from fiftyone_plugin import hypotheses, showing
        from fiftyone_plugin.forms import hypotheses as hypothesis_forms

        run, hypothesis, side = hypothesis_forms.chosen_hypothesis(ctx.dataset, ctx.params)
        view = hypotheses.hypothesis_view(run, hypothesis, side)
        showing.note(view, showing.shown_of(run, hypothesis, side, best=False))
        if view._root_dataset.name != ctx.dataset.name:
            ctx.ops.open_dataset(view._root_dataset.name)
        ctx.ops.set_view(view)
        return {"text": hypothesis.text, "side": side, "count": len(view)}


class SaveHypothesis(FormOperator):
    """Form → :func:`fiftyone_plugin.hypotheses.save_hypothesis_view`."""

    NAME = "save_hypothesis"
    LABEL = "save a difference's images as a view"
    DESCRIPTION = "Keep the images that show a difference as a saved view"
    ICON = "bookmark_add"
    SUBMIT = "Save"
    TITLE = "Save as a view"

    def fill(self, inputs: types.Object, ctx: Any) -> None:
        from fiftyone_plugin.forms import hypotheses as hypothesis_forms

        run = hypothesis_forms.choose_hypothesis(inputs, ctx.dataset, ctx.params)
        hypothesis_forms.name_view(inputs, run, ctx.params)

    def perform(self, ctx: Any) -> dict[str, Any]:
        from fiftyone_plugin import hypotheses
        from fiftyone_plugin.forms import hypotheses as hypothesis_forms
        from latentdiff.report.text import images

        run, hypothesis, side = hypothesis_forms.chosen_hypothesis(ctx.dataset, ctx.params)
        name = str(ctx.params.get("name") or "")
        view = hypotheses.save_hypothesis_view(run, hypothesis, side, name, overwrite=bool(ctx.params.get("overwrite")))
        count = len(view)
        ctx.ops.reload_dataset()
        ctx.ops.notify(f"Saved {images(count)} as the view {name.strip()!r}.", variant="success")
        return {"name": name.strip(), "side": side, "count": count}


class JudgeFinding(FormOperator):
    """Form → :func:`judge_finding`."""

    NAME = "judge_finding"
    LABEL = "judge a difference"
    DESCRIPTION = "Accept or reject a difference, rename it, note something, or make it a part of another; kept with the comparison"
    ICON = "edit"
    SUBMIT = "Keep"

    def fill(self, inputs: types.Object, ctx: Any) -> None:
        from fiftyone_plugin.forms import feedback

        feedback.choose_judgement(inputs, ctx.dataset, ctx.params)

    def perform(self, ctx: Any) -> dict[str, Any]:
        from fiftyone_plugin.feedback import judge_finding
        from fiftyone_plugin.forms import feedback
        from fiftyone_plugin.forms import hypotheses as hypothesis_forms

        run, hypothesis, _ = hypothesis_forms.chosen_hypothesis(ctx.dataset, ctx.params)
        said = feedback.chosen_judgement(run, hypothesis, ctx.params)
        if said:
            judge_finding(ctx.dataset, run.name, hypothesis, **said)
        return {"text": hypothesis.text, **said}


class TagHypothesis(FormOperator):
    """Form → :func:`fiftyone_plugin.hypotheses.tag_hypothesis`."""

    NAME = "tag_hypothesis"
    LABEL = "tag a difference's images"
    DESCRIPTION = "Tag the images that show a difference, to go on working with them"
    ICON = "local_offer"
    SUBMIT = "Tag"
    TITLE = "Tag these images"

    def fill(self, inputs: types.Object, ctx: Any) -> None:
        from fiftyone_plugin import hypotheses
        from fiftyone_plugin.forms import common as forms
        from fiftyone_plugin.forms import hypotheses as hypothesis_forms

        run = hypothesis_forms.choose_hypothesis(inputs, ctx.dataset, ctx.params)
        hypothesis = hypothesis_forms.answered(run, ctx.params)
        side = ctx.params.get("side") or (hypothesis.side if hypothesis else "A")
        counts = hypotheses.tags_of(run, side) if run else {}
        suggested = forms.free(hypothesis.text, counts) if hypothesis else ""
        prop = inputs.str("tag", label="Tag", description="Goes on every one of these images", default=suggested, required=True)
        if "tag" in ctx.params and not str(ctx.params["tag"] or "").strip():
            forms.reject(prop, "A tag needs a name, such as check.")
        else:
            forms.ask_about_tag(inputs, prop, counts.get(str(ctx.params.get("tag") or "").strip(), 0), ctx.params)

    def perform(self, ctx: Any) -> dict[str, Any]:
        from fiftyone_plugin import hypotheses
        from fiftyone_plugin.forms import hypotheses as hypothesis_forms
        from latentdiff.report.text import images

        run, hypothesis, side = hypothesis_forms.chosen_hypothesis(ctx.dataset, ctx.params)
        tag = str(ctx.params.get("tag") or "")
        count = hypotheses.tag_hypothesis(run, hypothesis, side, tag, onto=bool(ctx.params.get("onto")))
        ctx.ops.reload_dataset()
        ctx.ops.notify(f"{images(count)} {'carries' if count == 1 else 'carry'} the tag {tag.strip()!r} now.", variant="success")
        return {"tag": tag.strip(), "side": side, "count": count}

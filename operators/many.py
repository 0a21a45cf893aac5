"""Operators on more than two sets: compare groups, and find the images of a pool that close a gap."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .base import FormOperator


class CompareGroups(FormOperator):
    """Form → :func:`compare_groups`; at once with a live bar, or delegated."""

    NAME = "compare_groups"
    LABEL = "compare groups"
    DESCRIPTION = "How do cameras, sites or months differ? Each group against the rest and every pair, stored with the dataset"
    ICON = "grid_view"
    SUBMIT = "Compare"
    LONG = True

    def fill(self, inputs: Any, ctx: Any) -> None:
        from fiftyone_plugin.forms import common as forms
        from fiftyone_plugin.forms import comparison, groups, words

        ctx.target_view()  # asks FiftyOne for its choice between the dataset and what is shown
        groups.choose_by(inputs, ctx.dataset, ctx.params)
        forms.choose_vectors(inputs, ctx.dataset, ctx.params)
        words.choose_vocabulary(inputs, ctx.dataset, ctx.params)
        groups.choose_concepts(inputs, ctx.params)
        base = str(ctx.params.get("by") or "groups").removesuffix(".label")
        forms.name_run(inputs, ctx.dataset, ctx.params, base=f"by_{base}")
        comparison.choose_level(inputs)

    def perform(self, ctx: Any) -> Iterator[Any]:
        from fiftyone_plugin.forms import groups
        from fiftyone_plugin.many import compare_groups
        from fiftyone_plugin.running import shown, tell
        from fiftyone_plugin.store import runs
        from latentdiff.report.groups import group_verdict

        def work(progress: Any) -> Any:
            found = compare_groups(ctx.target_view(), **groups.options_of(ctx.params, ctx.dataset), progress=progress)
            form = {name: ctx.params[name] for name in groups.ANSWERS if ctx.params.get(name)}
            runs.set_state(ctx.dataset, str(found.name), runs.COMPLETE, form=form)
            return found

        found = yield from shown(ctx, work)
        if not ctx.delegated:
            yield ctx.ops.reload_dataset()
            yield from tell(ctx, group_verdict(found.found))


class CloseGap(FormOperator):
    """Form → :func:`close_gap`; at once with a live bar, or delegated."""

    NAME = "close_gap"
    LABEL = "find images that close the gap"
    DESCRIPTION = "Which images of a pool to label, so that one side of a comparison becomes like the other; and weights for its own"
    ICON = "playlist_add_check"
    SUBMIT = "Find"
    LONG = True

    def fill(self, inputs: Any, ctx: Any) -> None:
        from fiftyone_plugin.forms import groups

        groups.choose_gap(inputs, ctx)

    def perform(self, ctx: Any) -> Iterator[Any]:
        from fiftyone_plugin.forms import groups
        from fiftyone_plugin.gap import close_gap
        from fiftyone_plugin.running import shown
        from fiftyone_plugin.showing import note
        from latentdiff.report.content import images
        from latentdiff.report.gap import gap_sentences

        def work(progress: Any) -> Any:
            return close_gap(ctx.dataset, **groups.gap_of(ctx), progress=progress)

        chosen = yield from shown(ctx, work)
        if ctx.delegated:
            return
        yield ctx.ops.reload_dataset()
        if len(chosen.ids) and chosen.view._root_dataset.name == ctx.dataset.name:
            note(chosen.view, f"the {images(len(chosen.ids))} that were chosen to make {chosen.about}")
            yield ctx.ops.set_view(chosen.view)
        said = gap_sentences(chosen.gap)
        if chosen.weight_field:
            said.append(f"Weights for training are in the field {chosen.weight_field}.")
        yield ctx.ops.notify(" ".join(said), variant="success" if len(chosen.ids) else "info")

"""Operator: compare two sets of images of the current dataset (and another)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from .base import FormOperator

LARGE = 100_000
"""Images of both sides together from which on the work is delegated unless one chooses otherwise: minutes, not seconds."""
ANSWERS = {"view_a", "view_b", "tag_a", "tag_b", "dataset_a", "dataset_b", "part_a", "part_b", "slice"}
ANSWERS |= {"field_a", "field_b", "value_a", "value_b"}
"""What is kept with a run of the sides, to compare again."""


class CompareViews(FormOperator):
    """Form → :func:`compare_views`; at once with a live bar, or delegated."""

    NAME = "compare_views"
    LABEL = "compare two views"
    DESCRIPTION = "How do two sets of images differ? Named, tested differences, stored with the dataset"
    ICON = "compare_arrows"
    SUBMIT = "Compare"
    IN_MENU = True
    LONG = True

    def resolve_execution_options(self, ctx: Any) -> foo.ExecutionOptions:
        return foo.ExecutionOptions(
            allow_immediate_execution=True, allow_delegated_execution=True, default_choice_to_delegated=self._is_large(ctx)
        )

    def fill(self, inputs: types.Object, ctx: Any) -> None:
        from fiftyone_plugin.forms import common as forms
        from fiftyone_plugin.forms import comparison, describe, words
        from fiftyone_plugin.forms import sides as side_choices

        side_choices.choose_sides(inputs, ctx)
        forms.choose_vectors(inputs, ctx.dataset, ctx.params)
        words.choose_vocabulary(inputs, ctx.dataset, ctx.params)
        comparison.choose_method(inputs, ctx.params)
        describe.choose_description(inputs, ctx)
        comparison.choose_groups(inputs, ctx.dataset)
        comparison.choose_fields(inputs, ctx.params)
        forms.choose_engine(inputs, ctx.params)
        forms.name_run(inputs, ctx.dataset, ctx.params)
        comparison.choose_level(inputs)
        comparison.mark(inputs, ctx)

    def perform(self, ctx: Any) -> Iterator[Any]:
        from fiftyone_plugin.comparing import compare_request
        from fiftyone_plugin.forms import comparison
        from fiftyone_plugin.forms import sides as side_choices
        from fiftyone_plugin.running import shown, tell
        from fiftyone_plugin.store import runs
        from latentdiff.report import verdict

        early = []

        def kept(run: Any) -> Any:
            form = {k: v for k, v in ctx.params.items() if k in ANSWERS | comparison.ANSWERS and v}
            runs.set_state(ctx.dataset, run.name, runs.COMPLETE, form=form)
            return run

        def work(progress: Any, first: Any = None) -> Any:
            def show(run: Any) -> None:
                early.append(kept(run))
                first(run)

            (a, name_a), (b, name_b) = (side_choices.chosen_side(ctx, letter) for letter in "AB")
            request = comparison.request_of(ctx, (a, b), (name_a, name_b))
            return kept(compare_request(request, progress, first and show))

        run = yield from shown(ctx, work, early=True)
        if not ctx.delegated:
            if not early:  # else its fields are there already, and the grid stays as it is
                yield ctx.ops.reload_dataset()
            yield from tell(ctx, verdict(run.comparison, run.sides["A"].name, run.sides["B"].name))

    def _is_large(self, ctx: Any) -> bool:
        from fiftyone_plugin.forms import sides as side_choices
        from latentdiff.errors import LatentDiffError

        if ctx.dataset is None or not (ctx.params.get("view_a") and ctx.params.get("view_b")):
            return False
        elsewhere = side_choices.ELSEWHERE in (ctx.params["view_a"], ctx.params["view_b"])
        if ctx.dataset._sample_collection.estimated_document_count() < LARGE / 2 and not elsewhere:
            return False
        try:
            return side_choices.count(ctx, "A") + side_choices.count(ctx, "B") >= LARGE
        except LatentDiffError:
            return False  # the form says what is wrong

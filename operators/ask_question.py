"""Operator: ask a stored comparison about a phrase of one's own."""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types


class AskQuestion(foo.Operator):
    """Form → :func:`fiftyone_plugin.asking.ask`; sets the view to the images that show the phrase best."""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="ask_question",
            label="LatentDiff: ask about a phrase",
            description="Is a phrase of your own more true of one side of a comparison? Tested on all its images",
            icon="contact_support",
            dynamic=True,
        )

    def resolve_input(self, ctx: Any) -> types.Property:
        from fiftyone_plugin import asking, forms, hypotheses
        from latentdiff.errors import LatentDiffError

        inputs = types.Object()
        chosen = forms.choose_run(inputs, ctx.dataset, complete=True)
        if ctx.params.get("run") and not chosen.invalid:
            try:
                problem = asking.can_ask(hypotheses.open_comparison(ctx.dataset, ctx.params["run"]))
            except LatentDiffError as e:
                problem = forms.sentence(e)
            if problem:
                forms.reject(chosen, problem)
        inputs.str("phrase", label="Phrase", description="A word or a few, such as: a dog on a beach", required=True)
        return types.Property(inputs, view=types.PromptView(label="Ask about a phrase", submit_button_label="Ask"))

    def execute(self, ctx: Any) -> dict[str, Any]:
        from fiftyone_plugin import asking, hypotheses

        run = hypotheses.open_comparison(ctx.dataset, str(ctx.params["run"]))
        answer = asking.ask(run, ctx.params["phrase"])
        found = answer.found
        return {
            "run": run.name,
            "phrase": found.text,
            "rates": {"A": found.rate_a, "B": found.rate_b},
            "auroc": found.auroc,
            "p_value": found.p_value,
            "ids": answer.ids,
        }

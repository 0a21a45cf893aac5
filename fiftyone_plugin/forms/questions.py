"""Inputs that keep the images of a question that was asked."""

from __future__ import annotations

from typing import Any

from latentdiff.errors import LatentDiffError, sentence

from .. import hypotheses
from ..questions import IMAGES, kept_questions
from . import common as forms


def choose_answer(inputs: Any, dataset: Any, params: dict[str, Any]) -> None:
    """A comparison, a question that it was asked, a side, and what its images become."""
    chosen = forms.choose_run(inputs, dataset, complete=True)
    if not params.get("run") or chosen.invalid:
        return
    try:
        run = hypotheses.open_comparison(dataset, str(params["run"]))
    except LatentDiffError as e:
        forms.reject(chosen, sentence(e))
        return
    phrases = [one["phrase"] for one in kept_questions(run)]
    empty = "This comparison was not asked about anything yet."
    forms.choose(inputs, "phrase", "Question", phrases, description="Newest first", empty=empty)
    names = {side: run.sides[side].name for side in "AB"}
    best = f"Those that show it best: at most {IMAGES}, which are kept with a question"
    forms.choose(inputs, "side", "Images of", list(names), labels=list(names.values()), description=best, empty="")
    view = inputs.str("view", label="Save as a view", description="Its name; empty: no view", required=False)
    tag = inputs.str("tag", label="Tag", description="Goes on every one of these images; empty: no tag", required=False)
    side = params.get("side")
    if params.get("tag") and side in names:
        forms.ask_about_tag(inputs, tag, hypotheses.tags_of(run, side).get(str(params["tag"]).strip(), 0), params)
    if params.get("view") and side in names and run.sides[side].dataset is not None:
        where = run.sides[side].dataset
        if str(params["view"]).strip() in where.list_saved_views():
            inputs.bool("overwrite", label=f"Replace the saved view {str(params['view']).strip()!r}", default=False)
        problem = hypotheses.view_name_problem(where, params["view"], bool(params.get("overwrite")))
        if problem:
            forms.reject(view, problem)

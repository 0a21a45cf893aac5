"""Inputs of the operators that act on one difference: which comparison, which difference, whose images, which name."""

from __future__ import annotations

from typing import Any

from latentdiff.errors import LatentDiffError, sentence
from latentdiff.report.finding import named
from latentdiff.results.feedback import said_of

from .. import hypotheses
from . import common as forms

BOTH = "both"


def choose_hypothesis(inputs: Any, dataset: Any, params: dict[str, Any], *, sides: bool = True) -> Any:
    """Drop-downs of comparisons, their differences, and, where asked for, sides.

    Returns:
        The ``ComparisonRun`` once one is chosen, else None.
    """
    chosen = forms.choose_run(inputs, dataset, complete=True, two_sides=True)
    if not params.get("run") or chosen.invalid:
        return None
    try:
        run = hypotheses.open_comparison(dataset, params["run"])
    except LatentDiffError as e:
        forms.reject(chosen, sentence(e))
        return None
    names = {side: run.sides[side].name for side in "AB"}
    texts = [f"{named(h, said_of(run.feedback, h))} (more in {names[h.side]})" for h in run.hypotheses]
    ranks = [str(i) for i in range(len(texts))]
    empty = "This comparison found no difference that passes its test."
    forms.choose(inputs, "hypothesis", "Difference", ranks, labels=texts, description="Best first", empty=empty)
    if sides:
        _choose_side(inputs, run, names)
    return run


def _choose_side(inputs: Any, run: Any, names: dict[str, str]) -> None:
    sides = ["A", "B", BOTH]
    labels = [names["A"], names["B"], "Both sides"]
    if run.sides["A"].dataset is not run.sides["B"].dataset:
        sides, labels = sides[:2], labels[:2]  # no view holds images of two datasets
    forms.choose(inputs, "side", "Images of", sides, labels=labels, description="Whose images that show it", empty="")


def chosen_hypothesis(dataset: Any, params: dict[str, Any]) -> tuple[Any, Any, str]:
    """What :func:`choose_hypothesis` was answered: the run, the hypothesis, and "A", "B" or "both" (its own side where none was chosen).

    Raises:
        LatentDiffError: no such run or hypothesis.
    """
    run = hypotheses.open_comparison(dataset, str(params.get("run")))
    hypothesis = forms.find_hypothesis(run, params.get("hypothesis"))
    return run, hypothesis, params.get("side") or hypothesis.side


def answered(run: Any, params: dict[str, Any]) -> Any:
    """The chosen hypothesis, None while none is chosen."""
    try:
        return forms.find_hypothesis(run, params.get("hypothesis")) if run else None
    except LatentDiffError:
        return None


def name_view(inputs: Any, run: Any, params: dict[str, Any]) -> None:
    """A text field for the saved view's name, checked as one types."""
    hypothesis = answered(run, params)
    side = params.get("side") or (hypothesis.side if hypothesis else None)
    suggested = ""
    if hypothesis:
        where = "" if side == BOTH else f" in {run.sides[side].name}"
        there = run.sides["A" if side == BOTH else side].dataset
        suggested = forms.free(f"{hypothesis.text}{where}", [] if there is None else there.list_saved_views())
    prop = inputs.str("name", label="Name of the view", description="It appears among the saved views", default=suggested, required=True)
    if not hypothesis:
        return
    name = params.get("name") or suggested
    view = run.sides["A" if side == BOTH else side].dataset
    taken = view is not None and name.strip() in view.list_saved_views()
    if taken:
        inputs.bool("overwrite", label=f"Replace the saved view {name.strip()!r}", default=False)
    problem = hypotheses.view_name_problem(view, name, bool(params.get("overwrite"))) if view is not None else None
    if problem:
        forms.reject(prop, problem)

"""Inputs of a comparison of groups, and of what closes a gap."""

from __future__ import annotations

from typing import Any

import latentdiff
from latentdiff.errors import InputError, LatentDiffError, sentence
from latentdiff.trends.binning import UNITS

from .. import hypotheses
from ..encoders import chosen_vocabulary
from ..gap import tags_like
from ..store import runs
from . import choices, comparison, sides
from . import common as forms

ANSWERS = ("by", "bins", "embeddings", "words", "vocabulary", "typed", "concepts", "sae", "alpha", "seed", "skip_bad")
"""Names of the inputs of a comparison of groups, to be kept with its run."""
FIFTYONES = ("created_at", "last_modified_at")
"""Dates that say nothing of when an image was taken."""
MONTH = "month"
TAG, VIEW = "tag", "view"
KEEP = {TAG: "Tag them", VIEW: "Save them as a view"}


def choose_by(inputs: Any, dataset: Any, params: dict[str, Any]) -> None:
    """The field whose values, or bins of whose dates, are the groups."""
    import fiftyone as fo

    fields = comparison.plain_fields(dataset, (fo.StringField, fo.IntField, fo.BooleanField))
    schema = dataset.get_field_schema()
    labels = [name for name, field in schema.items() if getattr(field, "document_type", None) is fo.Classification]
    dates = [name for name in comparison.plain_fields(dataset, (fo.DateField, fo.DateTimeField)) if name not in FIFTYONES]
    names = fields + [f"{name}.label" for name in labels] + dates
    empty = "No field of this dataset holds a text, a number, a class or a date an image."
    forms.choose(inputs, "by", "Groups", names, description="Field whose values are the groups: camera, site, split, date", empty=empty)
    if params.get("by") in dates:
        titles = [f"One group a {length}" for length in UNITS]
        text = "Those of fewer than 20 images are joined with a neighbour"
        prop = forms.choose(inputs, "bins", "Dates", list(UNITS), labels=titles, description=text, empty="")
        prop.default, prop.required = MONTH, False


def _bins(params: dict[str, Any], dataset: Any) -> str | None:
    """The length of bins, where the field holds dates."""
    import fiftyone as fo

    dated = isinstance(dataset.get_field(str(params["by"])), (fo.DateField, fo.DateTimeField))
    return str(params.get("bins") or MONTH) if dated else None


def choose_concepts(inputs: Any, params: dict[str, Any]) -> None:
    """The concepts that are compared; those learnt once for a field are of comparisons of two views."""
    titles = {name: title for name, title in choices.concept_titles().items() if name not in (choices.KEPT, choices.PAIR)}
    comparison.choose_concepts(inputs, params, titles)


def options_of(params: dict[str, Any], dataset: Any) -> dict[str, Any]:
    """What :func:`~fiftyone_plugin.compare_groups` takes beside the images.

    Raises:
        InputError: answers that do not go together, are no answers, or name what the App's owner does not let forms reach.
    """
    if not params.get("by"):
        raise InputError("choose the field whose values are the groups")
    params = comparison.reached(params)
    found = choices.choices_of(params)
    given = {name: found[name] for name in ("alpha", "seed", "sae_trainer") if found[name] is not None}
    return {
        "by": str(params["by"]),
        "bins": _bins(params, dataset),
        "embeddings": params.get("embeddings"),
        "run": params.get("run"),
        "sae": found["sae"],
        "vocabulary": chosen_vocabulary(params),
        "config": latentdiff.CompareConfig(skip_bad=found["skip_bad"], **given),
        "overwrite": bool(params.get("overwrite")),
    }


def answers_for(dataset: Any, run: str) -> dict[str, Any] | None:
    """Answers to the form that compare the groups of a stored run again; None where it holds no groups."""
    found = next((known for known in runs.list_comparisons(dataset) if known == run), None)
    if found is None or not found.groups:
        return None
    form = {"by": found.config.get("by"), "embeddings": found.config.get("embeddings"), **(found.config.get("form") or {})}
    return {name: value for name, value in form.items() if value is not None}


def choose_gap(inputs: Any, ctx: Any) -> None:
    """Which comparison is mended, from which pool, how many images are chosen, and what becomes of them."""
    chosen = forms.choose_run(inputs, ctx.dataset, complete=True, two_sides=True)
    run = _opened(ctx, chosen)
    if run is None:
        return
    names = {side: run.sides[side].name for side in "AB"}
    labels = [f"{names['B']}, to be like {names['A']}", f"{names['A']}, to be like {names['B']}"]
    prop = forms.choose(inputs, "mend", "Which gets images", ["B", "A"], labels=labels, description="The set to mend", empty="")
    prop.default, prop.required = "B", False
    sides.choose_side(inputs, sides.POOL, ctx)
    inputs.int("budget", label="Images to choose", description="At most this many", default=100, required=True, min=1)
    prop = forms.choose(inputs, "keep", "What becomes of them", list(KEEP), labels=list(KEEP.values()), description="", empty="")
    prop.default, prop.required = TAG, False
    kind = ctx.params.get("keep") or TAG
    text = "Of the tag" if kind == TAG else "It appears among the saved views"
    taken = ctx.dataset.distinct("tags") if kind == TAG else ctx.dataset.list_saved_views()
    suggested = forms.free("to label", [name.split(": ")[0] for name in taken])
    name = inputs.str("name", label="Name", description=text, default=suggested, required=True)
    given = str(ctx.params.get("name") or "").strip()
    if given and kind == VIEW:
        problem = hypotheses.view_name_problem(ctx.dataset, given)
        if problem:
            forms.reject(name, problem)
    elif given:
        forms.ask_about_tag(inputs, name, tags_like(ctx.dataset, given)[given], ctx.params)
    inputs.bool("card_by_card", label="One for each difference by itself, such as “to label: kite”", default=False)


def _opened(ctx: Any, chosen: Any) -> Any:
    if not ctx.params.get("run") or chosen.invalid:
        return None
    try:
        run = hypotheses.open_comparison(ctx.dataset, ctx.params["run"])
    except LatentDiffError as e:
        forms.reject(chosen, sentence(e))
        return None
    if any(run.sides[side].labels for side in "AB"):
        forms.reject(chosen, "This comparison is of patches; whole images are chosen and labelled.")
        return None
    return run


def gap_of(ctx: Any) -> dict[str, Any]:
    """What :func:`~fiftyone_plugin.close_gap` takes.

    Raises:
        InputError: an incomplete answer.
    """
    params = ctx.params
    pool, _ = sides.chosen_side(ctx, sides.POOL)
    kind, name = params.get("keep") or TAG, str(params.get("name") or "").strip()
    if kind not in KEEP or not name:
        raise InputError("a tag, or a saved view, needs a name, such as 'to label'")
    return {
        "pool": pool,
        "run": str(params.get("run") or ""),
        "mend": params.get("mend") or "B",
        "budget": params.get("budget") or 100,
        "tag": name if kind == TAG else None,
        "save_as": name if kind == VIEW else None,
        "card_by_card": bool(params.get("card_by_card")),
        "onto": bool(params.get("onto")),
    }

"""Inputs of a comparison beside its sides: the method, the SAE, level and seed; and the request that a form's answers make."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import latentdiff
from latentdiff.errors import InputError, LatentDiffError, sentence
from latentdiff.inputs.named import DatasetView

from .. import allowed
from ..encoders import OWN_WORDS, chosen_vocabulary, word_file
from ..sample_fields import ALL
from . import choices, describe
from . import common as forms
from .choices import LATENTDIFF, OWN, TRAIN

ANSWERS = choices.ANSWERS | {"embeddings", "words", "vocabulary", "typed"}
"""Names of the inputs, to be kept with a run."""
NO_GROUPS = ("id", "filepath", "_media_type", "_rand")
"""Fields of texts and numbers that tell every sample from every other."""
SHOWN_AT = {"b": "view_b", "vocabulary": "words", "sae_trainer": "concepts", "sae": "concepts"}
"""Field of a request → the input that answers it, where it has another name."""


def choose_method(inputs: Any, params: dict[str, Any]) -> None:
    """How to compare, and for LatentDiff the concepts it compares."""
    titles, text = choices.method_titles(), "The others are baselines; their findings are shown alike"
    prop = forms.choose(inputs, "method", "Method", list(titles), labels=list(titles.values()), description=text, empty="")
    prop.default, prop.required = LATENTDIFF, False
    named = params.get("sae") or params.get("concepts") not in (None, TRAIN)  # shown then too: it has to be taken back
    if named or (params.get("method") or LATENTDIFF) == LATENTDIFF:
        choose_concepts(inputs, params, choices.concept_titles() | choices.kept_titles())


def choose_concepts(inputs: Any, params: dict[str, Any], titles: dict[str, str]) -> None:
    """The concepts that are compared.

    Args:
        inputs: where they go.
        params: what was answered.
        titles: what may be chosen → what people read.
    """
    text = "What is compared one by one: concepts of a sparse autoencoder; a published one is fetched when it is first used"
    prop = forms.choose(inputs, "concepts", "Concepts", list(titles), labels=list(titles.values()), description=text, empty="")
    prop.default, prop.required = OWN if params.get("sae") else TRAIN, False
    if params.get("concepts") != OWN and not (params.get("sae") and not params.get("concepts")):
        return
    text = "Folder or file on the machine that serves the App, or a hub id; “LatentDiff: train a sparse autoencoder” makes one"
    file = inputs.str("sae", label="Sparse autoencoder", description=text, required=True)
    given = str(params.get("sae") or "")
    why = given and allowed.problem(allowed.file, given)
    if why:
        forms.reject(file, why)
    elif given.startswith(("/", "~", ".")) and not Path(given).expanduser().exists():
        forms.reject(file, f"There is no {given}.")


def choose_groups(inputs: Any, dataset: Any) -> None:
    """The field that says which images are no independent evidence; nothing where none could."""
    import fiftyone as fo

    fields = plain_fields(dataset, (fo.StringField, fo.IntField, fo.BooleanField))
    if fields:
        text = "Images of one value (scene, video, patient) are no independent evidence: they are held out and counted together"
        values = {choices.OFF: "Every image stands alone", **{name: f"By {name}" for name in fields}}
        label, names = "Images that belong together", list(values)
        prop = forms.choose(inputs, "groups", label, names, labels=list(values.values()), description=text, empty="")
        prop.default, prop.required = choices.OFF, False


def plain_fields(dataset: Any, kinds: tuple[Any, ...]) -> list[str]:
    """Fields of the samples that hold values of some kinds and may tell groups of them."""
    return [name for name, field in dataset.get_field_schema().items() if isinstance(field, kinds) and name not in NO_GROUPS]


def choose_fields(inputs: Any, params: dict[str, Any]) -> None:
    """Whether the images' fields are tested too, and what is known and looked past."""
    text = "Labels, tags, numbers, dates, sizes and measures of the images, tested beside what the pictures show"
    values = {choices.OFF: "No: the pictures alone", ALL: "All"}
    if params.get("fields"):  # those of an earlier comparison
        values.setdefault(str(params["fields"]), f"Only {params['fields']}")
    prop = forms.choose(inputs, "fields", "Fields", list(values), labels=list(values.values()), description=text, empty="")
    prop.default, prop.required = choices.OFF, False
    text = f"Differences to look past, separated by “{choices.BETWEEN}”: words, names of fields, or one of their values (camera = 2)"
    inputs.str("given", label="Known already", description=text, required=False)


def choose_level(inputs: Any) -> None:
    """Level, seed, and what is done with broken vectors."""
    text = "Share of false alarms that you can live with"
    inputs.float("alpha", label="Level", description=text, default=0.05, required=False, min=0.001, max=0.5)
    inputs.int("seed", label="Seed", description="The same seed gives the same result", default=0, required=False)
    text = "Images whose vector holds something that is no number are dropped, and counted"
    inputs.bool("skip_bad", label="Leave out broken vectors", description=text, default=False)


def request_of(ctx: Any, sides: tuple[Any, Any], names: tuple[str, str] | None = None) -> latentdiff.CompareRequest:
    """The comparison that a form's answers ask for.

    Args:
        ctx: the operator's ``ExecutionContext``.
        sides: both views, as :func:`~fiftyone_plugin.compare_views` takes them.
        names: what people call them.

    Raises:
        InputError: answers that do not go together, are no answers, or name what the App's owner does not let forms reach.
    """
    params = reached(ctx.params)
    return latentdiff.CompareRequest(
        DatasetView(ctx.dataset, sides[0]),
        DatasetView(ctx.dataset, sides[1]),
        vocabulary=chosen_vocabulary(params),
        embeddings=params.get("embeddings"),
        stored_as=params.get("run"),
        names=names,
        overwrite=bool(params.get("overwrite")),
        **choices.choices_of(params),
        **describe.description_of(ctx),
    )


def reached(params: dict[str, Any]) -> dict[str, Any]:
    """Answers whose files, servers and clusters may be reached; the files as they were found to lie."""
    if word_file(params):
        params = {**params, "words": OWN_WORDS, "vocabulary": word_file(params)}
    wanted = [name for name in ("sae", "vocabulary", "captioner") if params.get(name)]
    found = {**params, **{name: allowed.file(params[name]) for name in wanted}}
    asks = params.get("describe") == choices.SERVER or (params.get("describe") not in (None, choices.NOT) and params.get("ask_model"))
    if asks:
        allowed.server(params.get("llm_url"))
    allowed.engine(choices.chosen_engine(params))
    return found


def mark(inputs: Any, ctx: Any) -> None:
    """Say under each input why its answer does not go with the others, and block the form."""
    try:
        refused = request_of(ctx, ("A", "B")).refusals()
    except LatentDiffError as e:
        if ctx.params.get("method") not in (None, LATENTDIFF):
            forms.reject(inputs.properties["method"], sentence(e))
        return  # else an input that is still empty, and says so itself
    for choice, why in refused:
        prop = inputs.properties.get(SHOWN_AT.get(choice, choice))
        if prop is not None and choice != "embeddings":
            forms.reject(prop, sentence(InputError(why)))

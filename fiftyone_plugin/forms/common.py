"""Inputs that operators and panels share: views, vector fields, runs, hypotheses."""

from __future__ import annotations

from collections.abc import Collection
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from latentdiff.errors import InputError, LatentDiffError, sentence
from latentdiff.inputs.roots import is_path
from latentdiff.report.text import images
from latentdiff.scale.engine import LOCAL, Engine

from .. import allowed, encoders
from ..sides import vector_fields, vector_sources
from ..store import runs
from ..store.groups import BETWEEN, REST
from ..store.run import ComparisonRun
from .choices import WHERE

OTHER = "other"

ENCODERS = {
    "fast": ("clip_b32", "CLIP ViT-B/32: fast, good for most questions"),
    "paper": ("clip_l14", "CLIP ViT-L/14 at 336 px: finer, about 30 times slower"),
    "demo": ("demo_clip", "The small one of LatentDiff's drawn demo (needs no download)"),
    OTHER: ("clip", "Another: of open_clip, transformers or a folder"),
}
"""Choice → suggested field name and what people read."""


def choose(inputs: Any, name: str, label: str, values: list[str], *, description: str, labels: list[str] | None = None, empty: str) -> Any:
    """Add a required drop-down; where there is nothing to choose from, say so in its place.

    Returns:
        The property, to be marked invalid by the caller where the choice is wrong.
    """
    from fiftyone.operators import types

    view = types.DropdownView()
    for value, shown in zip(values, labels or values, strict=True):
        view.add_choice(value, label=shown)
    prop = inputs.enum(name, values, label=label, description=description, required=True, view=view)
    if not values:
        reject(prop, empty)
    return prop


def reject(prop: Any, message: str) -> None:
    """Show a message under a field and block the form."""
    prop.invalid = True
    prop.error_message = message


def choose_vectors(inputs: Any, dataset: Any, params: dict[str, Any]) -> None:
    """A drop-down of the fields and similarity indexes that hold vectors, chosen already where there is but one."""
    fields = vector_sources(dataset)
    empty = "No field of this dataset holds vectors. Run the operator “LatentDiff: compute embeddings” first."
    prop = choose(inputs, "embeddings", "Image vectors", fields, description="Field or similarity index: one vector per image", empty=empty)
    if len(fields) == 1:
        prop.default = fields[0]
    if fields and params.get("embeddings") and params["embeddings"] not in fields:
        reject(prop, f"There is no field or index {params['embeddings']!r} of vectors here; choose another.")


def choose_encoder(inputs: Any, params: dict[str, Any]) -> None:
    """A drop-down of encoders, and two fields for any other."""
    labels = [label for _, label in ENCODERS.values()]
    text = "The model that turns images into vectors; its words can name what differs"
    choose(inputs, "encoder", "Encoder", list(ENCODERS), labels=labels, description=text, empty="").default = "fast"
    if params.get("encoder") != OTHER:
        return
    described = "A model folder, an open_clip architecture such as ViT-B-16, or a hub id such as google/siglip-base-patch16-224"
    name = inputs.str("model", label="Model", description=described, required=True)
    why = params.get("model") and allowed.problem(allowed.file, params["model"])
    if why:
        reject(name, why)
    elif params.get("model") and str(params["model"]).startswith(("/", "~", ".")) and not Path(params["model"]).expanduser().exists():
        reject(name, f"There is no {params['model']}.")
    inputs.str("weights", label="Weights", description="For an architecture: a pretrained tag or a checkpoint file", required=False)


def chosen_encoder(params: dict[str, Any]) -> Any:
    """What :func:`choose_encoder` was answered, as ``compute_embeddings`` takes it.

    Raises:
        InputError: a file that forms may not name.
    """
    if params.get("encoder") != OTHER:
        return params.get("encoder") or "fast"
    model = str(params.get("model") or "")
    weights = params.get("weights") or None
    for named in filter(None, (model, weights)):
        if is_path(named):
            allowed.file(named)
    return (str(Path(model).expanduser()) if model.startswith("~") else model, weights)


def name_vectors(inputs: Any, dataset: Any, params: dict[str, Any]) -> None:
    """A text field for the vector field's name, checked as one types, and the choice to replace."""
    text = "Field that gets one vector per image; an interrupted one is continued"
    encoder = params.get("encoder") or "fast"
    suggested = ENCODERS[encoder][0] if encoder in ENCODERS else "clip"
    try:
        given = chosen_encoder(params)
    except InputError:
        inputs.str("field", label="Field name", description=text, default=suggested, required=True)
        return  # the encoder's own input says so
    source = given if isinstance(given, tuple) else (given, None)
    if _of_others(dataset, suggested, source):
        suggested = free(suggested, dataset.get_field_schema(), "_")
    prop = inputs.str("field", label="Field name", description=text, default=suggested, required=True)
    name = params.get("field") or suggested
    if dataset.has_field(name):
        inputs.bool("overwrite", label=f"Replace the vectors in {name!r}", default=False)
    problem = _of_others(dataset, name, source)
    if problem and not (params.get("overwrite") and name in vector_fields(dataset)):
        reject(prop, problem)
    elif not str(name).isidentifier() or str(name).startswith("_"):
        reject(prop, "A field's name is letters, digits and underscores, and starts with a letter.")


def _of_others(dataset: Any, name: str, source: tuple[Any, Any]) -> str | None:
    """Why a field that exists does not get vectors of an encoder unasked; None where it may, and where there is no such field."""
    if not dataset.has_field(name):
        return None
    if name not in vector_fields(dataset):
        return f"{name!r} exists already and holds no vectors; choose another name."
    stamp = encoders.recorded(dataset, name)
    if stamp is None or (stamp.source and stamp.source != source):
        return f"{name!r} holds vectors of another encoder; choose another name or tick Replace."
    return None


def choose_run(inputs: Any, dataset: Any, *, complete: bool, two_sides: bool = False) -> Any:
    """A drop-down of the stored comparisons.

    Args:
        inputs: where it goes.
        dataset: the ``fo.Dataset`` that holds them.
        complete: leave out interrupted ones, which cannot be used.
        two_sides: list each group of a comparison of groups, against the rest, in its place.
    """
    names: dict[str, str] = {}
    for run in runs.list_comparisons(dataset):
        if two_sides and run.groups and run.complete:
            names |= {f"{run}{BETWEEN}{group}": f"{run}: {group} against {REST}" for group in run.groups}
        elif run.complete or not complete:
            names[str(run)] = str(run) if run.complete else f"{run} (interrupted)"
    empty = "No comparison is stored in this dataset yet."
    return choose(inputs, "run", "Comparison", list(names), labels=list(names.values()), description="A stored comparison", empty=empty)


def name_run(inputs: Any, dataset: Any, params: dict[str, Any], base: str | None = None) -> None:
    """A text field for a new run's name, checked as one types, and the choice to replace; ``base``: what it may be called."""
    text = "Letters, digits and underscores; it starts the names of the fields that are written"
    prop = inputs.str("run", label="Name of this comparison", description=text, default=suggest(dataset, params, base), required=True)
    name = params.get("run")
    if not name:
        return
    taken = name in runs.list_comparisons(dataset)
    if taken:
        inputs.bool("overwrite", label=f"Replace the comparison {name!r}", default=False)
    try:
        runs.check_new(dataset, name, bool(params.get("overwrite")))
    except LatentDiffError as e:
        reject(prop, f"{name!r} exists already; tick Replace or choose another name." if taken else sentence(e))


def rename_run(inputs: Any, dataset: Any, params: dict[str, Any]) -> None:
    """A text field for a stored run's new name, checked as one types."""
    text = "Letters, digits and underscores; its fields are renamed with it"
    prop = inputs.str("new", label="New name", description=text, required=True)
    new = params.get("new")
    if not new:
        return
    try:
        runs.check_new(dataset, new, overwrite=False)
    except LatentDiffError as e:
        reject(prop, f"{new!r} exists already; choose another name." if new in dataset.list_runs() else sentence(e))


def suggest(dataset: Any, params: dict[str, Any], base: str | None = None) -> str:
    """A free name made of both sides' names ("summer_vs_winter"), or of another text."""

    def plain(letter: str) -> str:
        low = letter.lower()
        text = params.get(f"value_{low}") or params.get(f"tag_{low}") or params.get(f"dataset_{low}") or params.get(f"view_{low}") or ""
        words = "".join(c if c.isalnum() else "_" for c in str(text)).strip("_")
        return words.removeprefix("images_of_") or low

    base = f"{plain('A')}_vs_{plain('B')}" if base is None else "".join(c if c.isalnum() else "_" for c in base)
    base = base if base.isidentifier() else f"run_{base}"
    return free(base, set(dataset.list_runs()), "_")


def free(name: str, taken: Collection[str], between: str = " ") -> str:
    """A name that nothing has: this one, or this one and a number."""
    return next(one for one in (name, *(f"{name}{between}{n}" for n in range(2, len(taken) + 3))) if one not in taken)


def ask_about_tag(inputs: Any, prop: Any, known: int, params: dict[str, Any]) -> None:
    """Where images carry a tag already: the question whether it goes onto these too.

    Args:
        inputs: of the form.
        prop: the input that holds the tag.
        known: how many carry it.
        params: what was answered so far.
    """
    if known:
        carry = f"{images(known)} {'carries' if known == 1 else 'carry'}"
        inputs.bool("onto", label=f"Put it onto these too: {carry} it already", default=False)
        if not params.get("onto"):
            reject(prop, f"{carry} this tag already; tick below, or choose another.")


def find_hypothesis(run: ComparisonRun, index: Any) -> Any:
    """A run's gated hypothesis by its rank (0 = best); "c12": its candidate number 12, whether it passes or not.

    Raises:
        InputError: no such rank.
    """
    lead = str(index).removeprefix("c")
    if lead != str(index) and lead.isdigit() and int(lead) < len(run.candidates):
        return run.candidates[int(lead)]
    if isinstance(index, bool) or not str(index).isdigit() or int(index) >= len(run.hypotheses):
        raise InputError(f"comparison {run.name!r} has {len(run.hypotheses)} differences; there is no number {index!r}")
    return run.hypotheses[int(index)]


def choose_engine(inputs: Any, params: dict[str, Any]) -> None:
    """Where it runs, and how the cluster is reached; nothing where Ray is not installed."""
    if find_spec("ray") is None:
        return
    text = "A cluster is handed the vectors in chunks; they are never in memory together"
    prop = choose(inputs, "engine", "Where it runs", list(WHERE), labels=list(WHERE.values()), description=text, empty="")
    prop.default, prop.required = LOCAL.kind, False
    if (params.get("engine") or LOCAL.kind) == LOCAL.kind:
        return
    text = "Such as ray://host:10001; empty for the cluster that RAY_ADDRESS names, else a new one on this machine"
    where = inputs.str("address", label="Address of the cluster", description=text, required=False)
    text = "Folder or URI that all its machines can read, such as s3://bucket/folder; may stay empty for a cluster on this machine"
    inputs.str("exchange", label="Exchange folder", description=text, required=False)
    why = allowed.problem(allowed.engine, Engine("ray", params.get("address") or None, params.get("exchange") or None))
    if why:
        reject(where, why)

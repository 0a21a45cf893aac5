"""Inputs that operators and panels share: views, vector fields, runs, hypotheses."""

from __future__ import annotations

from typing import Any

from latentdiff.errors import LatentDiffError

from . import runs
from .handle import ComparisonRun
from .sides import vector_fields


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


def choose_views(inputs: Any, dataset: Any, params: dict[str, Any]) -> None:
    """Two drop-downs of saved views."""
    views = dataset.list_saved_views()
    empty = "This dataset has no saved views. Save two views in the App (bookmark icon above the grid) and come back."
    choose(inputs, "view_a", "View A", views, description="Saved view: one set of images", empty=empty)
    b = choose(inputs, "view_b", "View B", views, description="Saved view: the set to compare it with", empty=empty)
    if params.get("view_a") and params.get("view_a") == params.get("view_b"):
        reject(b, "Both sides are the same view; choose two different ones.")


def choose_vectors(inputs: Any, dataset: Any) -> None:
    """A drop-down of the fields that hold vectors."""
    fields = vector_fields(dataset)
    empty = "No field of this dataset holds vectors. Compute embeddings first."
    choose(inputs, "embeddings", "Image vectors", fields, description="Field that holds one vector per image", empty=empty)


def choose_run(inputs: Any, dataset: Any, *, complete: bool) -> Any:
    """A drop-down of the stored comparisons; interrupted ones only where they can be used."""
    found = [run for run in runs.list_comparisons(dataset) if run.complete or not complete]
    shown = [str(run) if run.complete else f"{run} (interrupted)" for run in found]
    empty = "No comparison is stored in this dataset yet."
    return choose(inputs, "run", "Comparison", [str(r) for r in found], labels=shown, description="A stored comparison", empty=empty)


def name_run(inputs: Any, dataset: Any, params: dict[str, Any]) -> None:
    """A text field for a new run's name, checked as one types, and the choice to replace."""
    text = "Letters, digits and underscores; it starts the names of the fields that are written"
    prop = inputs.str("run", label="Name of this comparison", description=text, default=suggest(dataset, params), required=True)
    name = params.get("run")
    if not name:
        return
    taken = name in runs.list_comparisons(dataset)
    if taken:
        inputs.bool("overwrite", label=f"Replace the comparison {name!r}", default=False)
    try:
        runs.check_new(dataset, name, bool(params.get("overwrite")))
    except LatentDiffError as e:
        reject(prop, f"{name!r} exists already; tick Replace or choose another name." if taken else _sentence(e))


def suggest(dataset: Any, params: dict[str, Any]) -> str:
    """A free name made of both views' names ("summer_vs_winter")."""

    def plain(text: Any) -> str:
        return "".join(c if c.isalnum() else "_" for c in str(text or "")).strip("_")

    base = f"{plain(params.get('view_a')) or 'a'}_vs_{plain(params.get('view_b')) or 'b'}"
    base = base if base.isidentifier() else f"run_{base}"
    taken = set(dataset.list_runs())
    names = [base, *(f"{base}_{n}" for n in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def find_hypothesis(run: ComparisonRun, index: Any) -> Any:
    """A run's gated hypothesis by its rank (0 = best).

    Raises:
        InputError: no such rank.
    """
    from latentdiff.errors import InputError

    if isinstance(index, bool) or not str(index).isdigit() or int(index) >= len(run.hypotheses):
        raise InputError(f"comparison {run.name!r} has {len(run.hypotheses)} differences; there is no number {index!r}")
    return run.hypotheses[int(index)]


def _sentence(error: Exception) -> str:
    text = str(error)
    return text[:1].upper() + text[1:]

"""The form of the Noisy-Diff operator: every drop-down offers only what can be built."""

from __future__ import annotations

from collections import Counter
from typing import Any

from latentdiff.benchmark.noisy_diff import MINIMUM, PairCounts
from latentdiff.errors import LatentDiffError

from ..noisy_diff import label_fields, noisy_diff_pairs, read_labels
from ..store import runs
from . import common as forms

MOST = 200
"""Parents offered; more would make the list useless."""
LISTED = 60
"""Pairs shown at once; choosing an attribute shows those with it."""


def choose_pair(inputs: Any, dataset: Any, params: dict[str, Any]) -> None:
    """Drop-downs of field, parent and attributes, each of what the choices before leave; the pairs with their counts; a name."""
    fields = label_fields(dataset)
    text = "Detections, classifications or lists of words"
    forms.choose(inputs, "field", "Labels", fields, description=text, empty="No field of this dataset holds labels.")
    inputs.int("minimum", label="Least number of images", description="Of the parent that show an attribute", default=MINIMUM, min=1)
    field, minimum = params.get("field"), int(params.get("minimum") or MINIMUM)
    if field not in fields:
        return
    parents = _parents(dataset, field, minimum)
    empty = f"No label has {2 * minimum} images; lower the number."
    forms.choose(inputs, "parent", "Parent", parents, description="Label that all images share", empty=empty)
    parent = params.get("parent")
    if parent not in parents:
        return
    counted = noisy_diff_pairs(dataset, field, parent, minimum=minimum)
    pairs = [(p.attribute_a, p.attribute_b) for p in counted]
    attributes = sorted({name for pair in pairs for name in pair})
    empty = f"{parent!r} has fewer than two attributes of {minimum} images; lower the number or choose another parent."
    forms.choose(inputs, "a", "Attribute of view A", attributes, description="View B has none of it", empty=empty)
    chosen = {params.get(side) for side in "ab"} & set(attributes)
    inputs.md(_listed([p for p in counted if chosen <= {p.attribute_a, p.attribute_b}]), name="pairs")
    a = params.get("a")
    if a not in attributes:
        return
    others = [name for name in attributes if tuple(sorted((a, name))) in pairs]
    forms.choose(inputs, "b", "Attribute of view B", others, description="View A has none of it", empty="No other attribute fits.")
    inputs.int("seed", label="Seed", description="The same seed gives the same views", default=0)
    _name(inputs, dataset, params)


def chosen_pair(params: dict[str, Any]) -> dict[str, Any]:
    """What :func:`choose_pair` was answered, as ``build_noisy_diff`` takes it."""
    chosen = {name: params[name] for name in ("field", "parent", "a", "b")}
    chosen |= {"minimum": int(params.get("minimum") or MINIMUM), "seed": int(params.get("seed") or 0)}
    return {**chosen, "name": params.get("name") or None, "overwrite": bool(params.get("overwrite"))}


def _parents(dataset: Any, field: str, minimum: int) -> list[str]:
    """Labels with room for two attributes, most frequent first."""
    counts = Counter(name for own in read_labels(dataset, field)[1] for name in set(own))
    # Two attributes that are never shown together need twice as many; fewer may do where they overlap.
    return [name for name, count in counts.most_common(MOST) if count > minimum]


def _listed(pairs: list[PairCounts]) -> str:
    """Pairs with what they would hold, as a table in Markdown."""
    if not pairs:
        return ""
    lines = ["| pair | with the first | with the second | with both (dropped) | with neither | masses |", "|---|---:|---:|---:|---:|---:|"]
    for p in pairs[:LISTED]:
        masses = f"{p.mass_a:.1%}, {p.mass_b:.1%}"
        lines.append(f"| {_cell(p.attribute_a)}, {_cell(p.attribute_b)} | {p.mix_a} | {p.mix_b} | {p.both} | {p.plain} | {masses} |")
    more = len(pairs) - LISTED
    head = f"{len(pairs)} pair{'' if len(pairs) == 1 else 's'}"
    return "\n".join([head, "", *lines, *(["", f"and {more} more: choose an attribute"] if more > 0 else [])])


def _cell(label: str) -> str:
    """A label that cannot break its row."""
    return label.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")


def _name(inputs: Any, dataset: Any, params: dict[str, Any]) -> None:
    text = "Starts the names of the two views; left empty, it is made of the labels"
    prop = inputs.str("name", label="Name", description=text, required=False)
    name = params.get("name")
    if not name:
        return
    if name in dataset.list_runs():
        inputs.bool("overwrite", label=f"Replace {name!r}", default=False)
    try:
        runs.check_name(name)
    except LatentDiffError as e:
        forms.reject(prop, str(e))

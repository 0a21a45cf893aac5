"""Images by what a field says of them: those with a value, those with high or low numbers, and all others than some."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import numpy as np

from latentdiff.errors import InputError

from .recipes import literal

MOST = 200
"""Values of a field that are offered."""
FEW = 20
"""Different numbers up to which each is a value of its own; of more, the high and the low ones are offered."""
SHARE = 0.25
"""Of the images with a number, those that are high, and those that are low."""
HIGH, LOW = f"high (the upper {SHARE:.0%})", f"low (the lower {SHARE:.0%})"
CALLED = "called "
"""Before a name that would be taken for a choice of the form itself."""
LABELS = {
    "Classification": "label",
    "Classifications": "classifications.label",
    "Detection": "label",
    "Detections": "detections.label",
    "Polyline": "label",
    "Polylines": "polylines.label",
    "Regression": "value",
}
"""Kinds of label → where below them stands what an image can be chosen by."""
NOT_OFFERED = ("id", "filepath")


def as_choice(name: str, own: Collection[str], starts: tuple[str, ...] = ()) -> str:
    """A name as a form's choice, told apart from the choices that the form has itself.

    Args:
        name: of a saved view or value, as people called it.
        own: the form's own choices.
        starts: what others of its own begin with.
    """
    return f"{CALLED}{name}" if name in own or name.startswith((CALLED, *starts)) else name


def as_name(choice: str) -> str:
    """The name that :func:`as_choice` made a choice of."""
    return choice.removeprefix(CALLED)


def value_fields(dataset: Any) -> list[str]:
    """Paths of fields by whose values images can be chosen: labels, texts, whole numbers, truths, numbers, lists of texts."""
    found = []
    for name, field in dataset.get_field_schema().items():
        if name in NOT_OFFERED or name.startswith("_"):
            continue
        kind = getattr(getattr(field, "document_type", None), "__name__", None)
        if kind in LABELS:
            found.append(f"{name}.{LABELS[kind]}")
        elif kind is not None:
            found += [f"{name}.{inner}" for inner, below in field.get_field_schema().items() if _plain(below) and not inner.startswith("_")]
        elif _plain(field):
            found.append(name)
    return found


def _plain(field: Any) -> bool:
    import fiftyone as fo

    plain = (fo.StringField, fo.IntField, fo.FloatField, fo.BooleanField)
    return isinstance(field, plain) or (isinstance(field, fo.ListField) and isinstance(field.field, fo.StringField))


def offered_values(dataset: Any, path: str) -> dict[str, Any]:
    """What may be chosen of a field: its choice → the value; ``HIGH`` and ``LOW`` stand for themselves.

    Raises:
        InputError: no such field, or it says nothing of any image.
    """
    if path not in value_fields(dataset):
        raise InputError(f"images cannot be chosen by {path!r}")
    values = [value for value in dataset.distinct(path) if value is not None]
    numbers = [v for v in values if isinstance(v, (int, float)) and not isinstance(v, bool)]
    if len(numbers) > FEW or any(isinstance(v, float) for v in numbers):
        return {HIGH: HIGH, LOW: LOW}
    if not values:
        raise InputError(f"{path!r} says nothing of any image")
    return {as_choice(str(value), (HIGH, LOW)): value for value in values[:MOST]}


def with_value(dataset: Any, path: str, chosen: str) -> Any:
    """The images of which a field says something.

    Args:
        dataset: ``fo.Dataset``.
        path: one of :func:`value_fields`.
        chosen: one of :func:`offered_values`.

    Returns:
        ``fo.DatasetView``.

    Raises:
        InputError: no such field or value, or numbers that have no high and low.
    """
    from fiftyone import ViewField as F

    offered = offered_values(dataset, path)
    if chosen not in offered:
        raise InputError(f"no image has {as_name(chosen)!r} in {path!r} any more; choose another value")
    value = offered[chosen]
    if chosen in (HIGH, LOW):
        low, high = _bounds(dataset, path)
        return dataset.match(F(path) >= high) if chosen == HIGH else dataset.match(F(path) <= low)
    name, _, below = path.partition(".")
    field = dataset.get_field(name)
    if "." in below:  # labels in a list: any of them
        return dataset.match(F(f"{name}.{below.rpartition('.')[0]}").filter(F("label") == literal(value)).length() > 0)
    listed = hasattr(dataset.get_field(path), "field") and field is not None
    return dataset.match(F(path).contains([value]) if listed else F(path) == literal(value))


def _bounds(dataset: Any, path: str) -> tuple[float, float]:
    numbers = np.array([v for v in dataset.values(path) if isinstance(v, (int, float)) and math.isfinite(v)], float)
    low, high = np.quantile(numbers, [SHARE, 1 - SHARE]) if len(numbers) else (0.0, 0.0)
    if low >= high:
        raise InputError(f"most images have the same number in {path!r}; there is no high and low")
    return float(low), float(high)


def rest_of(dataset: Any, view: Any) -> Any:
    """All images of a dataset that are not in a view.

    Raises:
        InputError: a view of another dataset, or of parts of images.
    """
    if view._root_dataset.name != dataset.name:
        raise InputError("everything else is of the same dataset: choose images of this one on the other side")
    if view._is_patches or view._is_frames or view._is_clips:
        raise InputError("everything else goes with whole images, not with patches, frames or clips")
    if view.media_type == "group":
        return dataset.exclude_groups(view.values(f"{view.group_field}.id"))
    return dataset.exclude(view.values("id"))


def short(path: str) -> str:
    """What people call a field: "ground_truth" for "ground_truth.detections.label"."""
    return path.removesuffix(".label").removesuffix(".detections").removesuffix(".classifications").removesuffix(".polylines")

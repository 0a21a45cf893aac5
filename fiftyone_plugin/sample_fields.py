"""What a dataset knows of its images, as columns that can be tested: read in bulk, by one raw projection, no sample ever built."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from latentdiff.errors import InputError
from latentdiff.results.fields import FieldDifference

from .sides import Side, listed
from .store import fields as stored
from .store import runs
from .vectors import Vectors

ALL = "all"
SKIPPED = {"id", "_id", "filepath", "created_at", "last_modified_at", "_media_type", "_rand", "_dataset_id"}
"""Fields of every sample that tell an image from all others, or when it was entered."""
BOXES = ("Detections", "Polylines", "Keypoints")
LISTS = {"Classifications": "classifications", "Detections": "detections", "Polylines": "polylines", "Keypoints": "keypoints"}
"""Kinds of labels that hold several, and the key of these."""


@dataclass(frozen=True)
class Reader:
    """One column: where it lies in a document, and what is made of it."""

    name: str
    keys: tuple[str, ...]
    make: Callable[[Any], Any] | None = None


def fields_of(sides: tuple[Side, Side], rows: tuple[Vectors, Vectors], wanted: Any, given: Iterable[Any] = ()) -> dict[str, Any]:
    """``fields_a`` and ``fields_b`` for :func:`latentdiff.compare`; nothing where no fields are wanted.

    Args:
        sides: both views.
        rows: what is compared of each; patches have the fields of their images.
        wanted: "all", a name or several ("ground_truth", "metadata.width"), or None: those that ``given`` names.
        given: known differences; names of fields among them are read too.

    Raises:
        InputError: a field that neither dataset has.
    """
    readers = [_readers(side) for side in sides]
    known = {r.name for side in readers for r in side}
    asked = [g.field if isinstance(g, FieldDifference) else g.partition(" = ")[0] for g in given if isinstance(g, (str, FieldDifference))]
    names = [name for name in asked if _matching(name, known)]
    if wanted is None and not names:
        return {}
    named = () if wanted in (None, ALL) else (wanted,) if isinstance(wanted, str) else tuple(wanted)
    for name in named:
        if not _matching(name, known):
            raise InputError(f"there is no field {name!r} that can be compared; there are {listed(sorted(known))}")
    chosen = known if wanted == ALL else {k for name in (*named, *names) for k in _matching(name, known)}
    own = [[r for r in side if r.name in chosen] for side in readers]
    return {f"fields_{s.letter.lower()}": _read(s, some, read.samples.tolist()) for s, some, read in zip(sides, own, rows, strict=True)}


def _matching(name: str, known: set[str]) -> set[str]:
    return {k for k in known if k == name or k.startswith(f"{name}.")}


def _readers(side: Side) -> list[Reader]:
    """Every column that a dataset can give."""
    dataset = side.dataset
    ours = {f"{run}_{what}" for run in runs.list_comparisons(dataset) for what in stored.ALL}
    out: list[Reader] = []
    for name, field in dataset.get_field_schema().items():
        if name not in SKIPPED | ours and not name.startswith("_"):
            out += _of_field(name, (field.db_field or name,), field)
    return out


def _of_field(name: str, keys: tuple[str, ...], field: Any) -> list[Reader]:
    import fiftyone as fo

    if isinstance(field, fo.EmbeddedDocumentField):
        return _of_document(name, keys, field)
    if isinstance(field, (fo.StringField, fo.IntField, fo.FloatField, fo.BooleanField, fo.DateField, fo.DateTimeField)):
        return [Reader(name, keys)]
    if isinstance(field, fo.ListField) and isinstance(field.field, fo.StringField):
        return [Reader(name, keys, lambda value: value or [])]
    return []


def _of_document(name: str, keys: tuple[str, ...], field: Any) -> list[Reader]:
    kind = field.document_type.__name__
    if kind in LISTS:
        inner = (*keys, LISTS[kind])
        out = [Reader(f"{name}.label", (*inner, "label"), _texts), Reader(f"{name}.count", (*inner, "label"), _count)]
        if kind == "Detections":
            boxes = (*inner, "bounding_box")
            out += [Reader(f"{name}.{what}", boxes, make) for what, make in (("size", _size), ("x", _across), ("y", _down))]
        return [*out, Reader(f"{name}.confidence", (*inner, "confidence"), _mean)]
    if kind == "Classification":
        return [Reader(f"{name}.label", (*keys, "label")), Reader(f"{name}.confidence", (*keys, "confidence"))]
    if kind == "Regression":
        return [Reader(name, (*keys, "value"))]
    schema = field.get_field_schema()
    return [r for n, f in schema.items() if n not in SKIPPED for r in _of_field(f"{name}.{n}", (*keys, f.db_field or n), f)]


def _read(side: Side, readers: Sequence[Reader], samples: list[str]) -> dict[str, list[Any]]:
    """Columns of some samples, in their order."""
    columns: dict[str, list[Any]] = {r.name: [None] * len(samples) for r in readers}
    if not readers:
        return columns
    rows: dict[str, list[int]] = {}
    for i, name in enumerate(samples):
        rows.setdefault(name, []).append(i)
    projection = {".".join(r.keys): 1 for r in readers}
    view = side.dataset.select(list(rows)) if side.labels else side.view
    for document in view._aggregate(post_pipeline=[{"$project": {"_id": 1, **projection}}]):
        here = rows.get(str(document["_id"]))
        if here is None:
            continue
        for reader in readers:
            value = _inner(document, reader.keys)
            made = value if reader.make is None or value is None else reader.make(value)
            for i in here:
                columns[reader.name][i] = made
    return columns


def _inner(value: Any, keys: tuple[str, ...]) -> Any:
    """What lies below keys; of a list, that of each item."""
    for at, key in enumerate(keys):
        if isinstance(value, list):
            return [_inner(item, keys[at:]) for item in value]
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def _texts(labels: list[Any]) -> list[str]:
    return [label for label in labels if isinstance(label, str)]


def _count(labels: list[Any]) -> int:
    return len(labels)


def _mean(values: list[Any]) -> float | None:
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if known else None


def _size(boxes: list[Any]) -> float | None:
    """Share of the picture that the largest box covers."""
    return max((b[2] * b[3] for b in boxes if b), default=None)


def _across(boxes: list[Any]) -> float | None:
    """Where the boxes' middles lie on average, 0 left to 1 right."""
    return _mean([b[0] + b[2] / 2 for b in boxes if b])


def _down(boxes: list[Any]) -> float | None:
    """0 top to 1 bottom."""
    return _mean([b[1] + b[3] / 2 for b in boxes if b])

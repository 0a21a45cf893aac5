"""What a user calls a side (a saved view's name, a view, a dataset) → one checked view and the places its results go to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from latentdiff.errors import InputError

SHOWN = 20
"""Names listed in a message; more would bury it."""


@dataclass(frozen=True)
class Side:
    """One side of a comparison: where its vectors are read and where its results are written."""

    letter: str
    """"A" or "B"."""
    name: str
    """What people call it: the saved view's name, or the dataset's."""
    view: Any
    """The ``fo.DatasetView`` (or patches view) that holds the images."""
    dataset: Any
    """The ``fo.Dataset`` that results are written to: the source dataset, for patches too."""
    path: str
    """Path of the vectors, as the view has it."""
    labels: str | None = None
    """Path of the labels in ``dataset`` ("ground_truth.detections") for patches, else None."""
    index: str | None = None
    """Brain key of the similarity index that holds the vectors; None: they lie in the field ``path``."""

    @property
    def stored(self) -> str:
        """Path of the vectors, as ``dataset`` has it."""
        return self.field(self.path.rsplit(".", 1)[-1]) if self.labels and not self.index else self.path

    def field(self, name: str) -> str:
        """Full path of a result in ``dataset``."""
        return f"{self.labels}.{name}" if self.labels else name


def resolve(letter: str, given: Any, dataset: Any, embeddings: str) -> Side:
    """Check one side.

    Args:
        letter: "A" or "B", for messages.
        given: name of a saved view of ``dataset``, an ``fo.DatasetView``, or an ``fo.Dataset``.
        dataset: dataset in which names are looked up.
        embeddings: path of the vector field; for patches, of the labels' attribute ("ground_truth.detections.clip"); or the brain key of a
            similarity index of these images or patches. A view that hides the field (``select_fields``) still has it.

    Returns:
        The side; nothing has been read yet but the schema.

    Raises:
        InputError: no such view or field, or a kind of view that holds no images of its own.
    """
    import fiftyone as fo

    if isinstance(given, str):
        known = dataset.list_saved_views()
        if given not in known:
            raise InputError(f"side {letter}: {dataset.name!r} has no saved view {given!r}; it has {listed(known)}")
        view, name = dataset.load_saved_view(given), given
    elif isinstance(given, fo.Dataset):
        view, name = given.view(), given.name
    elif isinstance(given, fo.DatasetView):
        view, name = given, given.name or f"{given._root_dataset.name} view {letter}"
    else:
        raise InputError(f"side {letter} must be a saved view's name, an fo.DatasetView or an fo.Dataset, not {type(given).__name__}")
    _refuse_kinds(letter, name, view)
    source, view = view._root_dataset, _unhidden(view)
    found = indexes(source).get(embeddings)
    if found is not None and not view.has_field(embeddings):
        label = _patches_label(letter, name, view) if view._is_patches else None
        if found.patches != label:
            of, what = found.patches or "whole images", f"patches of {label!r}" if label else "images"
            raise InputError(f"side {letter} ({name!r}) holds {what}; the similarity index {embeddings!r} is of {of}")
        if found.field is None:
            return Side(letter, name, view, source, embeddings, source._get_label_field_path(label)[1] if label else None, embeddings)
        embeddings = found.field
    if not view._is_patches:
        _check_field(letter, name, view, embeddings)
        return Side(letter, name, view, source, embeddings)
    label = _patches_label(letter, name, view)
    _, labels = source._get_label_field_path(label)
    attribute = embeddings
    for prefix in (labels, label):
        attribute = attribute.removeprefix(prefix + ".")
    return Side(letter, name, view, source, f"{label}.{attribute}", labels)


def listed(names: Iterable[str]) -> str:
    """Names for a message: quoted, the first twenty, then a count."""
    names = list(names)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(repr(n) for n in names[:SHOWN]) + more if names else "none"


def each_once(view: Any, *fields: str) -> list[list[Any]]:
    """Ids, and values of fields, of a view's samples, each sample once: ``view + view`` lists again what both hold."""
    columns: list[list[Any]] = list(view.values(["id", *fields]))
    first: dict[str, int] = {}
    for row, sample in enumerate(columns[0]):
        first.setdefault(sample, row)
    return columns if len(first) == len(columns[0]) else [[column[row] for row in first.values()] for column in columns]


def vector_fields(view: Any) -> list[str]:
    """Paths of the fields that can hold vectors, in the schema's order: lists of numbers included, what labels are made of not."""
    import fiftyone as fo

    def holds_vectors(field: Any) -> bool:
        if isinstance(field, (fo.VectorField, fo.ArrayField)):
            return True
        return isinstance(field, fo.ListField) and isinstance(field.field, (fo.FloatField, fo.IntField))

    skip = ("bounding_box", "points", "mask", "map", "keypoints", "logits")
    schema = view.get_field_schema(flat=True)
    return [path for path, field in schema.items() if holds_vectors(field) and path.rsplit(".", 1)[-1] not in skip]


@dataclass(frozen=True)
class Index:
    """A similarity index of FiftyOne's Brain."""

    field: str | None
    """Field of its vectors; None: it holds them itself."""
    patches: str | None
    """Field of the labels whose patches it is of; None: whole images."""


def indexes(dataset: Any) -> dict[str, Index]:
    """Similarity indexes of a dataset, by brain key; nothing of them is opened."""
    found = {}
    for key in dataset.list_brain_runs():
        config = dataset.get_brain_info(key).config
        if hasattr(config, "embeddings_field") and getattr(config, "type", None) == "similarity":
            found[key] = Index(config.embeddings_field, getattr(config, "patches_field", None))
    return found


def vector_sources(dataset: Any) -> list[str]:
    """What can be named as image vectors: fields, then similarity indexes that hold vectors themselves."""
    return vector_fields(dataset) + [key for key, index in indexes(dataset).items() if index.field is None]


def _unhidden(view: Any) -> Any:
    """The same images with all their fields, where the view, or what its patches were made of, selects or excludes some."""
    import fiftyone as fo

    hiding, base = (fo.SelectFields, fo.ExcludeFields), None
    made = view._patches_stage if view._is_patches else None
    if isinstance(made, fo.ToPatches) and isinstance(view._source_collection, fo.DatasetView):
        whole = _unhidden(view._source_collection)
        if whole is not view._source_collection:
            base = fo.ToPatches(made.field, config=made.config).load_view(whole)
    if base is None and not any(isinstance(stage, hiding) for stage in view._stages):
        return view
    base = view._base_view if base is None else base
    for stage in view._stages:
        if not isinstance(stage, hiding):
            base = base.add_stage(stage)
    return base


def _refuse_kinds(letter: str, name: str, view: Any) -> None:
    if view._is_dynamic_groups:
        raise InputError(f"side {letter} ({name!r}) is grouped by a field; compare the view before group_by()")
    if view._is_clips or view._is_frames:
        raise InputError(f"side {letter} ({name!r}) is a clips or frames view; save the frames as an image dataset with .clone() first")


def _patches_label(letter: str, name: str, view: Any) -> str:
    if len(view._label_fields) != 1:
        raise InputError(
            f"side {letter} ({name!r}) holds evaluation patches of {listed(view._label_fields)}; use to_patches() of one field"
        )
    return str(view._label_fields[0])


def _check_field(letter: str, name: str, view: Any, embeddings: str) -> None:
    fields = vector_fields(view)
    if embeddings in fields:
        return
    has = f"vector fields here: {listed(fields)}"
    keys = indexes(view._root_dataset)
    has += f"; similarity indexes: {listed(keys)}" if keys else ""
    if view.has_field(embeddings):
        raise InputError(f"side {letter} ({name!r}): field {embeddings!r} does not hold vectors; {has}")
    raise InputError(f"side {letter} ({name!r}): there is no field {embeddings!r}; {has}")

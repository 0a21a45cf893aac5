"""Noisy-Diff in a dataset: labels of samples → two saved views, and the truth about them in a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from latentdiff.benchmark import noisy_diff
from latentdiff.errors import InputError, RunError

from .sides import each_once, listed
from .store import runs

METHOD = "latentdiff/noisy_diff"


@dataclass(frozen=True, eq=False)
class NoisyDiffRun:
    """A Noisy-Diff pair that is stored in a dataset."""

    name: str
    dataset: Any
    """The ``fo.Dataset``."""
    view_a: str
    """Name of the saved view that shows attribute A in some of its images."""
    view_b: str
    config: dict[str, Any]
    """``field``, ``parent``, ``a``, ``b``, ``seed``, ``mass_a``, ``mass_b``, ``dropped``."""
    planted_a: list[str]
    """Ids of the samples of view A that show the attribute: the truth."""
    planted_b: list[str]


def build_noisy_diff(
    dataset_or_view: Any,
    field: str,
    parent: str | None,
    a: str,
    b: str,
    *,
    name: str | None = None,
    seed: int = 0,
    minimum: int = noisy_diff.MINIMUM,
    overwrite: bool = False,
) -> NoisyDiffRun:
    """Save two views that differ in one rare attribute each, and the truth in a run.

    Writes the saved views ``<name>_a`` and ``<name>_b`` and a custom run ``<name>``; no field. :func:`delete_noisy_diff` removes them.

    Args:
        dataset_or_view: ``fo.Dataset`` (or its name) or ``fo.DatasetView`` with the images.
        field: labels: Detections, Classifications, a Classification, or a list of strings.
        parent: label that all images of both views show; None: each image has one label, and the views are random halves of all images,
            of which A lacks ``b`` and B lacks ``a`` (the paper's ImageNet variant).
        a, b: attributes: view A holds no image with ``b``, view B none with ``a``.
        name: an identifier; None: made of the labels.
        seed: of the split of the images without either; the same seed gives the same views.
        minimum: images of the parent that must show each attribute (the paper's rule: 100).
        overwrite: replace a pair of that name.

    Returns:
        The stored pair.

    Raises:
        InputError: a field without labels, labels that are unknown or too rare. RunError: the name is taken. Nothing is written then.
    """
    view = runs.as_dataset(dataset_or_view) if isinstance(dataset_or_view, str) else dataset_or_view
    dataset = view._root_dataset
    name = name or "_".join(("noisy", *(_plain(label) for label in (parent, a, b) if label)))
    runs.check_name(name)
    _check_free(dataset, name, overwrite)
    ids, labels = read_labels(view, field)
    for attribute in (a, b):
        shown = sum((parent is None or parent in own) and attribute in own for own in labels)
        if shown < minimum:
            both = f"{parent!r} and {attribute!r}" if parent else repr(attribute)
            raise InputError(f"{shown} images show {both}, fewer than the minimum of {minimum}")
    pair = _halves(labels, field, a, b, seed) if parent is None else noisy_diff.build(labels, parent, a, b, seed)
    config: dict[str, Any] = {"method": METHOD, "field": field, "parent": parent, "a": a, "b": b, "seed": seed}
    config |= {"mass_a": pair.mass_a, "mass_b": pair.mass_b, "dropped": pair.dropped}
    if name in dataset.list_runs():
        delete_noisy_diff(dataset, name)
    dataset.register_run(name, dataset.init_run(**config))
    try:
        for side, rows, own, other in (("a", pair.rows_a, a, b), ("b", pair.rows_b, b, a)):
            about = f"Noisy-Diff: {parent or 'half of the images'} with some {own}, without {other}"
            dataset.save_view(f"{name}_{side}", dataset.select([ids[i] for i in rows]), description=about)
        truth = {f"planted_{side}": [ids[i] for i in rows] for side, rows in (("a", pair.planted_a), ("b", pair.planted_b))}
        dataset.save_run_results(name, dataset.init_run_results(name, **truth), cache=False)
    except BaseException:
        delete_noisy_diff(dataset, name)
        raise
    return load_noisy_diff(dataset, name)


def _halves(labels: list[list[str]], field: str, a: str, b: str, seed: int) -> noisy_diff.NoisyPair:
    several = next((own for own in labels if len(set(own)) > 1), None)
    if several is not None:
        raise InputError(f"without a parent every image needs one label in {field!r}, and one has {several[:3]}; name a parent")
    return noisy_diff.build_halves([own[0] if own else "" for own in labels], a, b, seed)


def load_noisy_diff(dataset: Any, name: str) -> NoisyDiffRun:
    """Open a stored pair.

    Args:
        dataset: ``fo.Dataset`` or its name.
        name: the pair's name.

    Raises:
        RunError: there is no such pair.
    """
    dataset = runs.as_dataset(dataset)
    config = _config(dataset, name)
    results = dataset.load_run_results(name, cache=False)
    truth = [list(getattr(results, f"planted_{side}", None) or []) for side in "ab"]
    return NoisyDiffRun(name, dataset, f"{name}_a", f"{name}_b", config, truth[0], truth[1])


def delete_noisy_diff(dataset: Any, name: str) -> None:
    """Remove a stored pair: its two saved views and its record.

    Raises:
        RunError: there is no such pair.
    """
    dataset = runs.as_dataset(dataset)
    _config(dataset, name)
    for side in "ab":
        if f"{name}_{side}" in dataset.list_saved_views():
            dataset.delete_saved_view(f"{name}_{side}")
    dataset.delete_run(name)


def noisy_diff_pairs(
    dataset_or_view: Any, field: str, parent: str, *, minimum: int = noisy_diff.MINIMUM, minimum_mix: int = 1
) -> list[noisy_diff.PairCounts]:
    """Every eligible pair of attributes with its counts and masses.

    Args:
        dataset_or_view: ``fo.Dataset`` (or its name) or ``fo.DatasetView``.
        field: labels, as :func:`build_noisy_diff`.
        parent: label that all images of a pair show.
        minimum: images of the parent that show each attribute.
        minimum_mix: images on each side that show its attribute without the other.
    """
    view = runs.as_dataset(dataset_or_view) if isinstance(dataset_or_view, str) else dataset_or_view
    return noisy_diff.count_pairs(read_labels(view, field)[1], parent, minimum, minimum_mix)


def read_labels(view: Any, field: str) -> tuple[list[str], list[list[str]]]:
    """(sample ids, label names of each) of a field of labels, each sample once.

    Raises:
        InputError: no such field, or one that holds no labels.
    """
    path = label_path(view, field)
    ids, values = each_once(view, path)
    return ids, [_names(v) for v in values]


def label_path(view: Any, field: str) -> str:
    """Path of the label names below a field of labels.

    Raises:
        InputError: no such field, or one that holds no labels.
    """
    import fiftyone as fo

    known = view.get_field(field)
    if known is None:
        raise InputError(f"there is no field {field!r}; fields that hold labels: {listed(label_fields(view))}")
    kind = getattr(known, "document_type", None)
    if kind is not None and issubclass(kind, (fo.Classification, fo.Detection, fo.Polyline)):
        return f"{field}.label"
    if kind is not None and issubclass(kind, (fo.Detections, fo.Classifications, fo.Polylines, fo.Keypoints)):
        return f"{field}.{kind._LABEL_LIST_FIELD}.label"
    if isinstance(known, fo.StringField) or (isinstance(known, fo.ListField) and isinstance(known.field, fo.StringField)):
        return field
    raise InputError(f"{field!r} holds no labels; fields that do: {listed(label_fields(view))}")


def label_fields(view: Any) -> list[str]:
    """Fields that :func:`build_noisy_diff` can use."""
    import fiftyone as fo

    kinds = (fo.Detections, fo.Classifications, fo.Classification, fo.Polylines, fo.Keypoints, fo.Detection, fo.Polyline)
    schema = view.get_field_schema()
    out = [n for n, f in schema.items() if issubclass(getattr(f, "document_type", None) or object, kinds)]
    return out + [n for n, f in schema.items() if isinstance(f, fo.ListField) and isinstance(f.field, fo.StringField)]


def _names(value: Any) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else [v for v in _flat(value) if v is not None]


def _flat(values: Iterable[Any]) -> list[Any]:
    return [v for own in values for v in (own if isinstance(own, list) else [own])]


def _plain(text: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in text).strip("_") or "label"


def _check_free(dataset: Any, name: str, overwrite: bool) -> None:
    """Refuse to replace what is not ours, or ours without being asked."""
    taken = name in dataset.list_runs()
    if taken and dataset.get_run_info(name).config.method != METHOD:
        raise RunError(f"{dataset.name!r} has a run {name!r} that is no Noisy-Diff pair; choose another name")
    if taken and not overwrite:
        raise RunError(f"{dataset.name!r} already has a pair {name!r}; pass overwrite=True to replace it, or another name")
    views = [v for v in (f"{name}_a", f"{name}_b") if v in dataset.list_saved_views()]
    if views and not taken:
        raise RunError(f"{dataset.name!r} has a saved view {views[0]!r} already; choose another name")


def _config(dataset: Any, name: str) -> dict[str, Any]:
    config = dataset.get_run_info(name).config if name in dataset.list_runs() else None
    if config is None or config.method != METHOD:
        raise RunError(f"{dataset.name!r} has no Noisy-Diff pair {name!r}")
    return {k: v for k, v in config.serialize().items() if k not in ("cls", "type", "method")}

"""Picture quality of a dataset's images, as fields."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as entry
from typing import Any

from latentdiff.embed.measures import HASH, MEASURES, measure_images
from latentdiff.embed.styles import name_styles
from latentdiff.errors import InputError
from latentdiff.progress import Progress, silent

from .sides import each_once
from .store import database
from .store.targets import as_dataset

NEWEST = HASH
"""One that every picture has and that came late: documents without it are of an earlier version, and are measured again."""


@dataclass(frozen=True)
class Measured:
    """What one run of :func:`compute_measures` did."""

    field: str
    measured: int
    """Images that were measured now."""
    kept: int
    """Images that had been already."""
    failed: list[str] = entry(default_factory=list)
    """Sample ids that could not be read; they have no measures."""


def compute_measures(
    dataset_or_view: Any, field: str = "measures", *, overwrite: bool = False, progress: Progress | None = None
) -> Measured:
    """Measure the picture quality of every image: brightness, contrast, sharpness, noise and so on, see :func:`latentdiff.measure_images`.

    Writes one embedded field ``<field>`` with a number each (``measures.brightness``) and the styles that they name (``measures.style``,
    see :func:`latentdiff.name_styles`); ``compare_views(..., fields="all")`` tests them.
    ``measures.duplicates`` counts near-duplicates among the images of one call; comparisons count them anew over both sides, by
    ``measures.perceptual_hash``.

    Args:
        dataset_or_view: ``fo.Dataset`` (or its name) or ``fo.DatasetView`` of images.
        field: name of the embedded field, made where it is missing.
        overwrite: measure again what was measured already.
        progress: ``progress(fraction, label)``; raise :class:`latentdiff.Cancelled` in it to stop. What was written stays.

    Returns:
        Counts, and the images that could not be read.

    Raises:
        InputError: a view without images of its own, or a field that holds something else.

    Example:
        >>> compute_measures(dataset)
        >>> compare_views(dataset, "summer", "winter", embeddings="clip", fields="measures", run="quality")
    """
    import fiftyone as fo

    given = dataset_or_view if isinstance(dataset_or_view, fo.DatasetView) else as_dataset(dataset_or_view)
    view, report = given.view(), progress or silent
    dataset = view._root_dataset
    with database.explained(f"measuring {field!r}", dataset):
        if view._is_patches or view._is_clips or view._is_frames or view._is_dynamic_groups or view.media_type != "image":
            raise InputError("measures are those of whole images; pass a dataset, or a view, of images")
        _declare(dataset, field)
        todo = view if overwrite else view.exists(f"{field}.{NEWEST}", False)
        ids, paths = each_once(todo, "filepath")
        total = len(each_once(view)[0])
        if not ids:
            return Measured(field, 0, total)
        found = measure_images(paths, skip_bad=True, progress=lambda done, label: report(0.9 * done, label))
        styles = name_styles(found)
        rows = [{**{name: _stored(values[i]) for name, values in found.items()}, "style": styles[i]} for i in range(len(ids))]
        failed = [i for i, row in zip(ids, rows, strict=True) if row[MEASURES[0]] is None]
        documents = {i: fo.DynamicEmbeddedDocument(**row) for i, row in zip(ids, rows, strict=True) if row[MEASURES[0]] is not None}
        if documents:
            dataset.set_values(field, documents, key_field="id")
        report(1.0, f"{len(documents):,} of {total:,} images")
        return Measured(field, len(documents), total - len(ids), failed)


def _declare(dataset: Any, field: str) -> None:
    """The embedded field and a number for each measure, where they are missing, and the styles."""
    import fiftyone as fo

    there = dataset.get_field(field)
    if there is not None and not isinstance(there, fo.EmbeddedDocumentField):
        raise InputError(f"{dataset.name!r} has a field {field!r} that holds something else; name another")
    if there is None:
        dataset.add_sample_field(field, fo.EmbeddedDocumentField, embedded_doc_type=fo.DynamicEmbeddedDocument)
    known = set(there.get_field_schema()) if there is not None else set()
    for name in MEASURES:
        if name not in known:
            dataset.add_sample_field(f"{field}.{name}", fo.FloatField)
    if HASH not in known:
        dataset.add_sample_field(f"{field}.{HASH}", fo.StringField)
    if "style" not in known:
        dataset.add_sample_field(f"{field}.style", fo.ListField, subfield=fo.StringField)


def _stored(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else float(value) if value == value else None

"""The fields a comparison writes: declared, filled in bulk, recognised as ours, copied to another name, and removed."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

import numpy as np

from latentdiff.errors import RunError
from latentdiff.progress import Progress, silent

from . import database, records, schema, sidebar
from .records import OWNER, RECORD, Record

TRIES = 3
"""How often a field that another process put back is removed again before its name is given up."""
CHUNK = 10_000
"""Updates sent at once: progress and cancelling between them, and no gain in speed beyond."""

LOG_RATIO = "log_ratio"
CONCEPTS = "concepts"
WEIGHT = "weight"
"""Importance weights, which closing a gap adds to a comparison that is there."""
ALL = (LOG_RATIO, CONCEPTS, WEIGHT)


def path_of(run: str, what: str, labels: str | None) -> str:
    """Full path of one of a run's fields ("summer_vs_winter_log_ratio"; below the labels for patches)."""
    name = f"{run}_{what}"
    return f"{labels}.{name}" if labels else name


def labels_now(dataset: Any, record: Record, labels: str | None) -> str | None:
    """Where the labels that a comparison wrote to are now: their field may have been renamed since, with all that is in it."""
    if labels is None or schema.there(dataset, labels):
        return labels
    within = (path.rpartition(".")[0] for path, entry in schema.walk(dataset) if record.owns(_info(entry), record.run))
    return next((parent for parent in within if parent), labels)


def declare(dataset: Any, run: str, record: Record, labels: str | None, names: tuple[str, str]) -> None:
    """Add both fields to a dataset's schema, described for people and marked as ours; those that are there already stay.

    Raises:
        RunError: somebody else made a field of such a name meanwhile, or removed the dataset or the labels.
    """
    a, b = names
    if record.config.get("kind"):  # groups, by a field
        ratio = f"{signature(run)} log density ratio of its own group by {a} against {b}; high = typical of it, out of fold"
        concepts = f"{signature(run)} which of the differences found between groups by {a} the image shows"
    else:
        ratio = f"{signature(run)} log density ratio; high = typical of A ({a}), low = typical of B ({b}), out of fold"
        concepts = f"{signature(run)} which of the differences found between A ({a}) and B ({b}) the image shows"
    for what, description in ((LOG_RATIO, ratio), (CONCEPTS, concepts)):
        declare_one(dataset, run, record, labels, what, description)
    database.refresh(dataset)


def declare_one(dataset: Any, run: str, record: Record, labels: str | None, what: str, description: str) -> None:
    """As :func:`declare`, one of them."""
    import fiftyone as fo

    about = {"description": description, "info": {OWNER: run, RECORD: record.mark}}
    field = fo.ListField(fo.StringField(), **about) if what == CONCEPTS else fo.FloatField(**about)
    path, name = path_of(run, what, labels), f"{run}_{what}"
    for _ in range(TRIES):
        if schema.add(dataset, name, field, labels):
            if labels is None:
                sidebar.add(dataset, name)
            return
        stored = schema.stored(dataset, path)
        if stored is None:
            raise RunError(f"the labels {labels!r} of {dataset.name!r} were removed meanwhile")
        if _info(stored).get(RECORD) == record.mark:
            return
        if not is_nobodys(dataset, stored):
            break
        drop_values(dataset, [name], labels)
        schema.pull(dataset, name, labels, stored)
    raise RunError(f"{dataset.name!r} has got a field {path!r} of somebody else's meanwhile; choose another run name")


def is_nobodys(dataset: Any, stored: dict[str, Any]) -> bool:
    """Whether a field (its stored entry) is ours, and of no comparison that writes to this dataset.

    FiftyOne in another process wrote back a schema that it had read before the field went; or the dataset is a copy that took the fields
    and not the record (as those of views are). What people gave a name of their own is theirs.
    """
    mark = _info(stored).get(RECORD)
    return named_by_run(stored) and not any(str(database.identity(dataset)) in record.datasets for record in records.holders(mark))


def named_by_run(stored: dict[str, Any]) -> bool:
    """Whether a field bears a record's mark under a name that its run gave it: FiftyOne copies marks with the fields that people clone."""
    info = _info(stored)
    return info.get(RECORD) is not None and stored.get("name") in {f"{info.get(OWNER)}_{what}" for what in ALL}


def write(
    dataset: Any,
    run: str,
    labels: str | None,
    ids: np.ndarray,
    samples: np.ndarray,
    log_ratio: np.ndarray,
    tags: Iterable[list[str]],
    progress: Progress = silent,
) -> None:
    """Write both fields of one side, one update per image.

    Args:
        dataset: the dataset (the source dataset of patches).
        run: the run's name; its fields are declared.
        labels: path of the labels that hold the values, None for samples.
        ids: (n,) str sample or label ids.
        samples: (n,) str ids of their samples.
        log_ratio: (n,) float32; what is not finite is not written.
        tags: n lists of strings.
        progress: ``progress(fraction, label)`` after every 10,000 images; raise in it to stop.
    """
    from bson import ObjectId
    from pymongo import UpdateOne

    prefix = f"{labels}.$." if labels else ""
    now = datetime.now(timezone.utc)
    rows = zip(ids.tolist(), samples.tolist(), log_ratio.tolist(), tags, strict=True)
    done = 0
    while chunk := list(itertools.islice(rows, CHUNK)):
        operations, touched = [], []
        for row, sample, ratio, shown in chunk:
            values = {f"{prefix}{run}_{CONCEPTS}": shown, "last_modified_at": now}
            if ratio == ratio and abs(ratio) != float("inf"):
                values[f"{prefix}{run}_{LOG_RATIO}"] = ratio
            match = {"_id": ObjectId(sample)} | ({f"{labels}._id": ObjectId(row)} if labels else {})
            operations.append(UpdateOne(match, {"$set": values}))
            touched.append(ObjectId(sample))
        database.update_samples(dataset, operations, touched)
        done += len(chunk)
        progress(done / len(ids), "writing results")


def copy(dataset: Any, run: str, new: str, record: Record, labels: str | None) -> None:
    """Give all its fields, values and descriptions, a second name beside the first; doing it twice is harmless."""
    database.refresh(dataset)
    names = {}
    for what in ALL:
        entry = schema.stored(dataset, path_of(run, what, labels))
        if entry is None or not _owned(dataset, entry, run, record):
            continue
        declare_one(dataset, new, record, labels, what, (entry.get("description") or "").replace(repr(run), repr(new)))
        names[f"{run}_{what}"] = f"{new}_{what}"
    if not names:
        return
    value: dict[str, Any] = {new_name: f"${name}" for name, new_name in names.items()}
    if labels:  # each label of the list, with one entry more for each that it has of the old ones
        pairs = {"$mergeObjects": ["$$label", {new_name: f"$$label.{name}" for name, new_name in names.items()}]}
        value = {labels: {"$map": {"input": f"${labels}", "as": "label", "in": pairs}}}
    paths = [f"{labels}.{name}" if labels else name for name in names]
    schema.update_all(dataset, paths, [{"$set": {**value, "last_modified_at": "$$NOW"}}])
    database.refresh(dataset)


def remove(dataset: Any, run: str, record: Record, labels: str | None) -> None:
    """Delete those fields of this name that this run wrote, and values of them that a stopped process left; twice is harmless."""
    found = {what: schema.stored(dataset, path_of(run, what, labels)) for what in ALL}
    ours = {what: stored for what, stored in found.items() if stored is None or _owned(dataset, stored, run, record)}
    if ours:
        drop_values(dataset, [f"{run}_{what}" for what in ours], labels)
    for what, stored in ours.items():
        if stored is not None:
            _undeclare(dataset, f"{run}_{what}", labels, stored)
    database.refresh(dataset)
    sidebar.tidy(dataset)


def remove_field(dataset: Any, name: str, labels: str | None, entry: dict[str, Any]) -> None:
    """Delete one field, of the entry that is stored of it, with its values."""
    drop_values(dataset, [name], labels)
    _undeclare(dataset, name, labels, entry)


def _undeclare(dataset: Any, name: str, labels: str | None, entry: dict[str, Any]) -> None:
    _forget(dataset, f"{labels}.{name}" if labels else name)
    schema.pull(dataset, name, labels, entry)


def drop_values(dataset: Any, names: list[str], labels: str | None) -> None:
    """Remove values of fields."""
    values = {f"{labels}.$[].{name}" if labels else name: "" for name in names}
    change = {"$unset": values, "$set": {"last_modified_at": datetime.now(timezone.utc)}}
    schema.update_all(dataset, [f"{labels}.{name}" if labels else name for name in names], change)


def _info(stored: dict[str, Any]) -> dict[str, Any]:
    return stored.get("info") or {}


def signature(run: str) -> str:
    """With what the descriptions of a run's fields begin."""
    return f"LatentDiff {run!r}:"


def _owned(dataset: Any, stored: dict[str, Any], run: str, record: Record) -> bool:
    """Whether a stored field is this record's: by its ``info``, and where people replaced that, by its description.

    An import of the older format (LegacyFiftyOneDataset) keeps neither, but the record: a bare field of the name is then its own.
    """
    info, said = _info(stored), stored.get("description") or ""
    if OWNER in info or RECORD in info:
        return record.owns(info, run)
    imported = record.copied and record.dataset_id == database.identity(dataset) and not info and not said
    return said.startswith(signature(run)) or imported


def _forget(dataset: Any, path: str) -> None:
    """Drop what the App's settings and indexes say of a field that goes."""
    for name, index in dataset.get_index_information().items():
        if any(part == path for part, _ in index.get("key") or ()):
            dataset.drop_index(name)
    sidebar.remove(dataset, path)
    database.refresh(dataset)
    before = dataset._doc.app_config.to_dict()
    dataset._doc.app_config._delete_paths([path])
    if dataset._doc.app_config.to_dict() != before:
        dataset.save()

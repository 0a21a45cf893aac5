"""The two fields a comparison writes: declared, filled in bulk, recognised as ours, copied to another name, and removed.

A dataset's schema is one list in one document, which FiftyOne writes back whole: of two processes that add a field at once, one's is
lost. Here fields come and go by single updates of their own entries.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

import numpy as np

from latentdiff.errors import RunError
from latentdiff.progress import Progress, silent

from . import database

OWNER = "latentdiff"
"""Key in a field's ``info`` that names the run which wrote it: nothing else is ever overwritten or deleted."""
RECORD = "latentdiff_record"
"""Key that names its record: of two runs that bear the same name one after the other, each removes its own fields only."""
TRIES = 3
"""How often a field that another process put back is removed again before its name is given up."""
CHUNK = 10_000
"""Updates sent at once: progress and cancelling between them, and no gain in speed beyond."""

LOG_RATIO = "log_ratio"
CONCEPTS = "concepts"


def path_of(run: str, what: str, labels: str | None) -> str:
    """Full path of one of a run's fields ("summer_vs_winter_log_ratio"; below the labels for patches)."""
    name = f"{run}_{what}"
    return f"{labels}.{name}" if labels else name


def check_free(dataset: Any, paths: Iterable[str], run: str) -> None:
    """Refuse to touch a field of the same name that somebody else made.

    Raises:
        RunError: naming the field.
    """
    for path in paths:
        stored = _stored(dataset, path)
        if stored is not None and stored.get(OWNER) != run:
            raise RunError(f"{dataset.name!r} already has a field {path!r} that no comparison wrote; choose another run name")


def declare(dataset: Any, run: str, record: Any, labels: str | None, names: tuple[str, str]) -> None:
    """Add both fields to a dataset's schema, described for people and marked as ours; those that are there already stay.

    Raises:
        RunError: somebody else made a field of such a name meanwhile, or removed the dataset or the labels.
    """
    a, b = names
    ratio = f"LatentDiff {run!r}: log density ratio; high = typical of A ({a}), low = typical of B ({b}), out of fold"
    concepts = f"LatentDiff {run!r}: which of the differences found between A ({a}) and B ({b}) the image shows"
    for what, description in ((LOG_RATIO, ratio), (CONCEPTS, concepts)):
        _declare(dataset, run, record, labels, what, description)
    database.refresh(dataset)


def _declare(dataset: Any, run: str, record: Any, labels: str | None, what: str, description: str) -> None:
    import fiftyone as fo

    about = {"description": description, "info": {OWNER: run, RECORD: str(record)}}
    field = fo.FloatField(**about) if what == LOG_RATIO else fo.ListField(fo.StringField(), **about)
    path, name = path_of(run, what, labels), f"{run}_{what}"
    for _ in range(TRIES):
        if add(dataset, name, field, labels):
            return
        stored = _stored(dataset, path)
        if stored is None:
            raise RunError(f"the labels {labels!r} of {dataset.name!r} were removed meanwhile")
        if stored.get(RECORD) == str(record):
            return
        if not _put_back(stored):
            break
        _pull(dataset, name, labels, stored)
    raise RunError(f"{dataset.name!r} has got a field {path!r} of somebody else's meanwhile; choose another run name")


def _put_back(stored: dict[str, Any]) -> bool:
    """Whether a field's record is gone: FiftyOne in another process wrote back a schema that it had read before the field went."""
    from bson import ObjectId

    record = stored.get(RECORD)
    return ObjectId.is_valid(record) and database.journaled("runs").find_one({"_id": ObjectId(record)}, {"_id": 1}) is None


def add(dataset: Any, name: str, field: Any, labels: str | None = None) -> bool:
    """Add a field to the stored schema, unless one of that name is there; call :func:`database.refresh` to see it in memory.

    Args:
        dataset: the dataset.
        name: the field's name.
        field: an ``fo.Field``.
        labels: path of the labels that get it, None for samples.

    Raises:
        RunError: the dataset was deleted.
    """
    from fiftyone.core.odm.dataset import SampleFieldDocument

    field.name = field.db_field = name
    field._set_created_at(datetime.now(timezone.utc).replace(tzinfo=None))  # FiftyOne keeps naive UTC
    entry = SampleFieldDocument.from_field(field).to_mongo().to_dict()
    within, filters = _list_of(labels)
    found = {"_id": dataset._doc.id, **_without(labels, name)}  # the condition and the change are one
    done = database.journaled("datasets").update_one(found, {"$push": {within: entry}}, array_filters=filters).matched_count
    database.require(dataset._doc.id, dataset.name)
    return bool(done)


def _without(labels: str | None, name: str) -> dict[str, Any]:
    """Condition that a list of fields has none of this name (and, below labels, that those are there)."""
    match: dict[str, Any] = {"fields.name": {"$ne": name}}
    for i, parent in enumerate(reversed(labels.split(".") if labels else ())):
        match = {"name": parent, **({"fields": {"$elemMatch": match}} if i else match)}
    return {"sample_fields": {"$elemMatch": match}} if labels else {"sample_fields.name": {"$ne": name}}


def _list_of(labels: str | None) -> tuple[str, list[dict[str, str]] | None]:
    """Path of the list of fields in a dataset's document, with the filters that lead there."""
    path, filters = "sample_fields", []
    for i, name in enumerate(labels.split(".") if labels else ()):
        path += f".$[p{i}].fields"
        filters.append({f"p{i}.name": name})
    return path, filters or None


def there(dataset: Any, path: str) -> bool:
    """Whether the stored schema has a field."""
    return _stored(dataset, path) is not None


def _stored(dataset: Any, path: str) -> dict[str, Any] | None:
    """The ``info`` of a field as it is stored now; None where there is no such field."""
    document = database.journaled("datasets").find_one({"_id": dataset._doc.id}, {"sample_fields": 1}) or {}
    at: dict[str, Any] | None = {"fields": document.get("sample_fields")}
    for name in path.split("."):
        at = next((field for field in (at or {}).get("fields") or () if field.get("name") == name), None)
    return None if at is None else at.get("info") or {}


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


def copy(dataset: Any, run: str, new: str, record: Any, labels: str | None) -> None:
    """Give both fields, values and descriptions, a second name beside the first; doing it twice is harmless."""
    database.refresh(dataset)
    names = {}
    for what in (LOG_RATIO, CONCEPTS):
        field = dataset.get_field(path_of(run, what, labels))
        if field is None or not _owned(field.info or {}, run, record):
            continue
        _declare(dataset, new, record, labels, what, (field.description or "").replace(repr(run), repr(new)))
        names[f"{run}_{what}"] = f"{new}_{what}"
    if not names:
        return
    value: dict[str, Any] = {new_name: f"${name}" for name, new_name in names.items()}
    if labels:  # each label of the list, with one entry more for each that it has of the old ones
        pairs = {"$mergeObjects": ["$$label", {new_name: f"$$label.{name}" for name, new_name in names.items()}]}
        value = {labels: {"$map": {"input": f"${labels}", "as": "label", "in": pairs}}}
    paths = [f"{labels}.{name}" if labels else name for name in names]
    _update_all(dataset, paths, [{"$set": {**value, "last_modified_at": "$$NOW"}}])
    database.refresh(dataset)


def remove(dataset: Any, run: str, record: Any, labels: str | None) -> None:
    """Delete those fields of this name that this run wrote, and values of them that a stopped process left; twice is harmless."""
    found = {what: _stored(dataset, path_of(run, what, labels)) for what in (LOG_RATIO, CONCEPTS)}
    ours = {what: stored for what, stored in found.items() if stored is None or _owned(stored, run, record)}
    if ours:
        values = {f"{labels}.$[].{run}_{what}" if labels else f"{run}_{what}": "" for what in ours}
        change = {"$unset": values, "$set": {"last_modified_at": datetime.now(timezone.utc)}}
        _update_all(dataset, [path_of(run, what, labels) for what in ours], change)
    for what, stored in ours.items():
        if stored is not None:
            _forget(dataset, path_of(run, what, labels))
            _pull(dataset, f"{run}_{what}", labels, stored)
    database.refresh(dataset)


def _update_all(dataset: Any, paths: list[str], change: Any) -> None:
    """Change every sample that has any of these: one pass, since each writes whole documents anew."""
    found = {"$or": [{path: {"$exists": True}} for path in paths]}
    database.journaled(dataset._sample_collection_name).update_many(found, change)


def _pull(dataset: Any, name: str, labels: str | None, stored: dict[str, Any]) -> None:
    """Remove from the stored schema the field of this name that has this ``info``."""
    within, filters = _list_of(labels)
    pull = {"$pull": {within: {"name": name, "info": stored}}}
    database.journaled("datasets").update_one({"_id": dataset._doc.id}, pull, array_filters=filters)


def _owned(info: dict[str, Any], run: str, record: Any) -> bool:
    """Whether a field with this ``info`` is this record's (those of earlier versions name only the run)."""
    return bool(info[RECORD] == str(record) if RECORD in info else info.get(OWNER) == run)


def _forget(dataset: Any, path: str) -> None:
    """Drop what the App's settings and indexes say of a field that goes."""
    for name, index in dataset.get_index_information().items():
        if any(part == path for part, _ in index.get("key") or ()):
            dataset.drop_index(name)
    before = dataset._doc.app_config.to_dict()
    dataset._doc.app_config._delete_paths([path])
    if dataset._doc.app_config.to_dict() != before:
        dataset.save()

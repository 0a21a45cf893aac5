"""A dataset's stored schema, changed by single updates of its own entries.

FiftyOne keeps it as one list in one document, which it writes back whole: of two processes that add a field at once, one's is lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

from . import database


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
    found = {"_id": database.identity(dataset), **_without(labels, name)}  # the condition and the change are one
    done = database.journaled("datasets").update_one(found, {"$push": {within: entry}}, array_filters=filters).matched_count
    database.require(database.identity(dataset), dataset.name)
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
    return stored(dataset, path) is not None


def stored(dataset: Any, path: str) -> dict[str, Any] | None:
    """The entry of a field as it is stored now; None where there is no such field."""
    return next((entry for own, entry in walk(dataset) if own == path), None)


def walk(dataset: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """(path, stored entry) of every field as it is stored now, those of labels included."""
    document = database.journaled("datasets").find_one({"_id": database.identity(dataset)}, {"sample_fields": 1}) or {}
    waiting = [(str(entry.get("name")), entry) for entry in document.get("sample_fields") or ()]
    while waiting:
        path, entry = waiting.pop(0)
        yield path, entry
        waiting += [(f"{path}.{inner.get('name')}", inner) for inner in entry.get("fields") or ()]


def update_all(dataset: Any, paths: list[str], change: Any) -> None:
    """Change every sample that has any of these: one pass, since each writes whole documents anew."""
    found = {"$or": [{path: {"$exists": True}} for path in paths]}
    database.journaled(dataset._sample_collection_name).update_many(found, change)


def pull(dataset: Any, name: str, labels: str | None, entry: dict[str, Any]) -> None:
    """Remove a field from the stored schema, as long as its ``info`` is that of this entry."""
    within, filters = _list_of(labels)
    change = {"$pull": {within: {"name": name, "info": entry.get("info")}}}
    database.journaled("datasets").update_one({"_id": database.identity(dataset)}, change, array_filters=filters)


def entry_change(path: str, entry: dict[str, Any], key: str, value: Any) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """What sets one entry of a field's ``info``, as of :func:`stored`: ``$set`` of an update of the dataset's document, and its filters."""
    labels, _, name = path.rpartition(".")
    within, filters = _list_of(labels or None)
    info = f"{within}.$[field].info"
    change = {info: {key: value}} if entry.get("info") is None else {f"{info}.{key}": value}
    return change, [*(filters or ()), {"field.name": name}]

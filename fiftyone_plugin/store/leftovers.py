"""Fields of comparisons whose record is gone: FiftyOne's own ``delete_run`` takes the record alone, a view's ``clone`` the fields alone."""

from __future__ import annotations

from typing import Any

from . import database, fields, schema
from .records import OWNER, RECORD, Record, find
from .targets import as_dataset


def leftover_fields(dataset: Any, *, remove: bool = False) -> list[str]:
    """Fields that comparisons wrote to a dataset and that no comparison is there for any more.

    FiftyOne's ``dataset.delete_run`` removes a comparison's record and leaves its fields (:func:`delete_comparison` removes both), and a
    copy of a view has the fields and not the record. A comparison of the same name replaces them by itself. A field that people cloned or
    renamed from one of them is theirs, and not among them.

    Args:
        dataset: ``fo.Dataset`` or its name.
        remove: delete them, values and all.

    Returns:
        Their paths, removed or not.

    Example:
        >>> leftover_fields(dataset)
        ['seasons_log_ratio', 'seasons_concepts']
    """
    dataset = as_dataset(dataset)
    with database.explained("looking for what comparisons left", dataset):
        named, loose = find(database.identity(dataset))
        held = {record.mark for record in (*named.values(), *loose)}
        ours = {path: entry for path, entry in schema.walk(dataset) if fields.named_by_run(entry)}
        found = {path: entry for path, entry in ours.items() if entry["info"][RECORD] not in held and fields.is_nobodys(dataset, entry)}
        for path, entry in found.items() if remove else ():
            labels, _, name = path.rpartition(".")
            fields.remove_field(dataset, name, labels or None, entry)
        if found and remove:
            database.refresh(dataset)
        return list(found)


def names_of(dataset: Any) -> dict[str, set[str]]:
    """By mark of a record, the names of runs under which its fields stand in a dataset."""
    names: dict[str, set[str]] = {}
    for _, entry in schema.walk(dataset):
        if fields.named_by_run(entry):
            names.setdefault(str(entry["info"][RECORD]), set()).add(str(entry["info"][OWNER]))
    return names


def former(dataset: Any, record: Record, names: dict[str, set[str]] | None = None) -> str | None:
    """The name under which a record's fields stand, where they stand under none that is its own: ``rename_run`` gave it another."""
    own = (names_of(dataset) if names is None else names).get(record.mark, set())
    return next(iter(sorted(own)), None) if record.run not in own else None

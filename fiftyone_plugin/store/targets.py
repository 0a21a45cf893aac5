"""Where a comparison reads and writes: datasets by name or id, and the labels in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from latentdiff.errors import InputError

from ..sides import listed
from . import database, fields
from .records import Record, holders


@dataclass(frozen=True)
class Place:
    """Where a run wrote: one dataset and the labels in it, if it wrote to labels."""

    dataset: Any
    labels: str | None


def as_dataset(dataset: Any) -> Any:
    """An ``fo.Dataset`` from one, or from a name.

    Raises:
        InputError: no dataset has that name. RunError: the database does not answer.
    """
    import fiftyone as fo

    if isinstance(dataset, fo.Dataset):
        return dataset
    if not isinstance(dataset, str):
        raise InputError(f"dataset must be an fo.Dataset or its name, not {type(dataset).__name__}")
    with database.explained(f"opening {dataset!r}"):
        known = fo.list_datasets()
        if dataset not in known:
            raise InputError(f"there is no dataset {dataset!r}; there are {listed(known)}")
        return fo.load_dataset(dataset)


def split_name(named: str) -> tuple[str, str]:
    """(dataset, view) of "dataset:view": both may have colons in their names, so the longest name of a dataset that there is counts."""
    import fiftyone as fo

    with database.explained(f"opening {named!r}"):
        known = set(fo.list_datasets())
    parts = named.split(":")
    for i in range(len(parts), 0, -1):
        if ":".join(parts[:i]) in known:
            return ":".join(parts[:i]), ":".join(parts[i:])
    return parts[0], ":".join(parts[1:])


def name_of(dataset_id: Any) -> str | None:
    """What the dataset of an id is called now; None where it is gone."""
    from bson import ObjectId

    found = database.read().datasets.find_one({"_id": ObjectId(dataset_id)}, {"name": 1})
    return str(found["name"]) if found else None


def dataset_by_id(dataset: Any, dataset_id: str) -> Any:
    """By id, not by name: datasets get renamed, and another one may have taken the name."""
    if str(database.identity(dataset)) == dataset_id:
        return dataset
    name = name_of(dataset_id)
    return as_dataset(name) if name else None


def places(dataset: Any, record: Record) -> list[Place]:
    """Every (dataset, labels) that a run writes to, once each, in an order that all processes share; a dataset that is gone is left out.

    Other datasets are the places of the record that was made for them, not of its copies, unless one of these is all that is left of it.

    Args:
        dataset: the one that holds the run's record, gone or not.
        record: the run's.
    """
    own = str(record.dataset_id)
    copy = record.copied and ("record" not in record.config or len(holders(record.mark)) > 1)
    out: dict[tuple[str, str | None], Place] = {}
    for side in record.config["sides"].values():
        where = record.dataset_of(side)
        named = name_of(where)
        if named is not None and (where == own or not copy):
            target = dataset if where == own else as_dataset(named)
            out[where, side["labels"]] = Place(target, fields.labels_now(target, record, side["labels"]))
    return [out[key] for key in sorted(out, key=str)]

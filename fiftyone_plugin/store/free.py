"""Whether the fields that a comparison would write are free: asked before anything is computed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from latentdiff.errors import RunError

from ..sides import Side
from . import database, fields, records, schema
from .records import RECORD, Record
from .targets import name_of, places


def check_sides_free(dataset: Any, run: str, sides: Iterable[Side]) -> None:
    """As :func:`check_free`, the fields of a new comparison of these sides; those of an older one that it replaces go before.

    Args:
        dataset: where the run is recorded.
        run: its name.
        sides: what it would write to.

    Raises:
        RunError: naming the field, and whose it is.
    """
    older = records.find(database.identity(dataset))[0].get(run)
    cleared = {str(database.identity(place.dataset)) for place in places(dataset, older)} if older else set()
    for side in sides:
        paths = [fields.path_of(run, what, side.labels) for what in (fields.LOG_RATIO, fields.CONCEPTS)]
        check_free(side.dataset, paths, older if str(database.identity(side.dataset)) in cleared else None)


def check_free(dataset: Any, paths: Iterable[str], record: Record | None = None) -> None:
    """Refuse to touch a field of the same name that is somebody else's: a person's, or another comparison's.

    Args:
        dataset: whose fields they are.
        paths: of the fields.
        record: a comparison that may have written them; None: none may.

    Raises:
        RunError: naming the field, and whose it is.
    """
    for path in paths:
        stored = schema.stored(dataset, path)
        if stored is None or fields.is_nobodys(dataset, stored):
            continue
        if record is None or not record.owns(stored.get("info") or {}, record.run):
            raise RunError(f"{dataset.name!r} already has a field {path!r} {_whose(stored)}; choose another run name")


def _whose(stored: dict[str, Any]) -> str:
    if fields.named_by_run(stored):
        for record in records.holders(stored["info"].get(RECORD)):
            home = name_of(record.dataset_id)
            if home is not None:
                return f"of the comparison {record.run!r} of {home!r}"
    return "that no comparison wrote"

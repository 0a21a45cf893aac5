"""What changes a stored comparison, in steps that can be taken again, and what ends a change whose process was killed.

Every step leaves the record in a state from which the rest can be done, or undone, by whoever opens the dataset next.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from latentdiff.errors import LatentDiffError, RunError

from . import database, fields, leftovers, records, results, writers
from .document import from_document, verdict_of
from .free import check_free
from .groups import GROUPS, from_group_document, verdict_of_groups
from .records import COMPLETE, DELETING, RENAMING, REPLACING, Record
from .targets import name_of, places

CHANGING = (DELETING, RENAMING, REPLACING)


def erase(dataset: Any, record: Record, writer: dict[str, Any]) -> None:
    """Remove a comparison's fields, then its record. Of two that would, one does: what the other writes next is not removed with them.

    Raises:
        RunError: somebody else removed or changed it meanwhile, or is at it.
    """
    if record.state in CHANGING and not record.abandoned and writers.alive(*_held(record)):
        raise RunError(f"somebody else is {record.state} the comparison {record.run!r}; wait for the end of it")
    if not records.take(record, writer, DELETING):
        raise RunError(f"the comparison {record.run!r} was deleted or replaced meanwhile")
    _finish_erasing(dataset, record)


def rename(dataset: Any, record: Record, new: str, writer: dict[str, Any]) -> None:
    """Give a comparison a new name: its fields under both names, then the record under the new one, then the old fields go.

    Raises:
        RunError: the name was taken, or the comparison deleted, meanwhile.
    """
    records.change(record, RENAMING, since=(record.state,), old=record.run, new=new, writer=writer)
    try:
        for place in places(dataset, record):
            fields.copy(place.dataset, record.run, new, record, place.labels)
        records.relink(record, new)
    finally:  # which of both names leads to it now decides, also where the database did it and could not say so any more
        renamed = records.reread(record)
        if renamed is not None:
            _finish_renaming(dataset, renamed)


def replace(dataset: Any, record: Record, writer: dict[str, Any]) -> None:
    """Put a comparison that is stored under a name of its own in the place of an older one.

    Raises:
        RunError: another one took that place meanwhile.
    """
    run = record.config["replaces"]
    older = records.find(record.dataset_id)[0].get(run)
    if older is not None and older.id != record.id:
        erase(dataset, older, writer)
    if record.run != run:
        rename(dataset, record, run, writer)
    else:
        _finish_renaming(dataset, record)


def discard(dataset: Any, record: Record, writer: dict[str, Any], *, lost: bool) -> None:
    """Take back a comparison that could not be finished, what it wrote included where somebody else removed its record.

    One that is whole already, and was only stopped while it took an older one's place, takes it.

    Args:
        dataset, record, writer: what was being stored, and by whom.
        lost: its place is another's: it goes, whole or not.
    """
    now = records.reread(record)
    if lost or now is None or now.state == records.WRITING:
        _finish_erasing(dataset, now or record)
    else:
        _end(dataset, now, writer)


def mend(dataset: Any) -> dict[str, Record]:
    """End what killed processes began: what was not complete goes, what was to be removed or replaced is.

    Returns:
        The comparisons that there are then, by name; those that live processes are at among them.
    """
    named, loose = records.find(database.identity(dataset))
    dead = [r for r in (*named.values(), *loose) if r.state != COMPLETE and (r.abandoned or writers.gone(*_held(r)))]
    for record in dead:
        with writers.working() as writer:
            if records.take(record, writer):  # of two that open the dataset at once, one mends
                _end(dataset, record, writer)
    named = records.find(database.identity(dataset))[0] if dead else named
    names = leftovers.names_of(dataset) if named else {}
    moved = {r.run: old for r in named.values() if r.state == COMPLETE and (old := leftovers.former(dataset, r, names))}
    for run, old in moved.items():
        _follow(dataset, named[run], old)
    return records.find(database.identity(dataset))[0] if moved else named


def _follow(dataset: Any, record: Record, old: str) -> None:
    """Give the fields the name that FiftyOne's own ``rename_run`` gave the record alone; where somebody has a field of it they stay."""
    at = places(dataset, record)
    try:
        for place in at:
            paths = [fields.path_of(record.run, what, place.labels) for what in fields.ALL]
            check_free(place.dataset, paths, record)
    except RunError:
        return
    with writers.working() as writer:
        if not records.take(record, writer, RENAMING):
            return  # somebody else has it in hand
        records.change(record, RENAMING, old=old, new=record.run, writer=writer)
        _copy_again(dataset, record, old)
        if (now := records.reread(record)) is not None:
            _finish_renaming(dataset, now)


def _copy_again(dataset: Any, record: Record, old: Any) -> None:
    """Fields under the record's name once more from those under its old one, if they are there; doing it twice is harmless."""
    if old and old != record.run:
        for place in places(dataset, record):
            fields.copy(place.dataset, str(old), record.run, record, place.labels)


def finish(dataset: Any, record: Record) -> None:
    """As :func:`mend`, one comparison, also where of its writer nothing is known.

    Raises:
        RunError: somebody is at it.
    """
    if not record.abandoned and writers.alive(*_held(record)):
        raise RunError(f"somebody is {record.state} the comparison {record.run!r}; wait for the end of it")
    with writers.working() as writer:
        if not records.take(record, writer):
            raise RunError(f"somebody else is at the comparison {record.run!r} now")
        _end(dataset, record, writer)


def _held(record: Record) -> tuple[Any, Callable[[], bool | None]]:
    """A record's writer, and a question after its lease."""
    return record.config.get("writer"), lambda: writers.expired(record.id, record.lease)


def _end(dataset: Any, record: Record, writer: dict[str, Any]) -> None:
    # Of a copy that was made meanwhile nobody knows when each part was taken.
    if record.state == records.WRITING and not record.abandoned and (verdict := _whole(dataset, record)) is not None:
        state = REPLACING if record.config.get("replaces") else COMPLETE
        records.change(record, state, since=(records.WRITING,), verdict=verdict)
        if state == COMPLETE:
            return
        record = dataclasses.replace(record, config=record.config | {"state": state})
    if record.state == REPLACING or (record.state == RENAMING and record.config.get("replaces")):
        try:
            replace(dataset, record, writer)
        except RunError:
            _erase_own(dataset, record, writer)  # another comparison has its place
    elif record.state == RENAMING:
        _copy_again(dataset, record, record.config.get("old"))
        _finish_renaming(dataset, record)
    else:
        _erase_own(dataset, record, writer)


def _whole(dataset: Any, record: Record) -> dict[str, Any] | None:
    """The verdict of a comparison of which everything is there, results last, and only the word was not yet given that it is; else None."""
    if record.results is None:
        return None
    try:
        document = results.load(record)
        if document.get("kind") == GROUPS:
            verdict = verdict_of_groups(from_group_document(document)[0])
        else:
            verdict = verdict_of(from_document(document)[0])
        sides = record.config["sides"]
        for place in places(dataset, record):  # once more, as whoever stores one does
            fields.declare(place.dataset, record.run, record, place.labels, (sides["A"]["name"], sides["B"]["name"]))
    except LatentDiffError:
        return None
    return verdict


def _erase_own(dataset: Any, record: Record, writer: dict[str, Any]) -> None:
    """As :func:`erase`, what this process is the writer of."""
    records.change(record, DELETING, writer=writer)
    _finish_erasing(dataset, record)


def _finish_erasing(dataset: Any, record: Record) -> None:
    former = leftovers.former(dataset, record)  # where there is one, a field of the present name is somebody else's
    names = {former} if former else {record.run, record.config.get("old"), record.config.get("new")}
    for run in names - {None}:
        _remove_fields(dataset, record, str(run))
    records.remove(record)
    if name_of(record.dataset_id) is not None:
        database.refresh(dataset)


def _finish_renaming(dataset: Any, record: Record) -> None:
    """Remove the fields under the name that does not lead to the record (any more, or yet)."""
    for run in {record.config.get("old"), record.config.get("new")} - {None, record.run}:
        _remove_fields(dataset, record, str(run))
    replacing = record.run != record.config.get("replaces", record.run)
    if not replacing:
        records.change(record, COMPLETE, drop=("old", "new", "replaces"))
    database.refresh(dataset)


def _remove_fields(dataset: Any, record: Record, run: str) -> None:
    for place in places(dataset, record):
        fields.remove(place.dataset, run, record, place.labels)

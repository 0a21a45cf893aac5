"""The record of a comparison: a FiftyOne run, changed only by single updates that other processes see whole or not at all.

A record is the first thing written and the last one removed. Its ``state`` says "writing" until everything is in place, and
"deleting", "renaming" or "replacing" once anything may have changed; its ``writer`` says who is at it. A killed process so leaves a
record which tells what to clear up, and :mod:`repair` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from latentdiff.errors import RunError
from latentdiff.results.storage import FORMAT

from . import database
from .shape import shaped

METHOD = "latentdiff"
OWNER = "latentdiff"
"""Key in a field's ``info`` that names the run which wrote it: nothing else is ever overwritten or deleted."""
RECORD = "latentdiff_record"
"""Key that names its record: of two runs that bear the same name one after the other, each removes its own fields only."""
LEASED = {"$set": {"config.lease": "$$NOW"}}
"""A step of an update: its writer is heard of, by the database's clock."""
COMPLETE, WRITING, DELETING, RENAMING, REPLACING = "complete", "writing", "deleting", "renaming", "replacing"


@dataclass(frozen=True)
class Record:
    """A comparison's record, as it was when it was read."""

    id: Any
    dataset_id: Any
    run: str
    config: dict[str, Any]
    timestamp: Any
    results: Any
    """Id of the file of results; None where there is none yet."""
    damaged: tuple[str, ...] = ()
    """Entries of ``config`` that were lost or damaged, in place of which something stands that can be listed and deleted."""

    @property
    def state(self) -> str:
        """One of the states above."""
        return str(self.config.get("state", WRITING))

    @property
    def lease(self) -> Any:
        """When its writer was last heard of, by the database's clock; None where nobody is at it, or an earlier version."""
        return self.config.get("lease")

    @property
    def mark(self) -> str:
        """What its fields bear: the id under which the record was made. FiftyOne's copies of a dataset keep it, in fields and records."""
        return str(self.config.get("record", self.id))

    @property
    def home(self) -> str:
        """Id of the dataset in which the record was made."""
        if "home" in self.config:
            return str(self.config["home"])
        ids = [side["dataset_id"] for side in self.config["sides"].values()]
        return str(self.dataset_id) if str(self.dataset_id) in ids else _still_has(ids, self.run)

    @property
    def copied(self) -> bool:
        """Whether its dataset is a copy (a clone, an import) of the one in which it was made."""
        return self.home != str(self.dataset_id)

    @property
    def abandoned(self) -> bool:
        """Whether nobody is at it because its dataset was copied while somebody was at the original."""
        writer = self.config.get("writer")
        return isinstance(writer, dict) and writer.get("record", str(self.id)) != str(self.id)

    def dataset_of(self, side: dict[str, Any]) -> str:
        """Id of a side's dataset: what was in the record's own dataset is in the one that holds the record now."""
        return str(self.dataset_id) if side["dataset_id"] == self.home else str(side["dataset_id"])

    @property
    def datasets(self) -> set[str]:
        """Ids of the datasets of its sides."""
        return {self.dataset_of(side) for side in self.config["sides"].values()}

    def owns(self, info: dict[str, Any], run: str) -> bool:
        """Whether a field with this ``info`` is its own; what earlier versions wrote or copied names only the run."""
        if RECORD in info and (info[RECORD] == self.mark or "record" in self.config or not self.copied):
            return bool(info[RECORD] == self.mark)
        return bool(info.get(OWNER) == run)


def _still_has(ids: list[str], run: str) -> str:
    """Of the datasets that an earlier version compared, the one in which it stored the run; the first where that is gone."""
    from bson import ObjectId

    keys = [ObjectId(key) for key in ids]
    found = database.journaled("datasets").find_one({"_id": {"$in": keys}, f"runs.{run}": {"$exists": True}}, {"_id": 1})
    return str(found["_id"]) if found else str(ids[0])


def holders(mark: Any) -> list[Record]:
    """Records, of all datasets, that bear a mark: the one that was made under it, and those in copies of its dataset."""
    from bson import ObjectId

    if not ObjectId.is_valid(mark):
        return []
    query = {"$or": [{"_id": ObjectId(mark)}, {"config.record": str(mark)}], "config.method": METHOD}
    return [_read(doc, doc.get("_dataset_id"), doc.get("key")) for doc in database.journaled("runs").find(query)]


def find(dataset_id: Any) -> tuple[dict[str, Record], list[Record]]:
    """Records of a dataset's comparisons as they are now: by name, and those that no name leads to (any more, or yet)."""
    linked = (database.journaled("datasets").find_one({"_id": dataset_id}, {"runs": 1}) or {}).get("runs") or {}
    names = {record: run for run, record in linked.items()}
    named, loose = {}, []
    query = {"$or": [{"_id": {"$in": list(names)}}, {"_dataset_id": dataset_id}], "config.method": METHOD}
    for doc in database.journaled("runs").find(query):
        record = _read(doc, dataset_id, names.get(doc["_id"], doc.get("key")))
        if record.id in names:
            named[record.run] = record
        else:
            loose.append(record)
    return named, loose


def _read(doc: dict[str, Any], dataset_id: Any, run: Any) -> Record:
    config, damaged = shaped({k: v for k, v in doc["config"].items() if k not in ("cls", "type")}, dataset_id)
    return Record(doc["_id"], dataset_id, run, config, doc.get("timestamp"), doc.get("results"), damaged)


def reread(record: Record) -> Record | None:
    """A record as it is now; None where no name leads to it any more."""
    named, _ = find(record.dataset_id)
    return next((now for now in named.values() if now.id == record.id), None)


def claim(dataset: Any, run: str, config: dict[str, Any]) -> Record:
    """Make the record of a new comparison, unless its name is taken at that very moment.

    Raises:
        RunError: it is, or the dataset is gone.
    """
    import fiftyone as fo
    from bson import ObjectId

    key, dataset_id, now = ObjectId(), database.identity(dataset), datetime.now(timezone.utc)
    config = {"method": METHOD, "format": FORMAT, "state": WRITING, "home": str(dataset_id), "record": str(key), **config}
    config["writer"] = _at(config["writer"], key)
    stored = dataset.init_run(**config).serialize()
    document = {"_dataset_id": dataset_id, "key": run, "version": fo.__version__, "timestamp": now, "config": stored}
    record = Record(key, dataset_id, run, config, now, None)
    runs, datasets = database.journaled("runs"), database.journaled("datasets")
    try:
        whole = {"$replaceWith": {"$literal": {"_id": key, **document, "results_meta": {}}}}
        runs.update_one({"_id": key}, [whole, LEASED], upsert=True)  # no insertion: only an update knows the database's clock
        # The condition and the change are one: of two that claim a name at once, one is refused.
        done = datasets.update_one({"_id": dataset_id, f"runs.{run}": {"$exists": False}}, {"$set": {f"runs.{run}": key}})
        if not done.matched_count:
            database.require(dataset_id, dataset.name)
            raise RunError(f"{dataset.name!r} already has a comparison {run!r}, made meanwhile; choose another name")
        database.refresh(dataset)
    except BaseException:  # Ctrl-C, too
        remove(record)
        raise
    return record


def change(record: Record, state: str, *, since: tuple[str, ...] = (), drop: tuple[str, ...] = (), **changes: Any) -> None:
    """Set a record's state, and other entries of its config, in one update.

    Args:
        record: the record.
        state: its new state.
        since: states that it may be in; none: any.
        drop: entries of the config that go.
        changes: entries of the config that are set.

    Raises:
        RunError: it is in another state, or gone: somebody else deleted or replaced the comparison.
    """
    found = {"_id": record.id, **({"config.state": {"$in": list(since)}} if since else {})}
    if "writer" in changes:
        changes["writer"] = _at(changes["writer"], record.id)
    drop = (*drop, "writer", "lease") if state == COMPLETE else drop  # nobody is at it any more
    update = [_set(state=state, **changes), *([LEASED] if "writer" in changes else [])]
    if drop:
        update.append({"$unset": [f"config.{name}" for name in drop]})
    if not database.journaled("runs").update_one(found, update).matched_count:
        raise RunError(f"the comparison {record.run!r} was deleted or replaced meanwhile")


def _at(writer: dict[str, Any], record: Any) -> dict[str, Any]:
    """A writer that says which record it is at: one that was copied with a dataset is at another."""
    return {**writer, "record": str(record)}


def take(record: Record, writer: dict[str, Any], state: str | None = None) -> bool:
    """Become its writer, and change its state, if it is still as it was read; False where another process was quicker."""
    known = {name: record.config.get(name) for name in ("writer", "state", "lease")}  # a lease renewed meanwhile is another
    found = {"_id": record.id, **{f"config.{name}": value for name, value in known.items()}}
    update = [_set(writer=_at(writer, record.id), state=state or record.state), LEASED]
    return bool(database.journaled("runs").update_one(found, update).matched_count)


def _set(**entries: Any) -> dict[str, Any]:
    """A step of an update that sets entries of the config to values as they are: one that begins with "$" is no field's name."""
    return {"$set": {f"config.{name}": {"$literal": value} for name, value in entries.items()}}


def relink(record: Record, new: str) -> None:
    """Let another name, and no longer the present one, lead to a record.

    Raises:
        RunError: the name is taken, or the record is no longer called what it was.
    """
    found = {"_id": record.dataset_id, f"runs.{record.run}": record.id, f"runs.{new}": {"$exists": False}}
    update = {"$unset": {f"runs.{record.run}": ""}, "$set": {f"runs.{new}": record.id}}
    if not database.journaled("datasets").update_one(found, update).matched_count:
        raise RunError(f"the comparison {record.run!r} cannot become {new!r}: one of them was made, renamed or deleted meanwhile")
    database.journaled("runs").update_one({"_id": record.id}, {"$set": {"key": new}})


def remove(record: Record) -> None:
    """Remove a record and its results. The name goes first: FiftyOne cannot open a dataset's run whose record is missing."""
    import gridfs

    name = f"runs.{record.run}"
    database.journaled("datasets").update_one({"_id": record.dataset_id, name: record.id}, {"$unset": {name: ""}})
    files = gridfs.GridFS(database.whole())
    for key in {record.id, record.results} - {None}:
        files.delete(key)
    database.journaled("runs").delete_one({"_id": record.id})

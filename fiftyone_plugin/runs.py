"""Comparisons as FiftyOne custom runs: stored, listed, loaded, renamed, and deleted with all that they wrote.

A run record is the first thing written and the last one deleted. Its ``state`` says "writing" until everything is in
place and "deleting" (or "renaming", with the new name beside it) once anything may have changed, so that a killed process
leaves a record which tells what to clean.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from latentdiff.errors import LatentDiffError, RunError

from . import fields
from .document import from_document
from .handle import ComparisonRun, RunSide
from .sides import listed

METHOD = "latentdiff"
FORMAT = 1
COMPLETE, WRITING, DELETING, RENAMING = "complete", "writing", "deleting", "renaming"


class RunSummary(str):
    """A run's name, with what is known of it before its results are opened."""

    config: dict[str, Any]

    def __new__(cls, name: str, config: dict[str, Any]) -> RunSummary:
        self = super().__new__(cls, name)
        self.config = config
        return self

    @property
    def state(self) -> str:
        """ "complete", or "writing" / "deleting" / "renaming" where a process was stopped midway."""
        return str(self.config.get("state", WRITING))

    @property
    def complete(self) -> bool:
        """Whether it can be loaded; what is not can only be deleted."""
        return self.state == COMPLETE

    @property
    def verdict(self) -> dict[str, Any]:
        """``differs``, ``auc``, ``p_value``, ``hypotheses`` (how many pass); empty for an incomplete run."""
        return dict(self.config.get("verdict") or {})

    @property
    def views(self) -> tuple[str, str]:
        """Names of both sides."""
        sides = self.config["sides"]
        return sides["A"]["name"], sides["B"]["name"]


@dataclass(frozen=True)
class Place:
    """Where a run wrote: one dataset and the labels in it, if it wrote to labels."""

    dataset: Any
    labels: str | None
    paths: tuple[str, str] = field(default=("", ""))


def list_comparisons(dataset: Any) -> list[RunSummary]:
    """Names of the comparisons stored in a dataset, newest first, incomplete ones among them (``.complete`` is False).

    Args:
        dataset: ``fo.Dataset`` or its name.

    Returns:
        Strings that carry ``.state``, ``.complete``, ``.verdict``, ``.views`` and ``.config``.
    """
    found = [(doc.get("timestamp"), RunSummary(key, doc["config"])) for key, doc in _records(as_dataset(dataset)).items()]
    return [summary for _, summary in sorted(found, key=lambda item: (item[0] is not None, item[0], str(item[1])), reverse=True)]


def load_comparison(dataset: Any, run: str) -> ComparisonRun:
    """Open a stored comparison.

    Args:
        dataset: ``fo.Dataset`` or its name.
        run: the run's name.

    Raises:
        RunError: there is no such run, or it was never finished.
        CheckpointError: its results are damaged.
    """
    dataset = as_dataset(dataset)
    config = _config(dataset, run)
    if config.get("state") != COMPLETE:
        raise RunError(f"run {run!r} was interrupted while {config.get('state')}; remove its rest with delete_comparison(dataset, {run!r})")
    if config.get("format") != FORMAT:
        raise RunError(f"run {run!r} has format {config.get('format')}; this version reads {FORMAT}. Update latentdiff.")
    results = dataset.load_run_results(run, cache=False)
    comparison, ids_a, ids_b = from_document(getattr(results, "document", None) or {})
    sides = {letter: _run_side(dataset, config["sides"][letter], ids) for letter, ids in (("A", ids_a), ("B", ids_b))}
    return ComparisonRun(name=run, dataset=dataset, comparison=comparison, config=config, sides=sides)


def delete_comparison(dataset: Any, run: str) -> None:
    """Remove a comparison's fields (in both datasets, where it compared two) and its record, and nothing else.

    Args:
        dataset: ``fo.Dataset`` or its name.
        run: the run's name; complete or not.

    Raises:
        RunError: there is no such run.
    """
    dataset = as_dataset(dataset)
    config = _config(dataset, run)
    set_state(dataset, run, DELETING)
    for name in {run, config.get("new", run)}:  # both, where a process was stopped while renaming
        for place in places(dataset, name, config):
            fields.remove(place.dataset, place.paths, {run, name})
    dataset.delete_run(run)


def rename_comparison(dataset: Any, run: str, new: str) -> None:
    """Give a comparison, and the fields that it wrote, another name.

    Args:
        dataset: ``fo.Dataset`` or its name.
        run: the present name.
        new: an identifier that no run of the dataset has.

    Raises:
        RunError: no such run, an incomplete one, or a name that is taken or no identifier.
    """
    dataset = as_dataset(dataset)
    config = _config(dataset, run)
    if config.get("state") != COMPLETE:
        raise RunError(f"run {run!r} is incomplete and can only be deleted")
    check_name(new)
    if new in dataset.list_runs():
        raise RunError(f"{dataset.name!r} already has a run {new!r}; choose another name")
    for place in places(dataset, new, config):
        fields.check_free(place.dataset, place.paths, run="")
    set_state(dataset, run, RENAMING, new=new)
    for place in places(dataset, run, config):
        fields.rename(place.dataset, run, new, place.labels)
    dataset.rename_run(run, new)
    set_state(dataset, new, COMPLETE)


def check_name(run: str) -> None:
    """Refuse names that FiftyOne cannot use as run key and field name.

    Raises:
        RunError: saying what a name is.
    """
    if not isinstance(run, str) or not run.isidentifier() or run.startswith("_"):
        raise RunError(f"a run's name is letters, digits and underscores and starts with a letter, such as 'summer_vs_winter', not {run!r}")


def check_new(dataset: Any, run: str, overwrite: bool) -> None:
    """Refuse to write over what is there, unless asked to.

    Raises:
        RunError: the name is taken by a comparison (and ``overwrite`` is false) or by a run of another kind.
    """
    check_name(run)
    if run in _records(dataset):
        if not overwrite:
            raise RunError(f"{dataset.name!r} already has a comparison {run!r}; pass overwrite=True to replace it, or another name")
    elif run in dataset.list_runs():
        raise RunError(f"{dataset.name!r} has a run {run!r} that is no comparison; choose another name")


def as_dataset(dataset: Any) -> Any:
    """An ``fo.Dataset`` from one, or from a name.

    Raises:
        InputError: no dataset has that name.
    """
    import fiftyone as fo

    from latentdiff.errors import InputError

    if isinstance(dataset, fo.Dataset):
        return dataset
    if not isinstance(dataset, str):
        raise InputError(f"dataset must be an fo.Dataset or its name, not {type(dataset).__name__}")
    known = fo.list_datasets()
    if dataset not in known:
        raise InputError(f"there is no dataset {dataset!r}; there are {listed(known)}")
    return fo.load_dataset(dataset)


def set_state(dataset: Any, run: str, state: str, **changes: Any) -> None:
    """Change a record's state (and other entries of its config) in one write."""
    config = {**_config(dataset, run), **changes, "state": state}
    if state == COMPLETE:
        config.pop("new", None)
    dataset.update_run_config(run, dataset.init_run(**config))


def places(dataset: Any, run: str, config: dict[str, Any]) -> list[Place]:
    """Every (dataset, labels) that a run writes to, once each; a dataset that is gone is left out."""
    out: dict[tuple[str, str | None], Place] = {}
    for side in config["sides"].values():
        target = _dataset_by_id(dataset, side["dataset_id"])
        if target is not None:
            paths = tuple(fields.path_of(run, what, side["labels"]) for what in (fields.LOG_RATIO, fields.CONCEPTS))
            out[side["dataset_id"], side["labels"]] = Place(target, side["labels"], (paths[0], paths[1]))
    return list(out.values())


def _run_side(dataset: Any, stored: dict[str, Any], ids: Any) -> RunSide:
    return RunSide(stored["name"], _dataset_by_id(dataset, stored["dataset_id"]), stored["dataset"], stored["labels"], ids)


def _dataset_by_id(dataset: Any, dataset_id: str) -> Any:
    """By id, not by name: datasets get renamed, and another one may have taken the name."""
    import fiftyone.core.odm as foo
    from bson import ObjectId

    if str(dataset._doc.id) == dataset_id:
        return dataset
    found = foo.get_db_conn().datasets.find_one({"_id": ObjectId(dataset_id)}, {"name": 1})
    return as_dataset(found["name"]) if found else None


def _records(dataset: Any) -> dict[str, dict[str, Any]]:
    """Run documents of the comparisons, as they are in the database now: another process may have changed them."""
    import fiftyone.core.odm as foo

    db = foo.get_db_conn()
    runs = (db.datasets.find_one({"_id": dataset._doc.id}, {"runs": 1}) or {}).get("runs") or {}
    documents = {doc["_id"]: doc for doc in db.runs.find({"_id": {"$in": list(runs.values())}, "config.method": METHOD})}
    stored = {key: documents[_id] for key, _id in runs.items() if _id in documents}
    held = dataset._doc.runs
    if any(key not in held or getattr(held[key], "id", None) != doc["_id"] for key, doc in stored.items()):
        dataset.reload()
    return stored


def _config(dataset: Any, run: str) -> dict[str, Any]:
    records = _records(dataset)
    if run not in records:
        raise RunError(f"{dataset.name!r} has no comparison {run!r}; it has {listed(records)}")
    config = {k: v for k, v in records[run]["config"].items() if k not in ("cls", "type")}
    if not isinstance(config.get("sides"), dict):
        raise LatentDiffError(f"the record of run {run!r} is damaged; remove it with dataset.delete_run({run!r})")
    return config

"""Comparisons as FiftyOne custom runs: stored, listed, loaded, renamed, and deleted with all that they wrote.

Whoever opens a dataset's comparisons first clears up what a killed process left of them: see :mod:`repair`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from latentdiff.errors import CheckpointError, RunError
from latentdiff.results.storage import FORMAT, too_new

from ..sides import listed
from . import database, fields, records, recovery, results, writers
from .document import from_document
from .feedback import groups_with_feedback, with_feedback
from .free import check_free
from .groups import BETWEEN, GROUPS, GroupsOfDataset, from_group_document, split
from .records import COMPLETE, DELETING, RENAMING, REPLACING, WRITING
from .run import ComparisonRun, RunSide
from .shape import told
from .summary import RunSummary
from .targets import as_dataset, dataset_by_id, places

__all__ = ["COMPLETE", "DELETING", "RENAMING", "REPLACING", "WRITING", "RunSummary", "as_dataset", "check_name", "check_new"]
__all__ += ["delete_comparison", "list_comparisons", "load_comparison", "load_groups", "mend_comparison", "rename_comparison", "set_state"]


def list_comparisons(dataset: Any) -> list[RunSummary]:
    """Names of the comparisons stored in a dataset, newest first, incomplete ones among them (``.complete`` is False).

    Args:
        dataset: ``fo.Dataset`` or its name.

    Returns:
        Strings that carry ``.state``, ``.complete``, ``.verdict``, ``.views`` and ``.config``.
    """
    found = [(record.timestamp, RunSummary(run, record.config, record.timestamp)) for run, record in _records(as_dataset(dataset)).items()]
    return [summary for _, summary in sorted(found, key=lambda item: (item[0] is not None, item[0], str(item[1])), reverse=True)]


def load_comparison(dataset: Any, run: str) -> ComparisonRun:
    """Open a stored comparison.

    Args:
        dataset: ``fo.Dataset`` or its name.
        run: the run's name; of one that holds groups, "cameras:front" is the group "front" against the rest.

    Raises:
        RunError: there is no such run or group, it is not finished, or it holds groups.
        CheckpointError: its record or its results are damaged.
    """
    dataset, (name, group) = as_dataset(dataset), split(run)
    if group is not None:
        groups = load_groups(dataset, name)
        if group not in groups.found.names:
            raise RunError(f"run {name!r} has no group {group!r}; it has {listed(groups.found.names)}")
        return groups.comparison(group)
    with database.explained(f"opening {run!r}", dataset):
        record = _finished(dataset, run)
        config = record.config
        if config.get("kind") == GROUPS:
            first = next(iter(config.get("group_names") or ()), "")
            one = f"load_comparison(dataset, '{run}{BETWEEN}{first}')"
            raise RunError(f"run {run!r} holds groups: open it with load_groups(dataset, {run!r}), or one group with {one}")
        comparison, ids_a, ids_b = from_document(results.load(record))
        comparison = with_feedback(comparison, config)
        sides = {letter: _run_side(dataset, record, config["sides"][letter], ids) for letter, ids in (("A", ids_a), ("B", ids_b))}
        _check_copy(record, sides.values())
        return ComparisonRun(name=run, dataset=dataset, comparison=comparison, config=config, sides=sides)


def load_groups(dataset: Any, run: str) -> GroupsOfDataset:
    """Open a stored comparison of groups.

    Args:
        dataset: ``fo.Dataset`` or its name.
        run: the run's name.

    Raises:
        RunError: there is no such run, it is not finished, or it holds two sides.
        CheckpointError: its results are damaged.
    """
    dataset = as_dataset(dataset)
    with database.explained(f"opening {run!r}", dataset):
        record = _finished(dataset, run)
        if record.config.get("kind") != GROUPS:
            raise RunError(f"run {run!r} holds two sides and no groups: open it with load_comparison(dataset, {run!r})")
        found, ids = from_group_document(results.load(record))
        side = _run_side(dataset, record, record.config["sides"]["A"], ids)
        _check_copy(record, [side])
        found = groups_with_feedback(found, record.config)
        return GroupsOfDataset(found, side, int(record.config["sides"]["A"].get("missing", 0)), run, record.config)


def _finished(dataset: Any, run: str) -> records.Record:
    """A record whose results can be opened by this version."""
    record = _record(dataset, run)
    if record.state != COMPLETE:
        wait = f"wait for its end, or end it with mend_comparison(dataset, {run!r})"
        raise RunError(f"run {run!r} was interrupted while {record.state}, or somebody is still at it; {wait}")
    if record.config.get("format", FORMAT) > FORMAT:
        raise RunError(f"run {run!r} was {too_new(record.config)}")
    if record.damaged:
        raise CheckpointError(f"the record of comparison {run!r} {told(record.damaged)}; delete it and compare again")
    return record


def _check_copy(record: records.Record, sides: Iterable[RunSide]) -> None:
    if record.copied and not all(side.there for side in sides):
        raise RunError(
            f"run {record.run!r} came with a dataset that was imported without the ids of its images (as LegacyFiftyOneDataset is), so "
            f"nobody can tell which they are; remove it with delete_comparison(dataset, {record.run!r}), and compare again"
        )


def mend_comparison(dataset: Any, run: str) -> ComparisonRun | GroupsOfDataset | None:
    """End what an interrupted process began: whoever opens a dataset does that by itself, once it is certain that nobody is at it.

    For comparisons of which that never gets certain, such as those that an earlier version was writing on another machine.

    Args:
        dataset: ``fo.Dataset`` or its name.
        run: the run's name.

    Returns:
        The comparison, finished where all of it was there; None where it was taken back, or was being removed.

    Raises:
        RunError: there is no such run, or somebody is at it.
    """
    dataset = as_dataset(dataset)
    with database.explained(f"mending {run!r}", dataset):
        record = _record(dataset, run)
        if record.state != COMPLETE:
            recovery.finish(dataset, record)
        now = records.reread(record)  # under another name, where it was to get one
        if now is None:
            return None
        return load_groups(dataset, now.run) if now.config.get("kind") == GROUPS else load_comparison(dataset, now.run)


def delete_comparison(dataset: Any, run: str) -> None:
    """Remove a comparison's fields (in both datasets, where it compared two) and its record, and nothing else.

    Args:
        dataset: ``fo.Dataset`` or its name.
        run: the run's name; complete or not.

    Raises:
        RunError: there is no such run.
    """
    dataset = as_dataset(dataset)
    with database.explained(f"deleting {run!r}", dataset), writers.working() as writer:
        recovery.erase(dataset, _record(dataset, run), writer)


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
    with database.explained(f"renaming {run!r}", dataset), writers.working() as writer:
        record = _record(dataset, run)
        if record.state != COMPLETE:
            raise RunError(f"run {run!r} is incomplete and can only be deleted")
        check_name(new)
        if new in dataset.list_runs():
            raise RunError(f"{dataset.name!r} already has a run {new!r}; choose another name")
        for place in places(dataset, record):
            check_free(place.dataset, [fields.path_of(new, what, place.labels) for what in fields.ALL])
        recovery.rename(dataset, record, new, writer)


def check_name(run: str) -> None:
    """Refuse names that FiftyOne cannot use as run key and field name.

    Raises:
        RunError: saying what a name is.
    """
    if not isinstance(run, str) or not run.isidentifier() or run.startswith("_"):
        raise RunError(f"a comparison's name is letters, digits and underscores, a letter first, such as 'summer_vs_winter', not {run!r}")


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


def set_state(dataset: Any, run: str, state: str, **changes: Any) -> None:
    """Change a record's state (and other entries of its config) in one write."""
    records.change(_record(dataset, run), state, **changes)


def record_of(dataset: Any, run: str) -> records.Record:
    """The record of a finished comparison, as it is now.

    Raises:
        RunError: there is no such run, or it is not finished.
    """
    return _finished(dataset, run)


def _run_side(dataset: Any, record: records.Record, stored: dict[str, Any], ids: Any) -> RunSide:
    where = dataset_by_id(dataset, record.dataset_of(stored))
    labels = stored["labels"] if where is None else fields.labels_now(where, record, stored["labels"])
    return RunSide(stored["name"], where, dataset.name if where is dataset else stored["dataset"], labels, ids)


def _records(dataset: Any) -> dict[str, records.Record]:
    """Records of the comparisons, as they are in the database now, after what killed processes left was cleared up."""
    found = recovery.mend(dataset)
    held = dataset._doc.runs
    if any(getattr(held.get(run), "id", None) != record.id for run, record in found.items()):
        database.refresh(dataset)
    return found


def _record(dataset: Any, run: str) -> records.Record:
    found = _records(dataset)
    if run not in found:
        raise RunError(f"{dataset.name!r} has no comparison {run!r}; it has {listed(found)}")
    return found[run]

"""The App's sidebar: fields of comparisons lie in a group of their own, by single updates of the dataset's settings."""

from __future__ import annotations

from typing import Any

from . import database

GROUP = "comparisons"
GROUPS = "app_config.sidebar_groups"
TRIES = 5


def add(dataset: Any, path: str) -> None:
    """Put a field of samples into the group of comparisons.

    Args:
        dataset: the dataset, as it is in memory now; what its sidebar holds by default is kept.
        path: the field.
    """
    datasets, own = database.journaled("datasets"), {"_id": database.identity(dataset)}
    there = {**own, GROUPS: {"$type": "array"}}  # asked with each change: another process may make them the usual ones again, which is null
    for _ in range(TRIES):
        if _held(dataset) is None:
            # The condition and the change are one: of two processes that find no groups, one makes them.
            datasets.update_one({**own, GROUPS: None}, {"$set": {GROUPS: _usual(dataset)}})
        datasets.update_one(there, {"$pull": {f"{GROUPS}.$[other].paths": path}}, array_filters=[{"other.name": {"$ne": GROUP}}])
        group: dict[str, Any] = {"name": GROUP, "paths": [], "expanded": None}
        datasets.update_one({**there, f"{GROUPS}.name": {"$ne": GROUP}}, {"$push": {GROUPS: group}})
        if datasets.update_one(there, {"$addToSet": {f"{GROUPS}.$[ours].paths": path}}, array_filters=[{"ours.name": GROUP}]).matched_count:
            return


def remove(dataset: Any, path: str) -> None:
    """Take a field out of the group; a group without fields goes."""
    datasets, there = database.journaled("datasets"), {"_id": database.identity(dataset), GROUPS: {"$type": "array"}}
    datasets.update_one(there, {"$pull": {f"{GROUPS}.$[].paths": path}})
    datasets.update_one(there, {"$pull": {GROUPS: {"name": GROUP, "paths": []}}})


def grouped(dataset: Any) -> list[str]:
    """Fields in the group of comparisons, as it is stored."""
    return [str(path) for group in _held(dataset) or () if group.get("name") == GROUP for path in group.get("paths") or ()]


def tidy(dataset: Any) -> None:
    """Forget groups that are the usual ones again; the dataset in memory is as it is stored."""
    now = _held(dataset)
    if now is not None and list(map(_told, now)) == list(map(_told, _usual(dataset))):
        found = {"_id": database.identity(dataset), GROUPS: now}
        database.journaled("datasets").update_one(found, {"$set": {GROUPS: None}})
        database.refresh(dataset)


def _held(dataset: Any) -> list[dict[str, Any]] | None:
    stored = database.journaled("datasets").find_one({"_id": database.identity(dataset)}, {GROUPS: 1}) or {}
    groups = (stored.get("app_config") or {}).get("sidebar_groups")
    return groups if isinstance(groups, list) else None


def _usual(dataset: Any) -> list[dict[str, Any]]:
    """The groups that FiftyOne makes by itself."""
    from fiftyone import DatasetAppConfig

    return [group.to_mongo().to_dict() for group in DatasetAppConfig.default_sidebar_groups(dataset)]


def _told(group: dict[str, Any]) -> tuple[Any, set[Any]]:
    return group.get("name"), set(group.get("paths") or ())

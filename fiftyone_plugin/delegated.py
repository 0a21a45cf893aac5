"""Comparisons that wait for, or run on, a worker of FiftyOne's (``fiftyone delegated launch``)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from .store import database

COMPARE = "@latentdiff/latentdiff/compare_views"
WAITING, RUNNING, FAILED = "waiting", "running", "failed"
SHOWN_FOR = timedelta(days=1)
"""How long a failure is told of, unless it is dismissed."""


@dataclass(frozen=True)
class Delegated:
    """One delegated comparison that is not finished."""

    id: str
    """Of FiftyOne's record."""
    run: str
    """Name that the comparison will have."""
    state: str
    """"waiting" (no worker has taken it), "running" or "failed"."""
    progress: float
    """In [0, 1]."""
    label: str
    """What it is doing, or why it failed."""


def delegated_comparisons(dataset: Any) -> list[Delegated]:
    """Delegated comparisons of a dataset that wait, run, or failed in the last day, oldest first.

    Args:
        dataset: ``fo.Dataset``.
    """
    from fiftyone.operators.delegated import DelegatedOperationService

    found = DelegatedOperationService().list_operations(operator=COMPARE, dataset_id=database.identity(dataset))
    return [one for one in map(_read, found) if one is not None]


def cancelled(record: Any) -> bool:
    """Whether somebody marked a running operation as failed (FiftyOne's way to cancel it), or deleted it.

    Args:
        record: its ``Delegated.id``; None, where it has none, is never cancelled.
    """
    from bson import ObjectId

    if record is None:
        return False
    found = database.read().delegated_ops.find_one({"_id": ObjectId(record)}, {"run_state": 1})
    return found is None or found.get("run_state") == "failed"


def dismiss(record: str) -> None:
    """Tell no more of a failed comparison: its record is archived.

    Args:
        record: its ``Delegated.id``.
    """
    from bson import ObjectId
    from fiftyone.operators.delegated import DelegatedOperationService

    DelegatedOperationService().archive_operation(ObjectId(record))


def _read(operation: Any) -> Delegated | None:
    params = (operation.context.request_params.get("params") if operation.context else None) or {}
    run, state = str(params.get("run") or "?"), str(operation.run_state)
    if state in ("scheduled", "queued"):
        return Delegated(str(operation.id), run, WAITING, 0.0, "")
    if state == "running":
        status = operation.status
        return Delegated(str(operation.id), run, RUNNING, float(getattr(status, "progress", 0) or 0), getattr(status, "label", "") or "")
    if state == "failed" and operation.failed_at and datetime.utcnow() - operation.failed_at < SHOWN_FOR:
        error = (operation.result.error or "") if operation.result else ""
        lines = [line for line in str(error).strip().splitlines() if line.strip()]
        reason = lines[-1].split(": ", 1)[-1] if lines else "no reason is recorded"
        return Delegated(str(operation.id), run, FAILED, 0.0, f"{reason[:1].upper()}{reason[1:]}")
    return None

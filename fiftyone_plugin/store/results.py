"""A comparison's results, kept under the id of its record."""

from __future__ import annotations

from typing import Any

from . import database
from .records import Record


def save(dataset: Any, record: Record, document: dict[str, Any]) -> None:
    """Store a comparison's results, under the record's own id: nothing is ever left that no record leads to."""
    import gridfs
    from bson import json_util
    from fiftyone.core.runs import RunResults

    results = RunResults(dataset, dataset.init_run(**record.config), record.run, document=document)
    packed = json_util.dumps(results.serialize()).encode()
    gridfs.GridFS(database.whole()).put(packed, _id=record.id, content_type="application/json")
    database.journaled("runs").update_one({"_id": record.id}, {"$set": {"results": record.id}})


def load(record: Record) -> dict[str, Any]:
    """What :func:`save` stored; empty where that is not there."""
    import gridfs.errors
    from bson import json_util

    try:
        stored = json_util.loads(gridfs.GridFS(database.whole()).get(record.results).read())
    except (gridfs.errors.GridFSError, ValueError):
        return {}
    return dict(stored.get("document") or {}) if isinstance(stored, dict) else {}

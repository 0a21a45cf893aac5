"""Importance weights beside a stored comparison: a third field of it, renamed and deleted with it."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import numpy as np

from latentdiff.errors import RunError

from . import database, fields, records, schema
from .free import check_free
from .records import Record


def write_weights(dataset: Any, run: str, record: Record, ids: np.ndarray, weights: np.ndarray, about: str) -> str:
    """Add importance weights to a comparison that is there, in place of earlier ones of other samples too.

    Args:
        dataset: whose samples get them.
        run: the run's name.
        record: its record.
        ids: (n,) str sample ids.
        weights: (n,) float; NaN is not written.
        about: what is said of them in the field's description.

    Returns:
        The field.

    Raises:
        RunError: somebody else made a field of that name, or the comparison was deleted meanwhile.
    """
    from bson import ObjectId
    from pymongo import UpdateOne

    path, now = fields.path_of(run, fields.WEIGHT, None), datetime.now(timezone.utc)
    check_free(dataset, [path], record)
    if schema.there(dataset, path):
        fields.drop_values(dataset, [path], None)
    fields.declare_one(dataset, run, record, None, fields.WEIGHT, f"{fields.signature(run)} importance weights, mean 1; {about}")
    known = [(ObjectId(row), float(w)) for row, w in zip(ids.tolist(), weights.tolist(), strict=True) if w == w]
    for start in range(0, len(known), fields.CHUNK):
        some = known[start : start + fields.CHUNK]
        changes = [UpdateOne({"_id": row}, {"$set": {path: weight, "last_modified_at": now}}) for row, weight in some]
        database.update_samples(dataset, changes, [row for row, _ in some])
    if records.reread(record) is None:
        fields.remove(dataset, run, record, None)
        raise RunError(f"the comparison {run!r} was deleted meanwhile")
    database.refresh(dataset)
    return path

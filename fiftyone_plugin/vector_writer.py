"""Vectors of a field on their way into the database."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import numpy as np

from latentdiff.embed.fingerprint import Fingerprint, disagreement
from latentdiff.errors import RunError

from . import encoders
from .store import database, schema

OWNER = "latentdiff_errors_of"
"""Key in the error field's ``info``: a field of that name which somebody else made is never written."""


class VectorWriter:
    """Vectors and reasons that wait to be written together: one update per image, so no image ever has half of them."""

    def __init__(self, dataset: Any, field: str, fingerprint: Fingerprint, overwrite: bool) -> None:
        import fiftyone as fo

        self._dataset, self._field, self._fingerprint = dataset, field, fingerprint
        self._to_mongo = fo.VectorField().to_mongo
        self._where: dict[str, Any] = {} if overwrite else {field: None}  # what somebody else wrote there meanwhile stays
        self._errors = f"{field}_error"
        self._rows: list[tuple[str, np.ndarray, str | None]] = []

    @property
    def waiting(self) -> int:
        return len(self._rows)

    def add(self, ids: list[str], vectors: np.ndarray, failures: dict[str, str]) -> None:
        self._rows += [(i, v, failures.get(i)) for i, v in zip(ids, vectors, strict=True)]

    def flush(self) -> None:
        from bson import ObjectId
        from pymongo import UpdateOne

        if any(reason for *_, reason in self._rows):
            self._declare_errors()
        has_errors = self._dataset.has_field(self._errors)
        now = datetime.now(timezone.utc)
        operations, undo = [], []
        for key, vector, reason in self._rows:
            values = {self._field: None if reason else self._to_mongo(vector), "last_modified_at": now}
            if has_errors:
                values[self._errors] = reason
            operations.append(UpdateOne({"_id": ObjectId(key), **self._where}, {"$set": values}))
            undo.append(UpdateOne({"_id": ObjectId(key), self._field: values[self._field]}, {"$unset": {self._field: ""}}))
        ids = [key for key, *_ in self._rows]
        database.update_samples(self._dataset, operations, ids)
        self._rows = []
        lost = self._lost()
        if lost:
            database.update_samples(self._dataset, undo, ids)  # by value: what somebody else wrote there stays
            raise RunError(lost)

    def _lost(self) -> str:
        """Why these vectors may no longer be written, if so: looked at after each write, so that none is left where it must not be."""
        database.require(database.identity(self._dataset), self._dataset.name)
        if not schema.there(self._dataset, self._field):
            return f"field {self._field!r} was deleted meanwhile"
        now = encoders.recorded(self._dataset, self._field)
        different = disagreement(self._fingerprint, now.fingerprint) if now else "its record was removed"
        return f"field {self._field!r} was given to another encoder meanwhile: {different}" if different else ""

    def _declare_errors(self) -> None:
        import fiftyone as fo

        if not self._dataset.has_field(self._errors):
            text = f"Why the image has no vector in {self._field!r}"
            schema.add(self._dataset, self._errors, fo.StringField(description=text, info={OWNER: self._field}))
            database.refresh(self._dataset)

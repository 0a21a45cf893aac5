"""A comparison of two sides of datasets before it is stored, with all that is said of it beside its vectors."""

from __future__ import annotations

from typing import Any, NamedTuple

import latentdiff
from latentdiff.results.comparison import Comparison

from .feedback import inherited
from .requests import asked_of
from .sample_fields import tell_unread
from .sides import Side
from .spaces import tell_made
from .usable import left_out_of
from .vectors import Vectors


class Found(NamedTuple):
    """A comparison that is not stored yet, in the order in which :func:`~fiftyone_plugin.store.storing.store` takes it."""

    dataset: Any
    run: str
    sides: tuple[Side, Side]
    read: tuple[Vectors, Vectors]
    comparison: Any
    record: dict[str, Any]


def told(request: latentdiff.CompareRequest, chosen: Any, known: Found, comparison: Comparison) -> Found:
    """A comparison, and its record, with what is known of its images beside their vectors."""
    say_left_out(comparison, known.record)
    tell_unread(comparison.info, known.sides, request.fields, chosen)
    tell_made(comparison.info, known.sides)
    key = (comparison.info.get("sae") or {}).get("key")
    record = {**known.record, "config": comparison.config.to_dict(), "asked": asked_of(request), "sae": key}
    record["feedback"] = inherited(known.dataset, key, {None: comparison.candidates})
    return known._replace(comparison=comparison, record=record)


def say_left_out(comparison: Comparison, record: dict[str, Any]) -> None:
    comparison.info["left_out"] = left_out_of(record)
    comparison.info["remarks"] = [*(comparison.info.get("remarks") or ()), *record["remarks"]]

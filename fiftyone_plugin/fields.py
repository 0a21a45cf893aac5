"""The two fields a comparison writes: declared, filled in bulk, recognised as ours, renamed and removed."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

import numpy as np

from latentdiff.errors import RunError
from latentdiff.progress import Progress, silent

OWNER = "latentdiff"
"""Key in a field's ``info`` that names the run which wrote it: nothing else is ever overwritten or deleted."""
CHUNK = 10_000
"""Updates sent at once: progress and cancelling between them, and no gain in speed beyond."""

LOG_RATIO = "log_ratio"
CONCEPTS = "concepts"


def path_of(run: str, what: str, labels: str | None) -> str:
    """Full path of one of a run's fields ("summer_vs_winter_log_ratio"; below the labels for patches)."""
    name = f"{run}_{what}"
    return f"{labels}.{name}" if labels else name


def is_ours(dataset: Any, path: str, run: str) -> bool | None:
    """Whether a field was written by this run; None where there is no such field."""
    field = dataset.get_field(path)
    if field is None:
        return None
    return (field.info or {}).get(OWNER) == run


def check_free(dataset: Any, paths: Iterable[str], run: str) -> None:
    """Refuse to touch a field of the same name that somebody else made.

    Raises:
        RunError: naming the field.
    """
    for path in paths:
        if is_ours(dataset, path, run) is False:
            raise RunError(f"{dataset.name!r} already has a field {path!r} that no comparison wrote; choose another run name")


def declare(dataset: Any, run: str, labels: str | None, names: tuple[str, str]) -> None:
    """Add both fields to a dataset's schema, described for people and marked as ours."""
    import fiftyone as fo

    a, b = names
    ratio = f"LatentDiff {run!r}: log density ratio; high = typical of A ({a}), low = typical of B ({b}), out of fold"
    concepts = f"LatentDiff {run!r}: which of the differences found between A ({a}) and B ({b}) the image shows"
    info = {OWNER: run}
    paths = path_of(run, LOG_RATIO, labels), path_of(run, CONCEPTS, labels)
    if is_ours(dataset, paths[0], run) is None:
        dataset.add_sample_field(paths[0], fo.FloatField, description=ratio, info=info)
    if is_ours(dataset, paths[1], run) is None:
        dataset.add_sample_field(paths[1], fo.ListField, subfield=fo.StringField, description=concepts, info=info)


def write(
    dataset: Any,
    run: str,
    labels: str | None,
    ids: np.ndarray,
    samples: np.ndarray,
    log_ratio: np.ndarray,
    tags: Iterable[list[str]],
    progress: Progress = silent,
) -> None:
    """Write both fields of one side, one update per image.

    Args:
        dataset: the dataset (the source dataset of patches).
        run: the run's name; its fields are declared.
        labels: path of the labels that hold the values, None for samples.
        ids: (n,) str sample or label ids.
        samples: (n,) str ids of their samples.
        log_ratio: (n,) float32; what is not finite is not written.
        tags: n lists of strings.
        progress: ``progress(fraction, label)`` after every 10,000 images; raise in it to stop.
    """
    from bson import ObjectId
    from pymongo import UpdateOne

    prefix = f"{labels}.$." if labels else ""
    now = datetime.now(timezone.utc)
    rows = zip(ids.tolist(), samples.tolist(), log_ratio.tolist(), tags, strict=True)
    done = 0
    while chunk := list(itertools.islice(rows, CHUNK)):
        operations, touched = [], []
        for row, sample, ratio, shown in chunk:
            values = {f"{prefix}{run}_{CONCEPTS}": shown, "last_modified_at": now}
            if ratio == ratio and abs(ratio) != float("inf"):
                values[f"{prefix}{run}_{LOG_RATIO}"] = ratio
            match = {"_id": ObjectId(sample)} | ({f"{labels}._id": ObjectId(row)} if labels else {})
            operations.append(UpdateOne(match, {"$set": values}))
            touched.append(ObjectId(sample))
        # FiftyOne's own bulk write: it also refreshes samples that the caller holds in memory.
        dataset._bulk_write(operations, ids=touched)
        done += len(chunk)
        progress(done / len(ids), "writing results")


def remove(dataset: Any, paths: Iterable[str], owners: set[str]) -> None:
    """Delete those of the fields that a run of one of these names wrote."""
    for path in paths:
        if any(is_ours(dataset, path, owner) for owner in owners):
            dataset.delete_sample_field(path)


def rename(dataset: Any, run: str, new: str, labels: str | None) -> None:
    """Give both fields of a run its new name, values and description kept."""
    for what in (LOG_RATIO, CONCEPTS):
        old_path, new_path = path_of(run, what, labels), path_of(new, what, labels)
        if is_ours(dataset, old_path, run):
            dataset.rename_sample_field(old_path, new_path)
            dataset.reload()  # a renamed field keeps its old path in memory and could not be saved
            field = dataset.get_field(new_path)
            field.description = (field.description or "").replace(repr(run), repr(new))
            field.info = {OWNER: new}
            field.save()

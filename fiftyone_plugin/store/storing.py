"""A comparison into its dataset: fields, tags, results and record, whole or not at all."""

from __future__ import annotations

import dataclasses
import uuid
from typing import Any

import numpy as np

import latentdiff
from latentdiff.errors import RunError
from latentdiff.progress import Progress, part
from latentdiff.results.comparison import Comparison

from ..sides import Side
from ..vectors import Vectors
from . import fields, records, recovery, results, runs, writers
from .document import labels, to_document, verdict_of
from .run import ComparisonRun


def store(
    dataset: Any,
    run: str,
    sides: tuple[Side, Side],
    read: tuple[Vectors, Vectors],
    comparison: Comparison,
    record: dict[str, Any],
    overwrite: bool,
    progress: Progress,
) -> ComparisonRun:
    """Write everything, in place of an older run of that name; whatever stops it midway, Ctrl-C included, takes back what was written.

    An older run is kept until the new one is there, under a name of its own: there is never a moment with neither.

    Args:
        dataset: where the run is recorded.
        run: its name.
        sides, read: both sides and the vectors that were compared.
        comparison: what is stored.
        record: what is said of it (sides, counts, options).
        overwrite: replace a run of that name.
        progress: ``progress(fraction, label)``.

    Raises:
        RunError: the name was taken meanwhile.
    """
    runs.check_new(dataset, run, overwrite)  # again: another process may have stored one of that name meanwhile
    older = overwrite and run in runs.list_comparisons(dataset)  # one that was made since the check is not ours to replace
    with writers.working() as writer:
        record = record | {"version": latentdiff.__version__, "writer": writer, **({"replaces": run} if older else {})}
        claimed = records.claim(dataset, f"{run}_{uuid.uuid4().hex[:8]}" if older else run, record)
        try:
            verdict = _write(dataset, claimed, sides, read, comparison, progress)
            records.change(claimed, records.REPLACING if older else records.COMPLETE, since=(records.WRITING,), verdict=verdict)
            if older:
                recovery.replace(dataset, dataclasses.replace(claimed, config=record | {"state": records.REPLACING}), writer)
        except BaseException as e:
            recovery.discard(dataset, claimed, writer, lost=isinstance(e, RunError))
            raise
    return runs.load_comparison(dataset, run)


def _write(
    dataset: Any, record: Any, sides: tuple[Side, Side], read: tuple[Vectors, Vectors], comparison: Comparison, progress: Progress
) -> dict[str, Any]:
    """Fields and results of a claimed record; returns the verdict for it."""
    names = (sides[0].name, sides[1].name)
    shows = (comparison.shows_a, comparison.shows_b)
    ratios = (comparison.log_ratio_a, comparison.log_ratio_b)
    for i, side in enumerate(sides):
        fields.declare(side.dataset, record.run, record, side.labels, names)
        report, tags = part(progress, 0.45 * i, 0.45 * (i + 1)), _tags(comparison, shows[i])
        fields.write(side.dataset, record.run, side.labels, read[i].ids, read[i].samples, ratios[i], tags, report)
    document = to_document(comparison, read[0].ids, read[1].ids)
    results.save(dataset, record, document)
    for side in sides:  # once more: FiftyOne in another process may have put back a schema that it read before
        fields.declare(side.dataset, record.run, record, side.labels, names)
    progress(1.0, "done")
    return verdict_of(comparison)


def _tags(comparison: Comparison, shows: Any) -> list[list[str]]:
    """Per row, the labels of the gated hypotheses that it shows, best first."""
    gated = {id(h) for h in comparison.hypotheses}
    columns = np.array([i for i, h in enumerate(comparison.candidates) if id(h) in gated], int)
    names = labels(comparison)
    rows = shows.tocsr()[:, columns].tocsr() if len(columns) else None
    if rows is None:
        return [[] for _ in range(shows.shape[0])]
    rows.sort_indices()
    return [[names[column] for column in rows.indices[start:end]] for start, end in zip(rows.indptr[:-1], rows.indptr[1:], strict=True)]

"""A comparison into its dataset: fields, tags, results and record, whole or not at all."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import latentdiff
from latentdiff.errors import RunError
from latentdiff.progress import Progress, part
from latentdiff.results.comparison import FIRST, Comparison
from latentdiff.results.hypothesis import Hypothesis

from ..sides import Side
from ..vectors import Vectors
from . import database, feedback, fields, records, recovery, results, runs, writers
from .document import labels, to_document, verdict_of
from .groups import GROUPS, REST, GroupsOfDataset, log_ratios, tags, to_group_document, verdict_of_groups
from .run import ComparisonRun


@dataclass(frozen=True, eq=False)
class Column:
    """What is written on the images of one side: a score and tags each."""

    side: Side
    read: Vectors
    log_ratio: np.ndarray
    """(n,) float32."""
    tags: list[list[str]]


@dataclass(frozen=True, eq=False)
class Written:
    """Everything of a comparison that goes into a dataset."""

    names: tuple[str, str]
    """What people call its sides."""
    columns: tuple[Column, ...]
    document: dict[str, Any]
    verdict: dict[str, Any]
    findings: Mapping[Any, tuple[Hypothesis, ...]]
    """By group, of two sides by None: what can be judged."""


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
    """Write everything of a comparison of two sides; see :func:`keep`.

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
    shows, ratios = (comparison.shows_a, comparison.shows_b), (comparison.log_ratio_a, comparison.log_ratio_b)
    columns = tuple(Column(sides[i], read[i], ratios[i], _tags(comparison, shows[i])) for i in range(2))
    document, findings = to_document(comparison, read[0].ids, read[1].ids), {None: comparison.candidates}
    written = Written((sides[0].name, sides[1].name), columns, document, verdict_of(comparison), findings)
    keep(dataset, run, written, record, overwrite, progress)
    return runs.load_comparison(dataset, run)


def store_groups(
    dataset: Any,
    run: str,
    side: Side,
    read: Vectors,
    found: latentdiff.GroupComparison,
    record: dict[str, Any],
    overwrite: bool,
    progress: Progress,
) -> GroupsOfDataset:
    """Write everything of a comparison of groups; see :func:`keep`.

    ``<run>_log_ratio`` says how typical an image is of its own group. Sides "A" and "B" of the record are both of the images that were
    compared, so that whatever knows of two sides alone finds what was written.

    Args:
        dataset: where the run is recorded.
        run: its name.
        side, read: all images and their vectors.
        found: what is stored.
        record: what is said of it: ``by`` (the field) and options.
        overwrite: replace a run of that name.
        progress: ``progress(fraction, label)``.

    Raises:
        RunError: the name was taken meanwhile.
    """
    own = {"dataset": side.dataset.name, "dataset_id": str(database.identity(side.dataset)), "labels": side.labels}
    left_out = {"missing": read.missing, "bad": found.info["left_out"]["bad"], "repeated": read.repeated}
    names = str(record["by"]), REST
    counted = {"A": int((found.label >= 0).sum()) - left_out["bad"], "B": 0}
    sides = {letter: {"name": name, **own, "compared": counted[letter], **left_out} for letter, name in zip("AB", names, strict=True)}
    record = {**record, "kind": GROUPS, "group_names": list(found.names), "sides": sides, "overlap": 0}
    column = Column(side, read, log_ratios(found), tags(found))
    findings = {name: c.candidates for name, c in found.groups.items()}
    written = Written(names, (column,), to_group_document(found, read.ids), verdict_of_groups(found), findings)
    keep(dataset, run, written, record, overwrite, progress)
    return runs.load_groups(dataset, run)


def keep(dataset: Any, run: str, written: Written, record: dict[str, Any], overwrite: bool, progress: Progress) -> None:
    """Write everything, in place of an older run of that name; whatever stops it midway, Ctrl-C included, takes back what was written.

    An older run is kept until the new one is there, under a name of its own: there is never a moment with neither. What was said of its
    findings, up to that moment, is said of the new one's.

    Raises:
        RunError: the name was taken meanwhile.
    """
    runs.check_new(dataset, run, overwrite)  # again: another process may have stored one of that name meanwhile
    older = overwrite and run in runs.list_comparisons(dataset)  # one that was made since the check is not ours to replace
    with writers.working() as writer:
        record = record | {"version": latentdiff.__version__, "writer": writer, **({"replaces": run} if older else {})}
        claimed = records.claim(dataset, f"{run}_{uuid.uuid4().hex[:8]}" if older else run, record)
        try:
            _write(dataset, claimed, written, progress)
            if older:
                now = records.find(claimed.dataset_id)[0].get(run)
                said = feedback.carried(now.config, record.get("sae"), written.findings) if now is not None else []
                asked = now.config.get(feedback.QUESTIONS) if now is not None and FIRST in now.config else record.get(feedback.QUESTIONS)
                record = record | {feedback.KEY: [*feedback.lines(record), *said], feedback.QUESTIONS: asked}
            state = records.REPLACING if older else records.COMPLETE
            told = {name: record[name] for name in (feedback.KEY, feedback.QUESTIONS) if record.get(name)}
            records.change(claimed, state, since=(records.WRITING,), verdict=written.verdict, **told)
            if older:
                recovery.replace(dataset, dataclasses.replace(claimed, config=record | {"state": records.REPLACING}), writer)
        except BaseException as e:
            recovery.discard(dataset, claimed, writer, lost=isinstance(e, RunError))
            raise


def _write(dataset: Any, record: Any, written: Written, progress: Progress) -> None:
    """Fields and results of a claimed record."""
    for i, column in enumerate(written.columns):
        side, read = column.side, column.read
        fields.declare(side.dataset, record.run, record, side.labels, written.names)
        report = part(progress, 0.9 * i / len(written.columns), 0.9 * (i + 1) / len(written.columns))
        fields.write(side.dataset, record.run, side.labels, read.ids, read.samples, column.log_ratio, column.tags, report)
    results.save(dataset, record, written.document)
    for column in written.columns:  # once more: FiftyOne in another process may have put back a schema that it read before
        fields.declare(column.side.dataset, record.run, record, column.side.labels, written.names)
    progress(1.0, "done")


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

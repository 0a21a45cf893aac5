"""What an evaluation would do: what is missing, what it would download, how much work there is and what it would cost."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import InputError
from .choices import refused
from .runner import load_records
from .suite import Options, Suite, Table
from .suites import load_suite


@dataclass(frozen=True)
class Plan:
    """An evaluation before it starts."""

    missing: tuple[str, ...]
    """What has to be fetched before it can run, one line each."""
    downloads: tuple[str, ...]
    """Weights that are not on this machine: fetched when first needed, or by hand as the line says."""
    notes: tuple[str, ...]
    """What was passed and does not count here."""
    tables: tuple[Table, ...]
    """What is known of the data; last the work with its expected cost by group: where data are missing, for the data as published."""


def plan(name: str, options: Options | None = None, *, fresh: bool = False) -> Plan:
    """What :func:`~latentdiff.benchmark.runner.evaluate` would do; nothing is loaded, downloaded or written. Arguments as there.

    Raises:
        InputError: an unknown suite or method, or data that cannot be used.
    """
    suite = load_suite(name)(options or Options())
    missing, downloads, notes = (*suite.missing(), *refused(suite)), tuple(suite.downloads()), tuple(suite.unused())
    if not missing:
        return Plan(missing, downloads, notes, (*suite.about(), _here(suite, fresh)))
    try:
        return Plan(missing, downloads, notes, (*suite.about(), _here(suite, fresh)))
    except (InputError, OSError):  # the labels themselves are missing
        published = suite.published()
        return Plan(missing, downloads, notes, (_as_published(suite),) if published.groups else ())


def _here(suite: Suite, fresh: bool) -> Table:
    """The tasks of the data that are here."""
    done = load_records(suite, fresh=fresh, check=False).found
    rows: dict[str, list[float]] = {}
    for task in suite.tasks():
        row = rows.setdefault(task.group, [0, 0, 0.0])
        row[0] += 1
        row[1] += task.key in done
        row[2] += 0.0 if task.key in done else task.seconds
    if not rows:
        raise InputError(f"there is nothing to do for {suite.name}")
    body = [(group, int(row[0]), int(row[1]), row[2]) for group, row in rows.items()]
    left = any(row[1] > row[2] for row in body)
    return _table(f"Plan of {suite.name}", body, suite.preparation(suite.images()) if left else [])


def _as_published(suite: Suite) -> Table:
    """The tasks of the published data."""
    published = suite.published()
    body = [(group, tasks, 0, seconds) for group, (tasks, seconds) in published.groups.items()]
    return _table(f"Plan of {suite.name} with the data as published", body, suite.preparation(published.images))


def _table(title: str, body: list[tuple[str, int, int, float]], prepared: list[tuple[str, int, float]]) -> Table:
    rows = [(group, tasks, done, round(seconds)) for group, tasks, done, seconds in body]
    before = [(what, n, "", seconds if seconds != seconds else round(seconds)) for what, n, seconds in prepared]
    total = sum(r[3] for r in rows) + sum(r[3] for r in before if r[3] == r[3])
    note = "Tasks are seconds of two cores on pairs of some hundred images. Images that an earlier run embedded cost nothing again."
    header = ("group", "tasks", "done already", "seconds left (estimate)")
    return Table(title, header, (*rows, *before, ("all", sum(r[1] for r in rows), sum(r[2] for r in rows), total)), note)

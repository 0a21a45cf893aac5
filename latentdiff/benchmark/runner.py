"""Runs a suite: resumable, timed by stage, and written down as JSON, Markdown and plots beside the papers' figures."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import os
import platform
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from ..compute.cache import write_atomic
from ..compute.files import strict_json
from ..errors import InputError
from ..progress import Progress, part, silent
from .choices import refused
from .papers import papers_tables, with_papers
from .suite import Options, Record, Report, Suite, Table
from .suites import load_suite

PACKAGES = ("numpy", "scipy", "torch", "open_clip_torch", "sentence-transformers")


@dataclasses.dataclass(frozen=True)
class Outcome:
    """A finished evaluation."""

    report: Report
    folder: Path
    """Holds ``results.json``, ``results.md``, plots and ``records.jsonl``."""
    done: int
    """Tasks of this call."""
    kept: int
    """Tasks that an earlier call had done."""
    seconds: dict[str, float]
    """By stage, over all tasks, earlier calls included."""


def evaluate(
    name: str, options: Options | None = None, *, fresh: bool = False, report_only: bool = False, progress: Progress = silent
) -> Outcome:
    """Run a suite, or go on where it was stopped.

    Args:
        name: a suite of :data:`latentdiff.benchmark.suites.SUITES`.
        options: choices; None for the suite's own.
        fresh: throw away what an earlier call found.
        report_only: run nothing; tables and plots of what is done.
        progress: ``progress(fraction, label)``; raise :class:`~latentdiff.errors.Cancelled` in it to stop: finished tasks are kept.

    Returns:
        Tables, plots, and where they lie.

    Raises:
        InputError: data or weights are missing (says what to fetch and where to put it), or earlier records have other settings.
    """
    if fresh and report_only:
        raise InputError("to start anew (fresh) and to run nothing (report_only) exclude each other: what is done would be lost")
    suite = load_suite(name)(options or Options())
    missing = [*suite.missing(), *refused(suite)]
    if missing:
        raise InputError(f"{name} cannot run yet:\n" + "\n".join(f"  - {line}" for line in missing))
    folder = suite.options.out / name
    records = load_records(suite, fresh=fresh)
    tasks = suite.tasks()
    todo = [t for t in tasks if t.key not in records.found]
    kept = len(tasks) - len(todo)
    if report_only and not kept:
        raise InputError(f"{folder} holds nothing of {name} yet; run it first")
    if report_only:
        tasks, todo = [t for t in tasks if t.key in records.found], []
    if todo:
        records.add_stages(suite.prepare(part(progress, 0.0, 0.3)))
    for i, task in enumerate(todo):
        progress(0.3 + 0.65 * i / len(todo), f"{task.key} ({kept + i + 1} of {kept + len(todo)})")
        start = time.perf_counter()
        record = suite.run(task)
        record.setdefault("seconds", {})["total"] = round(time.perf_counter() - start, 3)
        records.add({"task": task.key, "group": task.group, **record})
    progress(0.95, "tables and plots")
    mine = [records.found[t.key] for t in tasks]
    report = suite.report(mine)
    report = dataclasses.replace(report, tables=(*report.tables, *suite.about()), notes=(*report.notes, *suite.unused()))
    report = with_papers(report, name)
    seconds = _stages(mine, records.stages)
    write_results(folder, suite, report, seconds, len(mine))
    progress(1.0, "done")
    return Outcome(report, folder, len(todo), kept, seconds)


def load_records(suite: Suite, *, fresh: bool = False, check: bool = True) -> Records:
    """What earlier calls found; of another version of this package nothing is taken over. See :class:`Records`."""
    from ..version import __version__

    settings = {"latentdiff": __version__, **suite.settings()}
    return Records(suite.options.out / suite.name / "records.jsonl", settings, fresh, check)


class Records:
    """Finished tasks on disk, one JSON line each; the first line holds the settings.

    Args:
        path: the file; made with its folder.
        settings: what the records depend on; a file of other settings is refused.
        fresh: start anew.
        check: False: a file of other settings counts as empty, and nothing is written.
    """

    def __init__(self, path: Path, settings: dict[str, Any], fresh: bool, check: bool = True) -> None:
        self.path = path
        self.found: dict[str, Record] = {}
        self.stages: dict[str, float] = {}
        digest = hashlib.blake2b(json.dumps(settings, sort_keys=True, default=str).encode(), digest_size=8).hexdigest()
        lines = [] if fresh or not path.is_file() else path.read_text(encoding="utf8").splitlines()
        parsed = [p for p in map(_parse, lines) if p is not None]  # a line that a killed process left half-written is done again
        same = bool(parsed) and parsed[0].get("settings_digest") == digest
        if len(parsed) > 1 and not same and check:  # settings alone are of a run that did nothing yet
            raise InputError(f"{path} holds records of other settings ({parsed[0].get('settings')}); pass --fresh or another --out")
        for record in parsed[1:] if same else []:
            if "stages" in record:
                self.stages = _added(self.stages, record["stages"])
            else:
                self.found[record["task"]] = record
        if check:
            head = {"settings_digest": digest, "settings": json.loads(json.dumps(settings, default=str))}
            body = [head, *([{"stages": self.stages}] if self.stages else []), *self.found.values()]
            _write(path, ("\n".join(json.dumps(b) for b in body) + "\n").encode())

    def add(self, record: Record) -> None:
        """Write one finished task; it is on disk when this returns."""
        self.found[record["task"]] = record
        self._append(record)

    def add_stages(self, seconds: dict[str, float]) -> None:
        """Remember what the preparation of all tasks took."""
        self.stages = _added(self.stages, seconds)
        self._append({"stages": seconds})

    def _append(self, value: dict[str, Any]) -> None:
        with self.path.open("a", encoding="utf8") as f:
            f.write(json.dumps(value) + "\n")
            f.flush()
            os.fsync(f.fileno())


def _parse(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _added(one: dict[str, float], other: dict[str, float]) -> dict[str, float]:
    return {k: round(one.get(k, 0.0) + other.get(k, 0.0), 3) for k in (*one, *(k for k in other if k not in one))}


def _stages(records: Sequence[Record], prepared: dict[str, float]) -> dict[str, float]:
    out = dict(prepared)
    for record in records:
        out = _added(out, record.get("seconds", {}))
    return out


def write_results(folder: Path, suite: Suite, report: Report, seconds: dict[str, float], tasks: int) -> None:
    """``results.json``, ``results.md`` and the plots, each whole or not at all."""
    from .plots import draw

    versions = {"latentdiff": _version(), "python": platform.python_version()}
    versions |= {p: metadata.version(p) for p in PACKAGES if _installed(p)}
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    images = {stem: _write(folder / f"{stem}.png", draw(plot)) for stem, plot in report.plots.items()}
    papers = papers_tables(suite.name)
    settings = json.loads(json.dumps(suite.settings(), default=str))
    head = {"suite": suite.name, "date": today, "tasks": tasks, "settings": settings, "versions": versions, "seconds": seconds}
    body = {
        "figures": dict(report.figures),
        "tables": [dataclasses.asdict(t) for t in report.tables],
        "papers": [dataclasses.asdict(t) for t in papers],
        "plots": {stem: dataclasses.asdict(plot) for stem, plot in report.plots.items()},
        "notes": list(report.notes),
    }
    _write(folder / "results.json", (strict_json({**head, **body}) + "\n").encode())
    lines = [f"# {suite.name}", "", suite.help, "", f"{today}, {tasks} tasks; " + ", ".join(f"{k} {v}" for k, v in versions.items()), ""]
    lines += [*(f"{note}\n" for note in report.notes), *(markdown(t) for t in report.tables)]
    lines += [f"![{report.plots[stem].title}]({path.name})\n" for stem, path in images.items()]
    lines += ["## The papers' figures\n", *(markdown(t) for t in papers)] if papers else []
    lines += ["## Time\n", markdown(Table("", ("stage", "seconds"), tuple((k, round(v, 1)) for k, v in seconds.items())))]
    _write(folder / "results.md", "\n".join(lines).encode())


def _write(path: Path, data: bytes) -> Path:
    """A result, whole or not at all, that others may read (temporary files are their owner's alone)."""
    write_atomic(path, data)
    path.chmod(0o644)
    return path


def markdown(table: Table) -> str:
    """A table in Markdown; numbers with three digits behind the point."""
    title = f"### {table.title}\n\n" if table.title else ""
    rows = [table.header, ("---", *("---:" for _ in table.header[1:])), *(tuple(map(cell, row)) for row in table.rows)]
    text = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    return f"{title}{text}\n" + (f"\n{table.note}\n" if table.note else "")


def cell(value: Any) -> str:
    """One value as people read it."""
    if value is None or (isinstance(value, float) and value != value):
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def _version() -> str:
    from ..version import __version__

    return __version__


__all__ = ["Options", "Outcome", "Records", "evaluate", "markdown"]

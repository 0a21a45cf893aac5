"""What a command prints or writes of a comparison, run just now, stored in a dataset, or saved in a folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import InputError
from .report import write_report
from .result import Comparison

ITEMS = "items.json"
"""Beside a saved comparison: what its rows are."""


@dataclass(frozen=True)
class Outcome:
    """A comparison with what people call its sides and its images."""

    comparison: Comparison
    names: tuple[str, str]
    run: str | None = None
    """Name under which a dataset stores it."""
    items: tuple[Any, Any] | None = None
    """Per side, what row i is: a sample id or a file's path; None where rows have no name."""
    stored: Any = None
    """The ``ComparisonRun`` where a dataset holds it."""


def write_outcome(outcome: Outcome, path: str) -> Path:
    """Write a report of an outcome; its thumbnails are of the images that it names, and of a dataset's where it is stored in one."""
    if outcome.stored is not None:
        from fiftyone_plugin.reporting import report_of

        return report_of(outcome.stored, path)
    return write_report(outcome.comparison, path, images=outcome.items, names=outcome.names)


def open_comparison(dataset: str, run: str | None) -> Outcome:
    """A comparison from a dataset (by run name), or from a folder that ``--save`` wrote."""
    if run is None:
        if not Path(dataset).is_dir():
            raise InputError(f"{dataset!r} is no folder; for a dataset name the run too: latentdiff show {dataset} RUN")
        comparison = Comparison.load(dataset)
        names = comparison.info.get("names") or ("A", "B")
        return Outcome(comparison, (str(names[0]), str(names[1])), items=_saved_items(Path(dataset)))
    from fiftyone_plugin import load_comparison

    return stored_outcome(load_comparison(dataset, run))


def _saved_items(folder: Path) -> tuple[Any, Any] | None:
    """What the rows of a saved comparison are; None where that was not kept or cannot be read."""
    try:
        a, b = json.loads((folder / ITEMS).read_text(encoding="utf8"))
    except (OSError, ValueError, TypeError):
        return None
    return tuple(side if isinstance(side, list) and all(isinstance(i, str) for i in side) else None for side in (a, b))  # type: ignore[return-value]


def stored_outcome(run: Any) -> Outcome:
    """Of a comparison that a dataset holds."""
    sides = run.sides
    return Outcome(run.comparison, (sides["A"].name, sides["B"].name), run.name, (sides["A"].ids, sides["B"].ids), run)

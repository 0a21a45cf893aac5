"""Put what was measured into docs/promises.md: the counts of the last long campaign (``make torture``), what its endless sessions held, and
what was broken on purpose (``make guards``)."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.promises.guards import GUARDS  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "promises.md"
ROW = re.compile(r"\| [^|]*? <!-- ([^>]*?) --> \|$", re.MULTILINE)
"""The last cell of a promise: its counts, and the kinds of faults that they are of."""


def counts_table(counts: dict[str, dict[str, int]]) -> str:
    """A row a kind of fault, and their sum."""
    rows = [f"| {kind} | {c['tried']:,} | {c['survived']:,} | {c['lost']:,} |" for kind, c in sorted(counts.items())]
    sums = " | ".join(f"{sum(c[name] for c in counts.values()):,}" for name in ("tried", "survived", "lost"))
    return "\n".join(["| fault | tried | survived | lost |", "|---|---:|---:|---:|", *rows, f"| all | {sums} |"]) + "\n"


def of_kinds(counts: dict[str, dict[str, int]], kinds: str) -> str:
    """Tried / survived / lost of some kinds together."""
    found = [counts[kind] for kind in kinds.split("; ") if kind in counts]
    if not found:
        return "not tried"
    return " / ".join(f"{sum(c[name] for c in found):,}" for name in ("tried", "survived", "lost"))


def endurance_table(sessions: dict[str, Any]) -> str:
    """What was held before and after, a column a kind of session."""
    heads = [f"{name}, {found['comparisons']} comparisons" for name, found in sessions.items()]
    lines = ["| | " + " | ".join(heads) + " |", "|---|" + "---:|" * len(heads)]

    def row(title: str, *names: str) -> str:
        cells = []
        for found in sessions.values():
            states = ([_flat(found[when][name]) for name in names] for when in ("before", "after"))
            cells.append(" → ".join(", ".join(state) for state in states))
        return f"| {title} | " + " | ".join(cells) + " |"

    memory = []
    for found in sessions.values():
        before, after, most = (round(found[key] / 2**20) if key == "most_memory" else round(found[key]["memory"] / 2**20)
                               for key in ("before", "after", "most_memory"))  # fmt: skip
        memory.append(f"{before:,} → {after:,} ({100 * (after / before - 1):+.1f} %; at most {most:,} meanwhile)")
    lines.append("| memory (MB) | " + " | ".join(memory) + " |")
    lines += [row("threads", "threads"), row("open files", "files"), row("database connections, open cursors", "connections", "cursors")]
    lines += [row("child processes, temporary files", "children", "temporary")]
    lines += [row("documents of runs, views, datasets, files, chunks", "documents"), row("fields, collections", "fields", "collections")]
    return "\n".join(lines) + "\n"


def _flat(value: Any) -> str:
    return ", ".join(map(str, value.values())) if isinstance(value, dict) else str(value)


def guards_table(found: dict[str, bool]) -> str:
    """What was broken, and the test that failed."""
    lines = ["| promise | broken | test | it |", "|---|---|---|---|"]
    for guard in GUARDS:
        told = {True: "failed", False: "did not fail", None: "not tried yet"}[found.get(guard.broken)]
        lines.append(f"| {guard.promise} | {guard.broken} | `{guard.test.rpartition('/')[2]}` | {told} |")
    return "\n".join(lines) + "\n"


def filled(page: str, name: str, table: str) -> str:
    """The page with a table between its two marks."""
    start, end = f"<!-- {name}: written by tools/faults_table.py -->\n", f"<!-- end of {name} -->\n"
    before, found, rest = page.partition(start)
    _, ends, after = rest.partition(end)
    if not (found and ends):
        raise SystemExit(f"{PAGE} has no place for the {name}")
    return before + start + table + end + after


def written(page: str) -> str:
    """The page with everything that is measured."""
    counts, sessions, guards = (_read(name) for name in ("torture", "endurance", "guards"))
    page = ROW.sub(lambda row: f"| {of_kinds(counts, row[1])} <!-- {row[1]} --> |", page)
    page = filled(filled(page, "counts", counts_table(counts)), "guards", guards_table(guards))
    return filled(page, "endurance", endurance_table(sessions)) if sessions else page


def _read(name: str) -> dict[str, Any]:
    path = RESULTS / f"{name}.json"
    return dict(json.loads(path.read_text(encoding="utf8"))) if path.exists() else {}


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf8")), encoding="utf8")

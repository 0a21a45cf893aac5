"""Many comparisons in one process, and in one App session: memory, threads, files, connections and the rest end where they began."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.planted import DOG, WORDS

SHORT, SHORT_APP, LONG = 5, 2, 500
"""Comparisons that are measured: in every run, in one process and in an App session, and in the long campaign."""
SLACK = 1.05
RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "endurance.json"
ALIKE = ("threads", "files", "children", "connections", "cursors", "temporary", "documents", "fields", "collections")


def measured(kind: str, module: str, count: int, folder: Path, root: Path, torture: bool) -> None:
    """So many comparisons in a process of their own: what was held before and after them."""
    import fiftyone as fo  # the tests' own database is running, and its address is in the environment

    assert fo.config.database_uri == os.environ["FIFTYONE_DATABASE_URI"]
    (folder / "temporary").mkdir()
    (folder / "work").mkdir()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(root), os.environ["PYTHONPATH"])), "OMP_NUM_THREADS": "1"}
    environment |= {"TMPDIR": str(folder / "temporary"), "LATENTDIFF_CACHE": str(folder / "cache"), "MALLOC_ARENA_MAX": "2"}
    command = [sys.executable, "-m", module, str(count), str(folder / "work")]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    before, after = result["before"], result["after"]
    print(f"{count} comparisons: {before} before, {after} after, memory meanwhile {[round(x / 2**20) for x in result['course']]} MiB")
    if torture:
        kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        kept[kind] = {"comparisons": count, "before": before, "after": after, "most_memory": max(result["course"])}
        RESULTS.write_text(json.dumps(dict(sorted(kept.items())), indent=2) + "\n")
    assert result["alike"] and WORDS[DOG] in result["found"]
    for name in ALIKE:
        assert after[name] <= before[name] if isinstance(before[name], int) else after[name] == before[name], (name, before, after)
    assert after["memory"] <= SLACK * before["memory"], (before, after)


def test_comparing_again_and_again_holds_on_to_nothing(tmp_path: Path, root: Path, faults: Any, torture: bool) -> None:
    count = LONG if torture else SHORT
    with faults.trial("comparison in one process", count):
        measured("one process", "tests.promises.endurance", count, tmp_path, root, torture)


def test_an_app_session_holds_on_to_nothing(tmp_path: Path, root: Path, faults: Any, torture: bool) -> None:
    count = LONG if torture else SHORT_APP
    with faults.trial("comparison in one App session", count):
        measured("one App session", "tests.promises.app_session", count, tmp_path, root, torture)

"""Many comparisons in one process: memory, threads, open files, connections and temporary files end where they began."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.planted import DOG, WORDS

SHORT, LONG = 20, 500
"""Comparisons that are measured: in every run, and in the long campaign."""
SLACK = 1.05


def test_comparing_again_and_again_holds_on_to_nothing(tmp_path: Path, root: Path, faults: Any, torture: bool) -> None:
    import fiftyone as fo  # the tests' own database is running, and its address is in the environment

    assert fo.config.database_uri == os.environ["FIFTYONE_DATABASE_URI"]
    count = LONG if torture else SHORT
    (tmp_path / "temporary").mkdir()
    (tmp_path / "work").mkdir()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(root), os.environ["PYTHONPATH"])), "OMP_NUM_THREADS": "1"}
    environment |= {"TMPDIR": str(tmp_path / "temporary"), "LATENTDIFF_CACHE": str(tmp_path / "cache"), "MALLOC_ARENA_MAX": "2"}
    command = [sys.executable, "-m", "tests.promises.endurance", str(count), str(tmp_path / "work")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    result = json.loads(done.stdout.splitlines()[-1])
    before, after = result["before"], result["after"]
    print(f"{count} comparisons: {before} before, {after} after, memory meanwhile {[round(x / 2**20) for x in result['course']]} MiB")
    assert result["alike"] and WORDS[DOG] in result["found"]
    faults.survived("comparison in one process", count)
    for name in ("threads", "files", "children", "connections", "cursors", "temporary", "documents", "fields", "collections"):
        assert after[name] <= before[name] if isinstance(before[name], int) else after[name] == before[name], name
    assert after["memory"] <= SLACK * before["memory"]

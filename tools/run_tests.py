"""All tests, in several runs of pytest of which two go on at a time; ``make test`` calls it.

    python tools/run_tests.py [PYTEST OPTION ...]

The tests of the browser come first, in two runs with a browser each, and before others at the processor: much of their time they wait for
pages, so that one other run goes on beside them. What the other runs print is shown in turn, when it is complete. With ``tests/browser``
among the options it is these two runs; with other tests named (a file, a folder, a node id), or a debugger asked for, it is one ordinary
run of pytest. The exit status is that of the first run that failed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[1]
AT_A_TIME = 2
BROWSER = "tests/browser"
PANEL = (f"{BROWSER}/test_panel.py", f"{BROWSER}/test_panel_windows.py")
"""Take about as long as all other files of the browser."""
LONG = (("promises", "sae"), ("plugin", "panels"))
"""Folders that make a run of their own, longest first; those that count faults are together, and print one table."""
NOTHING_SELECTED = 5
"""Pytest's exit status where options such as -k leave no test."""


def main(options: list[str]) -> int:
    """Run pytest with these options; returns its exit status."""
    named = [option for option in options if (ROOT / option.split("::")[0]).exists()]
    alone = [option.rstrip("/") for option in named] == [BROWSER]
    if {"--pdb", "--trace"}.intersection(options) or (named and not alone):
        return _run([sys.executable, "-m", "pytest", *options], None)
    pytest = [sys.executable, "-m", "pytest", *(option for option in options if option not in named)]
    windows, pool = ThreadPoolExecutor(2), ThreadPoolExecutor(AT_A_TIME)
    try:
        panel = windows.submit(_run, [*pytest, *PANEL], None)
        rest = windows.submit(_told, [*pytest, BROWSER, *(f"--ignore={file}" for file in PANEL)])
        pool.submit(wait, (panel, rest))  # until then the others have one of their lanes
        runs = [] if alone else [tuple(map(_path, names)) for names in LONG] + _rest()
        others = [pool.submit(_told, ["nice", "-n", "19", *pytest, *paths]) for paths in runs]
        ended = [panel.result()]
        for run in (rest, *others):
            status, told = run.result()
            with told:
                shutil.copyfileobj(told, sys.stdout.buffer)
            sys.stdout.flush()
            ended.append(status)
    finally:
        for lanes in (windows, pool):
            lanes.shutdown(cancel_futures=True)
    return next((status for status in ended if status not in (0, NOTHING_SELECTED)), min(ended))


def _path(name: str) -> str:
    return f"tests/{name}"


def _rest() -> list[tuple[str, ...]]:
    """All other folders with tests, in two runs that both lanes can end with, and the files beside the folders."""
    known = {Path(BROWSER).name, *(name for folders in LONG for name in folders)}
    files = sorted((ROOT / "tests").glob("**/test_*.py"))
    tops = {file.relative_to(ROOT / "tests").parts[0] for file in files} - known
    folders = sorted(name for name in tops if not name.endswith(".py"))
    return [tuple(map(_path, part)) for part in (folders[::2], folders[1::2], sorted(tops.difference(folders)))]


def _told(command: list[str]) -> tuple[int, IO[bytes]]:
    """Exit status of a run, and what it printed."""
    told = tempfile.TemporaryFile()  # noqa: SIM115  # who shows it closes it
    status = _run(command, told)
    told.seek(0)
    return status, told


def _run(command: list[str], told: IO[bytes] | None) -> int:
    # Two runs at once, each with as many threads as there are cores, wait for each other in products too small to be shared.
    env = {"OMP_NUM_THREADS": "1", **os.environ}
    return subprocess.run(command, cwd=ROOT, env=env, stdout=told, stderr=told and subprocess.STDOUT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""All tests, in several runs of pytest of which two go on at a time; ``make test`` calls it.

    python tools/run_tests.py [PYTEST OPTION ...]

The tests of the browser come first, and before others at the processor: much of their time they wait for pages. What the other runs print
is shown in turn, when it is complete. With tests named among the options (a file, a folder, a node id), or a debugger asked for, it is one
ordinary run of pytest. The exit status is that of the first run that failed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[1]
AT_A_TIME = 2
BROWSER = ("browser",)
LONG = (("promises", "sae"), ("plugin", "panels"))
"""Folders that make a run of their own, longest first; those that count faults are together, and print one table."""
NOTHING_SELECTED = 5
"""Pytest's exit status where options such as -k leave no test."""


def main(options: list[str]) -> int:
    """Run pytest with these options; returns its exit status."""
    pytest = [sys.executable, "-m", "pytest", *options]
    if any(option in ("--pdb", "--trace") or (ROOT / option.split("::")[0]).exists() for option in options):
        return subprocess.run(pytest, cwd=ROOT, check=False).returncode
    pool = ThreadPoolExecutor(AT_A_TIME)
    try:
        browser = pool.submit(_run, [*pytest, *_paths(BROWSER)], None)
        others = [pool.submit(_aside, [*pytest, *paths]) for paths in (*map(_paths, LONG), *_rest())]
        ended = [browser.result()]
        for run in others:
            status, told = run.result()
            with told:
                shutil.copyfileobj(told, sys.stdout.buffer)
            sys.stdout.flush()
            ended.append(status)
    finally:
        pool.shutdown(cancel_futures=True)
    return next((status for status in ended if status not in (0, NOTHING_SELECTED)), min(ended))


def _paths(folders: tuple[str, ...]) -> list[str]:
    return [f"tests/{name}" for name in folders]


def _rest() -> list[list[str]]:
    """All other folders with tests, in two runs that both lanes can end with, and the files beside the folders."""
    known = {name for folders in (BROWSER, *LONG) for name in folders}
    files = sorted((ROOT / "tests").glob("**/test_*.py"))
    tops = {file.relative_to(ROOT / "tests").parts[0] for file in files} - known
    folders = sorted(name for name in tops if not name.endswith(".py"))
    return [_paths(tuple(part)) for part in (folders[::2], folders[1::2], sorted(tops.difference(folders)))]


def _aside(command: list[str]) -> tuple[int, IO[bytes]]:
    """A run that steps back where the browser wants the processor: its exit status, and what it printed."""
    told = tempfile.TemporaryFile()  # noqa: SIM115  # who shows it closes it
    status = _run(["nice", "-n", "19", *command], told)
    told.seek(0)
    return status, told


def _run(command: list[str], told: IO[bytes] | None) -> int:
    # Two runs at once, each with as many threads as there are cores, wait for each other in products too small to be shared.
    env = {"OMP_NUM_THREADS": "1", **os.environ}
    return subprocess.run(command, cwd=ROOT, env=env, stdout=told, stderr=told and subprocess.STDOUT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""All tests in two halves side by side: those of the browser, and at low priority all others; ``make test`` calls it.

    python tools/run_tests.py [PYTEST OPTION ...]

Browser tests mostly wait for pages, so both together take little longer than the longer one. What the others print comes at the end. With
tests named among the options (a file, a folder, a node id), or a debugger asked for, it is one ordinary run of pytest. The exit status is
that of the half that fared worse.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BROWSER = "tests/browser"
NOTHING_SELECTED = 5
"""Pytest's exit status where options such as -k leave no test."""


def main(options: list[str]) -> int:
    """Run pytest with these options; returns its exit status."""
    pytest = [sys.executable, "-m", "pytest", *options]
    if any(option in ("--pdb", "--trace") or (ROOT / option.split("::")[0]).exists() for option in options):
        return subprocess.run(pytest, cwd=ROOT, check=False).returncode
    with tempfile.TemporaryFile() as told:
        others = subprocess.Popen([*pytest, f"--ignore={BROWSER}"], cwd=ROOT, stdout=told, stderr=subprocess.STDOUT, preexec_fn=_step_back)
        try:
            status = [subprocess.run([*pytest, BROWSER], cwd=ROOT, check=False).returncode, others.wait()]
        except BaseException:
            others.terminate()
            others.wait()
            raise
        told.seek(0)
        sys.stdout.flush()
        sys.stdout.buffer.write(told.read())
    return next((s for s in status if s not in (0, NOTHING_SELECTED)), min(status))


def _step_back() -> None:
    """What a browser waits for comes first."""
    os.nice(19)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Break what keeps each promise, one piece at a time in a copy of the sources, and see its test fail; into benchmarks/results/guards.json.

``python tools/break_guards.py [WORD ...]``: all of ``tests/promises/guards.py``, or those whose promise or test holds one of the words.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.promises.guards import GUARDS, Guard  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "guards.json"
FAILED = 1
"""pytest's status where tests ran and failed; where none could run it is another."""


def copy(folder: Path) -> Path:
    """The sources that tests need, without data and environments."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def fails(copied: Path, test: str) -> bool:
    """Whether a test runs there and fails.

    Raises:
        RuntimeError: it could not be run, or was skipped.
    """
    environment = {**os.environ, "PYTHONPATH": str(copied), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", test]
    done = subprocess.run(command, cwd=copied, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    last = done.stdout.strip().splitlines()[-1]
    if done.returncode == FAILED and " failed" in last:
        return True
    if done.returncode == 0 and " passed" in last:
        return False
    raise RuntimeError(f"{test} did not run: {done.stdout[-2000:]}{done.stderr[-1000:]}")


def broken(copied: Path, guard: Guard) -> bool:
    """Whether the guard's test fails without it."""
    path = copied / guard.file
    whole = path.read_text(encoding="utf8")
    assert whole.count(guard.old) == 1, f"{guard.file} holds {whole.count(guard.old)} times: {guard.old}"
    path.write_text(whole.replace(guard.old, guard.new), encoding="utf8")
    try:
        return fails(copied, guard.test)
    finally:
        path.write_text(whole, encoding="utf8")


def main(words: list[str]) -> int:
    chosen = [g for g in GUARDS if not words or any(word in f"{g.promise} {g.broken} {g.test}" for word in words)]
    found = json.loads(RESULTS.read_text(encoding="utf8")) if RESULTS.exists() else {}
    with tempfile.TemporaryDirectory(prefix="latentdiff-guards-") as folder:
        copied = copy(Path(folder) / "copy")
        for guard in chosen:
            try:
                found[guard.broken] = broken(copied, guard)
            except RuntimeError as e:
                print(e, file=sys.stderr, flush=True)
                found[guard.broken] = False
            print(f"{'failed, as it has to' if found[guard.broken] else 'DID NOT FAIL'}: {guard.test} ({guard.broken})", flush=True)
            kept = {g.broken: found[g.broken] for g in GUARDS if g.broken in found}
            RESULTS.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf8")
    return 0 if all(found[g.broken] for g in chosen) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

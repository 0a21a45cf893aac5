"""Damaged files of every kind: our errors, little memory, little time, nothing run, nothing written elsewhere."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.promises.hostile_files import SECONDS
from tests.promises.hostile_targets import TARGETS

CASES, MANY = 85, 1000
"""Per kind of file: in every run, and in the long campaign."""
STEERED = 1000
"""Runs of the coverage-guided fuzzer per kind of file, in the long campaign."""
NEVER_REFUSED = ("images", "answers of language models")
"""What cannot be read is a value there, not an error."""


def test_damaged_files_only_give_our_errors(tmp_path: Path, root: Path, faults: Any, torture: bool) -> None:
    cases = MANY if torture else CASES
    command = [sys.executable, "-m", "tests.promises.hostile_files", str(cases), "20261124" if torture else "7"]
    path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment, check=False)
    assert done.returncode == 0, f"died with {done.returncode}: {done.stderr[-3000:]}"  # -11: something read outside its memory
    result = json.loads(done.stdout.splitlines()[-1])
    assert sorted(result["targets"]) == sorted(target.name for target in TARGETS)
    assert sum(counts["cases"] for counts in result["targets"].values()) >= (10_000 if torture else 1_000)
    for name, counts in result["targets"].items():
        kind = f"damaged {name}"
        bad = counts.get("fault", 0)
        faults.survived(kind, counts["cases"] - bad)
        faults.lost(kind, bad)
        print(f"{kind}: {counts}")
        assert counts["faults"] == {}, kind
        assert counts["slowest"] < SECONDS
        assert counts.get("read", 0) > 0, f"{kind}: nothing was read, so nothing shows that reading was reached"
        assert counts.get("refused", 0) > cases / 10 or name in NEVER_REFUSED, f"{kind}: hardly anything was refused: is it damaged at all?"
    assert not result["canary"] and not list(tmp_path.rglob("CANARY"))


@pytest.mark.parametrize("name", [target.name for target in TARGETS])
def test_damage_that_is_steered_by_coverage(tmp_path: Path, root: Path, faults: Any, torture: bool, name: str) -> None:
    if not torture:
        pytest.skip("only in the long campaign")
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not installed: pip install atheris")
    path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "tests.promises.coverage_fuzz", name, str(STEERED), str(tmp_path / "count")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment, check=False)
    opened = int((tmp_path / "count").read_text())
    faults.survived(f"damaged {name}, steered by coverage", opened - (done.returncode != 0))
    faults.lost(f"damaged {name}, steered by coverage", int(done.returncode != 0))
    assert done.returncode == 0, done.stderr[-3000:]
    assert opened > STEERED / 4
    assert not list(tmp_path.rglob("CANARY"))

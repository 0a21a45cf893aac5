"""SIGTERM, SIGHUP and SIGKILL of the command while it works on zip files: what it unpacked goes, at the latest with the next start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from latentdiff.compute.temporary import sweep


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, rng = tmp_path_factory.mktemp("archives"), np.random.default_rng(0)
    for side in "ab":
        with zipfile.ZipFile(folder / f"{side}.zip", "w") as made:
            for i in range(60):
                Image.fromarray(rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)).save(folder / "x.png")
                made.write(folder / "x.png", f"{i}.png")
    return folder


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGKILL"])
def test_the_command_is_ended(archives: Path, tmp_path: Path, root: Path, faults: Any, torture: bool, name: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": os.pathsep.join((str(root), os.environ["PYTHONPATH"]))}
    command = [sys.executable, "-m", "latentdiff.cli", "compare", str(archives / "a.zip"), str(archives / "b.zip"), "--encoder", "demo"]
    delays = np.random.default_rng(0).uniform(0, 1.5, 10 if torture else 1).tolist()
    for delay in delays:
        with faults.trial(f"{name}: latentdiff compare"):
            quiet: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
            process = subprocess.Popen(command, env=environment, **quiet)
            while not list(tmp_path.glob("latentdiff-*/.owner")):
                assert process.poll() is None
                time.sleep(0.005)
            time.sleep(delay if torture else 0)
            process.send_signal(getattr(signal, name))
            status = process.wait(60)
            left = list(tmp_path.glob("latentdiff-*"))
            if name == "SIGKILL":
                assert status == -signal.SIGKILL and len(left) == 1 and sweep() == left
            else:  # the exception may be lost, or become another, where Python is just importing: the work then ends by itself
                assert status in (128 + getattr(signal, name), *((0, 2) if torture else ()))
            assert list(tmp_path.glob("latentdiff-*")) == []

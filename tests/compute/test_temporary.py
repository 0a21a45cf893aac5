"""Temporary folders: whatever ends a process, what it left behind goes with the next start, and nothing else does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from latentdiff.cli import main
from latentdiff.compute.temporary import make_folder, remove_folder, sweep, temporary_folder

HOLD = """
import sys
from latentdiff.cli import main
from latentdiff.compute.temporary import make_folder
folder = make_folder("held-")
(folder / "vectors").write_bytes(b"1" * 1000)
print(folder, flush=True)
sys.stdin.read()
"""
SPILLING = """
import sys
from latentdiff.cli.main import ended_by_signals
from latentdiff.compute.temporary import temporary_folder
with ended_by_signals(), temporary_folder() as folder:
    (folder / "vectors").write_bytes(b"1" * 1000)
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)


def begun(code: str) -> tuple[subprocess.Popen[str], Path]:
    """A process that holds a folder until it is ended."""
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_a_folder_goes_with_its_block() -> None:
    with temporary_folder() as folder:
        assert os.stat(folder).st_mode & 0o777 == 0o700
        (folder / "x").write_text("x")
    assert not folder.exists()
    remove_folder(folder)


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path: Path) -> None:
    process, folder = begun(HOLD)
    own, foreign = make_folder(), tmp_path / "latentdiff-of-somebody"
    foreign.mkdir()
    assert sweep() == [] and folder.exists()  # it lives
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert folder.exists()
    made = make_folder()
    assert not folder.exists() and own.exists() and made.exists() and foreign.exists()
    remove_folder(own)
    remove_folder(made)


def test_any_command_removes_what_a_killed_process_left() -> None:
    process, folder = begun(HOLD)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert folder.exists()
    assert main(["show", "no such folder"]) == 2 and not folder.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_process_that_is_ended_leaves_nothing(number: int) -> None:
    process, folder = begun(SPILLING)
    assert folder.exists()
    process.send_signal(number)
    assert process.wait() == 128 + number
    assert not folder.exists()


def test_a_process_that_loses_the_exception_ends_all_the_same() -> None:
    lost = "    while True:\n        try:\n            sys.stdin.read()\n        except SystemExit:\n            pass\n"
    process, folder = begun("import latentdiff.cli.main as m; m.GRACE = 0.2\n" + SPILLING.replace("    sys.stdin.read()\n", lost))
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 128 + signal.SIGTERM and not folder.exists()


def test_nohup_stays(tmp_path: Path) -> None:
    process, folder = begun("import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n" + SPILLING)
    process.send_signal(signal.SIGHUP)
    assert process.communicate("")[0] == "" and process.returncode == 0 and not folder.exists()

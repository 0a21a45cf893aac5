"""``latentdiff watch`` where things go wrong: another process at the same time, outputs that cannot be written, broken images."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import latentdiff
from latentdiff import Monitor
from latentdiff.cli.main import main
from tests.planted import WIDTH, WORDS, vectors


@pytest.fixture
def state(tmp_path: Path) -> str:
    """A watch that has seen no batch; ``0.npy`` and ``1.npy``, of 40 images each, are beside it."""
    eye, zeros = np.eye(WIDTH, dtype=np.float32), np.zeros(WIDTH, np.float32)
    sae = latentdiff.SparseAutoencoder(eye, zeros, eye, zeros, np.full(WIDTH, 0.5, np.float32))
    for i in range(2):
        np.save(tmp_path / f"{i}.npy", vectors(40, 0.0, 30 + i))
    reference = vectors(300, 0.02, 0)[np.random.default_rng(0).permutation(300)]
    np.save(tmp_path / "reference.npy", reference)
    return str(Monitor(reference, sae=sae, vocabulary=latentdiff.Vocabulary(WORDS, eye)).save(tmp_path / "state"))


def beside(state: str, name: str) -> str:
    return str(Path(state).parent / name)


def held(folder: str) -> dict[Path, tuple[int, bytes]]:
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in Path(folder).rglob("*") if path.is_file()}


def test_batches_that_come_in_at_the_same_time_are_all_counted(state: str, monkeypatch: Any) -> None:
    save, others = Monitor.save, []

    def slow(monitor: Monitor, folder: Path) -> Path:
        """Another one comes in while this one is about to be saved."""
        if not others:
            others.append(threading.Thread(target=main, args=(["watch", state, beside(state, "1.npy")],)))
            others[0].start()
            others[0].join(2.0)  # where it need not wait, it is done by then
        return save(monitor, folder)

    monkeypatch.setattr(Monitor, "save", slow)
    assert main(["watch", state, beside(state, "0.npy")]) == 0
    others[0].join()
    assert Monitor.load(state).reading().images == 80


def test_a_watch_that_two_begin_is_that_of_the_first(state: str, monkeypatch: Any, capsys: Any) -> None:
    there = iter((False, True))
    monkeypatch.setattr("latentdiff.cli.watch.holds_state", lambda _: next(there))
    before = held(state)
    assert main(["watch", state, beside(state, "0.npy"), "--reference", beside(state, "reference.npy")]) == 2
    assert "another process began a watch" in capsys.readouterr().err
    assert {path: one for path, one in held(state).items() if path.name != "lock"} == before


def test_a_look_leaves_all_files_as_they_are(state: str, capsys: Any) -> None:
    before = held(state)
    assert main(["watch", state, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["images"] == 0 and held(state) == before

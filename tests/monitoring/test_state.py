"""A watch as files: what a kill leaves, one monitor's over another's, states of earlier versions, and damage."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import latentdiff
from latentdiff import CheckpointError, Monitor
from tests.planted import DOG, WIDTH, WORDS, vectors

EYE = np.eye(WIDTH, dtype=np.float32)
KILLED = 9
KILL = f"""
import os, sys
import numpy as np
from latentdiff import Monitor

state, other, batch, left = *sys.argv[1:4], int(sys.argv[4])
monitor = Monitor.load(other)
monitor.update(np.load(batch))
replace = os.replace

def until(*paths):
    global left
    if not left:
        os._exit({KILLED})
    left -= 1
    replace(*paths)

os.replace = until
monitor.save(state)
"""
"""Loads a watch, takes a batch, and saves it over another; killed where a file for which none is left would take its place."""


def stream(n: int, share: float, seed: int) -> np.ndarray:
    """(n, 16) vectors in random order, a share of them dogs."""
    return vectors(n, share, seed)[np.random.default_rng(seed).permutation(n)]


def watch(threshold: float = 0.5, vocabulary: bool = True, seed: int = 0) -> Monitor:
    """After one batch."""
    zeros = np.zeros(WIDTH, np.float32)
    sae = latentdiff.SparseAutoencoder(EYE, zeros, EYE, zeros, np.full(WIDTH, threshold, np.float32))
    words = latentdiff.Vocabulary(WORDS, EYE) if vocabulary else None
    monitor = Monitor(stream(300, 0.02, seed), sae=sae, vocabulary=words)
    monitor.update(stream(40, 0.02, 5))
    return monitor


def killed(state: Path, other: Path, batch: Path, left: int) -> bool:
    """Whether a save was killed that may put so many files in place."""
    done = subprocess.run([sys.executable, "-c", KILL, str(state), str(other), str(batch), str(left)], capture_output=True, text=True)
    assert done.returncode in (0, KILLED), done.stderr
    return done.returncode == KILLED


def test_a_kill_while_saving_leaves_the_last_state_or_the_next(tmp_path: Path) -> None:
    first = watch()
    before, batch = first.reading(), stream(40, 0.5, 6)
    first.save(tmp_path / "state")
    np.save(tmp_path / "batch.npy", batch)
    assert killed(tmp_path / "state", tmp_path / "state", tmp_path / "batch.npy", 0)
    assert Monitor.load(tmp_path / "state").reading() == before
    assert not killed(tmp_path / "state", tmp_path / "state", tmp_path / "batch.npy", 1)  # one file is replaced, and no more
    assert Monitor.load(tmp_path / "state").reading() == first.update(batch)


def test_a_watch_that_is_saved_over_another_is_whole_and_so_is_the_other_until_then(tmp_path: Path) -> None:
    first, second, batch = watch(), watch(0.9, seed=1), stream(40, 0.5, 6)
    second.save(tmp_path / "other")
    np.save(tmp_path / "batch.npy", batch)
    expected = second.update(batch)
    for left in range(10):
        state = first.save(tmp_path / f"{left}")
        if not killed(state, tmp_path / "other", tmp_path / "batch.npy", left):
            break
        assert Monitor.load(state).reading() == first.reading()
    assert left == 4  # words, tensors, their settings, the state
    again = Monitor.load(state)
    assert again.reading() == expected and again.update(batch) == second.update(batch)
    assert len(list(state.iterdir())) == 2  # nothing of the first


def test_what_somebody_keeps_in_the_folder_is_not_taken_for_the_watchs_own_and_stays(tmp_path: Path) -> None:
    zeros = np.zeros(WIDTH, np.float32)
    latentdiff.SparseAutoencoder(-EYE, zeros, EYE, zeros, np.zeros(WIDTH, np.float32)).save(tmp_path / "sae")
    np.savez(tmp_path / "words.npz", names=np.array(WORDS), directions=-EYE, mean=zeros, cuts=zeros)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    monitor = watch()
    again, batch = Monitor.load(monitor.save(tmp_path)), stream(40, 0.5, 6)
    assert again.update(batch) == monitor.update(batch)
    again.save(tmp_path)
    assert all(path.read_bytes() == held for path, held in before.items())


@pytest.mark.parametrize(("name", "p"), [("format1", 3.6071514725039337e-12), ("format2", 2.833571682922252e-12)])
def test_states_of_earlier_versions_are_read_and_go_on(name: str, p: float, tmp_path: Path) -> None:
    """As they were written before words were watched, and after; two batches, half of them dogs."""
    state = Path(shutil.copytree(Path(__file__).parent / "data" / name, tmp_path / "state"))
    monitor = Monitor.load(state)
    reading = monitor.reading()
    assert (reading.batch, reading.images, reading.alarm) == (2, 80, True) and reading.p_value == pytest.approx(p, rel=1e-9)
    assert reading.hypotheses[0].text == (WORDS[DOG] if name == "format2" else f"concept {DOG}")
    expected = monitor.update(stream(40, 0.5, 3))
    monitor.save(state)
    assert Monitor.load(state).reading() == expected
    assert not (state / "monitor.json").exists() and not (state / "arrays.npz").exists()  # an earlier version would read the last state
    with np.load(Path(__file__).parent / "data" / name / "arrays.npz") as arrays:
        (tmp_path / "older").mkdir()
        np.savez(tmp_path / "older" / "arrays.npz", **{key: value for key, value in arrays.items() if key != "latest"})
    for other in ("monitor.json", "sae", "words.npz")[: 2 + (name == "format2")]:
        source = Path(__file__).parent / "data" / name / other
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / "older" / other)
    assert Monitor.load(tmp_path / "older").reading().p_value == reading.p_value  # before the latest images were kept


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 7}, "Update latentdiff"),
        ({"names": ["a"]}, "do not fit"),
        ({"n_reference": 2}, "cannot be"),
        ({"watched": "0" * 32}, "does not hold a saved monitor"),
    ],
)
def test_a_damaged_state_is_told(change: dict, said: str, tmp_path: Path) -> None:
    folder = watch().save(tmp_path / "state")
    arrays = dict(np.load(folder / "monitor.npz"))
    head = {**json.loads(arrays["head"].tobytes()), **change}
    np.savez(folder / "monitor.npz", **{**arrays, "head": np.frombuffer(json.dumps(head).encode(), np.uint8)})
    with pytest.raises(CheckpointError, match=said):
        Monitor.load(folder)


@pytest.mark.parametrize("vocabulary", [True, False])
def test_another_sae_or_other_words_in_place_of_its_own_are_refused(vocabulary: bool, tmp_path: Path) -> None:
    folder, other = watch(vocabulary=vocabulary).save(tmp_path / "state"), watch(0.9, vocabulary).save(tmp_path / "other")
    (own,), (foreign,) = folder.glob("watched-*"), other.glob("watched-*")
    assert own.name != foreign.name
    shutil.copy(foreign / "sae.safetensors", own / "sae.safetensors")
    with pytest.raises(CheckpointError, match="not what it has watched from the start"):
        Monitor.load(folder)

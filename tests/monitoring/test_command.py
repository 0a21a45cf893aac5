"""``latentdiff watch`` where things go wrong: another process at the same time, outputs that cannot be written, broken images."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import latentdiff
from latentdiff import InputError, Monitor
from latentdiff.cli.main import main
from latentdiff.embed.parquet import vector_table
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


@pytest.mark.parametrize("option", ["--junit", "--history"])
def test_a_batch_does_not_count_where_its_files_cannot_be_written(state: str, option: str, capsys: Any) -> None:
    before, batch, mine = held(state), beside(state, "0.npy"), Path(beside(state, "mine.txt"))
    mine.write_text("what somebody wrote", encoding="utf8")
    (mine.parent / "empty").touch()
    places = {
        state: "is a folder",
        str(mine): "exists and is no",
        batch: "exists and is no",
        str(mine / "x"): "takes files",
        "/dev/null": "no file",
    }
    for place, said in places.items():
        assert main(["watch", state, batch, option, place]) == 2
        assert said in capsys.readouterr().err
    assert main(["watch", state, batch, "--junit", beside(state, "x"), "--history", beside(state, "x")]) == 2
    assert "something else too" in capsys.readouterr().err
    assert held(state) == before and mine.read_text(encoding="utf8") == "what somebody wrote" and len(np.load(batch)) == 40
    for place in ("new/file", "new/file", "empty"):  # one of ours is replaced, and so is one that holds nothing
        assert main(["watch", state, option, beside(state, place)]) == 0


def test_where_a_file_fails_after_all_it_is_said_that_the_batch_counts(state: str, monkeypatch: Any, capsys: Any) -> None:
    def full(path: Path, text: str) -> None:
        raise InputError(f"the report {path} cannot be written: No space left on device")

    monkeypatch.setattr("latentdiff.cli.watch.replace_file", full)
    assert main(["watch", state, beside(state, "0.npy"), "--junit", beside(state, "w.xml")]) == 2
    assert "The batch has been taken: do not give it again" in capsys.readouterr().err
    assert Monitor.load(state).reading().images == 40


def test_broken_images_are_left_out_and_counted_where_that_is_asked_for(state: str, tmp_path: Path, capsys: Any) -> None:
    broken = np.load(beside(state, "0.npy"))
    broken[3], broken[7, 0] = 0, np.nan
    reference = np.concatenate([np.load(beside(state, "reference.npy")), broken[3:4]])
    np.save(tmp_path / "broken.npy", broken)
    np.save(tmp_path / "spoilt.npy", reference)
    assert main(["watch", state, str(tmp_path / "broken.npy")]) == 2
    assert "the batch: rows 3, 7" in (said := capsys.readouterr().err) and "--skip-bad" in said
    new = [
        "watch",
        str(tmp_path / "new"),
        str(tmp_path / "broken.npy"),
        "--reference",
        str(tmp_path / "spoilt.npy"),
        "--skip-bad",
        "--json",
    ]
    assert main(new) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["images"] == 38
    assert told["left_out"] == [f"{n} images of the {what} cannot be used: left out" for n, what in ((1, "reference"), (2, "batch"))]
    assert main(["watch", state, str(tmp_path / "broken.npy"), "--skip-bad"]) == 0
    assert Monitor.load(state).reading().images == 38
    np.save(tmp_path / "broken.npy", broken[[3, 7]])
    assert main(["watch", state, str(tmp_path / "broken.npy"), "--skip-bad"]) == 2 and "no images" in capsys.readouterr().err


def test_choices_that_are_not_those_of_the_watch_are_refused(state: str, tmp_path: Path, capsys: Any) -> None:
    eye, zeros = np.eye(WIDTH, dtype=np.float32), np.zeros(WIDTH, np.float32)
    for name, sign in (("own", 1), ("other", -1)):
        latentdiff.SparseAutoencoder(eye, zeros, sign * eye, zeros, np.full(WIDTH, 0.5, np.float32)).save(tmp_path / name)
        np.savez(tmp_path / f"{name}.npz", words=np.array(WORDS[::sign]), vectors=eye)
    before, batch = held(state), beside(state, "0.npy")
    own = ["--alpha", "0.05", "--seed", "0", "--sae", str(tmp_path / "own"), "--vocabulary", str(tmp_path / "own.npz")]
    other = ["--alpha", "1e-9", "--seed", "3", "--sae", str(tmp_path / "other"), "--vocabulary", str(tmp_path / "other.npz")]
    for option, value, said in zip(other[::2], other[1::2], ("alpha 0.05", "seed 0", "another SAE", "other words"), strict=True):
        assert main(["watch", state, batch, option, value]) == 2
        assert f"the watch was begun with {said}" in capsys.readouterr().err
    assert held(state) == before
    assert main(["watch", state, batch, *own, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["images"] == 40 and told["alpha"] == 0.05


def test_batches_of_another_encoder_are_refused(state: str, tmp_path: Path, capsys: Any) -> None:
    made_by = {"library": "x", "model": "m", "weights": "1", "layer": "last", "preprocessing": "p", "dtype": "float32"}
    for name, weights in (("one", "1"), ("two", "2")):
        rows = np.load(beside(state, "0.npy"))
        table = vector_table([f"{name} {i}" for i in range(len(rows))], rows, {**made_by, "weights": weights})
        pq.write_table(table, tmp_path / f"{name}.parquet")
    before = Monitor.load(state).reading()
    assert main(["watch", state, str(tmp_path / "one.parquet")]) == 0  # the first that names its encoder
    assert main(["watch", state, str(tmp_path / "two.parquet")]) == 2
    assert "another encoder than the reference: weights is '2'" in capsys.readouterr().err
    assert Monitor.load(state).reading().images == before.images + 40
    reference = vector_table([f"{i}" for i in range(300)], np.load(beside(state, "reference.npy")), {**made_by, "weights": "2"})
    pq.write_table(reference, tmp_path / "reference.parquet")
    new = ["watch", str(tmp_path / "new"), beside(state, "0.npy"), "--reference", str(tmp_path / "reference.parquet")]
    assert main(new) == 0
    assert main(["watch", str(tmp_path / "new"), str(tmp_path / "one.parquet")]) == 2
    monitor = Monitor(np.load(beside(state, "reference.npy")), encoder={**made_by, "dtype": "bfloat16"})
    said = monitor.update(rows, encoder=made_by)  # of another precision
    assert said.images == 40 and "reference were computed in bfloat16, those of this batch in float32" in said.remarks[0]
    with pytest.raises(InputError, match="another encoder"):
        monitor.update(rows, encoder={**made_by, "weights": "2"})
    assert monitor.reading().images == 40

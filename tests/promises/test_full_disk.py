"""A disk that is full, a folder that may not be written: an error that says which, what was there stays, and again goes on."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import latentdiff
from latentdiff.embed.sharding import ShardEncoder, plan_shards
from latentdiff.embed.storing import encode_to_store
from latentdiff.embed.vectors import VectorStore
from tests.embed.models import save_open_clip
from tests.planted import WIDTH, WORDS, vectors
from tests.promises.laboratory import ROOT, Laboratory

MEGABYTE = 1 << 20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """``disk(bytes)``: a file system of that size."""
    made: list[Path] = []

    def mount(size: int) -> Path:
        folder = tmp_path / f"disk{len(made)}"
        folder.mkdir()
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mount(b"tmpfs", bytes(folder), b"tmpfs", 0, f"size={size}".encode()):
            pytest.skip(f"no file system can be mounted here: {os.strerror(ctypes.get_errno())}")
        made.append(folder)
        return folder

    yield mount
    for folder in made:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path, leave: int) -> Path:
    """Fill a file system but for some bytes; the file that does."""
    left = os.statvfs(folder)
    full = folder / "full"
    with contextlib.suppress(OSError):  # a database beside it takes some meanwhile: full it is all the same
        full.write_bytes(bytes(max(0, left.f_bavail * left.f_frsize - leave)))
    return full


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return latentdiff.load_encoder(save_open_clip(tmp_path_factory.mktemp("model")), device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder, rng, files = tmp_path_factory.mktemp("photos"), np.random.default_rng(0), []
    for i in range(60):
        files.append(folder / f"{i}.png")
        Image.fromarray(rng.integers(0, 255, (40, 50, 3)).astype(np.uint8)).save(files[-1])
    return files


@pytest.fixture(scope="module")
def comparison() -> latentdiff.Comparison:
    eye, zeros = np.eye(WIDTH, dtype=np.float32), np.zeros(WIDTH, np.float32)
    sae = latentdiff.SparseAutoencoder(eye, zeros, eye, zeros, np.full(WIDTH, 0.5, np.float32))
    return latentdiff.compare(vectors(60, 2 / 3, 1), vectors(80, 0.05, 2), sae=sae, vocabulary=latentdiff.Vocabulary(WORDS, eye))


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if p.is_file() and p.name != "full"}


def test_vectors_on_a_full_disk_go_on(disk, encoder, photos, faults) -> None:
    folder = disk(MEGABYTE)
    full = fill(folder, 40 * 1024)
    ids = [p.name for p in photos]
    with faults.trial("full disk: vectors"):
        store = VectorStore(folder, fingerprint=encoder.fingerprint, width=encoder.width)
        with pytest.raises(OSError, match="No space left") as raised:
            encode_to_store(encoder, ids, photos, store, shard_rows=4, batch_size=4)
        assert raised.value.errno == errno.ENOSPC and str(folder) in str(raised.value.filename)
        had = len(VectorStore(folder))
        assert 0 < had < 60 and not list(folder.glob(".tmp-*"))
        full.unlink()
        done = encode_to_store(encoder, ids, photos, VectorStore(folder), shard_rows=4, batch_size=4)
        assert (done.encoded, done.kept, done.failures) == (60 - had, had, {})
        np.testing.assert_allclose(VectorStore(folder).read(ids), encoder.encode_images(photos).vectors, atol=1e-5)


def test_shards_on_a_full_disk_go_on(disk, encoder, photos, faults) -> None:
    folder = disk(MEGABYTE)
    full = fill(folder, 24 * 1024)
    tasks = plan_shards([str(p) for p in photos], str(folder), 10)
    maker = ShardEncoder(encoder, vector_dtype="float32")
    with faults.trial("full disk: shards"):
        with pytest.raises(OSError, match="No space left"):
            for task in tasks:
                maker.make(task)
        full.unlink()
        made = [maker.make(task) for task in tasks]
        assert sum(shard.rows for shard in made) == 60 and 0 < sum(shard.kept for shard in made) < 6
        assert not [p.name for p in folder.iterdir() if p.name.startswith(".")]


def test_a_full_tmp_does_not_make_bad_images(disk, encoder, photos, tmp_path, monkeypatch, faults) -> None:
    """Pictures in a table are written down to be read: where that fails, no shard says that they cannot be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"id": [p.name for p in photos], "bytes": [p.read_bytes() for p in photos]})
    pq.write_table(table, tmp_path / "pictures.parquet")
    temporary = disk(MEGABYTE)
    full = fill(temporary, 30 * 1024)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    (task,) = plan_shards(str(tmp_path / "pictures.parquet"), str(tmp_path / "out"))
    with faults.trial("full /tmp: shards of a table"):
        with pytest.raises(OSError, match=r"No space left.*TMPDIR"):
            ShardEncoder(encoder).make(task)
        assert not (tmp_path / "out").exists()
        full.unlink()
        assert ShardEncoder(encoder).make(task).failed == 0
        assert list(temporary.iterdir()) == []


def test_a_full_tmp_while_training(disk, lab, faults) -> None:
    temporary = disk(MEGABYTE)
    fill(temporary, 4096)
    assert lab.do("make", "trained", "plain").error is None
    with faults.trial("full /tmp: train"):
        outcome = lab.do("train", "trained", str(temporary))
        assert outcome.error == "OSError" and "No space left" in outcome.message and "TMPDIR" in outcome.message, outcome
        assert [p.name for p in temporary.iterdir()] == ["full"]


@pytest.mark.parametrize("leave", [0, 3000])
def test_saving_over_an_older_one_on_a_full_disk(disk, comparison, faults, leave) -> None:
    folder = disk(MEGABYTE)
    eye, zeros = np.eye(WIDTH, dtype=np.float32), np.zeros(WIDTH, np.float32)
    saes = [latentdiff.SparseAutoencoder(eye * k, zeros, eye, zeros, np.full(WIDTH, 0.5, np.float32)) for k in (1, 2)]
    comparison.save(folder / "comparison")
    saes[0].save(folder / "sae")
    fill(folder, leave)
    for kind, save in (("comparison", comparison.save), ("sae", saes[1].save)):
        with faults.trial(f"full disk: save {kind}"):
            before = contents(folder / kind)
            with pytest.raises(OSError, match="No space left") as raised:
                save(folder / kind)
            assert str(folder / kind) in str(raised.value.filename)
            assert contents(folder / kind) == before and before
    assert repr(latentdiff.Comparison.load(folder / "comparison").candidates) == repr(comparison.candidates)
    np.testing.assert_array_equal(latentdiff.load_sae(folder / "sae").w_enc, eye)


def test_the_databases_disk_is_full(disk, lab, tmp_path, faults, torture) -> None:
    """mongod itself ends when its disk is full; with space it starts again, and nothing of the user's is lost."""
    folder = disk(600 * MEGABYTE)
    lab = Laboratory(tmp_path / "lab", data=folder / "data", worker=lab.worker)
    try:
        assert lab.do("make", "full", "plain").error is None
        before = lab.do("inspect", "full").returned
        done = lab.do("compare", "full", "plain")
        first, after = done.commands.index("update runs") + 1, lab.do("inspect", "full").returned
        assert lab.do("delete", "full").error is None
        for at in np.random.default_rng(0).integers(first, len(done.commands), 6 if torture else 1).tolist():
            with faults.trial("full disk: the database's"):
                job = lab.start("compare", "full", "plain", kill={"command": at, "halt": True})
                assert lab.halted(job)
                full = fill(folder, 0)
                lab.frees = full
                outcome = lab.end(job)
                full.unlink(missing_ok=True)
                lab.frees = None
                assert outcome.error in (None, "RunError"), outcome
                found = lab.do("inspect", "full").returned
                assert found["whole"] == (before if outcome.error else after)["whole"] and found["loose"] == 0, outcome
                assert lab.do("compare", "full", "plain", overwrite=True).error is None
                assert lab.do("inspect", "full").returned["whole"] == after["whole"]
                assert lab.do("delete", "full").error is None
    finally:
        lab.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
@pytest.mark.parametrize("what", ["comparison", "vectors", "report"])
def test_without_permission(lab, comparison, faults, what) -> None:
    """As a user who may read a folder and not write it."""
    with tempfile.TemporaryDirectory() as given:
        folder = Path(given)
        folder.chmod(0o755)
        comparison.save(folder / "given")
        with faults.trial(f"no permission: {what}"):
            outcome = lab.do("as_nobody", given, what)
            assert outcome.error in ("OSError", "PermissionError", "InputError"), outcome
            assert "ermission denied" in outcome.message and given in outcome.message, outcome
            assert [p.name for p in folder.iterdir()] == ["given"]


@pytest.mark.parametrize("where", ["/proc/latentdiff", "file", "no home"])
def test_a_cache_that_cannot_be_written_only_costs_time(encoder, tmp_path, monkeypatch, faults, where) -> None:
    if where == "file":
        (tmp_path / "file").write_text("")
        where = str(tmp_path / "file" / "cache")
    with faults.trial(f"a cache that cannot be written: {'no home' if where == 'no home' else 'read-only'}"):
        monkeypatch.setenv("LATENTDIFF_CACHE", str(tmp_path / "good"))
        expected = latentdiff.load_vocabulary(encoder, words=["cat", "dog", "boat"])
        monkeypatch.setenv("LATENTDIFF_CACHE", where)
        if where == "no home":
            homeless(monkeypatch)
            with pytest.raises(OSError, match="LATENTDIFF_CACHE"):
                latentdiff.compute.cache.cache_folder()
        found = latentdiff.load_vocabulary(encoder, words=["cat", "dog", "boat"])
        np.testing.assert_array_equal(found.vectors, expected.vectors)


def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without an entry and without $HOME, as containers run people: pathlib raises then."""
    import pwd

    for name in ("LATENTDIFF_CACHE", "HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)

    def unknown(uid: int) -> Any:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", unknown)


def test_the_command_says_which_file(disk, faults) -> None:
    folder = disk(MEGABYTE)
    for side, share in (("a", 2 / 3), ("b", 0.05)):
        np.save(folder / f"{side}.npy", vectors(60, share, ord(side)))
    fill(folder, 0)
    with faults.trial("full disk: latentdiff compare --save"):
        sides = [str(folder / f"{side}.npy") for side in "ab"]
        command = [sys.executable, "-m", "latentdiff.cli", "compare", *sides, "--save", str(folder / "out")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ["PYTHONPATH"])), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 2 and "No space left" in done.stderr and str(folder / "out") in done.stderr, done
        assert "Traceback" not in done.stderr
        assert not (folder / "out" / "comparison.json").exists()

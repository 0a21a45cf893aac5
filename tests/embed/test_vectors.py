"""Vectors on disk: what was written is read, and no kill or change goes unnoticed."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from latentdiff.embed.shards import file_stamp
from latentdiff.embed.storing import encode_to_store
from latentdiff.embed.vectors import VectorStore
from latentdiff.errors import CheckpointError, InputError
from tests.embed.killed_run import encoding

ROOT = Path(__file__).parents[2]
PRINT = {"library": "test", "model": "m", "weights": "w", "layer": "l", "preprocessing": "p", "dtype": "float32"}


def filled(folder, rng, sizes=(3, 4, 2)):
    store = VectorStore(folder, fingerprint=PRINT, width=5)
    vectors = rng.normal(size=(sum(sizes), 5)).astype(np.float32)
    start = 0
    for size in sizes:
        ids = [f"id{i}" for i in range(start, start + size)]
        store.append(ids, vectors[start : start + size], stamps=[(i, i) for i in range(size)])
        start += size
    return vectors


def test_what_was_appended_is_read_back(tmp_path):
    vectors = filled(tmp_path, np.random.default_rng(0))
    store = VectorStore(tmp_path)
    assert len(store) == 9
    assert store.fingerprint == PRINT
    order = ["id7", "id0", "id7", "id3"]
    np.testing.assert_array_equal(store.read(order), vectors[[7, 0, 7, 3]])
    chunks = list(store.chunks())
    assert [ids for ids, _ in chunks] == [["id0", "id1", "id2"], ["id3", "id4", "id5", "id6"], ["id7", "id8"]]
    assert all(isinstance(array, np.memmap) for _, array in chunks)
    np.testing.assert_array_equal(np.concatenate([array for _, array in chunks]), vectors)
    with pytest.raises(InputError, match="no vector"):
        store.read(["id99"])


def test_a_later_row_replaces_an_earlier_one(tmp_path):
    vectors = filled(tmp_path, np.random.default_rng(0))
    store = VectorStore(tmp_path)
    new = np.ones((1, 5), np.float32)
    store.append(["id4"], new, stamps=[(9, 9)], failures={})
    for again in (store, VectorStore(tmp_path)):
        assert len(again) == 9
        np.testing.assert_array_equal(again.read(["id4", "id5"]), [new[0], vectors[5]])
        assert sorted(i for ids, _ in again.chunks() for i in ids) == sorted(f"id{i}" for i in range(9))
        assert again.stamp("id4") == (9, 9)


def test_damage_is_noticed_and_made_anew(tmp_path):
    filled(tmp_path, np.random.default_rng(0))
    data = bytearray((tmp_path / "00000001.npy").read_bytes())
    data[-3] ^= 1
    (tmp_path / "00000001.npy").write_bytes(data)
    store = VectorStore(tmp_path)
    with pytest.raises(CheckpointError, match=r"00000001\.npy is missing or damaged"):
        store.read(["id0"])
    assert store.drop_damaged() == 1
    assert len(store) == len(VectorStore(tmp_path)) == 5
    (tmp_path / "00000002.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"00000002\.json cannot be read"):
        VectorStore(tmp_path)


def test_another_encoder_is_noticed(tmp_path):
    filled(tmp_path, np.random.default_rng(0))
    with pytest.raises(CheckpointError, match="weights is 'other' here and 'w' there"):
        VectorStore(tmp_path, fingerprint=PRINT | {"weights": "other"}, width=5)
    with pytest.raises(CheckpointError, match="width 5"):
        VectorStore(tmp_path, fingerprint=PRINT, width=6)
    with pytest.raises(CheckpointError, match="holds no vectors"):
        VectorStore(tmp_path / "none")


def test_shapes_and_ids_are_checked(tmp_path):
    store = VectorStore(tmp_path, fingerprint=PRINT, width=5)
    with pytest.raises(InputError, match="do not fit"):
        store.append(["a"], np.zeros((1, 4)), stamps=[(0, 0)])
    with pytest.raises(InputError, match="must differ"):
        store.append(["a", "a"], np.zeros((2, 5)), stamps=[(0, 0)] * 2)
    assert not list(tmp_path.glob("0*"))


def test_encoding_resumes_and_sees_changed_files(encoder, photos, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    paths = [folder / p.name for p in photos[:20]]
    for path, source in zip(paths, photos, strict=False):
        path.write_bytes(source.read_bytes())
    bad = folder / "bad.jpg"
    bad.write_bytes(b"nothing")
    ids, files = [p.name for p in (*paths, bad)], [*paths, bad]
    store = VectorStore(tmp_path / "store", fingerprint=encoder.fingerprint, width=encoder.width)
    first = encode_to_store(encoder, ids[:12], files[:12], store, shard_rows=5, batch_size=4)
    assert (first.encoded, first.kept, first.failures) == (12, 0, {})
    second = encode_to_store(encoder, ids, files, store, shard_rows=5, batch_size=4)
    assert (second.encoded, second.kept) == (9, 12)
    assert list(second.failures) == ["bad.jpg"]
    expected = encoder.encode_images(files).vectors
    np.testing.assert_allclose(store.read(ids), expected, atol=1e-5)
    paths[3].write_bytes(photos[30].read_bytes())
    bad.write_bytes(photos[31].read_bytes())
    third = encode_to_store(encoder, ids, files, VectorStore(tmp_path / "store"), batch_size=4)
    assert (third.encoded, third.kept, third.failures) == (2, 19, {})
    assert third.changed == (ids[3], "bad.jpg")
    np.testing.assert_allclose(VectorStore(tmp_path / "store").read(ids), encoder.encode_images(files).vectors, atol=1e-5)


def test_two_writers_are_refused(encoder, photos, tmp_path):
    store = VectorStore(tmp_path, fingerprint=encoder.fingerprint, width=encoder.width)
    with store.writing(), pytest.raises(CheckpointError, match="another process"):
        encode_to_store(encoder, ["a"], [photos[0]], VectorStore(tmp_path))


def test_stamp_of_files(photos, tmp_path):
    info = os.stat(photos[0])
    assert file_stamp(photos[0]) == (info.st_size, info.st_mtime_ns)
    assert file_stamp(tmp_path / "none") == file_stamp("nul\0") == (-1, -1)


def test_sigkill_at_ten_random_moments(open_clip_folder, encoder, photos, tmp_path):
    """Each run is killed some random time after it began to encode; at most one shard (24 rows) is ever lost."""
    rng = np.random.default_rng(7)
    paths = [str(photos[i % len(photos)]) for i in range(1200)]
    (tmp_path / "listing.json").write_text(json.dumps(paths))
    folder, had = tmp_path / "store", 0
    for _ in range(10):
        seen = 0
        with encoding(open_clip_folder, tmp_path / "listing.json", folder) as (process, told):
            assert told.readline().split() == ["ready", str(had)]
            for _ in range(int(rng.integers(0, 13))):  # reported rows are the work that can be lost
                seen = int(told.readline().split()[0].replace(",", ""))
            time.sleep(float(rng.uniform(0, 0.03)))
            process.kill()
            rest = told.read().splitlines()
        assert process.exitcode == -signal.SIGKILL
        seen = int(rest[-1].split()[0].replace(",", "")) if rest else seen
        store = VectorStore(folder)
        assert len(store) >= had + seen - 24
        had = len(store)
    assert 0 < had < 1200
    with encoding(open_clip_folder, tmp_path / "listing.json", folder) as (_, told):
        assert told.read().splitlines()[-1] == f"done {1200 - had} {had}"
    store = VectorStore(folder)
    ids = [i for chunk, _ in store.chunks() for i in chunk]
    assert sorted(ids, key=int) == [str(i) for i in range(1200)]
    expected = encoder.encode_images(photos).vectors
    np.testing.assert_allclose(store.read([str(i) for i in range(1200)]), np.tile(expected, (30, 1)), atol=1e-5)
    assert not list(folder.glob(".tmp-*"))

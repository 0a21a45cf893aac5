"""Vectors are read from wherever they lie, every one once an epoch, and nobody held out is ever trained on."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from latentdiff import CheckpointError, InputError, train_sae
from latentdiff.embed.sides import Sides
from latentdiff.embed.vectors import VectorStore
from latentdiff.sae import streams
from latentdiff.sae.streams import Order, StoreRows, open_source, permuted

FINGERPRINT = dict.fromkeys(("library", "model", "weights", "layer", "preprocessing", "dtype"), "x")
X = np.random.default_rng(0).standard_normal((300, 8)).astype(np.float32) * 5 + 2


def store(folder, x: np.ndarray = X, shard: int = 70) -> VectorStore:
    made = VectorStore(folder, fingerprint=FINGERPRINT, width=x.shape[1])
    for start in range(0, len(x), shard):
        part = x[start : start + shard]
        failures = {int(r): "broken" for r in np.flatnonzero(np.isnan(part).any(1))}
        made.append([str(start + i) for i in range(len(part))], part, stamps=[(1, 1)] * len(part), failures=failures)
    return made


@pytest.mark.parametrize("n", [1, 2, 3, 7, 64, 65, 1000, 4097])
def test_permutation_visits_everything_once(n: int) -> None:
    whole = permuted(np.arange(n), n, (3, 1))
    np.testing.assert_array_equal(np.sort(whole), np.arange(n))
    some = np.array([n - 1, 0, n // 2])
    np.testing.assert_array_equal(permuted(some, n, (3, 1)), whole[some])


def test_permutations_look_random() -> None:
    """Place and value are uncorrelated, as are two keys, and fixed points are as rare as in random permutations (1 in the mean)."""
    n = 2000
    many = np.array([permuted(np.arange(n), n, (0, e)) for e in range(60)])
    assert np.abs([np.corrcoef(p, np.arange(n))[0, 1] for p in many]).max() < 4.5 / np.sqrt(n)
    assert np.abs([np.corrcoef(p, q)[0, 1] for p, q in itertools.pairwise(many)]).max() < 4.5 / np.sqrt(n)
    assert 0.5 < np.mean((many == np.arange(n)).sum(1)) < 1.6
    assert 0.5 < np.mean((np.diff(many, axis=1) == 1).sum(1)) < 1.6  # neighbours that stay neighbours
    assert not np.array_equal(permuted(np.arange(n), n, (0, 1)), permuted(np.arange(n), n, (1, 0)))


def test_epochs_read_each_training_vector_once_and_no_other() -> None:
    order = Order(103, 13, seed=5)
    read = np.concatenate([order.batch(step, 20) for step in range(9)])
    held_out = order.validation(1000)
    assert len(set(held_out.tolist())) == 13
    first, second = read[:90], read[90:]
    for epoch in (first, second):
        np.testing.assert_array_equal(np.sort(np.r_[epoch, held_out]), np.arange(103))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(np.sort(order.sample(1000)), np.sort(first))


def test_store_rows_equal_the_stored_array(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(streams, "OPEN_SHARDS", 2)
    made = store(tmp_path)
    made.append(["5", "71"], -X[[5, 71]], stamps=[(1, 1)] * 2)  # replaced later: their first rows are gone
    expected = np.r_[np.delete(X, [5, 71], 0), -X[[5, 71]]]
    rows = StoreRows(VectorStore(tmp_path))
    assert rows.shape == (300, 8)
    index = np.random.default_rng(1).integers(0, 300, 500)
    np.testing.assert_array_equal(rows[index], expected[index])
    np.testing.assert_array_equal(rows[60:150], expected[60:150])


def test_moments_in_one_pass(monkeypatch) -> None:
    monkeypatch.setattr(streams, "CHUNK_ROWS", 37)
    x = X.astype(np.float64) + 1e3
    source = open_source(x)
    np.testing.assert_allclose(source.mean, x.astype(np.float32).mean(0, dtype=np.float64), rtol=1e-9)
    np.testing.assert_allclose(source.variance, x.astype(np.float32).astype(np.float64).var(0).sum(), rtol=1e-9)


def test_bad_rows_are_refused_or_left_out() -> None:
    bad = np.array([0, 1, 17, 298, 299])
    x = X.copy()
    x[bad, 3] = np.nan
    with pytest.raises(InputError, match=r"5 of 300 vectors hold NaN .*skip_bad=True"):
        open_source(x)
    source = open_source(x, skip_bad=True)
    good = np.delete(X, bad, 0)
    assert len(source) == 295
    index = np.random.default_rng(1).permutation(295)
    np.testing.assert_array_equal(source.read(index), good[index])
    np.testing.assert_allclose(source.mean, good.mean(0), rtol=1e-5)
    with pytest.raises(InputError, match="only 19 of 30 are usable"):
        open_source(np.where(np.arange(30)[:, None] < 11, np.nan, X[:30]), skip_bad=True)


def test_every_kind_of_vectors_gives_the_same_sae(tmp_path) -> None:
    options = {"concepts": 20, "active": 2, "steps": 12, "seed": 4, "device": "cpu"}
    np.save(tmp_path / "x.npy", X)
    store(tmp_path / "store")
    expected = train_sae(X, **options)
    kinds = [
        np.load(tmp_path / "x.npy", mmap_mode="r"),
        tmp_path / "x.npy",
        str(tmp_path / "store"),
        VectorStore(tmp_path / "store"),
        Sides(X[:100], X[100:]),
        X.tolist(),
    ]
    for kind in kinds:
        got = train_sae(kind, **options)
        for name in ("w_enc", "b_enc", "w_dec", "b_dec", "threshold"):
            np.testing.assert_array_equal(getattr(got, name), getattr(expected, name), err_msg=str(type(kind)))
    assert train_sae(VectorStore(tmp_path / "store"), **options).info["encoder"] == FINGERPRINT
    assert "encoder" not in expected.info
    assert train_sae(X, encoder=FINGERPRINT, **options).info["encoder"] == FINGERPRINT


def test_images_that_failed_are_left_out_of_a_store(tmp_path) -> None:
    x = X.copy()
    x[[3, 200]] = np.nan
    options = {"concepts": 20, "active": 2, "steps": 12, "device": "cpu"}
    got, expected = train_sae(store(tmp_path, x), **options), train_sae(np.delete(X, [3, 200], 0), **options)
    assert got.info["training"]["vectors"] == 298
    np.testing.assert_array_equal(got.w_dec, expected.w_dec)


def test_a_damaged_store_is_refused(tmp_path) -> None:
    store(tmp_path)
    path = tmp_path / "00000001.npy"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(CheckpointError, match="missing or damaged"):
        train_sae(tmp_path, steps=1)


@pytest.mark.parametrize("vectors", ["nowhere.npy", [["a", "b"]] * 30, np.zeros((30, 4), complex), np.zeros((30, 0)), np.zeros((30, 2, 2))])
def test_what_is_no_vectors(vectors) -> None:
    with pytest.raises(InputError, match=r"no file|needs \(n, d\) vectors"):
        train_sae(vectors)


def test_parquet_is_trained_on_as_the_array_is(tmp_path) -> None:
    from latentdiff.embed.filesystem import write_table
    from latentdiff.embed.parquet import vector_table

    for start in range(0, len(X), 110):  # three files, the last shorter
        table = vector_table(list(range(start, min(start + 110, len(X)))), X[start : start + 110], FINGERPRINT)
        write_table(table, str(tmp_path / "shards" / f"{start:05d}.parquet"))
    options = {"concepts": 16, "active": 2, "steps": 20, "seed": 3}
    expected, got = train_sae(X, **options), train_sae(str(tmp_path / "shards"), **options)
    for name in ("w_enc", "b_enc", "w_dec", "b_dec", "threshold"):
        np.testing.assert_array_equal(getattr(got, name), getattr(expected, name))
    assert got.info["encoder"] == FINGERPRINT
    assert "encoder" not in expected.info
    with pytest.raises(InputError, match="3 of 300 vectors hold NaN"):
        spoilt = X.copy()
        spoilt[[5, 6, 299]] = np.nan
        write_table(vector_table(list(range(300)), spoilt), str(tmp_path / "bad.parquet"))
        train_sae(tmp_path / "bad.parquet", **options)
    report = train_sae(tmp_path / "bad.parquet", skip_bad=True, **options).info["training"]
    assert (report["vectors"], report["left_out"]) == (297, 3)


def test_rows_of_parquet_without_a_vector_are_missing_and_counted(tmp_path, monkeypatch) -> None:
    """Trained on as if they were not there, in whichever block they lie."""
    import pyarrow as pa
    from pyarrow import parquet as pq

    from latentdiff.embed import parquet

    gone = [0, 63, 64, 130, 299]
    rows = [None if i in gone else row for i, row in enumerate(X[:300].tolist())]
    pq.write_table(pa.table({"vector": pa.array(rows, pa.list_(pa.float32()))}), tmp_path / "v.parquet", row_group_size=100)
    monkeypatch.setattr(parquet, "BLOCK_ROWS", 64)
    options = {"concepts": 16, "active": 2, "steps": 20, "seed": 3}
    got, expected = train_sae(tmp_path / "v.parquet", **options), train_sae(np.delete(X[:300], gone, axis=0), **options)
    np.testing.assert_array_equal(got.w_enc, expected.w_enc)
    assert (got.info["training"]["left_out"], expected.info["training"]["left_out"]) == (5, 0)
    pq.write_table(pa.table({"vector": pa.array([None] * 30, pa.list_(pa.float32()))}), tmp_path / "none.parquet")
    with pytest.raises(InputError, match="no row of 'vector' holds a vector"):
        train_sae(tmp_path / "none.parquet", **options)

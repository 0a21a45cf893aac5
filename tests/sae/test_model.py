"""The SAE's equations against numpy, and its form on disk."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import latentdiff
from latentdiff import CheckpointError, InputError, SparseAutoencoder, load_sae
from latentdiff.sae import encoding


def random_sae(d: int = 12, k: int = 30, seed: int = 0, threshold: np.ndarray | float | None = None) -> SparseAutoencoder:
    rng = np.random.default_rng(seed)
    if threshold is None:
        threshold = rng.uniform(0, 1.5, k)
    w = rng.standard_normal
    return SparseAutoencoder(w((d, k)), w(k), w((k, d)), w(d), np.asarray(threshold), {"made": "for a test", "numbers": [1, 2.5]})


def naive_codes(sae: SparseAutoencoder, x: np.ndarray) -> np.ndarray:
    """``a = relu((h - b_dec) W_enc + b_enc)``, ``z = a (a > threshold)`` in float64, row by row."""
    out = []
    for h in x.astype(np.float64):
        a = np.maximum((h - sae.b_dec) @ sae.w_enc.astype(np.float64) + sae.b_enc, 0)
        out.append(a * (a > sae.threshold))
    return np.array(out)


def vectors(n: int, d: int = 12, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)


@pytest.mark.parametrize("threshold", [None, 0.0, 0.7])
def test_codes_follow_the_equations(threshold: float | None) -> None:
    sae, x = random_sae(threshold=threshold), vectors(57)
    got = sae.encode(x)
    want = naive_codes(sae, x)
    assert 0.05 < np.mean(want > 0) < 0.7
    np.testing.assert_allclose(got.toarray(), want, rtol=1e-4, atol=1e-5)
    assert (got.shape, got.dtype, got.has_sorted_indices) == ((57, 30), np.float32, True)
    assert (got.data > 0).all()


def test_decoding_and_explained_variance_follow_the_equations() -> None:
    sae, x = random_sae(), vectors(57)
    rebuilt = naive_codes(sae, x) @ sae.w_dec.astype(np.float64) + sae.b_dec
    np.testing.assert_allclose(sae.decode(sae.encode(x)), rebuilt, rtol=1e-3, atol=1e-4)
    want = 1 - np.sum((x - rebuilt) ** 2) / np.sum((x - x.mean(0, dtype=np.float64)) ** 2)
    assert sae.explained_variance(x) == pytest.approx(want, rel=1e-4)


def test_codes_do_not_depend_on_who_else_is_in_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    sae, x = random_sae(), vectors(64)
    together = sae.encode(x).toarray()
    alone = np.vstack([sae.encode(x[i : i + 1]).toarray() for i in range(64)])
    loud = sae.encode(np.concatenate([x, 100 * vectors(300, seed=2)])).toarray()[:64]
    monkeypatch.setattr(encoding, "CHUNK_VALUES", 30 * 7)
    monkeypatch.setattr(encoding, "FEWEST_ROWS", 1)
    chunked = sae.encode(x).toarray()
    for other in (alone, loud, chunked):
        np.testing.assert_allclose(other, together, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_floats_and_memmaps(dtype: type, tmp_path: Path) -> None:
    sae, x = random_sae(), vectors(40).astype(dtype)
    want = sae.encode(x.astype(np.float32)).toarray()
    np.testing.assert_array_equal(sae.encode(x).toarray(), want)
    np.save(tmp_path / "x.npy", x)
    np.testing.assert_array_equal(sae.encode(np.load(tmp_path / "x.npy", mmap_mode="r")).toarray(), want)


def test_no_vectors_and_vectors_of_another_width() -> None:
    sae = random_sae()
    assert sae.encode(np.zeros((0, 12), np.float32)).shape == (0, 30)
    for wrong in (vectors(5, 11), np.zeros(12, np.float32)):
        with pytest.raises(InputError, match=r"width 12, got shape"):
            sae.encode(wrong)


def test_progress_reaches_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "CHUNK_VALUES", 300)
    monkeypatch.setattr(encoding, "FEWEST_ROWS", 1)
    seen: list[float] = []
    random_sae().encode(vectors(64), progress=lambda fraction, label: seen.append(fraction))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_saved_and_loaded_it_is_the_same(tmp_path: Path) -> None:
    sae, x = random_sae(), vectors(33)
    loaded = load_sae(sae.save(tmp_path / "new" / "folder"))
    for name in ("w_enc", "b_enc", "w_dec", "b_dec", "threshold"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(sae, name))
    assert loaded.info == {**sae.info, "format": "latentdiff-sae-2"}
    np.testing.assert_array_equal(loaded.encode(x).toarray(), sae.encode(x).toarray())
    assert (loaded.width, loaded.concepts) == (12, 30)
    assert latentdiff.load_sae is load_sae


def test_a_scalar_threshold_survives_saving(tmp_path: Path) -> None:
    loaded = load_sae(random_sae(threshold=0.7).save(tmp_path))
    np.testing.assert_array_equal(loaded.threshold, np.full(30, 0.7, np.float32))


def test_groups_and_monosemanticity_survive_saving(tmp_path: Path) -> None:
    purity = np.linspace(0, 1, 30, dtype=np.float32)
    purity[3] = np.nan
    sae = dataclasses.replace(random_sae(), groups=[2, 8, 20], monosemanticity=purity)
    loaded = load_sae(sae.save(tmp_path))
    assert loaded.groups == (2, 8, 20)
    np.testing.assert_array_equal(loaded.monosemanticity, purity)
    assert (random_sae().groups, random_sae().monosemanticity) == (None, None)


@pytest.mark.parametrize("extras", [{"groups": (2, 8)}, {"groups": (0, 30)}, {"groups": (-1, 31)}, {"monosemanticity": np.zeros(29)}])
def test_groups_and_monosemanticity_of_another_size(extras: dict) -> None:
    with pytest.raises(CheckpointError, match=r"30"):
        dataclasses.replace(random_sae(), **extras)


def test_folders_that_hold_no_sae(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no file or folder that holds an SAE.*known by name: pach"):
        load_sae(tmp_path / "nothing")
    folder = random_sae().save(tmp_path / "sae")
    tensors, config = load_file(folder / "sae.safetensors"), json.loads((folder / "config.json").read_text())

    (folder / "sae.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(CheckpointError, match=r"sae\.safetensors is damaged"):
        load_sae(folder)

    save_file({**tensors, "b_enc": np.full(30, np.nan, np.float32)}, folder / "sae.safetensors")
    with pytest.raises(CheckpointError, match="b_enc holds NaN"):
        load_sae(folder)

    save_file({**tensors, "w_dec": tensors["w_dec"][:-1].copy()}, folder / "sae.safetensors")
    with pytest.raises(CheckpointError, match="contradict each other"):
        load_sae(folder)

    save_file(tensors, folder / "sae.safetensors")
    (folder / "config.json").write_text(json.dumps({**config, "concepts": 31}))
    with pytest.raises(CheckpointError, match="disagree"):
        load_sae(folder)
    (folder / "config.json").write_text(json.dumps({**config, "format": "another"}))
    with pytest.raises(CheckpointError, match="format"):
        load_sae(folder)

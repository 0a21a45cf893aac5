"""Runs that make one field of vectors bit by bit draw deep pictures with one range, the one that is kept with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from latentdiff.embed.encoder import load_encoder
from latentdiff.embed.parquet import ParquetVectors
from latentdiff.embed.ranges import Ranges, Span
from latentdiff.embed.storing import encode_to_store
from latentdiff.embed.vectors import VectorStore
from latentdiff.errors import CheckpointError, InputError
from latentdiff.report.content import content
from latentdiff.scale.parquet import compare_parquet, embed

TWELVE, SIXTEEN = Ranges(Span(0, 4095)), Ranges(Span(0, 65535))


@pytest.fixture(scope="module")
def encoder() -> Any:
    return load_encoder("demo", dtype="float32")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Twenty pictures of 12 bits, and twenty of 16."""
    folder, rng = tmp_path_factory.mktemp("deep"), np.random.default_rng(0)
    for i in range(40):
        top = 4095 if i < 20 else 60000
        Image.fromarray(np.kron(rng.integers(0, top, (8, 8)), np.ones((8, 8))).astype(np.uint16)).save(folder / f"{i:02}.tif")
    return sorted(map(str, folder.glob("*.tif")))


def close(x: np.ndarray, y: np.ndarray) -> None:
    np.testing.assert_allclose(np.asarray(x, np.float32), y, rtol=0, atol=1e-5 * np.linalg.norm(y, axis=1).max())


def vectors_in(folder: Path) -> np.ndarray:
    read = ParquetVectors(str(folder))
    return np.concatenate([block for group in read.groups for block in read.blocks(group)])


def test_a_store_that_is_topped_up_keeps_its_range(files, encoder, tmp_path) -> None:
    store = VectorStore(tmp_path, fingerprint=encoder.fingerprint, width=encoder.width)
    assert store.ranges == Ranges()
    encode_to_store(encoder, files[:20], files[:20], store)
    again = VectorStore(tmp_path)
    assert again.ranges == store.ranges == TWELVE
    encode_to_store(encoder, files, files, again)
    close(VectorStore(tmp_path).read(files), encoder.encode_images(files, ranges=TWELVE).vectors)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps({**manifest, "deep": {"whole": 3}}))
    with pytest.raises(CheckpointError, match=r"manifest\.json is damaged"):
        VectorStore(tmp_path)


def test_a_store_of_an_earlier_version_is_read_and_gets_a_range(files, encoder, tmp_path) -> None:
    encode_to_store(encoder, files[:3], files[:3], VectorStore(tmp_path, fingerprint=encoder.fingerprint, width=encoder.width))
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    del manifest["deep"]
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    old = VectorStore(tmp_path)
    assert len(old) == 3 and old.ranges == Ranges()
    encode_to_store(encoder, files[:20], files[:20], old)
    assert VectorStore(tmp_path).ranges == TWELVE


def test_all_shards_have_one_range_and_a_resumed_run_the_same(files, encoder, tmp_path) -> None:
    expected = encoder.encode_images(files, ranges=SIXTEEN).vectors
    embed(files, str(tmp_path), encoder, shard_rows=10, vector_dtype="float32")
    assert ParquetVectors(str(tmp_path)).ranges == SIXTEEN
    close(vectors_in(tmp_path), expected)
    for number in (2, 3):
        (tmp_path / f"part-{number:08d}.parquet").unlink()
    done = embed([*files[:20], *files[:20]], str(tmp_path), encoder, shard_rows=10, vector_dtype="float32")
    assert done.kept == 2
    close(vectors_in(tmp_path), expected[[*range(20), *range(20)]])


def test_pictures_in_a_table_have_one_range(files, encoder, tmp_path) -> None:
    pictures = pa.array([Path(f).read_bytes() for f in files], pa.binary())
    pq.write_table(pa.table({"id": files, "bytes": pictures}), tmp_path / "pictures.parquet")
    embed(str(tmp_path / "pictures.parquet"), str(tmp_path / "out"), encoder, shard_rows=10, vector_dtype="float32")
    close(vectors_in(tmp_path / "out"), encoder.encode_images(files, ranges=SIXTEEN).vectors)


def test_vectors_are_made_like_others_and_two_ranges_are_said(files, encoder, tmp_path) -> None:
    a, b, same = (str(tmp_path / name) for name in ("a", "b", "same"))
    embed(files[:20], a, encoder, vector_dtype="float32")
    embed(files[20:], b, encoder, vector_dtype="float32")
    embed(files[20:], same, encoder, vector_dtype="float32", like=a)
    close(vectors_in(Path(same)), encoder.encode_images(files[20:], ranges=TWELVE).vectors)
    told, one = compare_parquet(a, b), compare_parquet(a, same)
    assert "deep" not in told.info and one.info["deep"] == {"whole": [0.0, 4095.0]}
    note = "of A in deep pictures 0 is black and 4,095 white, of B in deep pictures 0 is black and 65,535 white"
    assert any(note in said for said in content(told).notes) and not any("two ranges" in said for said in content(one).notes)
    with pytest.raises(InputError, match="another range"):
        embed(files[20:], b, encoder, like=a)
    with pytest.raises(InputError, match="does not say"):
        embed(files[20:], str(tmp_path / "new"), encoder, like=str(tmp_path / "nothing"))

"""latentdiff sae info and convert, on published files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from latentdiff import SparseAutoencoder, load_sae
from latentdiff.cli import main
from tests.sae.writers import published

X = np.random.default_rng(0).standard_normal((20, published.D)).astype(np.float32)


def test_convert_writes_an_sae_that_gives_the_published_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a").mkdir()
    written = published.matryoshka(tmp_path / "a", 0)
    own = tmp_path / "own"
    assert main(["sae", "convert", str(written.path), str(own)]) == 0
    assert f"dictionary_learning Matryoshka BatchTopK: 14 concepts of width 6 written to {own}" in capsys.readouterr().out
    sae = load_sae(own)
    np.testing.assert_allclose(sae.encode(X).toarray(), written.codes(X), atol=1e-6)
    assert sae.groups == (1, 3, 10)
    assert main(["sae", "convert", str(written.path), str(own)]) == 2
    assert "already holds a config.json; pass --overwrite" in capsys.readouterr().err
    assert main(["sae", "convert", str(written.path), str(own), "--overwrite"]) == 0


def test_convert_adds_what_the_file_lacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a").mkdir()
    written = published.overcomplete(tmp_path / "a", 0, kind="topk")
    assert main(["sae", "convert", str(written.path), str(tmp_path / "own")]) == 2
    assert "pass top_k=" in capsys.readouterr().err.lower()
    assert not (tmp_path / "own").exists()
    assert main(["sae", "convert", str(written.path), str(tmp_path / "own"), "--top-k", "4"]) == 0
    np.testing.assert_allclose(load_sae(tmp_path / "own").encode(X).toarray(), written.codes(X), atol=1e-6)


def test_info(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    published.prisma(tmp_path, 0, gated=True, norm="layer_norm")
    assert main(["sae", "info", str(tmp_path), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["format"], facts["width"], facts["concepts"], facts["normalise"]) == ("ViT-Prisma gated", 6, 14, "layer_norm")
    assert facts["encoder"] == {"model": "DataComp CLIP ViT-B/32", "layer": "blocks.9.hook_mlp_out"}
    assert main(["sae", "info", str(tmp_path)]) == 0
    assert "encoder          model DataComp CLIP ViT-B/32, layer blocks.9.hook_mlp_out" in capsys.readouterr().out
    assert main(["sae", "info", str(tmp_path / "missing")]) == 2
    assert "these are known by name: pach" in capsys.readouterr().err


def test_an_sae_of_another_encoder_is_refused_where_the_encoder_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from latentdiff import load_encoder

    width = load_encoder("demo").encode_texts(["x"]).shape[1]
    eye, zeros = np.eye(width, dtype=np.float32), np.zeros(width, np.float32)
    sae = SparseAutoencoder(eye, zeros, eye, zeros, zeros, {"encoder": {"model": "openai CLIP ViT-L/14", "layer": "post_projection"}})
    sae.save(tmp_path / "sae")
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        np.save(tmp_path / f"{name}.npy", rng.standard_normal((40, width)).astype(np.float32))
    (tmp_path / "words.txt").write_text("red\nblue\n")
    words = ["--encoder", "demo", "--vocabulary", str(tmp_path / "words.txt")]
    assert main(["compare", str(tmp_path / "a.npy"), str(tmp_path / "b.npy"), "--sae", str(tmp_path / "sae"), *words]) == 2
    assert "what --encoder encodes and the sparse autoencoder are of different encoders: model is" in capsys.readouterr().err
    assert main(["concepts", str(tmp_path / "sae"), "--vectors", str(tmp_path / "a.npy"), *words]) == 2
    assert "are of different encoders" in capsys.readouterr().err

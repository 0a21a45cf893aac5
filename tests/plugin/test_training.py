"""An SAE of a vector field is the library's own, knows the field's encoder, and the command line and operator give the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import fiftyone.operators as foo
import numpy as np
import pytest

import latentdiff
from fiftyone_plugin import encoders, train_sae, training
from latentdiff.cli import main
from latentdiff.embed.filesystem import write_table
from latentdiff.embed.parquet import vector_table
from latentdiff.errors import Cancelled, InputError

X = np.random.default_rng(0).standard_normal((90, 12)).astype(np.float32)
OPTIONS = {"concepts": 20, "active": 2, "steps": 10, "seed": 2}
FINGERPRINT = dict.fromkeys(("library", "model", "weights", "layer", "preprocessing", "dtype"), "x")


def equal(one: latentdiff.SparseAutoencoder, two: latentdiff.SparseAutoencoder) -> None:
    for name in ("w_enc", "b_enc", "w_dec", "b_dec", "threshold"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


@pytest.fixture
def dataset(make: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(training, "CHUNK", 16)
    return make(X[:40], X[40:])


def test_a_field_trains_as_its_array_does(dataset: Any, tmp_path: Path) -> None:
    encoders.record(dataset, "clip", encoders.Stamp(FINGERPRINT, None))
    sae = train_sae(dataset, "clip", folder=tmp_path / "sae", **OPTIONS)
    equal(sae, latentdiff.train_sae(X, **OPTIONS))
    equal(latentdiff.load_sae(tmp_path / "sae"), sae)
    assert sae.info["encoder"] == FINGERPRINT
    with pytest.raises(InputError, match="already holds an SAE; pass overwrite=True"):
        train_sae(dataset, "clip", folder=tmp_path / "sae", **OPTIONS)


def test_views_and_images_without_vectors(dataset: Any) -> None:
    expected = latentdiff.train_sae(X[40:], **OPTIONS)
    equal(train_sae(dataset, "clip", view="winter", **OPTIONS), expected)
    equal(train_sae(dataset.load_saved_view("winter"), "clip", **OPTIONS), expected)
    dataset.load_saved_view("summer").clear_sample_field("clip")
    equal(train_sae(dataset.name, "clip", **OPTIONS), expected)


def test_what_cannot_be_trained_on(dataset: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"side to train on .*no field 'clap'.*'clip'"):
        train_sae(dataset, "clap")
    with pytest.raises(InputError, match="no saved view 'spring'"):
        train_sae(dataset, "clip", view="spring")
    first = dataset.first()
    first["clip"] = np.ones(7, np.float32)
    first.save()
    with pytest.raises(InputError, match="width 12, others 7"):
        train_sae(dataset, "clip")
    with monkeypatch.context() as patched:
        patched.setattr(training, "CHUNK", 1)
        with pytest.raises(InputError, match="width 7 and of 12"):
            train_sae(dataset, "clip")
    first["clip"] = np.full(12, np.nan, np.float32)
    first.save()
    with pytest.raises(InputError, match="1 of 90 vectors hold NaN"):
        train_sae(dataset, "clip")
    assert train_sae(dataset, "clip", skip_bad=True, **OPTIONS).info["training"]["vectors"] == 89
    dataset.clear_sample_field("clip")
    with pytest.raises(InputError, match="none of its images has a vector"):
        train_sae(dataset, "clip")
    assert not list(tmp_path.iterdir())


def test_operator(dataset: Any, tmp_path: Path) -> None:
    uri = "@latentdiff/latentdiff/train_sae"
    params = {"embeddings": "clip", "folder": str(tmp_path / "sae"), "trainer": "matryoshka", "concepts": 20, "active": 2, "seed": 2}
    foo.execute_operator(uri, {"dataset": dataset, "params": params})
    sae = latentdiff.load_sae(tmp_path / "sae")
    equal(sae, latentdiff.train_sae(X, trainer="matryoshka", concepts=20, active=2, seed=2))
    assert sae.groups == (1, 3, 5, 11)
    assert [p.name for p in tmp_path.iterdir()] == ["sae"]
    view = {"dataset": dataset, "view": dataset.load_saved_view("winter"), "params": {**params, "overwrite": True, "seed": 3}}
    foo.execute_operator(uri, view)
    assert latentdiff.load_sae(tmp_path / "sae").info["training"]["vectors"] == 50


def test_operators_form(dataset: Any, tmp_path: Path) -> None:
    from fiftyone.server.app import app
    from starlette.testclient import TestClient

    def form(**params: Any) -> dict[str, Any]:
        uri = "@latentdiff/latentdiff/train_sae"
        body = {"operator_uri": uri, "target": "inputs", "dataset_name": dataset.name, "params": params}
        return TestClient(app).post("/operators/resolve-type", json=body).json()["type"]["properties"]

    fields = form()
    assert [c["value"] for c in fields["embeddings"]["view"]["choices"]] == ["clip"]
    assert [c["value"] for c in fields["trainer"]["view"]["choices"]] == ["batchtopk", "matryoshka"]
    assert "overwrite" not in form(folder=str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    assert "not of LatentDiff" in form(folder=str(tmp_path), overwrite=True)["folder"]["error_message"]
    (tmp_path / "config.json").write_text('{"format": "latentdiff-sae-2"}')
    assert form(folder=str(tmp_path))["folder"]["invalid"] and "overwrite" in form(folder=str(tmp_path))
    assert not form(folder=str(tmp_path), overwrite=True)["folder"]["invalid"]


def test_command_line(dataset: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "x.npy", X)
    flags = ["--concepts", "20", "--active", "2", "--steps", "10", "--seed", "2"]
    out = str(tmp_path / "sae")
    assert main(["train-sae", str(tmp_path / "x.npy"), out, *flags, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["concepts"], report["steps"], report["vectors"]) == (20, 10, 90)
    equal(latentdiff.load_sae(out), latentdiff.train_sae(X, **OPTIONS))
    assert main(["train-sae", str(tmp_path / "x.npy"), out, *flags]) == 2
    assert "already holds an SAE; pass --overwrite" in capsys.readouterr().err
    assert main(["train-sae", f"{dataset.name}:winter", out, *flags, "--embeddings", "clip", "--overwrite"]) == 0
    assert "20 concepts from 50 vectors of width 12, 10 steps" in capsys.readouterr().out
    equal(latentdiff.load_sae(out), latentdiff.train_sae(X[40:], **OPTIONS))
    assert main(["train-sae", dataset.name, str(tmp_path / "other")]) == 2
    assert "--embeddings FIELD" in capsys.readouterr().err
    assert main(["train-sae", str(tmp_path), str(tmp_path / "other")]) == 2
    assert "no .npy file, no folder of stored vectors, and no Parquet" in capsys.readouterr().err
    write_table(vector_table(list(range(len(X))), X), str(tmp_path / "shards" / "0.parquet"))
    assert main(["train-sae", str(tmp_path / "shards"), str(tmp_path / "parquet"), *flags]) == 0
    equal(latentdiff.load_sae(tmp_path / "parquet"), latentdiff.train_sae(X, **OPTIONS))


def test_a_stopped_command_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stops it leaves no SAE but its state; the same command finishes it as if nothing had happened."""
    import contextlib

    from latentdiff.cli import sae as cli_train

    np.save(tmp_path / "x.npy", X)
    options = ["--concepts", "20", "--active", "2", "--steps", "60", "--seed", "2"]
    command = ["train-sae", str(tmp_path / "x.npy"), str(tmp_path / "sae"), *options]

    def stop(fraction: float, label: str) -> None:
        if fraction > 0.5:
            raise Cancelled("stopped")

    with monkeypatch.context() as patched:
        patched.setattr(cli_train, "progress_bar", lambda: contextlib.nullcontext(stop))
        assert main(command) == 130
    assert [p.name for p in (tmp_path / "sae").iterdir()] == [cli_train.UNFINISHED]
    assert main(command) == 0
    assert not (tmp_path / "sae" / cli_train.UNFINISHED).exists()
    equal(latentdiff.load_sae(tmp_path / "sae"), latentdiff.train_sae(X, **{**OPTIONS, "steps": 60}))

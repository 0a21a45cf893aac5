"""Vectors computed into a dataset are the encoder's own, survive a kill, and never mix encoders."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fiftyone.operators as foo
import numpy as np
import pytest
from fiftyone.operators.executor import ExecutionError

import latentdiff
from fiftyone_plugin import compare_views, compute_embeddings, declare_embeddings
from fiftyone_plugin.encoders import KEY, Stamp, record, recorded
from latentdiff.embed.encoder import Encoder, load_encoder
from latentdiff.embed.words import load_vocabulary
from latentdiff.errors import Cancelled, EncoderError, InputError, LatentDiffError

URI = "@latentdiff/latentdiff/compute_embeddings"
CONFIG = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 1, "layers": 1},
}


def save_model(folder: Path, seed: int) -> Path:
    import open_clip
    import torch
    from safetensors.torch import save_file

    folder.mkdir()
    torch.manual_seed(seed)
    save_file(open_clip.CLIP(**CONFIG).state_dict(), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(CONFIG), encoding="utf8")
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return save_model(tmp_path_factory.mktemp("models") / "one", 0)


@pytest.fixture(scope="module")
def other(tmp_path_factory) -> Path:
    return save_model(tmp_path_factory.mktemp("models") / "two", 1)


@pytest.fixture(scope="module")
def encoder(model) -> Encoder:
    return load_encoder(model)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("LATENTDIFF_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def photos(tmp_path) -> list[Path]:
    """60 small pictures: the first half mostly dark, the second mostly bright."""
    from PIL import Image

    rng = np.random.default_rng(0)
    files = []
    for i in range(60):
        pixels = rng.integers(0, 120, (40, 50, 3)) + (0 if i < 30 else 120)
        files.append(tmp_path / f"{i:02d}.png")
        Image.fromarray(pixels.astype(np.uint8)).save(files[-1])
    return files


@pytest.fixture
def dataset(photos) -> Iterator[Any]:
    import fiftyone as fo

    made = fo.Dataset(f"test-{uuid.uuid4().hex[:8]}")
    made.add_samples([fo.Sample(filepath=str(p), tags=["a" if i < 30 else "b"]) for i, p in enumerate(photos)], progress=False)
    yield made
    if made.name in fo.list_datasets():
        fo.delete_dataset(made.name)


def stored(dataset: Any, field: str = "clip") -> np.ndarray:
    return np.stack(dataset.values(field))


def test_writes_the_encoders_own_vectors(dataset, encoder, photos) -> None:
    seen: list[float] = []
    done = compute_embeddings(dataset, encoder, "clip", batch_size=16, measures="quality", progress=lambda at, _: seen.append(at))
    assert (done.encoded, done.kept, done.failures) == (60, 0, {})
    assert dataset.values("quality.brightness") == latentdiff.measure_images(photos)["brightness"].tolist()
    assert (seen == sorted(seen), seen[-1]) == (True, 1.0)
    np.testing.assert_array_equal(stored(dataset), encoder.encode_images(photos, batch_size=16).vectors)
    assert recorded(dataset, "clip").fingerprint == encoder.fingerprint
    assert not dataset.has_field("clip_error")
    assert dataset.first()["clip"].dtype == np.float32


def test_views_that_list_images_again_hold_each_once(dataset, encoder) -> None:
    from fiftyone_plugin import build_noisy_diff, compute_measures
    from fiftyone_plugin.sides import each_once

    twice = dataset.view() + dataset.limit(30)
    assert each_once(twice, "filepath") == list(dataset.values(["id", "filepath"])) and len(twice) == 90
    assert compute_embeddings(twice, encoder).encoded == 60 and compute_embeddings(twice, encoder).kept == 60
    measured = compute_measures(twice)
    assert (measured.measured, measured.kept) == (60, 0) and not any(dataset.values("measures.duplicates"))
    dataset.set_values("shown", [["bus"] * (i < 10) + ["cat"] * (i >= 50) + ["street"] for i in range(60)])
    pair = build_noisy_diff(dataset.view() + dataset.view(), "shown", "street", "bus", "cat", minimum=10)
    a, b = (dataset.load_saved_view(view).values("id") for view in (pair.view_a, pair.view_b))
    assert len(a) == len(b) == 30 and len(pair.planted_a) == 10 and not set(a) & set(b)
    with pytest.raises(InputError, match="10 images show"):
        build_noisy_diff(dataset.view() + dataset.view(), "shown", "street", "bus", "cat", minimum=11, name="more")


def test_a_record_belongs_to_the_field_and_not_to_its_name(dataset, encoder) -> None:
    """Renamed, copied and with ``info`` replaced it keeps its encoder; made anew under the old name it has none."""
    import fiftyone as fo

    compute_embeddings(dataset, encoder, "clip")
    dataset.rename_sample_field("clip", "vectors")
    assert recorded(dataset, "vectors").fingerprint == encoder.fingerprint and recorded(dataset, "clip") is None
    assert compute_embeddings(dataset, encoder, "vectors").kept == 60
    copy = dataset.clone()
    try:
        assert recorded(copy, "vectors").fingerprint == encoder.fingerprint
        copy.delete_sample_field("vectors")
        copy.add_sample_field("vectors", fo.VectorField)
        copy.set_values("vectors", list(np.ones((60, 5), np.float32)))
        assert recorded(copy, "vectors") is None
    finally:
        copy.delete()
    field = dataset.get_field("vectors")
    field.info = {"mine": 1}
    field.save()
    assert recorded(dataset, "vectors").fingerprint == encoder.fingerprint
    dataset.add_sample_field("clip", fo.VectorField)
    dataset.set_values("clip", list(np.ones((60, 5), np.float32)))
    assert recorded(dataset, "clip") is None
    record(dataset, "clip", Stamp({"library": "another"}, None))
    assert recorded(dataset, "clip").fingerprint == {"library": "another"}
    assert recorded(dataset, "vectors").fingerprint == encoder.fingerprint


def test_one_bad_file_loses_one_sample_and_is_healed_later(dataset, encoder, photos) -> None:
    whole = photos[7].read_bytes()
    photos[7].write_bytes(whole[:200])
    bad = dataset.values("id")[7]
    done = compute_embeddings(dataset, encoder, "clip", batch_size=16)
    assert list(done.failures) == [bad] and done.encoded == 59
    assert dataset.exists("clip").count() == 59
    assert dict(zip(*dataset.exists("clip_error").values(["id", "clip_error"]), strict=True)) == done.failures
    photos[7].write_bytes(whole)
    again = compute_embeddings(dataset, encoder, "clip")
    assert (again.encoded, again.kept, again.failures) == (1, 59, {})
    assert dataset.exists("clip_error").count() == 0
    np.testing.assert_allclose(stored(dataset), encoder.encode_images(photos).vectors, atol=1e-5)


def test_only_what_is_missing_is_encoded(dataset, encoder, photos) -> None:
    compute_embeddings(dataset.match_tags("a"), encoder, "clip")
    assert dataset.exists("clip").values("filepath") == [str(p) for p in photos[:30]]
    for photo in photos[:30]:
        photo.unlink()  # what has a vector is not even opened
    done = compute_embeddings(dataset, encoder, "clip")
    assert (done.encoded, done.kept, done.failures) == (30, 30, {})


def test_another_encoder_needs_overwrite_and_never_mixes(dataset, encoder, other) -> None:
    compute_embeddings(dataset, encoder, "clip")
    before = stored(dataset)
    with pytest.raises(InputError, match=r"another or an unknown encoder: model is .*overwrite=True"):
        compute_embeddings(dataset, other, "clip")
    np.testing.assert_array_equal(stored(dataset), before)
    assert recorded(dataset, "clip").fingerprint == encoder.fingerprint
    compute_embeddings(dataset.match_tags("b"), other, "clip", overwrite=True)
    assert dataset.match_tags("a").exists("clip").count() == 0  # the first encoder's vectors are gone, not beside the second's
    fresh = load_encoder(other).encode_images(dataset.match_tags("b").values("filepath")).vectors
    np.testing.assert_allclose(stored(dataset.match_tags("b")), fresh, atol=1e-5)
    assert recorded(dataset, "clip").source == (str(other), None)


def test_fields_that_are_taken_and_views_that_cannot_be(dataset, encoder) -> None:
    import fiftyone as fo

    with pytest.raises(InputError, match="holds no vectors"):
        compute_embeddings(dataset, encoder, "filepath")
    with pytest.raises(InputError, match="letters, digits"):
        compute_embeddings(dataset, encoder, "two words")
    dataset.add_sample_field("mine_error", fo.StringField)
    with pytest.raises(InputError, match="'mine_error'"):
        compute_embeddings(dataset, encoder, "mine")
    dataset.add_sample_field("theirs", fo.VectorField)
    dataset.set_values("theirs", [np.ones(24)] * 60)
    with pytest.raises(InputError, match="no encoder is recorded"):
        compute_embeddings(dataset, encoder, "theirs")
    dataset.set_values("boxes", [fo.Detections(detections=[fo.Detection(label="x", bounding_box=[0, 0, 1, 1])]) for _ in range(60)])
    with pytest.raises(InputError, match="compute_patch_embeddings"):
        compute_embeddings(dataset.to_patches("boxes"), encoder, "clip")
    with pytest.raises(InputError, match="encoder is a name"):
        compute_embeddings(dataset, 7, "clip")
    assert not dataset.has_field("clip") and KEY not in dataset.info


def test_the_active_slice_of_a_group(encoder, photos) -> None:
    import fiftyone as fo

    dataset = fo.Dataset(f"test-{uuid.uuid4().hex[:8]}")
    try:
        dataset.add_group_field("group", default="left")
        pairs = [(fo.Group(), a, b) for a, b in zip(photos[:20], photos[20:40], strict=True)]
        sides = [fo.Sample(filepath=str(f), group=g.element(n)) for g, a, b in pairs for n, f in (("left", a), ("right", b))]
        dataset.add_samples(sides, progress=False)
        assert compute_embeddings(dataset, encoder, "clip").encoded == 20
        np.testing.assert_allclose(stored(dataset), encoder.encode_images(photos[:20]).vectors, atol=1e-5)
        dataset.group_slice = "right"
        assert dataset.exists("clip").count() == 0
    finally:
        fo.delete_dataset(dataset.name)


def test_stopping_keeps_what_was_written(dataset, encoder, monkeypatch) -> None:
    monkeypatch.setattr("fiftyone_plugin.embedding.CHUNK", 8)

    def stop(fraction: float, label: str) -> None:
        if fraction > 0.5:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        compute_embeddings(dataset, encoder, "clip", batch_size=8, progress=stop)
    had = dataset.exists("clip").count()
    assert had == 32
    done = compute_embeddings(dataset, encoder, "clip")
    assert (done.encoded, done.kept) == (28, 32)


KILLED = """
import sys, fiftyone as fo
import fiftyone_plugin.embedding as embedding
embedding.CHUNK = 4
dataset = fo.load_dataset(sys.argv[1])
embedding.compute_embeddings(dataset, sys.argv[2], "clip", batch_size=4, progress=lambda f, label: print(f, flush=True))
"""


def test_a_killed_run_leaves_a_dataset_that_reads_and_resumes(dataset, model, encoder, photos, root) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(root), os.environ["PYTHONPATH"]))}
    command = [sys.executable, "-c", KILLED, dataset.name, str(model)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    for line in process.stdout:
        if float(line) >= 0.3:
            process.send_signal(signal.SIGKILL)
            break
    process.wait()
    process.stdout.close()
    time.sleep(0.5)
    dataset.reload()
    had = dataset.exists("clip")
    assert 16 <= had.count() < 60
    paths = had.values("filepath")
    np.testing.assert_allclose(stored(had), encoder.encode_images(paths).vectors, atol=1e-5)
    done = compute_embeddings(dataset, model, "clip")
    assert (done.encoded, done.kept) == (60 - len(paths), len(paths))
    np.testing.assert_allclose(stored(dataset), encoder.encode_images(photos).vectors, atol=1e-5)


def test_a_field_is_added_to_in_its_own_precision(dataset, model, monkeypatch) -> None:
    from latentdiff.embed import precision

    compute_embeddings(dataset.match_tags("a"), load_encoder(model, dtype="bfloat16"), "clip")
    compute_embeddings(dataset, model, "clip")
    assert recorded(dataset, "clip").fingerprint["dtype"] == "bfloat16" and dataset.exists("clip").count() == 60
    monkeypatch.setattr(precision, "BYTES_COSINE", 0.5)
    compute_embeddings(dataset.match_tags("b"), load_encoder(model, dtype="int8"), "bytes")
    monkeypatch.setattr(precision, "is_plain", lambda visual: False)
    with pytest.raises(EncoderError, match=r"'bytes'.* was computed in int8 .*add to it on a machine that can"):
        compute_embeddings(dataset, model, "bytes")


def test_sides_of_unlike_precisions_are_said(dataset, model) -> None:
    compute_embeddings(dataset.match_tags("a"), load_encoder(model, dtype="float32"), "clip")
    second = dataset.match_tags("b").clone()
    try:
        second.clear_sample_field("clip")
        compute_embeddings(second, load_encoder(model, dtype="bfloat16"), "clip", overwrite=True)
        run = compare_views(dataset, dataset.match_tags("a"), second.match_tags("b"), embeddings="clip", run="x")
        assert any("of A were computed in float32, those of B in bfloat16" in said for said in run.comparison.info["remarks"])
    finally:
        second.delete()


def test_declared_fields_are_checked(dataset, encoder, model, other, photos) -> None:
    vectors = encoder.encode_images(photos).vectors
    dataset.set_values("brain", list(vectors / np.linalg.norm(vectors, axis=1, keepdims=True)))
    with pytest.raises(InputError, match=r"no vector field 'brian'.*'brain'"):
        declare_embeddings(dataset, "brian", model)
    declare_embeddings(dataset, "brain", model)
    assert recorded(dataset, "brain").fingerprint == {**encoder.fingerprint, "dtype": "float32"}
    with pytest.raises(InputError, match="another encoder is recorded"):
        declare_embeddings(dataset, "brain", other)
    dataset.set_values("noise", list(np.random.default_rng(0).standard_normal((60, 24))))
    with pytest.raises(InputError, match="not made by this encoder: cosine"):
        declare_embeddings(dataset, "noise", model)
    dataset.set_values("wide", list(np.ones((60, 7))))
    with pytest.raises(InputError, match=r"shape \(7,\)"):
        declare_embeddings(dataset, "wide", model)
    assert recorded(dataset, "noise") is None and recorded(dataset, "wide") is None


def test_what_is_believed_needs_no_weights(dataset, encoder, model, photos, sae_of, monkeypatch) -> None:
    dataset.set_values("brain", list(encoder.encode_images(photos).vectors))
    declare_embeddings(dataset, "brain", ("ViT-L-14-336", "openai"), check=0)  # whose weights are not here, and cannot be fetched
    assert recorded(dataset, "brain").source == ("ViT-L-14-336", "openai")
    assert recorded(dataset, "brain").fingerprint == {"named": "ViT-L-14-336, openai"}
    for wrong, error in ((("ViT-L-14-336", None), "which weights"), ("fsat", "near: fast"), (7, "encoder is a name")):
        with pytest.raises((InputError, EncoderError), match=error):
            declare_embeddings(dataset, "brain", wrong, check=0, overwrite=True)
    with pytest.raises(InputError, match="another encoder is recorded for field 'brain': 'ViT-L-14-336'"):
        declare_embeddings(dataset, "brain", "fast", check=0)
    with monkeypatch.context() as patch:
        patch.setattr("latentdiff.inputs.named.load_encoder", lambda *_: pytest.fail("nothing is to be loaded"))
        declare_embeddings(dataset, "brain", model, check=0, overwrite=True)
    for side in ("a", "b"):
        dataset.save_view(side, dataset.match_tags(side))
    run = compare_views(dataset, "a", "b", embeddings="brain", vocabulary=["night", "snow"], sae=sae_of(encoder.width), run="said")
    assert run.comparison.info["words"] == 2  # encoded by it: now it was needed
    declare_embeddings(dataset, "brain", model)
    known = {**encoder.fingerprint, "dtype": "float32"}  # nobody knows in which precision they were made
    assert recorded(dataset, "brain").fingerprint == known  # once it was looked at, all of it is known
    declare_embeddings(dataset, "brain", model, check=0)
    assert recorded(dataset, "brain").fingerprint == known


@pytest.fixture
def embedded(dataset, model) -> Any:
    compute_embeddings(dataset, model, "clip")
    dataset.save_view("dark", dataset.match_tags("a"))
    dataset.save_view("bright", dataset.match_tags("b"))
    return dataset


def test_words_of_a_recorded_encoder(embedded, encoder, sae_of, tmp_path) -> None:
    sae = sae_of(encoder.width)
    (tmp_path / "words.txt").write_text("night\nsnow\nsea\ngrass\n")
    vocabulary = load_vocabulary(encoder, words=(), phrases=tmp_path / "words.txt")
    options = {"embeddings": "clip", "sae": sae}
    one = compare_views(embedded, "dark", "bright", vocabulary=vocabulary, run="given", **options)
    two = compare_views(embedded, "dark", "bright", vocabulary=tmp_path / "words.txt", run="file", **options)
    assert one.differs and {h.text for h in one.candidates} <= {"night", "snow", "sea", "grass"}
    assert [h.text for h in one.candidates] == [h.text for h in two.candidates]
    np.savez(tmp_path / "words.npz", words=np.array(vocabulary.words), vectors=vocabulary.vectors)
    three = compare_views(embedded, "dark", "bright", vocabulary=str(tmp_path / "words.npz"), run="packed", **options)
    assert [h.text for h in one.candidates] == [h.text for h in three.candidates]
    assert one.config["encoder"] == encoder.fingerprint


def test_words_need_a_recorded_encoder_that_has_not_changed(embedded, model, encoder, other, tmp_path) -> None:
    embedded.set_values("bare", list(stored(embedded)))
    with pytest.raises(InputError, match="no encoder is recorded"):
        compare_views(embedded, "dark", "bright", embeddings="bare", vocabulary="common", run="x")
    compute_embeddings(embedded, encoder, "object")
    with pytest.raises(InputError, match="given as an object"):
        compare_views(embedded, "dark", "bright", embeddings="object", vocabulary="common", run="x")
    moved = tmp_path / "moved"
    shutil.copytree(model, moved)
    compute_embeddings(embedded, moved, "moved")
    shutil.copy(other / "model.safetensors", moved / "model.safetensors")
    with pytest.raises(InputError, match=r"no longer the encoder.*weights is"):
        compare_views(embedded, "dark", "bright", embeddings="moved", vocabulary="common", run="x")
    assert embedded.list_runs() == []


@pytest.fixture
def sae_of() -> Any:
    import latentdiff

    def build(width: int, **info: Any) -> latentdiff.SparseAutoencoder:
        eye, zeros = np.eye(width, dtype=np.float32), np.zeros(width, np.float32)
        return latentdiff.SparseAutoencoder(eye, zeros, eye, zeros, zeros, info)

    return build


def test_vectors_and_sae_of_two_encoders_are_refused(embedded, encoder, other, sae_of) -> None:
    theirs = load_encoder(other).fingerprint
    with pytest.raises(InputError, match="sparse autoencoder are of different encoders: model is"):
        compare_views(embedded, "dark", "bright", embeddings="clip", sae=sae_of(24, encoder=theirs), run="x")
    assert not embedded.has_field("x_concepts")
    half = {**encoder.fingerprint, "dtype": "bfloat16"}
    run = compare_views(embedded, "dark", "bright", embeddings="clip", sae=sae_of(24, encoder=half), run="x")
    assert run.differs


def execute(dataset: Any, **params: Any) -> Any:
    return foo.execute_operator(URI, {"dataset": dataset, "params": params})


def test_operator_writes_what_the_sdk_would(dataset, model, encoder, photos) -> None:
    photos[3].unlink()
    execute(dataset, encoder="other", model=str(model), field="clip")
    dataset.reload()
    assert dataset.exists("clip_error").count() == 1
    expected = encoder.encode_images(photos).vectors
    np.testing.assert_allclose(stored(dataset.exists("clip")), np.delete(expected, 3, axis=0), atol=1e-5)
    assert recorded(dataset, "clip").source == (str(model), None)


def test_operator_works_on_the_view_that_is_shown(dataset, model) -> None:
    context = {"dataset": dataset, "view": dataset.match_tags("b"), "params": {"encoder": "other", "model": str(model), "field": "clip"}}
    foo.execute_operator(URI, context)
    dataset.reload()
    assert dataset.exists("clip").values("id") == dataset.match_tags("b").values("id")


def test_operators_form(dataset, model, other) -> None:
    from fiftyone.server.app import app
    from starlette.testclient import TestClient

    def form(operator: str = URI, **params: Any) -> dict[str, Any]:
        body = {"operator_uri": operator, "target": "inputs", "dataset_name": dataset.name, "params": params}
        return TestClient(app).post("/operators/resolve-type", json=body).json()["type"]["properties"]

    fields = form(encoder="fast")
    assert [c["value"] for c in fields["encoder"]["view"]["choices"]] == ["fast", "paper", "demo", "other"]
    assert fields["field"]["default"] == "clip_b32" and "model" not in fields
    assert form(encoder="other", model="/nowhere")["model"]["invalid"]
    compute_embeddings(dataset, model, "clip")
    chosen = {"encoder": "other", "model": str(model), "field": "clip"}
    assert not form(**chosen)["field"]["invalid"] and "overwrite" in form(**chosen)
    assert form(**{**chosen, "model": str(other)})["field"]["invalid"]
    assert form(**{**chosen, "field": "filepath"})["field"]["invalid"]
    with pytest.raises((ExecutionError, LatentDiffError)):
        execute(dataset, **{**chosen, "model": str(other)})
    compare = URI.replace("compute_embeddings", "compare_views")
    assert "common" in [c["value"] for c in form(compare, embeddings="clip")["words"]["view"]["choices"]]
    dataset.set_values("bare", dataset.values("clip"))
    assert "common" not in [c["value"] for c in form(compare, embeddings="bare")["words"]["view"]["choices"]]

"""Encoders against the libraries they come from."""

from __future__ import annotations

import json
import shutil

import numpy as np
import open_clip
import pytest
import torch
from embed_models import CONFIG, save_open_clip, save_siglip, save_transformers_clip
from PIL import Image

from latentdiff.embed import precision
from latentdiff.embed.encoder import load_encoder
from latentdiff.embed.fingerprint import disagreement
from latentdiff.errors import CheckpointError, EncoderError, InputError

TEXTS = ["dog", "a red boat at the beach", "", "two people, riding bicycles!"]


@pytest.fixture(scope="module")
def reference(open_clip_folder):
    """The same weights in a model that open_clip built without us."""
    model = open_clip.CLIP(**CONFIG)
    open_clip.load_checkpoint(model, str(open_clip_folder / "model.safetensors"))
    return model.eval()


@pytest.fixture(scope="module")
def transformers_folder(open_clip_folder, reference, tmp_path_factory):
    return save_transformers_clip(tmp_path_factory.mktemp("clip"), reference.state_dict())


def test_image_vectors_are_those_of_open_clip(encoder, reference, photos):
    transform = open_clip.image_transform(64, is_train=False)
    with torch.no_grad():
        expected = reference.encode_image(torch.stack([transform(Image.open(p)) for p in photos])).numpy()
    ours = encoder.encode_images(photos)
    assert ours.failures == {}
    assert ours.vectors.dtype == np.float32
    norms = np.linalg.norm(expected, axis=1)
    assert norms.std() > 0.01  # raw, not normalised
    cosine = (ours.vectors * expected).sum(1) / norms / np.linalg.norm(ours.vectors, axis=1)
    assert cosine.min() > 0.9995  # JPEG draft decoding included
    assert np.abs(ours.vectors - expected).max() < 0.02 * norms.mean()


def test_text_vectors_are_those_of_open_clip(encoder, reference):
    with torch.no_grad():
        expected = reference.encode_text(open_clip.SimpleTokenizer()(TEXTS)).numpy()
    np.testing.assert_allclose(encoder.encode_texts(TEXTS), expected, atol=1e-5)
    np.testing.assert_allclose(encoder.encode_texts(TEXTS, batch_size=1), expected, atol=1e-5)


def test_same_weights_through_transformers_give_the_same_vectors(encoder, transformers_folder, photos):
    other = load_encoder(transformers_folder, device="cpu", dtype="float32")
    assert other.fingerprint["library"] == "transformers"
    assert other.width == encoder.width == 48
    # Of an odd margin the libraries cut the halves differently; where it is even they cut the same pixels.
    even = [p for p, size in zip(photos, sizes(photos, other), strict=True) if not (size[0] % 2 or size[1] % 2)]
    assert len(even) > 5
    np.testing.assert_allclose(other.encode_images(even).vectors, encoder.encode_images(even).vectors, atol=1e-5)
    np.testing.assert_allclose(other.encode_texts(TEXTS), encoder.encode_texts(TEXTS), atol=1e-5)


def sizes(photos, encoder):
    found = []
    for path in photos:
        with Image.open(path) as image:
            found.append(encoder.preprocess.scaled_size(*image.size))
    return found


def test_activation_matters_and_is_kept(open_clip_folder, encoder, tmp_path, photos):
    """Plain GELU on the same weights gives other vectors: the agreement above is not an accident of tiny weights."""
    shutil.copy(open_clip_folder / "model.safetensors", tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(CONFIG | {"quick_gelu": False}), encoding="utf8")
    plain = load_encoder(tmp_path, device="cpu", dtype="float32")
    assert np.abs(plain.encode_images(photos[:4]).vectors - encoder.encode_images(photos[:4]).vectors).max() > 1e-3


def test_siglip_through_its_own_processor(tmp_path, photos):
    from transformers import AutoImageProcessor, SiglipModel

    folder = save_siglip(tmp_path / "siglip")
    ours = load_encoder(folder, device="cpu", dtype="float32")
    processor, model = AutoImageProcessor.from_pretrained(folder), SiglipModel.from_pretrained(folder).eval()
    batch = processor([Image.open(p).convert("RGB") for p in photos], return_tensors="pt")
    with torch.no_grad():
        pooled = model.vision_model(**batch).pooler_output.numpy()
        padded = torch.tensor([[3] + [0] * 15, [5, 6, 7] + [0] * 13])
        texts = model.text_model(input_ids=padded).pooler_output.numpy()
    vectors = ours.encode_images([Image.open(p) for p in photos]).vectors  # opened: decoded whole, so that only resizing can differ
    cosine = (vectors * pooled).sum(1) / np.linalg.norm(vectors, axis=1) / np.linalg.norm(pooled, axis=1)
    assert cosine.min() > 0.9999
    np.testing.assert_allclose(ours.encode_texts(["dog", "a red boat"]), texts, atol=1e-5)


def test_batch_size_workers_and_order_change_nothing(encoder, photos):
    expected = encoder.encode_images(photos, batch_size=40, workers=1).vectors
    shuffled = np.random.default_rng(1).permutation(len(photos))
    for size, workers in ((1, 1), (7, 3), (13, 2)):
        assert np.abs(encoder.encode_images(photos, batch_size=size, workers=workers).vectors - expected).max() < 1e-5
    mixed = encoder.encode_images([photos[i] for i in shuffled], batch_size=9, workers=4).vectors
    assert np.abs(mixed - expected[shuffled]).max() < 1e-5


def test_one_bad_file_in_a_batch_fails_alone(encoder, photos, tmp_path):
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"\xff\xd8\xff\xe0 not a photograph")
    expected = encoder.encode_images(photos[:8]).vectors
    mixed = encoder.encode_images([*photos[:3], bad, *photos[3:8]], batch_size=9)
    assert list(mixed.failures) == [3]
    assert np.isnan(mixed.vectors[3]).all()
    np.testing.assert_allclose(np.delete(mixed.vectors, 3, axis=0), expected, atol=1e-5)


def test_pictures_in_memory_and_no_pictures(encoder, photos):
    in_memory = encoder.encode_images([Image.open(photos[0]), np_image := Image.new("RGB", (9, 9), "red")])
    assert in_memory.failures == {}
    assert np_image.size == (9, 9)
    assert encoder.encode_images([]).vectors.shape == (0, 48)
    assert encoder.encode_texts([]).shape == (0, 48)


def test_progress_ends_at_one_and_can_cancel(encoder, photos):
    from latentdiff.errors import Cancelled

    seen: list[float] = []
    encoder.encode_images(photos, batch_size=15, progress=lambda fraction, label: seen.append(fraction))
    assert seen == [15 / 40, 30 / 40, 1.0]

    def stop(fraction: float, label: str) -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        encoder.encode_images(photos, batch_size=15, progress=stop)


def test_fingerprint_follows_weights_not_files(open_clip_folder, encoder, tmp_path):
    moved = tmp_path / open_clip_folder.name
    moved.mkdir()
    torch.save(encoder._backend.model.state_dict(), moved / "weights.pt")
    (moved / "open_clip_config.json").write_text(json.dumps({"model_cfg": CONFIG, "preprocess_cfg": {"size": 64}}), encoding="utf8")
    same = load_encoder(moved, device="cpu", dtype="float32")
    assert disagreement(same.fingerprint, encoder.fingerprint) == ""
    other = load_encoder(save_open_clip(tmp_path / "other" / "tiny", seed=1), device="cpu", dtype="float32")
    assert "weights is" in disagreement(other.fingerprint, encoder.fingerprint)


def test_architecture_with_a_local_checkpoint(tmp_path):
    torch.manual_seed(0)
    model = open_clip.create_model("ViT-S-32-alt")
    torch.save(model.state_dict(), tmp_path / "w.pt")
    ours = load_encoder("ViT-S-32-alt", tmp_path / "w.pt", device="cpu", dtype="float32")
    with torch.no_grad():
        expected = model.eval().encode_text(open_clip.get_tokenizer("ViT-S-32-alt")(TEXTS)).numpy()
    np.testing.assert_allclose(ours.encode_texts(TEXTS), expected, atol=1e-5)


def test_bf16_is_measured_once_and_refused_where_it_is_not_close(open_clip_folder, cache, monkeypatch):
    monkeypatch.setattr(precision, "has_bf16", lambda device: True)
    monkeypatch.setattr(precision, "has_bytes", lambda device: False)
    monkeypatch.setattr(precision, "bf16_gain", lambda device: 2.0)
    first = load_encoder(open_clip_folder, device="cpu")
    facts = list((cache / "precision").glob("*.json"))
    assert len(facts) == 1
    fact = json.loads(facts[0].read_text())
    full = load_encoder(open_clip_folder, device="cpu", dtype="float32")
    assert fact["cosine"] == pytest.approx(precision.bf16_cosine(full._backend, full.device), abs=1e-9)
    assert first.fingerprint["dtype"] == ("bfloat16" if fact["cosine"] >= 0.999 else "float32")
    facts[0].write_text(json.dumps(fact | {"dtype": "float32", "parts": -1}))  # what was remembered decides, it is not measured again
    assert load_encoder(open_clip_folder, device="cpu").fingerprint["dtype"] == "float32"


def test_bf16_vectors_stay_close_and_repeat(open_clip_folder, encoder, photos):
    half = load_encoder(open_clip_folder, device="cpu", dtype="bfloat16")
    a, b = half.encode_images(photos, batch_size=8).vectors, encoder.encode_images(photos).vectors
    assert ((a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)).min() > 0.999
    np.testing.assert_array_equal(half.encode_images(photos, batch_size=8, workers=3).vectors, a)
    c = half.encode_images(photos, batch_size=5).vectors
    assert ((a * c).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(c, axis=1)).min() > 0.9999


@pytest.mark.parametrize(
    ("name", "pretrained", "error", "words"),
    [
        ("VIT-B32", None, EncoderError, "near: "),
        ("ViT-B-32", None, EncoderError, "openai"),
        ("ViT-B-32", "no-such-tag", EncoderError, "neither a file nor a pretrained tag"),
        ("paper", None, EncoderError, "load_encoder('ViT-L-14-336', 'openai=FILE')"),
        ("someone/some-clip", None, EncoderError, "someone/some-clip could not be fetched"),
    ],
)
def test_what_cannot_be_loaded_says_what_to_do(name, pretrained, error, words, contacted):
    with pytest.raises(error) as e:
        load_encoder(name, pretrained)
    assert words in str(e.value)
    contacted.clear()  # asking for a hub's model may ask the hub


def test_damaged_local_files(open_clip_folder, tmp_path):
    with pytest.raises(EncoderError, match=r"neither open_clip_config\.json nor config\.json"):
        load_encoder(tmp_path)
    (tmp_path / "config.json").write_text("{", encoding="utf8")
    (tmp_path / "model.safetensors").write_bytes((open_clip_folder / "model.safetensors").read_bytes()[:5000])
    with pytest.raises(CheckpointError, match="cannot be read as json"):
        load_encoder(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(CONFIG), encoding="utf8")
    with pytest.raises(CheckpointError, match="does not fit the model"):
        load_encoder(tmp_path)


@pytest.mark.parametrize("bad", ["one.jpg", b"one.jpg"])
def test_bad_arguments(encoder, bad):
    with pytest.raises(InputError):
        encoder.encode_images(bad)
    with pytest.raises(InputError):
        encoder.encode_images(["x"], batch_size=0)
    with pytest.raises(InputError):
        encoder.encode_texts("dog")

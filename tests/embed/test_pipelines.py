"""The same weights give the same vectors: images prepared as each library's own pipeline prepares them, whatever way weights come in."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from embed_models import CONFIG, draw_photo, save_open_clip, save_siglip, save_transformers_clip
from PIL import Image

from latentdiff import EncoderError
from latentdiff.embed.encoder import Encoder, load_encoder
from latentdiff.embed.fingerprint import disagreement
from latentdiff.embed.naflex import Patches

SIZES = [(64, 64), (65, 111), (111, 65), (97, 64), (96, 144), (144, 96), (101, 171), (173, 98), (131, 130), (90, 201)]
SIZES += [(w + 3 * i, h + 2 * i) for i, (w, h) in enumerate(SIZES)] + [(w + i, h + 5 * i) for i, (w, h) in enumerate(SIZES, 1)]
OPENAI = {"mean": [0.48145466, 0.4578275, 0.40821073], "std": [0.26862954, 0.26130258, 0.27577711]}


@pytest.fixture(scope="module")
def pictures() -> list[Image.Image]:
    rng = np.random.default_rng(8)
    return [draw_photo(rng, w, h) for w, h in SIZES]


def loaded(*what: Any) -> Encoder:
    return load_encoder(*what, device="cpu", dtype="float32")


def agree(ours: np.ndarray, theirs: np.ndarray, least: float = 0.99999) -> None:
    cosine = (ours * theirs).sum(1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)
    assert cosine.min() > least, f"{np.argmin(cosine)}: {cosine.min()}"
    np.testing.assert_allclose(np.linalg.norm(ours, axis=1), np.linalg.norm(theirs, axis=1), rtol=1e-3 if least > 0.999 else 2e-2)


@pytest.mark.parametrize(
    "preparation",
    [
        {**OPENAI, "interpolation": "bicubic", "resize_mode": "shortest"},
        {"mean": [0.0] * 3, "std": [1.0] * 3, "interpolation": "bilinear", "resize_mode": "shortest"},
        {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bilinear", "resize_mode": "squash"},
    ],
    ids=["CLIP", "MobileCLIP2", "PE-Core"],
)
def test_images_are_prepared_as_open_clip_prepares_them(preparation: dict[str, Any], pictures: list[Image.Image], tmp_path: Path) -> None:
    folder = save_open_clip(tmp_path / "tiny")
    (folder / "config.json").unlink()
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": CONFIG, "preprocess_cfg": {"size": 64, **preparation}}))
    encoder = loaded(folder)
    assert encoder.assumed == ""
    transform = open_clip.transform.image_transform_v2(open_clip.transform.PreprocessCfg(size=64, **preparation), is_train=False)
    clear = [*pictures, transparent()]
    with torch.no_grad():
        theirs = encoder._backend.model.encode_image(torch.stack([transform(p) for p in clear])).numpy()
    agree(encoder.encode_images(clear).vectors, theirs)


def transparent() -> Image.Image:
    picture = draw_photo(np.random.default_rng(3), 120, 90).convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    return picture


STEPS: list[dict[str, Any]] = [
    {},
    {"do_normalize": False},
    {"do_rescale": False, "do_normalize": False},
    {"rescale_factor": 1 / 127.5},
    {"do_resize": False},
    {"size": {"shortest_edge": 80}, "resample": 2},
    {"image_mean": 0.5, "image_std": 0.5},
]


@pytest.mark.parametrize("steps", STEPS, ids=str)
def test_images_are_prepared_as_transformers_prepares_them(steps: dict[str, Any], pictures: list[Image.Image], tmp_path: Path) -> None:
    from transformers import AutoImageProcessor, CLIPImageProcessor

    weights = open_clip.CLIP(**CONFIG).state_dict()
    folder = save_transformers_clip(tmp_path, weights)
    CLIPImageProcessor(**{"size": {"shortest_edge": 64}, "crop_size": {"height": 64, "width": 64}, **steps}).save_pretrained(folder)
    encoder = loaded(folder)
    clear = [*pictures, transparent()]
    batch = AutoImageProcessor.from_pretrained(folder)(clear, return_tensors="pt")
    with torch.no_grad():
        theirs = encoder._backend.model.get_image_features(**batch).pooler_output.numpy()
    agree(encoder.encode_images(clear).vectors, theirs)


@pytest.mark.parametrize(
    ("name", "steps", "match"),
    [
        ("ConvNextImageProcessor", {"crop_pct": 0.5}, "ConvNextImageProcessor is no image processor that is read"),  # crops in its own way
        ("EfficientNetImageProcessor", {"rescale_offset": True}, "EfficientNetImageProcessor is no image processor"),
        ("CLIPImageProcessor", {"do_pad": True, "pad_size": {"height": 80, "width": 80}}, "do_pad"),
        ("CLIPImageProcessor", {"size": {"shortest_edge": 64, "longest_edge": 70}}, "'longest_edge': 70"),
        ("CLIPImageProcessor", {"crop_size": {"height": 64, "width": 48}}, "height 64 and width 48, the model takes 64 and 64: write"),
        ("CLIPImageProcessor", {"size": {"shortest_edge": 80}, "crop_size": {"height": 80, "width": 80}}, "height 80 and width 80"),
    ],
)
def test_steps_that_others_take_are_refused(name: str, steps: dict[str, Any], match: str, tmp_path: Path) -> None:
    import transformers

    folder = save_transformers_clip(tmp_path, open_clip.CLIP(**CONFIG).state_dict())
    common = {"size": {"shortest_edge": 64}, "crop_size": {"height": 64, "width": 64}, "do_center_crop": True}
    getattr(transformers, name)(**{**common, **steps}).save_pretrained(folder)
    with pytest.raises(EncoderError, match=match):
        loaded(folder)


def naflex(folder: Path) -> Path:
    """A random SigLIP 2 model that takes up to 36 patches of 8 pixels."""
    from transformers import Siglip2Config, Siglip2ImageProcessor, Siglip2Model

    save_siglip(folder)
    common = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = {"vocab_size": 9, "max_position_embeddings": 16, "projection_size": 32, **common}
    torch.manual_seed(3)
    model = Siglip2Model(Siglip2Config(text_config=text, vision_config={"num_patches": 36, "patch_size": 8, **common}))
    model.save_pretrained(folder)
    Siglip2ImageProcessor(patch_size=8, max_num_patches=36).save_pretrained(folder)
    return folder


def test_pictures_keep_their_aspect_ratio_in_naflex(pictures: list[Image.Image], tmp_path: Path) -> None:
    from transformers import AutoImageProcessor

    folder = naflex(tmp_path)
    encoder = loaded(folder)
    assert isinstance(encoder.preprocess, Patches)
    batch = AutoImageProcessor.from_pretrained(folder)(pictures, return_tensors="pt")
    assert len({tuple(s) for s in batch["spatial_shapes"].tolist()}) > 4
    for picture, shape in zip(pictures, batch["spatial_shapes"].tolist(), strict=True):
        width, height = encoder.preprocess.scaled_size(*picture.size)
        assert [height // 8, width // 8] == shape
    with torch.no_grad():
        theirs = encoder._backend.model.get_image_features(**batch).pooler_output.numpy()
    agree(encoder.encode_images(pictures).vectors, theirs)
    assert "naflex patch=8 patches=36" in encoder.fingerprint["preprocessing"]
    assert np.isfinite(encoder.encode_images([Image.new("RGB", (2000, 3))]).vectors).all()
    half = load_encoder(folder, device="cpu", dtype="bfloat16")
    agree(half.encode_images(pictures).vectors, theirs, 0.99)


def test_a_tokenizer_without_its_package_is_not_the_folders_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import transformers

    def missing(*_: Any, **__: Any) -> None:
        raise ImportError("SiglipTokenizer requires the SentencePiece library")

    folder = save_siglip(tmp_path)
    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", missing)
    with pytest.raises(EncoderError, match="pip install sentencepiece protobuf"):
        load_encoder(folder)


def test_siglip_with_its_own_tokenizer(tmp_path: Path) -> None:
    import sentencepiece
    from transformers import SiglipTokenizer

    folder = save_siglip(tmp_path / "siglip", 64)
    for file in folder.glob("token*"):
        file.unlink()
    (tmp_path / "text.txt").write_text("\n".join(["a photo of a dog", "a photo of a cat", "a red boat on the beach"] * 20))
    sentencepiece.SentencePieceTrainer.train(
        input=str(tmp_path / "text.txt"), model_prefix=str(tmp_path / "spiece"), vocab_size=64, model_type="char", unk_id=2, eos_id=1,
        bos_id=-1, pad_id=0, minloglevel=2, hard_vocab_limit=False,
    )  # fmt: skip
    SiglipTokenizer(str(tmp_path / "spiece.model")).save_pretrained(folder)
    encoder = loaded(folder)
    assert np.isfinite(encoder.encode_texts(["a dog", "a boat"])).all()


@pytest.fixture(scope="module")
def architecture(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """An architecture of open_clip's with GELU, and weights for it."""
    folder = tmp_path_factory.mktemp("architecture")
    torch.manual_seed(5)
    config = {**CONFIG, "quick_gelu": False}
    (folder / "tiny-b.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder / "tiny-b.json")
    torch.save(open_clip.CLIP(**config).state_dict(), folder / "weights.pt")
    return "tiny-b", folder / "weights.pt"


@pytest.fixture
def tags(architecture: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Two tags that agree on nothing; the first is addressed by its file's digest."""
    from open_clip import pretrained

    digest = hashlib.sha256(architecture[1].read_bytes()).hexdigest()
    usual = {"mean": (0.48145466, 0.4578275, 0.40821073), "std": (0.26862954, 0.26130258, 0.27577711), "resize_mode": "shortest"}
    tags = {
        "openai": {"url": f"https://openaipublic.example/{digest}/tiny.pt", "interpolation": "bicubic", "quick_gelu": True, **usual},
        "other": {"url": "", "hf_hub": "org/tiny.other/", "mean": (0.5,) * 3, "std": (0.5,) * 3, "resize_mode": "squash"},
    }
    monkeypatch.setitem(pretrained._PRETRAINED, architecture[0], tags)
    return tags


def by_tag(name: str, tag: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> Encoder:
    with monkeypatch.context() as patched:
        patched.setattr(open_clip, "download_pretrained", lambda config: str(file))
        patched.setattr("latentdiff.embed.fetching.unreachable", lambda url: "")
        return loaded(name, tag)


def same(a: Encoder, b: Encoder, pictures: list[Image.Image]) -> None:
    assert a.fingerprint == b.fingerprint
    np.testing.assert_array_equal(a.encode_images(pictures[:3]).vectors, b.encode_images(pictures[:3]).vectors)


def test_a_file_is_matched_to_its_tag(
    architecture: tuple[str, Path], tags: dict[str, Any], pictures: list[Image.Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, file = architecture
    openai, other = (by_tag(name, tag, file, monkeypatch) for tag in tags)
    assert (openai.fingerprint["activation"], other.fingerprint["activation"]) == ("quick_gelu", "gelu")
    assert openai.fingerprint["weights"] == other.fingerprint["weights"]
    same(loaded(name, file), openai, pictures)  # by its digest
    same(loaded(name, f"openai={file}"), openai, pictures)
    same(loaded(name, f"other={file}"), other, pictures)
    hub = tmp_path / "models--org--tiny.other" / "snapshots" / "1" / "open_clip_pytorch_model.bin"
    hub.parent.mkdir(parents=True)
    state = torch.load(file, weights_only=True)
    torch.save({k: v.clone() for k, v in state.items()} | {"logit_scale": state["logit_scale"] + 1}, hub)
    assert loaded(name, hub).fingerprint["pretrained"] == "other"
    del tags["openai"]
    moved = tmp_path / "x.bin"
    moved.write_bytes(hub.read_bytes())
    assert loaded(name, moved).fingerprint == loaded(name, hub).fingerprint  # all tags agree


def test_what_is_guessed_is_said(
    architecture: tuple[str, Path], tags: dict[str, Any], pictures: list[Image.Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, file = architecture
    openai = by_tag(name, "openai", file, monkeypatch)
    tags["openai"]["url"] = ""
    with pytest.warns(UserWarning, match=r"weights.pt is none .* do not agree on the activation and the preparation"):
        guessed = loaded(name, file)
    assert "pretrained='TAG=FILE'" in guessed.assumed
    assert "do not agree" in repr(guessed)
    assert guessed.fingerprint["activation"] == "gelu"
    assert "activation is 'gelu' here and 'quick_gelu' there" in disagreement(guessed.fingerprint, openai.fingerprint)
    earlier = {k: v for k, v in openai.fingerprint.items() if k not in ("activation", "pretrained")}
    assert disagreement(earlier, openai.fingerprint) == ""
    preparation = {**OPENAI, "size": 64, "interpolation": "bicubic"}
    config = {"model_cfg": {**CONFIG, "quick_gelu": True}, "preprocess_cfg": preparation}
    (file.parent / "open_clip_config.json").write_text(json.dumps(config))
    told = loaded(name, file)
    (file.parent / "open_clip_config.json").unlink()
    assert told.assumed == ""
    assert told.fingerprint == {k: v for k, v in openai.fingerprint.items() if k != "pretrained"}
    named = tmp_path / "tiny-openai.pt"
    named.write_bytes(file.read_bytes())
    with pytest.warns(UserWarning, match=r"taken for the weights 'openai' of tiny-b by its name"):
        same(loaded(name, named), openai, pictures)


def test_a_bare_config_says_what_it_leaves_open(tmp_path: Path) -> None:
    assert "does not say mean, std, interpolation, resize_mode" in loaded(save_open_clip(tmp_path)).assumed


def test_a_folder_is_matched_to_its_tag_by_the_digest_of_its_weights(
    architecture: tuple[str, Path], tags: dict[str, Any], pictures: list[Image.Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A config of the architecture alone, no config at all, and the architecture's name with the folder: all are the tag's encoder."""
    name, file = architecture
    openai, folder = by_tag(name, "openai", file, monkeypatch), tmp_path / "mine"
    folder.mkdir()
    shutil.copy(file, folder / "open_clip_pytorch_model.bin")
    same(loaded(name, folder), openai, pictures)
    same(loaded(folder), openai, pictures)
    (folder / "config.json").write_text(json.dumps({k: v for k, v in CONFIG.items() if k != "quick_gelu"}))
    bare = loaded(folder)
    assert bare.assumed == ""
    assert disagreement({**bare.fingerprint, "model": ""}, {**openai.fingerprint, "model": ""}) == ""
    np.testing.assert_array_equal(bare.encode_images(pictures[:3]).vectors, openai.encode_images(pictures[:3]).vectors)
    said = {"model_cfg": {**CONFIG, "quick_gelu": False}, "preprocess_cfg": {"mean": [0.1] * 3}}  # what a config says stands
    (folder / "config.json").write_text(json.dumps(said))
    assert loaded(folder).fingerprint["activation"] == "gelu" and loaded(folder)._backend.preprocess.mean == (0.1,) * 3
    (folder / "config.json").unlink()
    with open(folder / "open_clip_pytorch_model.bin", "ab") as f:
        f.write(b"\0")
    with pytest.raises(EncoderError, match=r"none of the files known to open_clip; say whose weights they are: load_encoder\("):
        load_encoder(folder)
    (folder / "open_clip_pytorch_model.bin").unlink()
    with pytest.raises(EncoderError, match="not a model folder"):
        load_encoder(folder)


def test_names_as_open_clip_writes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder, and a repository in the hub's own cache, which is where a download lies."""
    from huggingface_hub import constants

    folder = save_open_clip(tmp_path / "tiny")
    here = loaded(folder)
    assert loaded(f"local-dir:{folder}").fingerprint == here.fingerprint
    with pytest.raises(EncoderError, match="no such config file or folder"):
        load_encoder(f"local-dir:{folder}/nowhere")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    cached = tmp_path / "hub" / "models--org--tiny"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text("a" * 40)
    shutil.copytree(folder, cached / "snapshots" / ("a" * 40))
    with pytest.raises(EncoderError, match=r"org/tiny has no open_clip_config.json.*leave hf-hub: out"):
        load_encoder("hf-hub:org/tiny")
    config = json.loads((folder / "config.json").read_text())
    said = {"model_cfg": config, "preprocess_cfg": {"size": config["vision_cfg"]["image_size"]}}
    (cached / "snapshots" / ("a" * 40) / "open_clip_config.json").write_text(json.dumps(said))
    found = loaded("hf-hub:org/tiny")
    assert found.fingerprint == {**here.fingerprint, "model": "org/tiny"}
    (cached / "snapshots" / ("a" * 40) / "model.safetensors").unlink()
    with pytest.raises(EncoderError, match="org/tiny has no weights that are read here"):
        load_encoder("hf-hub:org/tiny")
    with pytest.raises(EncoderError, match=r"org/other could not be fetched from the model hub.*give its folder's path"):
        load_encoder("hf-hub:org/other")


def test_tags_that_are_none(architecture: tuple[str, Path], tags: dict[str, Any]) -> None:
    with pytest.raises(EncoderError, match=r"'nothing' is neither a file nor a pretrained tag of tiny-b; its tags are openai, other"):
        load_encoder(architecture[0], "nothing")

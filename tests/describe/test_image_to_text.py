"""Captions by transformers' real classes with tiny random weights, equal to what transformers itself generates."""

from __future__ import annotations

import pytest
import torch
from describe_captioners import save_captioner
from PIL import Image
from transformers import AutoImageProcessor, AutoModelForImageTextToText, AutoTokenizer, Blip2Processor

from latentdiff.describe.build import build_captioner
from latentdiff.describe.captions import CaptionFailure
from latentdiff.describe.config import DescribeConfig
from latentdiff.describe.image_to_text import FAMILIES, load_image_to_text
from latentdiff.describe.usage import Account
from latentdiff.errors import Cancelled, CheckpointError, EncoderError, InputError

KINDS = (*FAMILIES, "blip-2 t5")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {f: save_captioner(tmp_path_factory.mktemp("captioners") / f, f) for f in KINDS}


@pytest.mark.parametrize("family", KINDS)
def test_captions_are_what_transformers_generates(folders, family, pictures) -> None:
    """One image at a time through transformers' own parts; ours in batches of four."""
    folder = folders[family]
    model, processor, tokenizer = (
        c.from_pretrained(folder, local_files_only=True) for c in (AutoModelForImageTextToText, AutoImageProcessor, AutoTokenizer)
    )
    wanted = []
    for path in pictures:
        pixels = processor(images=Image.open(path).convert("RGB"), return_tensors="pt")["pixel_values"]
        tokens = model.eval().generate(pixel_values=pixels, max_new_tokens=8, do_sample=False)
        wanted.append(" ".join(tokenizer.decode(tokens[0], skip_special_tokens=True).split()))
    captioner = load_image_to_text(folder, device="cpu", tokens=8, batch_size=4)
    assert captioner.captions(pictures) == wanted
    assert len(set(wanted)) > 1 and all(wanted)  # they depend on the image


@pytest.mark.parametrize("keep", [True, False])
def test_captions_stay_in_the_cache_unless_they_are_not_to(folders, keep, pictures, private) -> None:
    config = DescribeConfig("image-to-text", str(folders["git"]), keep=keep)
    captioner = build_captioner(config, Account(), device="cpu")
    assert len(captioner.captions(pictures)) == len(pictures)
    assert len(list(private.rglob("*.json"))) == keep * len(pictures)


@pytest.mark.parametrize("family", ["blip-2", "blip-2 t5"])
def test_blip2_sees_the_image_behind_a_prompt(folders, family, pictures) -> None:
    """Without placeholders before the prompt BLIP-2 would caption the prompt; its own processor puts them there."""
    folder = folders[family]
    model = AutoModelForImageTextToText.from_pretrained(folder, local_files_only=True).eval()
    own = Blip2Processor(
        AutoImageProcessor.from_pretrained(folder, local_files_only=True), AutoTokenizer.from_pretrained(folder, local_files_only=True), 4
    )
    captioner = load_image_to_text(folder, device="cpu", tokens=8, prompt="a photo of")
    found = captioner.captions(pictures)
    for path, caption in zip(pictures, found, strict=True):
        inputs = own(images=Image.open(path).convert("RGB"), text="a photo of", return_tensors="pt")
        with torch.inference_mode():
            tokens = model.generate(**inputs, max_new_tokens=8, do_sample=False)
        text = own.tokenizer.decode(tokens[0], skip_special_tokens=True)
        assert caption == " ".join(text.split()).removeprefix("a photo of").strip()
    assert len(set(found)) > 1


def test_blip2_with_a_t5_that_has_no_bos(folders, pictures) -> None:
    """T5's own config has none, and transformers alone would fail: the text begins with T5's padding, as if that were its BOS."""
    folder = folders["blip-2 t5"]
    model = AutoModelForImageTextToText.from_pretrained(folder, local_files_only=True).eval()
    model.config.text_config.bos_token_id = 0
    captioner, wanted = load_image_to_text(folder, device="cpu", tokens=8), []
    del captioner.model.config.text_config.bos_token_id
    for path in pictures[:3]:
        pixels = captioner._processor(images=Image.open(path).convert("RGB"), return_tensors="pt")["pixel_values"]
        tokens = model.generate(pixel_values=pixels, max_new_tokens=8, do_sample=False)
        wanted.append(" ".join(captioner._tokenizer.decode(tokens[0], skip_special_tokens=True).split()))
    assert [c if isinstance(c, str) else "" for c in captioner.captions(pictures[:3])] == wanted


def test_captions_are_cached_by_image_weights_and_prompt(folders, pictures, monkeypatch) -> None:
    captioner = load_image_to_text(folders["git"], device="cpu", tokens=8)
    first = captioner.captions(pictures)
    made: list[int] = []
    for one in (captioner, load_image_to_text(folders["git"], device="cpu", tokens=8)):
        monkeypatch.setattr(one, "_generate", lambda some: made.append(len(some)) or ["new"] * len(some))
        assert one.captions(pictures[::-1]) == first[::-1]
    assert made == []
    other = load_image_to_text(folders["git"], device="cpu", tokens=8, prompt="a photo of")
    monkeypatch.setattr(other, "_generate", lambda some: made.append(len(some)) or ["new"] * len(some))
    assert other.captions(pictures[:2]) == ["new"] * 2 and made == [2]
    changed = load_image_to_text(folders["git"], device="cpu", tokens=8)
    with torch.no_grad():
        next(iter(changed.model.parameters())).add_(1.0)
    monkeypatch.setattr(changed, "_generate", lambda some: made.append(len(some)) or ["new"] * len(some))
    assert changed.captions(pictures[:1]) == ["new"] and made == [2, 1]


def test_failures_are_values_and_are_not_cached(folders, pictures, tmp_path, private) -> None:
    broken, missing, folder = tmp_path / "broken.jpg", tmp_path / "missing.jpg", tmp_path / "folder"
    broken.write_bytes(b"\xff\xd8\xff nothing")
    folder.mkdir()
    captioner = load_image_to_text(folders["blip"], device="cpu", tokens=8)
    found = captioner.captions([broken, pictures[0], missing, folder])
    assert [isinstance(c, CaptionFailure) for c in found] == [True, False, True, True]
    assert "No such file" in found[2].reason and "not a regular file" in found[3].reason
    assert len(list((private / "captions").glob("*.json"))) == 1
    Image.open(pictures[1]).save(broken, "JPEG")  # mended: it gets its caption
    assert isinstance(captioner.captions([broken])[0], str)


def test_cancelling_keeps_what_is_done(folders, pictures, private) -> None:
    def progress(fraction: float, label: str) -> None:
        if fraction > 0.4:
            raise Cancelled("stop")

    captioner = load_image_to_text(folders["blip"], device="cpu", tokens=8, batch_size=2)
    with pytest.raises(Cancelled):
        captioner.captions(pictures, progress=progress)
    assert len(list((private / "captions").glob("*.json"))) == 4


def test_models_that_are_no_captioners(tmp_path) -> None:
    from transformers import BertConfig

    with pytest.raises(CheckpointError, match="does not hold a whole image-to-text model"):
        load_image_to_text(tmp_path)
    BertConfig().save_pretrained(tmp_path)
    with pytest.raises(EncoderError, match="'bert' model; LatentDiff runs blip, blip-2, git"):
        load_image_to_text(tmp_path)
    with pytest.raises(EncoderError, match="could not be fetched"):
        load_image_to_text("someone/some-captioner")


def test_one_file_is_no_list(folders) -> None:
    captioner = load_image_to_text(folders["blip"], device="cpu")
    with pytest.raises(InputError, match="put it in a list"):
        captioner.captions("picture.png")

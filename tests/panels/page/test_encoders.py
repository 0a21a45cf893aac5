"""Encoders on the page: which are here, what is said of one that is not, and of the demo's where it would see photographs."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from fiftyone_plugin.panels.page import encoders
from fiftyone_plugin.panels.page.asked import Asked
from fiftyone_plugin.panels.page.asked import choices as checked
from fiftyone_plugin.panels.page.encoders import choices, encoder_of, refuse_strangers, state
from fiftyone_plugin.panels.page.settings import PageSettings
from huggingface_hub import constants

from latentdiff import load_encoder
from latentdiff.embed.fetching import of_preset
from latentdiff.errors import EncoderError, InputError
from latentdiff.inputs.folders import ImageSide


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENTDIFF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


def put(name: str) -> Path:
    """Weights of a preset, as copied by hand."""
    wanted = of_preset(name)
    assert wanted is not None
    wanted.own_folder.mkdir(parents=True)
    (wanted.own_folder / wanted.files[0]).write_bytes(b"")
    return wanted.own_folder / wanted.files[0]


def test_encoders_that_are_here_come_first_and_say_so() -> None:
    settings = PageSettings()
    assert [name for _, name in choices(settings)] == ["demo", "fast", "paper"]
    assert [title.rpartition(" (")[2] for title, _ in choices(settings)] == [
        "on this machine)", "605 MB, not here)", "1,712 MB, not here)",
    ]  # fmt: skip
    put("paper")
    assert [name for _, name in choices(settings)] == ["paper", "demo", "fast"]
    assert [name for _, name in choices(PageSettings(encoder="org/own"))][-1] != "org/own"


def test_what_is_missing_and_cannot_be_fetched_is_said_with_the_way_to_copy_it() -> None:
    text, asks = state("fast", PageSettings())
    wanted = of_preset("fast")
    assert wanted is not None and asks
    for part in (
        "CLIP ViT-B/32 (605 MB)",
        "cannot be fetched: HF_HUB_OFFLINE is set",
        f"<code>curl -LO {wanted.url}</code>",
        str(wanted.own_folder),
    ):
        assert part in text
    put("fast")
    assert state("fast", PageSettings()) == state("demo", PageSettings()) == ("", False)


def test_what_can_be_fetched_is_said_with_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "unreachable", lambda url: "")
    text, asks = state("fast", PageSettings())
    assert "605 MB" in text and "is fetched from huggingface.co when it is first used" in text and not asks


def test_visitors_are_told_no_paths_name_no_weights_and_have_no_hub_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "unreachable", lambda url: pytest.fail(f"tried {url}"))
    settings = PageSettings(host="0.0.0.0", password="a long one")
    text, asks = state("fast", settings)
    assert "tell whoever started it" in text and "curl" not in text and "cache" not in text and not asks
    with pytest.raises(EncoderError, match="tell whoever started it"):
        encoder_of(Asked(), settings)
    with pytest.raises(InputError, match="weights can be named only where"):
        checked(Asked(weights="/etc/passwd"), settings)


def test_weights_that_are_named_take_the_place_of_the_hub(tmp_path: Path) -> None:
    settings = PageSettings()
    with pytest.raises(EncoderError, match="605 MB"):
        encoder_of(Asked(), settings)
    file = put("paper")
    assert encoder_of(Asked(weights=f" {file} "), settings) == ("fast", str(file))
    assert encoder_of(Asked(weights=str(tmp_path)), settings) == (str(tmp_path), None)
    assert encoder_of(Asked(encoder="demo", weights=str(file)), settings) == ("demo", None)
    assert encoder_of(Asked(encoder="paper"), settings) == ("paper", None)
    assert encoder_of(Asked(), dataclasses.replace(settings, pretrained="own.pt")) == ("fast", "own.pt")


def test_the_demos_encoder_is_refused_for_photographs(root: Path, tmp_path: Path) -> None:
    photographs = root.parent / "shared" / "data" / "coco" / "photos"
    if not photographs.is_dir():
        pytest.skip("no photographs in ../shared/data")
    from latentdiff.demo import draw

    drawn = []
    for i, (scene, _) in enumerate(draw(20, seed=5, size=96)):
        drawn.append(tmp_path / f"{i}.png")
        scene.save(drawn[-1])
    scenes, photos = ImageSide("scenes", tuple(drawn)), ImageSide("holiday", tuple(sorted(photographs.glob("*.jpg"))[:100]))
    encoder = load_encoder("demo")
    refuse_strangers(encoder, (scenes, scenes))
    with pytest.raises(InputError, match="the images of holiday are none"):
        refuse_strangers(encoder, (scenes, photos))

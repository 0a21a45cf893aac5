"""Weights that are not here: what is said of them, without waiting, and where a copy of them is found."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import open_clip
import pytest
from huggingface_hub import constants

from latentdiff import load_encoder
from latentdiff.embed import fetching
from latentdiff.embed.fetching import OF_PRESETS, PRESETS, Weights, fetched, of_config, of_preset, unreachable
from latentdiff.embed.open_clip_backend import _megabytes
from latentdiff.errors import CheckpointError, EncoderError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LATENTDIFF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "cache"


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of something that takes connections."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/org/model/file"


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_known_as_open_clip_has_them(preset: str) -> None:
    wanted = of_preset(preset)
    assert wanted is not None and wanted.hub_name == open_clip.get_pretrained_cfg(*PRESETS[preset])["hf_hub"]
    assert OF_PRESETS[preset][1] == _megabytes(PRESETS[preset][0])


def test_other_names_are_no_presets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert of_preset("ViT-B-32") is None
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fast").mkdir()
    assert of_preset("fast") is None  # a folder of that name


def test_what_is_missing_says_size_command_and_place(cache: Path) -> None:
    with pytest.raises(EncoderError) as e:
        load_encoder("fast")
    file = "https://huggingface.co/timm/vit_base_patch32_clip_224.openai/resolve/main/open_clip_model.safetensors"
    for part in (", 605 MB,", "HF_HUB_OFFLINE is set", f"curl -LO {file}", str(cache / "encoders" / "ViT-B-32-openai")):
        assert part in str(e.value)


@pytest.mark.parametrize("name", fetching.PRESETS)
def test_a_file_that_was_copied_here_is_taken_without_a_hub(name: str) -> None:
    wanted = of_preset(name)
    assert wanted is not None and wanted.here is None
    wanted.own_folder.mkdir(parents=True)
    (wanted.own_folder / "open_clip_pytorch_model.bin").write_bytes(b"no weights")
    assert fetched(wanted) == wanted.here == wanted.own_folder / "open_clip_pytorch_model.bin"
    with pytest.raises(CheckpointError, match="does not fit the model"):
        load_encoder(name)


def test_a_file_that_the_hub_gave_before_is_taken_without_asking_it(tmp_path: Path) -> None:
    wanted = of_config("ViT-B-32", "other", {"hf_hub": "org/tiny/weights.bin"})
    assert wanted.files == ("weights.safetensors", "weights.bin")
    file = tmp_path / "hub" / "models--org--tiny" / "snapshots" / "1" / "weights.bin"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"")
    assert fetched(wanted) == file


def test_an_address_without_a_hub(listening: str) -> None:
    wanted = of_config("RN50", "other", {"url": listening})
    assert (wanted.repository, wanted.files, wanted.size) == ("", ("file",), "")
    with pytest.raises(EncoderError, match=r"RN50 \(other\) are not on this machine and could not be fetched: 127.0.0.1 cannot be reached"):
        fetched(Weights("RN50", "other", "", "http://127.0.0.1:9/org/file", ("file",)))


def test_a_host_is_asked_once_and_not_for_long(listening: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert unreachable(listening) == ""
    assert unreachable("http://127.0.0.1:9/file").startswith("127.0.0.1 cannot be reached")
    monkeypatch.setattr(fetching, "_try", lambda *given: None)
    monkeypatch.setattr(fetching, "SECONDS", 0.01)
    assert unreachable(listening) == "127.0.0.1 did not answer within 0.01 s"


def test_a_proxy_is_what_has_to_answer(listening: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", listening.removesuffix("/org/model/file"))
    monkeypatch.setenv("no_proxy", "")
    assert unreachable("https://hub.invalid/file") == ""
    for unusable in ("http://127.0.0.1:notaport", "127.0.0.1:99999", "http://[::1"):
        monkeypatch.setenv("https_proxy", unusable)
        assert unreachable("https://hub.invalid/file").startswith("the proxy of the environment (HTTP_PROXY, HTTPS_PROXY) is no address")


def test_offline_by_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert unreachable(f"{constants.ENDPOINT}/x") == "HF_HUB_OFFLINE is set"

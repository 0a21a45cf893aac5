"""Weights of encoders and captioners that are named by a hub's id: what arrives at the hub while they are fetched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.describe.captioners import save_captioner
from tests.describe.proxy import Proxy
from tests.embed.models import save_open_clip, save_siglip
from tests.model_hub import HARNESSES, running

SAYS = {"hf_hub", "python", "torch", "transformers", "file_type", "from_auto_class", "framework", "unknown", "session_id", "telemetry"}
"""What the clients say of themselves in ``User-Agent``: versions, which file of a model is meant, and a number that a process makes up."""
AGENT = {"agent"}
"""And this where HF_HUB_DISABLE_TELEMETRY is not set."""
ENCODER = "from latentdiff import load_encoder; load_encoder({!r})"
CAPTIONER = "from latentdiff.describe.image_to_text import load_image_to_text; load_image_to_text({!r})"


def published(folder: Path) -> None:
    """An open_clip model under the file names that the hub has."""
    config = save_open_clip(folder) / "config.json"
    config.rename(config.with_name("open_clip_config.json"))


WEIGHTS: dict[str, tuple[str, str, Callable[[Path], Any]]] = {
    "open_clip": (ENCODER, "hf-hub:some/model", published),
    "transformers": (ENCODER, "some/model", save_siglip),
    "captioner": (CAPTIONER, "some/model", lambda folder: save_captioner(folder, "blip")),
}


@pytest.mark.parametrize("quiet", ["0", "1"])
@pytest.mark.parametrize("kind", WEIGHTS)
def test_what_arrives(kind: str, quiet: str, tmp_path: Path) -> None:
    code, source, save = WEIGHTS[kind]
    save(tmp_path / "repositories" / "some" / "model")
    proxy = Proxy()
    with running(tmp_path / "repositories") as hub:
        https = {"HTTPS_PROXY": f"http://{proxy.address}", "ALL_PROXY": ""}
        done = hub.opened(code.format(source), tmp_path, HF_HUB_DISABLE_TELEMETRY=quiet, **https)
    proxy.close()
    assert done.returncode == 0, done.stderr[-2000:]
    assert [name for name in hub.fetched if name.endswith(("safetensors", "bin"))]
    hub.check("some/model", tmp_path)
    own = [headers["user-agent"] for headers, request in zip(hub.told(), hub.asked, strict=True) if HARNESSES not in request]
    said = {part.partition("/")[0].strip() for text in own for part in text.split(";")}
    assert said <= SAYS | (AGENT if quiet == "0" else set())
    assert quiet == "0" or not [request for request in hub.asked if HARNESSES in request]
    assert proxy.heard == []

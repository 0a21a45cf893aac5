"""What can leave this machine, as SECURITY.md lists it: each row by what arrives at a stub server and a stub proxy."""

from __future__ import annotations

import base64
import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from describe_chat_server import answers
from PIL import Image

from latentdiff import demo
from latentdiff.cli import main
from tests.describe.proxy import Proxy

KEY, OTHERS = "sk-bound-to-the-stub-0123456789", "never-to-leave-this-machine"
SECRETS = ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "LATENTDIFF_PASSWORD")
NAME, PLACE = "surname-of-somebody", "place-in-the-camera-s-notes"
CAPTIONS = ("a red bus in a street", "a blue boat in a harbour")
PROMPTS = ("prompt of a street", "prompt of a street")
IMAGES, ANSWER = "data:image/jpeg;base64,", '{"phrases": ["red bus", "blue boat"]}'
ROWS: dict[str, tuple[list[str], set[str]]] = {
    "nothing is named": ([], set()),
    "a language server": (["--captions", "captions.csv", "URL"], {"captions"}),
    "a captioner on a server": (["--captioner", "endpoint", "URL"], {"images", "captions"}),
    "VisDiff's captions": (["--method", "visdiff", "--captions", "captions.csv", "URL"], {"captions"}),
    "VisDiff's grid": (["--method", "visdiff", "--proposer", "grid", "URL"], {"images"}),
    "VisDiff's paired prompts": (
        ["--method", "visdiff", "--proposer", "paired-prompts", "--prompts", "prompts.csv", "--captions", "captions.csv", "URL"],
        {"prompts", "captions"},
    ),
    "VisDiff's caption-qa": (["--method", "visdiff", "--ranker", "caption-qa", "--captions", "captions.csv", "URL"], {"captions"}),
    "VisDiff's image-vqa": (
        ["--method", "visdiff", "--proposer", "grid", "--ranker", "image-vqa", "URL"],
        {"images"},
    ),
    "GSCLIP's language generator": (["--config", "gsclip.json"], {"subject"}),
}
"""Row of the table → options of ``latentdiff compare``, and what arrives then."""


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders of pictures whose files have names and notes of the camera, with captions and prompts."""
    folder, rng = tmp_path_factory.mktemp("album"), np.random.default_rng(0)
    rows: dict[str, list[tuple[str, str]]] = {"captions": [], "prompts": []}
    for s, (side, colour) in enumerate((("a", (220, 30, 30)), ("b", (40, 60, 210)))):
        (folder / side).mkdir()
        for i in range(20):
            pixels = np.clip(np.array(colour) + rng.normal(0, 25, (32, 32, 3)), 0, 255).astype(np.uint8)
            picture, notes = Image.fromarray(pixels), Image.Exif()
            notes[0x010E] = PLACE  # ImageDescription
            picture.save(folder / side / f"{NAME} {i}.jpg", exif=notes)
            for kind, texts in (("captions", CAPTIONS), ("prompts", PROMPTS)):
                rows[kind].append((f"{side}/{NAME} {i}.jpg", texts[s]))
    for kind, listed in rows.items():
        with (folder / f"{kind}.csv").open("w", encoding="utf8", newline="") as f:
            csv.writer(f).writerows([("path", kind[:-1]), *listed])
    return folder


def arrived(requests: list[dict[str, Any]]) -> set[str]:
    """Which kinds of things are in requests."""
    text = "".join(json.dumps(request["messages"][1:]) for request in requests)
    known = {"captions": CAPTIONS, "prompts": PROMPTS, "images": (IMAGES,), "subject": ("a rare animal",)}
    return {kind for kind, signs in known.items() if any(sign in text for sign in signs)}


@pytest.mark.parametrize("row", ROWS)
def test_what_arrives(row: str, album: Path, server: Any, proxy: Proxy, monkeypatch: Any, capsys: Any, tmp_path: Path) -> None:
    monkeypatch.chdir(album)
    for name in SECRETS:
        monkeypatch.setenv(name, OTHERS)
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"X-Other: {OTHERS}")
    monkeypatch.setenv("LATENTDIFF_API_KEY", KEY)
    monkeypatch.setenv("LATENTDIFF_BASE_URL", server.url)
    describe = {"language": "endpoint", "base_url": server.url, "language_model": "m"}
    gsclip = {"method": "gsclip", "generator": "language", "subject": "a rare animal", "describe": describe}
    (album / "gsclip.json").write_text(json.dumps(gsclip), encoding="utf8")
    # A captioner's answer is a caption, which is sent on; a language model's are phrases.
    server.script = [answers(lambda body: CAPTIONS[0] if IMAGES in json.dumps(body) and "captioner" in row else ANSWER)]
    options, wanted = ROWS[row]
    given = [option for word in options for option in (["--llm-url", server.url, "--llm-model", "m"] if word == "URL" else [word])]
    (tmp_path / "words.txt").write_text("red bus\nblue boat\nstreet\nharbour\n", encoding="utf8")
    more = ["--vocabulary", str(tmp_path / "words.txt")]
    more += [] if "--method" in given or "--config" in given else ["--sae", str(Path(demo.__file__).with_name("sae"))]
    assert main(["compare", "a", "b", "--encoder", "demo", *given, *more, "--llm-calls", "200"]) == 0
    said = capsys.readouterr()
    assert arrived(server.requests) == wanted
    assert proxy.heard == []
    sent = json.dumps(server.requests) + json.dumps(server.headers)
    assert OTHERS not in sent and NAME not in sent and str(album) not in sent
    for picture in re.findall(f"{IMAGES}([A-Za-z0-9+/=]+)", sent):
        data = base64.b64decode(picture)
        assert data[:2] == b"\xff\xd8" and b"Exif" not in data and PLACE.encode() not in data
    assert all(headers.get("authorization") == f"Bearer {KEY}" for headers in server.headers) and KEY not in said.out + said.err
    # Said before, and by whom it was said to: the address, the model, the key.
    assert ("will send" in said.err) == bool(wanted)
    assert (f"the key LATENTDIFF_API_KEY goes to {server.url} with it" in said.err) == bool(wanted)

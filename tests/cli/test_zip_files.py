"""Zip files on the command line: what is printed, written and refused names their entries, never where they were unpacked."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from latentdiff import demo
from latentdiff.cli import main

WORDS = "red bus\nblue boat\nstreet\nharbour\n"
SECRET = "where-archives-are-unpacked"


def packed(path: Path, colour: tuple[int, int, int], seed: int, broken: bool = False) -> str:
    """A zip file of noisy pictures in a folder."""
    rng = np.random.default_rng(seed)
    with zipfile.ZipFile(path, "w") as made:
        for i in range(40):
            out, pixels = io.BytesIO(), np.clip(np.array(colour) + rng.normal(0, 30, (24, 24, 3)), 0, 255)
            Image.fromarray(pixels.astype(np.uint8)).save(out, "PNG")
            made.writestr(f"inside/{i:02d}.png", out.getvalue()[: 60 if broken and i == 3 else None])
    return str(path)


@pytest.fixture
def zips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two zip files, and a third with a broken picture; temporary folders lie where a name tells them."""
    (tmp_path / SECRET).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / SECRET))
    (tmp_path / "words.txt").write_text(WORDS, encoding="utf8")
    (tmp_path / "prompts.csv").write_text("path,prompt\nelsewhere.png,a street\n", encoding="utf8")
    reds, blues = packed(tmp_path / "reds.zip", (220, 40, 40), 1), packed(tmp_path / "blues.zip", (40, 60, 210), 2)
    return [reds, blues, packed(tmp_path / "broken.zip", (60, 200, 60), 3, broken=True)]


def test_nothing_says_where_archives_are_unpacked(zips: list[str], tmp_path: Path, capsys: Any) -> None:
    reds, blues, broken = zips
    given = ["--encoder", "demo", "--vocabulary", str(tmp_path / "words.txt"), "--sae", str(Path(demo.__file__).with_name("sae"))]
    out, entries = tmp_path / "out", {f"{side}.zip/inside/{i:02d}.png" for side in ("reds", "blues") for i in range(40)}
    out.mkdir()
    assert (
        main(
            [
                "compare",
                reds,
                blues,
                *given[:4],
                "--save",
                str(out / "saved"),
                "--method",
                "mean",
                "--report",
                str(out / "r.html"),
                "--json",
            ]
        )
        == 0
    )
    printed = json.loads(capsys.readouterr().out)
    exemplars = {item for h in printed["hypotheses"] for item in h["exemplar_items"]}
    assert exemplars and exemplars <= entries
    assert [set(side) for side in json.loads((out / "saved" / "items.json").read_text())] == [
        {name for name in entries if name.startswith(side)} for side in ("reds", "blues")
    ]
    for suffix in (".json", ".csv", ".md"):
        assert main(["report", str(out / "saved"), "-o", str(out / f"again{suffix}")]) == 0
    assert "reds.zip/inside/" in (out / "again.json").read_text() and "reds.zip/inside/" in (out / "again.csv").read_text()
    assert main(["groups", reds, blues, *given, "--save", str(out / "groups"), "--report", str(out / "groups.json")]) == 0
    assert set(json.loads((out / "groups" / "items.json").read_text())) == entries
    assert main(["gap", reds, blues, reds, *given, "--budget", "3", "--output", str(out / "add.txt")]) == 0
    assert set((out / "add.txt").read_text().split()) <= entries
    # Errors: a picture that cannot be read, measures of it, images that have no prompt.
    for options in (
        [reds, broken, *given],
        [reds, broken, *given, "--fields", "measures", "--skip-bad"],
        [reds, blues, *given[:4], "--method", "visdiff", "--proposer", "paired-prompts", "--prompts", str(tmp_path / "prompts.csv")],
    ):
        main(["compare", *options])
    said = capsys.readouterr()
    assert "broken.zip/inside/03.png" in said.err and "inside/" in said.err
    told = [said.out, said.err, *(path.read_text("utf8", "replace") for path in out.rglob("*") if path.is_file())]
    assert not [text[max(0, text.find(SECRET) - 200) :][:400] for text in told if SECRET in text]
    assert not list((tmp_path / SECRET).glob("latentdiff*"))

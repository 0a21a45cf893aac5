"""``latentdiff guard``: what fails a batch, what is tolerated, what CI reads, and what is wrong with a file."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import latentdiff
from latentdiff.cli.guard import read_guard
from latentdiff.cli.main import main
from latentdiff.errors import InputError
from latentdiff.report.guard import Guarded
from tests.planted import DOG, WIDTH, WORDS, vectors


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Vectors of a reference, of a batch like it, and of one with dogs; a dictionary and words."""
    folder, eye = tmp_path_factory.mktemp("guard"), np.eye(WIDTH, dtype=np.float32)
    for name, share, seed in (("usual", 0.05, 1), ("alike", 0.05, 2), ("dogs", 0.4, 3)):
        np.save(folder / f"{name}.npy", vectors(150, share, seed))
    zeros = np.zeros(WIDTH, np.float32)
    latentdiff.SparseAutoencoder(eye, zeros, eye, zeros, np.full(WIDTH, 0.5, np.float32)).save(folder / "sae")
    np.savez(folder / "words.npz", words=np.array(WORDS), vectors=eye)
    return folder


def guard(folder: Path, **entries: object) -> str:
    given = {"reference": "usual.npy", "vocabulary": "words.npz", "sae": "sae", **entries}
    path = folder / "guard.toml"
    path.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in given.items()))
    return str(path)


def test_a_batch_fails_for_what_matters_and_only_for_that(folder, capsys, monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)  # files that are named lie beside the file that names them
    path = guard(folder, batch="dogs.npy", report="r.html", junit="guard.xml")
    assert main(["guard", path, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert not told["passes"] and told["failing"][0]["text"] == WORDS[DOG] and told["failing"][0]["batch"] == pytest.approx(0.4, abs=0.02)
    assert WORDS[DOG] in (folder / "r.html").read_text()
    case = ElementTree.parse(folder / "guard.xml").getroot()
    assert case.get("failures") == "1" and WORDS[DOG] in case.find("testcase/failure").text
    assert main(["guard", path, "--batch", str(folder / "alike.npy"), "--annotations"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("::notice title=latentdiff guard::Passes") and "no detectable difference" in said
    assert ElementTree.parse(folder / "guard.xml").getroot().get("failures") == "0"
    assert main(["guard", guard(folder, batch="dogs.npy", smallest=0.6)]) == 0
    assert "none of the" in capsys.readouterr().out
    assert main(["guard", guard(folder, batch="dogs.npy", tolerate=[WORDS[DOG]])]) == 0
    assert f"Looking past: {WORDS[DOG]}" in capsys.readouterr().out


def test_a_shift_without_a_name_fails(folder) -> None:
    found = latentdiff.compare(*(np.load(folder / f"{name}.npy") for name in ("dogs", "usual")), sae=str(folder / "sae"))
    import dataclasses

    bare = Guarded(dataclasses.replace(found, candidates=(), shows_a=found.shows_a[:, :0], shows_b=found.shows_b[:, :0]), 0.5)
    assert found.differs and not bare.passes and "nothing says in what" in bare.sentences()[0]


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"refernce": "x"}, "did you mean reference"),
        ({"smallest": 3}, r"in \[0, 1\)"),
        ({"alpha": "much"}, "alpha is int or float"),
        ({"tolerate": [3]}, "lists phrases"),
        ({"seed": True}, "seed is int"),
    ],
)
def test_a_wrong_entry_is_said(tmp_path, entries, said) -> None:
    with pytest.raises(InputError, match=said):
        read_guard(guard(tmp_path, **entries))


def test_a_file_that_cannot_be_used_is_said(tmp_path, capsys) -> None:
    (tmp_path / "bad.toml").write_text("reference = ")
    assert main(["guard", str(tmp_path / "bad.toml")]) == 2 and "no TOML" in capsys.readouterr().err
    assert main(["guard", str(tmp_path / "none.toml")]) == 2 and "cannot be read" in capsys.readouterr().err
    assert main(["guard", guard(tmp_path)]) == 2 and "names no batch" in capsys.readouterr().err
    for name, needed in (("run", "embeddings"), ("weights", "encoder")):
        assert main(["guard", guard(tmp_path, batch="usual.npy", **{name: "x"})]) == 2
        assert f"names {name} without {needed}" in capsys.readouterr().err

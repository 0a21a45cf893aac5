"""Folders, archives and tables hold each image once, companions of images are none, and what is passed over is said."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from latentdiff.embed.opening import said_unread
from latentdiff.errors import InputError
from latentdiff.inputs.archives import unpack
from latentdiff.inputs.folders import ImageSide, image_folder
from latentdiff.inputs.opening import each_once
from latentdiff.report.content import content
from latentdiff.request import CompareRequest

TREE = {
    "a.jpg": True,
    "b/c.avif": True,
    "b-d/e.JP2": True,
    "b/f.jfif": True,
    "g.jpe": True,
    "._a.jpg": False,
    ".hidden.png": False,
    "@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg": False,
    "b/.ipynb_checkpoints/c-checkpoint.png": False,
    "__MACOSX/a.jpg": False,
    ".thumbnails/a.png": False,
    "#snapshot/2026-01-01/a.jpg": False,
    "k.mpo": True,
    "h.heic": False,
    "b/i.HEIC": False,
    "j.psd": False,
    "notes.txt": False,
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Files that are images, companions of images, or images that are not read."""
    for name in TREE:
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_bytes(name.encode())
    return tmp_path / "tree"


def test_a_folder_and_its_zip_are_the_same_images(tree: Path, tmp_path: Path) -> None:
    found = image_folder(tree)
    images = [name for name, is_image in TREE.items() if is_image]
    assert [str(path.relative_to(tree)) for path in found.paths] == sorted(images, key=lambda name: Path(name))
    assert found.passed_over == {".heic": 2, ".psd": 1}
    assert said_unread(found.passed_over) == "3 files passed over: .heic 2, .psd 1"
    with zipfile.ZipFile(tmp_path / "tree.zip", "w") as archive:
        for name in reversed(TREE):
            archive.write(tree / name, name)
    packed = unpack(tmp_path / "tree.zip", tmp_path / "out", max_images=100, max_bytes=1_000_000)
    assert [path.read_bytes() for path in packed.paths] == [path.read_bytes() for path in found.paths]
    assert packed.passed_over == found.passed_over


def test_where_nothing_is_read_it_is_said_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no images that are read here \(\.jpg, \.png, \.webp, \.tif and \d+ more kinds of files\)"):
        image_folder(tmp_path)
    (tmp_path / "x.heic").write_bytes(b"x")
    with pytest.raises(InputError, match=r"no images that are read here \(1 file passed over: \.heic 1\)"):
        image_folder(tmp_path)


def side(name: str, folder: Path, files: Sequence[str]) -> ImageSide:
    return ImageSide(name, tuple(folder / file for file in files))


def test_files_are_told_by_what_they_are(tmp_path: Path) -> None:
    for name in "xyzw":
        (tmp_path / name).write_bytes(b"")
    os.symlink(tmp_path / "x", tmp_path / "link")
    os.link(tmp_path / "x", tmp_path / "hard")
    a, b = side("first", tmp_path, ["x", "y", "./x", "link", "hard", "z"]), side("second", tmp_path, ["z", "w"])
    (a, b), counts = each_once([a, b], False)
    assert ([p.name for p in a.paths], [p.name for p in b.paths]) == (["x", "y"], ["w"])
    assert counts == {"overlap": 1, "A": {"repeated": 3, "passed_over": {}}, "B": {"repeated": 0, "passed_over": {}}}
    with pytest.raises(InputError, match="pairs or groups by row"):
        each_once([side("first", tmp_path, ["x", "x"]), b], True)
    with pytest.raises(InputError, match="all 1 images of first are on the other side too"):
        each_once([side("first", tmp_path, ["x"]), side("second", tmp_path, ["hard", "w"])], False)
    arrays, counts = each_once([np.zeros((2, 2)), side("second", tmp_path, ["w", "w"])], False)
    assert arrays[0].shape == (2, 2) and counts["B"]["repeated"] == 1


class Colours:
    """Stands in for an encoder: a picture's mean colour, and noise that the file's name seeds."""

    width, fingerprint, encode_texts = 5, {"library": "test", "model": "colours"}, None

    def encode_images(self, paths: Sequence[Any], ranges: Any = None, progress: Any = None) -> Any:
        rows = []
        for path in paths:
            noise = np.random.default_rng(int(Path(path).stem)).normal(size=5)
            rows.append(np.array([*np.asarray(Image.open(path), float).mean((0, 1)), 0, 0]) / 255 + noise)
        return SimpleNamespace(vectors=np.array(rows, np.float32), failures={})


def test_a_folder_in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A/ holds 60 images, 25 of them in A/sub: against A/sub nothing is left of it; against B/, which links to 5 of A's, 55."""
    from latentdiff.inputs import opening

    monkeypatch.setattr(opening, "open_encoder", lambda given: (given, None))
    monkeypatch.setattr(opening, "words_of", lambda *_: None)
    for i in range(95):
        path = tmp_path / ("A/sub" if i < 25 else "A" if i < 60 else "B") / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4), (i, 10, 10)).save(path)
    for i in range(5):
        os.symlink(tmp_path / f"A/sub/{i}.png", tmp_path / f"B/{i}.png")
    (tmp_path / "B/x.heic").write_bytes(b"x")
    a, b, sub = (str(tmp_path / name) for name in ("A", "B", "A/sub"))
    found = CompareRequest(a, b, encoder=Colours()).run()
    assert found.comparison.info["left_out"]["overlap"] == 5
    assert (len(found.comparison.log_ratio_a), len(found.comparison.log_ratio_b)) == (55, 35)
    assert [len(items) for items in found.items] == [55, 35] and str(tmp_path / "A/sub/5.png") in found.items[0]
    notes = " ".join(content(found.comparison, found.names).notes)
    assert "5 images on both sides left out" in notes and "B: 1 file passed over: .heic 1" in notes
    with pytest.raises(InputError, match=r"all 25 images of .*sub are on the other side too"):
        CompareRequest(a, sub, encoder=Colours()).run()

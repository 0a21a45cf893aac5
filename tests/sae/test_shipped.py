"""The demo's encoder is told from its own vectors whether it looks at drawn scenes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from latentdiff import CompareRequest, load_encoder
from latentdiff.cli.main import main
from latentdiff.demo import Rules, draw
from latentdiff.demo.settings import SETTINGS
from latentdiff.sae.shipped import strangers

WORTH = "the names of differences are worth nothing"


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("demo", dtype="float32")


@pytest.fixture(scope="module")
def photographs(root: Path) -> list[Path]:
    folder = root.parent / "shared" / "data" / "coco" / "photos"
    if not folder.is_dir():
        pytest.skip("no photographs in ../shared/data")
    return sorted(folder.glob("*.jpg"))[:60]


@pytest.mark.parametrize("setting", SETTINGS)
def test_drawn_scenes_of_every_setting_are_known(encoder, setting: str) -> None:
    scenes = [image for image, _ in draw(24, seed=77, size=96, rules=Rules(settings=(setting,)))]
    assert strangers(encoder.fingerprint, encoder.encode_images(scenes).vectors) == ""


def test_photographs_are_strangers_on_either_side(encoder, photographs: list[Path]) -> None:
    scenes = encoder.encode_images([image for image, _ in draw(24, seed=78, size=96)]).vectors
    seen = encoder.encode_images(photographs).vectors
    assert WORTH in strangers(encoder.fingerprint, seen, scenes)
    assert WORTH in strangers(encoder.fingerprint, scenes, seen[:30])
    assert strangers({**encoder.fingerprint, "weights": "another"}, seen) == strangers(None, seen) == ""
    assert strangers(encoder.fingerprint, seen[:3], np.full((9, 64), np.nan)) == ""  # too few to say


def test_a_comparison_of_photographs_by_the_demo_says_what_its_names_are_worth(photographs: list[Path], tmp_path: Path, capsys) -> None:
    for i, photo in enumerate(photographs):
        folder = tmp_path / "ab"[i % 2]
        folder.mkdir(exist_ok=True)
        (folder / photo.name).symlink_to(photo)
    sides = str(tmp_path / "a"), str(tmp_path / "b")
    assert WORTH in CompareRequest(*sides, encoder="demo").run().comparison.info["remarks"][0]
    assert main(["compare", *sides, "--encoder", "demo"]) == 0
    assert WORTH in capsys.readouterr().out
    assert main(["ask", *sides, "dog", "--encoder", "demo"]) == 0
    assert WORTH in capsys.readouterr().out

"""Deep pictures of all sides of a comparison are drawn with one range, and the range is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from latentdiff.embed.encoder import load_encoder
from latentdiff.embed.ranges import Ranges, Span
from latentdiff.inputs.many import read_groups, read_sets
from latentdiff.progress import silent
from latentdiff.report.content import content
from latentdiff.request import CompareRequest

RANGE = Ranges(Span(0, 4095))


@pytest.fixture(scope="module")
def encoder() -> Any:
    return load_encoder("demo")


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two folders of 24 pictures of a camera of 12 bits; two of the first have a bright part, which alone would widen its range."""
    top, rng = tmp_path_factory.mktemp("sides"), np.random.default_rng(0)
    for i in range(48):
        grey = np.kron(rng.integers(0, 4095 if i < 24 else 3000, (8, 8)), np.ones((8, 8))).astype(np.uint16)
        if i in (3, 9):
            grey[:30] = 60000
        path = top / "ab"[i // 24] / f"{i}.tif"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(grey).save(path)
    return [top / "a", top / "b"]


def expected(encoder: Any, folder: Path) -> np.ndarray:
    return encoder.encode_images(sorted(folder.glob("*.tif")), ranges=RANGE).vectors


def test_both_sides_of_a_comparison_share_a_range_and_it_is_said(sides, encoder) -> None:
    request = CompareRequest(*map(str, sides), encoder=encoder)
    opened = request.open()
    np.testing.assert_allclose(opened.a.vectors, expected(encoder, sides[0]), atol=1e-5)
    np.testing.assert_allclose(opened.b.vectors, expected(encoder, sides[1]), atol=1e-5)
    found = request.run().comparison
    assert found.info["deep"] == {"whole": [0.0, 4095.0]}
    assert "in deep pictures 0 is black and 4,095 white" in content(found).notes


def test_a_kept_comparison_still_says_its_range(sides, encoder, tmp_path) -> None:
    import latentdiff
    from latentdiff.errors import CheckpointError

    found = CompareRequest(*map(str, sides), encoder=encoder).run().comparison
    found.save(tmp_path / "kept")
    assert latentdiff.Comparison.load(tmp_path / "kept").info["deep"] == found.info["deep"]
    stored = tmp_path / "kept" / "comparison.json"
    head = json.loads(stored.read_text(encoding="utf8"))
    head["info"]["deep"] = {"whole": ["dark", 1]}
    stored.write_text(json.dumps(head), encoding="utf8")
    with pytest.raises(CheckpointError, match="deep"):
        latentdiff.Comparison.load(tmp_path / "kept")


def test_sets_and_groups_share_a_range(sides, encoder) -> None:
    names = [str(side) for side in sides]
    for one, side in zip(read_sets(names, encoder, False, silent), sides, strict=True):
        np.testing.assert_allclose(one.vectors, expected(encoder, side), atol=1e-5)
        assert one.ranges == RANGE
    both = read_groups(names, None, encoder, False, silent)
    np.testing.assert_allclose(both.vectors, np.concatenate([expected(encoder, side) for side in sides]), atol=1e-5)
    assert both.ranges == RANGE
    (kept,) = read_sets([names[0]], encoder, False, silent, Ranges(Span(0, 65535)))
    assert kept.ranges == Ranges(Span(0, 65535)) and np.abs(kept.vectors - expected(encoder, sides[0])).max() > 0.01

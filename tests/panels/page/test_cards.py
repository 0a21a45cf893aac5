"""What the page shows of a comparison: the most typical images always, grey leads where a side has no finding, shifts below the cards."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fiftyone_plugin.panels.page.cards import Result, result
from fiftyone_plugin.panels.page.work import Answer
from PIL import Image

import latentdiff
from latentdiff.progress import silent
from tests.planted import DOG, WORDS, axes, vectors

NAMES = ("summer", "winter")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """A picture a row, of a colour of its own: red tells the row."""
    folder = tmp_path_factory.mktemp("pictures")
    return {side: [_picture(folder / f"{side}{i}.png", 3 * i) for i in range(n)] for side, n in (("A", 60), ("B", 80))}


def _picture(path: Path, red: int) -> str:
    Image.new("RGB", (16, 16), (red, 90, 90)).save(path)
    return str(path)


def shown(comparison: Any, images: dict[str, list[str]], folder: Path) -> Result:
    return result(Answer(comparison, NAMES, images), folder, silent)


def rows(gallery: list[tuple[str, str]]) -> list[int]:
    """Which rows a gallery shows, by the colours of its pictures."""
    return [round(np.asarray(Image.open(path).convert("RGB"))[..., 0].mean() / 3) for path, _ in gallery]


def title(html: str) -> str:
    return re.sub("<[^>]+>", "", re.search("<h3>(.*?)</h3>|<p class=.ld-none.>(.*?)</p>", html)[0])


def test_of_two_halves_typical_images_come_first_and_leads_are_grey(images, tmp_path) -> None:
    found = latentdiff.compare(vectors(60, 0.3, seed=3), vectors(80, 0.3, seed=4), **axes())
    assert not found.hypotheses and found.leads
    page = shown(found, images, tmp_path)
    assert "against 0.05" in page.verdict and "nearest to it" not in page.verdict
    for side, name in zip("AB", NAMES, strict=True):
        assert "Nothing is found more often here." in page.heads[side]
        typical, *leads = page.cards[side]
        assert title(typical.html) == f"Most typical of {name}" and rows(typical.gallery) == found.info["exemplars"][side]["rows"]
        own = [h for h in found.leads if h.side == side]
        assert [title(one.html) for one in leads] == [f"{'looks like ' * h.weak}{h.text}" for h in own]
        for one, h in zip(leads, own, strict=True):
            assert "ld-card ld-lead" in one.html and rows(one.gallery) == list(h.exemplars)[:5]
            assert f"Lead, not proven: perhaps chance; q = {h.q_value:.2g} against 0.05" in one.html


def test_a_side_alone_has_cards_then_typical_images_and_the_other_leads(images, tmp_path) -> None:
    found = latentdiff.compare(vectors(60, 2 / 3, seed=1), vectors(80, 1 / 20, seed=2), **axes())
    assert {h.side for h in found.hypotheses} == {"A"}
    page = shown(found, images, tmp_path)
    assert [title(one.html) for one in page.cards["A"]] == [WORDS[DOG], "Most typical of summer"]
    assert "ld-lead" not in "".join(one.html for one in page.cards["A"])
    assert title(page.cards["B"][0].html) == "Most typical of winter"
    assert all("ld-lead" in one.html for one in page.cards["B"][1:]) and len(page.cards["B"]) > 1


def test_shifts_are_folded_below_the_cards(images, tmp_path) -> None:
    found = latentdiff.compare(vectors(60, 2 / 3, seed=1), vectors(80, 1 / 20, seed=2), **axes())
    slight = dataclasses.replace(found.candidates[-1], q_value=0.01, slight=True)
    page = shown(dataclasses.replace(found, candidates=(*found.candidates[:-1], slight)), images, tmp_path)
    assert "slight shift" not in page.verdict and "<summary>1 slight shift</summary>" in page.plots
    assert f"towards {'what looks like “' * slight.weak}{slight.text}" in page.plots


def test_no_box_for_typical_images_that_are_not_at_hand(images, tmp_path) -> None:
    found = latentdiff.compare(vectors(60, 2 / 3, seed=1), vectors(80, 1 / 20, seed=2), **axes())
    page = shown(found, {"A": images["A"]}, tmp_path)
    assert "Most typical" in page.cards["A"][-1].html and not any("Most typical" in one.html for one in page.cards["B"])

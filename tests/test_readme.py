"""The README's Python is run as it stands, on a small world of planted vectors."""

from __future__ import annotations

import re

import numpy as np
import pytest

import latentdiff

WORDS = ["beach", "snow", "boat", "dog", "street", "kite", "tree", "house", "lamp", "river", "bread", "glass"]


def snippets(root) -> list[str]:
    text = (root / "README.md").read_text(encoding="utf8")
    return re.findall(r"```python\n(.*?)```", text, re.S)


@pytest.fixture(scope="module")
def world() -> dict[str, object]:
    """1,200 vectors: the word "snow" is in a fifth of B's images and nowhere in A."""
    rng = np.random.default_rng(0)
    directions = np.linalg.qr(rng.normal(size=(32, 32)))[0][: len(WORDS)]
    shows = rng.random((1200, len(WORDS))) < 0.15
    shows[:, 1] = False
    shows[500:, 1] = rng.random(700) < 0.2
    vectors = (shows @ directions + rng.normal(0, 0.05, (1200, 32))).astype(np.float32)
    return {"vectors": vectors, "a": vectors[:500], "b": vectors[500:], "words": WORDS, "word_vectors": directions + 0.3}


def test_library_snippet(root, world, tmp_path, capsys) -> None:
    names = {**world, "folder": tmp_path / "saved"}
    exec(snippets(root)[0], names)
    first = names["comparison"].hypotheses[0]
    assert (first.text, first.side) == ("snow", "B")
    assert "snow" in capsys.readouterr().out
    assert repr(latentdiff.Comparison.load(tmp_path / "saved").hypotheses) == repr(names["comparison"].hypotheses)  # NaN equals NaN


def test_question_snippet(root, world, capsys) -> None:
    names = {**world, "latentdiff": latentdiff, "vocabulary": latentdiff.Vocabulary(world["words"], world["word_vectors"])}
    exec(snippets(root)[2], names)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == WORDS[:3]
    assert float(lines[1].split("q = ")[1]) < 1e-6  # snow: none of A, a fifth of B
    assert float(lines[2].split("q = ")[1]) > 0.01


def test_config_snippet(root, world, capsys) -> None:
    names = {**world, "latentdiff": latentdiff, "vocabulary": latentdiff.Vocabulary(world["words"], world["word_vectors"])}
    exec(snippets(root)[3], names)
    assert capsys.readouterr().out.count("[] [") == 2  # nothing is sent; one list per config


def test_fiftyone_snippet(root, world, tmp_path) -> None:
    import fiftyone as fo

    dataset = fo.Dataset()
    samples = [fo.Sample(filepath=str(tmp_path / f"{i}.png"), clip=v, season="summer" if i < 500 else "winter") for i, v in
               enumerate(world["vectors"])]
    dataset.add_samples(samples, progress=False)
    for season in ("summer", "winter"):
        dataset.save_view(season, dataset.match(fo.ViewField("season") == season))
    names = {"dataset": dataset, "vocabulary": latentdiff.Vocabulary(world["words"], world["word_vectors"])}
    exec(snippets(root)[1], names)
    assert names["run"].hypotheses[0].text == "snow"
    assert {s.season for s in names["most_typical_of_summer"]} == {"summer"}
    assert not dataset.has_field("summer_vs_winter_log_ratio")
    dataset.delete()


def test_every_picture_is_there(root) -> None:
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", (root / "README.md").read_text(encoding="utf8"))
    assert pictures
    for picture in pictures:
        assert (root / picture).stat().st_size > 10_000

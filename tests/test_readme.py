"""The README's Python is run as it stands: the first block by itself, the others with its names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import latentdiff
from tests.test_extras import run_without_extras


def snippets(root: Path) -> list[str]:
    text = (root / "README.md").read_text(encoding="utf8")
    return re.findall(r"```python\n(.*?)```", text, re.S)


@pytest.fixture(scope="module")
def first(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """Names that the first block gives, what it prints and what it saves. It is run by itself, and without any extra."""
    block, folder = snippets(root)[0], tmp_path_factory.mktemp("readme")
    names: dict = {"printed": run_without_extras(block, root, folder)}
    exec(block.split("\ncomparison = ")[0], names)
    return names | {"comparison": latentdiff.Comparison.load(folder / "snow-in-b")}


def test_library_snippet(first: dict) -> None:
    found = first["comparison"].hypotheses[0]
    assert (found.text, found.side) == ("snow", "B")
    truth = first["shown"][500:, 1].mean()
    assert first["shown"][:500, 1].sum() == 0 and abs(found.rate_b - found.rate_a - truth) < 0.05
    assert first["printed"].startswith("True ") and "snow " in first["printed"]


def test_fields_snippet(root: Path, first: dict, capsys: pytest.CaptureFixture) -> None:
    exec(snippets(root)[1], dict(first))
    fields, beyond = capsys.readouterr().out.splitlines()
    assert "camera" in fields and "snow" in fields
    assert beyond.startswith("{") and "snow" in beyond.partition("}")[0] and "snow" not in beyond.rpartition("[")[2]


def test_question_snippet(root: Path, first: dict, capsys: pytest.CaptureFixture) -> None:
    exec(snippets(root)[3], dict(first))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == first["words"][:3]
    assert float(lines[1].split("q = ")[1]) < 1e-6  # snow: none of A, a fifth of B
    assert float(lines[2].split("q = ")[1]) > 0.01


def test_config_snippet(root: Path, first: dict, capsys: pytest.CaptureFixture) -> None:
    exec(snippets(root)[4], dict(first))
    assert capsys.readouterr().out.count("[] [") == 2  # nothing is sent; one list per config


def test_fiftyone_snippet(root: Path, first: dict, tmp_path: Path) -> None:
    import fiftyone as fo

    dataset = fo.Dataset()
    samples = [fo.Sample(filepath=str(tmp_path / f"{i}.png"), clip=v, season="summer" if i < 500 else "winter") for i, v in
               enumerate(first["vectors"])]
    dataset.add_samples(samples, progress=False)
    for season in ("summer", "winter"):
        dataset.save_view(season, dataset.match(fo.ViewField("season") == season))
    names = {"dataset": dataset, "vocabulary": first["vocabulary"], "sae": first["sae"]}
    exec(snippets(root)[2], names)
    assert names["run"].hypotheses[0].text == "snow"
    assert {s.season for s in names["most_typical_of_summer"]} == {"summer"}
    assert not dataset.has_field("summer_vs_winter_log_ratio")
    dataset.delete()


def test_every_picture_is_there(root: Path) -> None:
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", (root / "README.md").read_text(encoding="utf8"))
    assert pictures
    for picture in pictures:
        assert (root / picture).stat().st_size > 10_000

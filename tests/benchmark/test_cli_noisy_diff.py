"""latentdiff noisy-diff on a COCO file, a folder of synsets and a dataset."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from latentdiff.benchmark import noisy_diff
from latentdiff.cli import main
from tests.benchmark import layouts

IMAGES = [(f"{i:03d}.jpg", ["dog", *(["ball"] if i % 3 == 0 else []), *(["hat", "hat"] if i % 4 == 0 else [])]) for i in range(600)]


@pytest.fixture
def instances(tmp_path: Path) -> Path:
    return layouts.coco(tmp_path, IMAGES) / "annotations/instances_train2017.json"


def test_counts_stand_beside_the_papers(instances, capsys) -> None:
    assert main(["noisy-diff", str(instances)]) == 0
    printed = capsys.readouterr().out
    assert [line.split("│")[3].strip() for line in printed.splitlines() if line.startswith("│")][:6] == ["22", "34", "23", "26", "28", "13"]
    (dog,) = (line.split("│") for line in printed.splitlines() if "│ dog " in line)
    assert [cell.strip() for cell in dog[1:-1]] == ["dog", "600", "26", "2", "325", "1", "no"]


def test_pairs_of_a_parent(instances, capsys) -> None:
    assert main(["noisy-diff", str(instances), "--parent", "dog"]) == 0
    printed = capsys.readouterr().out
    (row,) = (line.split("│") for line in printed.splitlines() if "│ ball" in line)
    assert [cell.strip() for cell in row[1:7]] == ["ball", "hat", "150", "100", "50", "300"]


def test_writes_a_pair_and_its_truth(instances, tmp_path, capsys) -> None:
    out = tmp_path / "pair.json"
    asked = ["noisy-diff", str(instances), "--parent", "dog", "--a", "hat", "--b", "ball", "--seed", "4", "--out", str(out)]
    assert main(asked) == 0
    assert "100 with hat" in capsys.readouterr().out
    written, expected = json.loads(out.read_text()), noisy_diff.build([own for _, own in IMAGES], "dog", "hat", "ball", 4)
    assert written["images_a"] == [IMAGES[i][0] for i in expected.rows_a]
    assert written["planted_b"] == [IMAGES[i][0] for i in expected.planted_b]
    assert main(asked) == 2 and "--overwrite" in capsys.readouterr().err
    assert main([*asked, "--overwrite"]) == 0


def test_imagenet_folder(tmp_path, capsys) -> None:
    for synset, n in (("n04273569", 6), ("n04507155", 4), ("n01440764", 50)):
        folder = tmp_path / "train" / synset
        folder.mkdir(parents=True)
        for i in range(n):
            (folder / f"{synset}_{i}.JPEG").touch()
    assert main(["noisy-diff", str(tmp_path)]) == 0 and "conveyance" in capsys.readouterr().out
    out = tmp_path / "halves.json"
    assert main(["noisy-diff", str(tmp_path), "--a", "conveyance", "--b", "protective covering", "--out", str(out)]) == 0
    halves = json.loads(out.read_text())
    assert all("n04507155" not in f for f in halves["images_a"]) and all("n04273569" not in f for f in halves["images_b"])
    assert halves["planted_a"] and all("n04273569" in f for f in halves["planted_a"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.json"], "there is no file nowhere.json"),
        (["{file}", "--a", "ball"], "both attributes"),
        (["{file}", "--a", "ball", "--b", "hat"], "--parent LABEL"),
        (["{file}", "--parent", "dog", "--a", "ball", "--b", "hat"], "--out FILE"),
        (["{file}", "--parent", "dog", "--a", "ball", "--b", "hut", "--out", "x.json"], "near: hat"),
        (["no-such-dataset", "--field", "x"], "no dataset 'no-such-dataset'"),
    ],
)
def test_says_what_is_wrong(instances, capsys, arguments, message) -> None:
    assert main(["noisy-diff", *(a.replace("{file}", str(instances)) for a in arguments)]) == 2
    assert message in capsys.readouterr().err


def test_zoo_that_cannot_be_reached_says_what_to_fetch(capsys, contacted, monkeypatch) -> None:
    import fiftyone.zoo as foz

    def refuse(*args, **kwargs):
        raise OSError("no network")

    monkeypatch.setattr(foz, "load_zoo_dataset", refuse)
    assert main(["noisy-diff", "coco"]) == 2
    assert "annotations_trainval2017.zip from cocodataset.org" in capsys.readouterr().err
    assert main(["noisy-diff", "imagenet"]) == 2 and "--source-dir" in capsys.readouterr().err

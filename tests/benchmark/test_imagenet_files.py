"""ImageNet's classes found in what FiftyOne's zoo writes, which names images by number and classes by words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from latentdiff.benchmark.imagenet_files import GroupedImages, check_group, grouped_images, groups_of_files
from latentdiff.benchmark.suite import Options
from latentdiff.benchmark.suites import load_suite
from latentdiff.benchmark.wordnet import imagenet_classes
from latentdiff.cli import main
from latentdiff.errors import InputError
from tests.benchmark import layouts

BIRD, MACHINE, ONE_PIECE, TANK_SUIT, TENCH = "n02012849", "n03126707", "n03710637", "n03710721", "n01440764"
"""Two classes named crane, two named maillot, and one of its own name."""
RETRIEVER = "n02099601"
LABELS = [TENCH, BIRD, BIRD, RETRIEVER, MACHINE, ONE_PIECE, TANK_SUIT]
"""In the order of the classes, as torchvision gives them to FiftyOne."""


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("imagenet-2012")
    layouts.imagenet_zoo(root, LABELS)
    return root


def test_classes_of_one_name_are_told_apart_by_the_order_of_the_images(zoo: Path) -> None:
    written = json.loads((zoo / "train/labels.json").read_text())
    assert len(written["classes"]) == 1000 and written["classes"].count("crane") == written["classes"].count("maillot") == 2
    assert written["labels"]["000002"] == written["labels"]["000005"]  # FiftyOne writes both cranes with one index
    files = [str(zoo / f"train/data/{i + 1:06d}.jpg") for i in range(7)]
    expected = [imagenet_classes()[s].group for s in LABELS]
    assert expected == ["animal", "animal", "animal", "animal", "device", "clothing", "clothing"]
    assert grouped_images(zoo) == grouped_images(zoo / "train") == GroupedImages(files, expected)
    assert groups_of_files(files, [imagenet_classes()[s].name for s in LABELS]) == expected


def test_without_the_order_a_name_that_stands_twice_says_nothing(tmp_path: Path) -> None:
    layouts.imagenet_zoo(tmp_path, [BIRD, TANK_SUIT])  # nothing stands between: the bird's place is before the suits', the machine's too
    found = grouped_images(tmp_path)
    assert (found.groups, found.unclear) == (["clothing"], 1)
    suite = load_suite("noisy-diff-imagenet")(Options(data=tmp_path))
    assert "1 images are left out: their class name stands for two" in suite.about()[0].note
    alone = groups_of_files(["/a/data/1.jpg"] * 4, ["tench", "crane", "maillot", "unicorn"])
    assert alone == ["animal", None, "clothing", None]


def test_images_in_another_order_do_not_tell_classes_of_one_name_apart(tmp_path: Path) -> None:
    """By FiftyOne's exporter, with confidences: a crane between two birds is no bird where birds and machines are shuffled."""
    import fiftyone as fo
    from fiftyone.utils.data import FiftyOneImageClassificationDatasetExporter

    classes = imagenet_classes()
    order = [RETRIEVER, TENCH, MACHINE, RETRIEVER]
    with FiftyOneImageClassificationDatasetExporter(
        str(tmp_path / "train"), classes=[c.name for c in classes.values()], include_confidence=True
    ) as exporter:
        for synset in order:
            label = fo.Classification(label=classes[synset].name, confidence=0.5)
            exporter.export_sample(np.zeros((8, 8, 3), np.uint8), label)
    found = grouped_images(tmp_path)
    assert (found.groups, found.unclear) == (["animal"] * 3, 1)


def test_the_suite_and_the_command_read_the_zoos_form(zoo: Path, capsys) -> None:
    suite = load_suite("noisy-diff-imagenet")(Options(data=zoo))
    assert suite.missing() == []
    groups = {row[0]: row[1] for row in suite.about()[0].rows}
    assert groups == {"animal": 4, "clothing": 2, "device": 1} and "dog is no group" in suite.about()[0].note
    assert main(["noisy-diff", str(zoo)]) == 0 and "clothing" in capsys.readouterr().out


def test_the_papers_examples_may_be_removed_from_all_of_imagenet() -> None:
    """By the classes of each group, about 1,281 images a class: all of the paper's examples but its dog."""
    from latentdiff.benchmark.suites.imagenet import MASSES
    from latentdiff.benchmark.wordnet import imagenet_groups

    shares = {group: len(own) / 1000 for group, own in imagenet_groups().items()}
    eligible = {g for g, share in shares.items() if MASSES[0] <= share <= MASSES[1]}
    assert {"building", "clothing", "establishment", "protective covering"} <= eligible and len(eligible) == 12
    assert shares["clothing"] == 0.047 and shares["establishment"] == 0.009 and "dog" not in shares


def test_a_group_that_there_is_not_is_refused_before_anything_is_unpacked(capsys, monkeypatch) -> None:
    import fiftyone.zoo as foz

    monkeypatch.setattr(foz, "load_zoo_dataset", lambda *a, **k: pytest.fail("144 GB would be unpacked"))
    assert main(["noisy-diff", "imagenet", "--a", "buildings", "--b", "clothing"]) == 2
    assert "no group 'buildings'; near: building" in capsys.readouterr().err
    with pytest.raises(InputError, match="the class tench is in the group 'animal'"):
        check_group("tench")


@pytest.mark.parametrize("content", ["[]", "{}", '{"classes": ["a"], "labels": {"1": 3}}', '{"classes": ["a"], "labels": {"1": 0}}', "x"])
def test_other_files_of_labels_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "train/data").mkdir(parents=True)
    (tmp_path / "train/labels.json").write_text(content)
    with pytest.raises(InputError, match=r"labels\.json"):
        grouped_images(tmp_path)

"""The demo's dataset: drawn scenes with their labels, both pairs compared, nobody else's dataset touched."""

from __future__ import annotations

import json
from pathlib import Path

import fiftyone as fo
import numpy as np
import pytest

from fiftyone_plugin import load_comparison
from fiftyone_plugin.demo import DATASET, EMBEDDINGS, build_demo
from latentdiff import InputError
from latentdiff.demo.run import comparisons
from latentdiff.errors import RunError


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    made = build_demo(1200, 3, folder=tmp_path_factory.mktemp("scenes"))
    yield made
    made.dataset.delete()


def test_every_scene_is_a_sample_with_its_labels(built):
    dataset = built.dataset
    assert dataset.name == DATASET and dataset.persistent and len(dataset) == 1200
    for comparison in comparisons(1200, 3):
        for side, view in (("A", comparison.view_a), ("B", comparison.view_b)):
            samples = {Path(s.filepath).name: s for s in dataset.load_saved_view(view)}
            assert len(samples) == 300
            for i, (_, scene) in zip(range(5), comparison.pair.draw(side), strict=False):
                sample = samples[f"{view}_{i:04d}.jpg"]
                assert (sample.caption, sample.setting.label) == (scene.caption, scene.setting)
                assert [(d.label, d.colour) for d in sample.ground_truth.detections] == [(t.kind, t.colour) for t in scene.objects]
                boxes = [d.bounding_box for d in sample.ground_truth.detections]
                np.testing.assert_allclose(boxes, [t.box for t in scene.objects])
                assert len(sample[EMBEDDINGS]) == 64 and np.isfinite(sample[EMBEDDINGS]).all()


def test_labels_are_beside_the_images(built):
    labels = json.loads((Path(built.dataset.first().filepath).parent / "labels.json").read_text())
    assert len(labels) == 1200
    split = [entry for entry in labels if entry["view"] in ("today", "yesterday")]
    assert [entry["view"] for entry in split if any(o["kind"] == "kite" for o in entry["objects"])] == ["today"] * 15  # 5 % of 300


def test_both_comparisons_are_stored_and_winter_is_snow(built):
    assert [run.name for run in built.runs] == ["today_vs_yesterday", "winter_vs_summer"]
    winter = load_comparison(DATASET, "winter_vs_summer")
    assert winter.differs and winter.comparison.top("A", 1)[0].text == "snow"


def test_a_dataset_that_the_demo_did_not_make_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("fiftyone_plugin.demo.DATASET", "my-own-photos")
    mine = fo.Dataset("my-own-photos")
    try:
        with pytest.raises(RunError, match="not made by the demo"):
            build_demo(400, folder=tmp_path / "never")
        assert fo.dataset_exists("my-own-photos") and not (tmp_path / "never").exists()
    finally:
        mine.delete()


@pytest.mark.parametrize("n", [0, 100, 1001])
def test_a_number_of_scenes_that_makes_no_four_views_is_refused(n, tmp_path):
    with pytest.raises(InputError, match="multiple of 4"):
        build_demo(n, folder=tmp_path)

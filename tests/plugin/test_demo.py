"""The demo's dataset: drawn scenes with their labels, both pairs compared, nobody else's dataset touched."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import fiftyone as fo
import numpy as np
import pytest

import latentdiff
from fiftyone_plugin import compare_views, delete_comparison, list_comparisons, load_comparison
from fiftyone_plugin.asking import ask
from fiftyone_plugin.demo import DATASET, EMBEDDINGS, build_demo
from fiftyone_plugin.encoders import LISTED, chosen_vocabulary
from fiftyone_plugin.forms.comparison import reached
from fiftyone_plugin.listing import details
from latentdiff import InputError, demo
from latentdiff.demo.run import plan
from latentdiff.errors import RunError
from tests.plugin.calls import execute, form

N, SEED = 400, 3


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    made = build_demo(N, SEED, folder=tmp_path_factory.mktemp("scenes"))
    yield made
    made.dataset.delete()


def test_every_scene_is_a_sample_with_its_labels(built):
    dataset = built.dataset
    assert dataset.name == DATASET and dataset.persistent and len(dataset) == N
    planned = plan(N, SEED)
    drawn = demo.draw(N, SEED, rules=[rules for _, rules in planned])
    for sample, (views, _), (_, scene) in zip(dataset.limit(20), planned, drawn, strict=False):
        assert tuple(sample.tags) == views
        assert (sample.caption, sample.setting.label) == (scene.caption, scene.setting)
        assert [(d.label, d.colour) for d in sample.ground_truth.detections] == [(t.kind, t.colour) for t in scene.objects]
        np.testing.assert_allclose([d.bounding_box for d in sample.ground_truth.detections], [t.box for t in scene.objects])
        assert len(sample[EMBEDDINGS]) == 64 and np.isfinite(sample[EMBEDDINGS]).all()


def test_the_views_split_the_scenes_in_two_ways(built):
    views = {name: set(built.dataset.load_saved_view(name).values("id")) for name in ("today", "yesterday", "winter", "summer")}
    for a, b in (("today", "yesterday"), ("winter", "summer")):
        assert len(views[a]) == len(views[b]) == N // 2 and not views[a] & views[b]
    assert len(views["today"] & views["winter"]) == N // 4


def test_labels_are_beside_the_images(built):
    labels = json.loads((Path(built.dataset.first().filepath).parent / "labels.json").read_text())
    assert len(labels) == N
    kites = [entry for entry in labels if any(o["kind"] == "kite" for o in entry["objects"])]
    assert [entry["views"][0] for entry in kites] == ["today"] * 10  # 5 % of 200
    snow = [entry["views"] for entry in labels if entry["setting"] == "snow"]
    count = {pair: snow.count(list(pair)) for pair in itertools.product(("today", "yesterday"), ("winter", "summer"))}
    assert list(count.values()) == [30, 10, 30, 10]  # 30 % and 10 % of 100 each, whatever the day


def test_both_comparisons_are_stored_and_winter_is_snow(built):
    assert [run.name for run in built.runs] == ["today_vs_yesterday", "winter_vs_summer"]
    winter = load_comparison(DATASET, "winter_vs_summer")
    assert winter.differs and winter.comparison.top("A", 1)[0].text == "snow"


def test_the_list_calls_the_encoder_by_the_name_that_it_was_loaded_by(built):
    for run in list_comparisons(DATASET):
        assert run.config["encoder"]["model"] == "encoder"  # the folder in the package
        assert f", {EMBEDDINGS} (demo), " in details(run)


def test_the_next_question_and_the_next_comparison_have_words(built):
    """What a new user clicks after the demo: a phrase is asked about, and two views of their own are compared."""
    question = ask(built.runs[1], "snow")
    assert question.found.rate_a > question.found.rate_b and question.found.q_value < 0.05
    given = {"embeddings": EMBEDDINGS, "vocabulary": "common", "sae": demo.load_sae(), "run": "again"}
    again = compare_views(built.dataset, "winter", "summer", **given)
    try:
        assert "snow" in {h.text for h in again.comparison.candidates if h.side == "A"}
        assert again.comparison.info["words"] == len(demo.words())
    finally:
        delete_comparison(built.dataset, "again")


def test_words_that_were_given_as_a_list_are_offered_to_the_next_comparison(built):
    asked = {"view_a": "winter", "view_b": "summer", "embeddings": EMBEDDINGS, "run": "again"}
    choices = {c["value"]: c["label"] for c in form("compare_views", built.dataset, **asked)["words"]["view"]["choices"]}
    (offered,) = (value for value in choices if value.startswith(LISTED))
    first = ", ".join(demo.words()[:3])
    assert choices[offered] == f"The words of today_vs_yesterday: {first}, {len(demo.words()) - 3} more"
    assert not form("compare_views", built.dataset, **asked, words=offered)["words"].get("invalid")
    assert chosen_vocabulary({"words": offered}) == tuple(demo.words()) == chosen_vocabulary(reached({"words": offered}))
    execute("compare_views", built.dataset, **asked, words=offered)
    try:
        assert load_comparison(DATASET, "again").comparison.top("A", 1)[0].text == "snow"
    finally:
        delete_comparison(built.dataset, "again")


def test_the_encoder_knows_the_words_of_the_world_alone():
    assert latentdiff.load_encoder("demo").words == tuple(demo.words())


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
def test_a_number_of_scenes_that_makes_no_four_views_is_refused(built, n, tmp_path):
    with pytest.raises(InputError, match="multiple of 4"):
        build_demo(n, folder=tmp_path)
    assert len(built.dataset) == N  # the earlier demo is still there

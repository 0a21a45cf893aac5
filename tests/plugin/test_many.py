"""Groups by a field and gaps between views, on a dataset with a planted difference."""

from __future__ import annotations

import datetime
import json

import fiftyone as fo
import numpy as np
import pytest

from fiftyone_plugin import (
    close_gap,
    compare_groups,
    compare_over_time,
    compare_views,
    delete_comparison,
    export_report,
    list_comparisons,
    load_comparison,
    load_groups,
    mend_comparison,
    rename_comparison,
)
from fiftyone_plugin.store import runs, writers
from latentdiff.cli.main import main
from latentdiff.errors import InputError, RunError
from tests.planted import DOG, WORDS, vectors


def test_groups_are_the_values_of_a_field_and_each_is_a_view(make, sae, vocabulary) -> None:
    dataset = make(vectors(60, 0.5, seed=1), vectors(100, 0.05, seed=2))
    cameras = ["front"] * 60 + ["rear"] * 50 + ["side"] * 48 + [None] * 2
    dataset.set_values("camera", [None if c is None else fo.Classification(label=c) for c in cameras])
    given = {"embeddings": "clip", "sae": sae, "vocabulary": vocabulary}
    groups = compare_groups(dataset, "camera.label", **given)
    assert groups.found.names == ("front", "rear", "side") and groups.found.info["left_out"]["unlabelled"] == 2
    first = groups.found.groups["front"].top("A")[0]
    assert first.text == WORDS[DOG]
    assert groups.group("rear").values("camera.label") == ["rear"] * 50
    shown = groups.showing("front", first)
    assert len(shown) == 30 and min(v[DOG] for v in shown.values("clip")) > 1
    with pytest.raises(InputError, match="no field 'lens'"):
        compare_groups(dataset, "lens", **given)
    with pytest.raises(InputError, match=r"holds a Classification.*'camera.label'"):
        compare_groups(dataset, "camera", **given)


def test_images_that_close_a_gap_are_tagged_and_saved(make, sae, vocabulary) -> None:
    dataset = make(vectors(120, 0.4, seed=1), vectors(200, 0.0, seed=2))
    ids = dataset.values("id")
    pool = np.concatenate([vectors(60, 0.5, seed=3)])
    dataset.set_values("clip", dict(zip(ids[260:], pool, strict=True)), key_field="id")
    b, rest = dataset.select(ids[120:260]), dataset.select(ids[200:])  # 60 of B are listed in the pool too
    given = {"embeddings": "clip", "budget": 20, "sae": sae, "vocabulary": vocabulary}
    chosen = close_gap(dataset, "summer", b, rest, tag="to label", save_as="wanted", **given)
    assert len(chosen.ids) == 20 and set(chosen.ids) <= set(ids[260:290]) and set(chosen.gap.why) == {WORDS[DOG]}
    assert set(dataset.match_tags("to label").values("id")) == set(chosen.ids) == set(dataset.load_saved_view("wanted").values("id"))
    assert chosen.view.values("id") == dataset.load_saved_view("wanted").values("id")
    with pytest.raises(InputError, match="a saved view 'wanted' already"):
        close_gap(dataset, "summer", b, rest, save_as="wanted", **given)
    with pytest.raises(InputError, match="holds no images with a vector"):
        close_gap(dataset, "summer", b, dataset.match_tags("nobody has this"), **given)
    with pytest.raises(InputError, match=r"images of .* are in B too; choose different views"):
        close_gap(dataset, dataset[:50], dataset[:70], rest, **given)


CAMERAS = ["front"] * 60 + ["rear"] * 50 + ["side"] * 48 + [None] * 2


@pytest.fixture
def cameras(make, sae, vocabulary):
    """The comparison "cameras" of a dataset with three of them, one of which shows the planted word."""
    dataset = make(vectors(60, 0.5, seed=1), vectors(100, 0.05, seed=2))
    dataset.set_values("camera", CAMERAS)
    return compare_groups(dataset, "camera", embeddings="clip", sae=sae, vocabulary=vocabulary, run="cameras")


def test_groups_are_one_run_that_is_opened_renamed_and_deleted(cameras) -> None:
    dataset = cameras.side.dataset
    before = {name for name in dataset.get_field_schema() if not name.startswith("cameras")}
    (listed,) = list_comparisons(dataset)
    assert listed.groups == ("front", "rear", "side") and listed.views == ("camera", "the rest")
    assert listed.complete and listed.verdict["differs"]
    again = load_groups(dataset, "cameras")
    assert again.ids.tolist() == dataset.values("id") and again.found.label.tolist() == cameras.found.label.tolist()
    assert again.found.rates.tolist() == cameras.found.rates.tolist() and again.config["by"] == "camera"
    front = load_comparison(dataset, "cameras:front")
    assert front.hypotheses[0].text == WORDS[DOG] and front.sides["A"].ids.tolist() == dataset.match({"camera": "front"}).values("id")
    shown = {i for i, v in zip(*dataset.values(["id", "clip"]), strict=True) if v[DOG] > 0.5}
    assert set(dataset.match({"cameras_concepts": WORDS[DOG]}).values("id")) == shown & set(dataset.exists("camera").values("id"))
    assert set(front.view(front.hypotheses[0], "A").values("id")) == {i for i in shown if i in front.sides["A"].ids}
    ratio = dict(zip(*dataset.values(["id", "cameras_log_ratio"]), strict=True))
    assert [ratio[i] for i in front.sides["A"].ids] == pytest.approx(front.comparison.log_ratio_a.tolist())
    assert ratio[dataset.last().id] is None
    rename_comparison(dataset, "cameras", "lenses")
    assert load_groups(dataset, "lenses").found.names == again.found.names and dataset.has_field("lenses_concepts")
    said = dataset.get_field("lenses_log_ratio").description
    assert "'lenses'" in said and "by camera" in said
    delete_comparison(dataset, "lenses")
    assert set(dataset.get_field_schema()) == before and not list_comparisons(dataset)


def test_what_is_wrong_with_a_stored_comparison_of_groups_is_said(cameras, stored) -> None:
    dataset = cameras.side.dataset
    for call, said in (
        (lambda: load_comparison(dataset, "cameras"), r"holds groups: open it with load_groups.*'cameras:front'"),
        (lambda: load_comparison(dataset, "cameras:top"), "no group 'top'; it has 'front', 'rear', 'side'"),
        (lambda: load_groups(stored.dataset, "seasons"), "holds two sides"),
        (lambda: compare_groups(dataset, "camera", embeddings="clip", run="cameras"), "already has a comparison 'cameras'"),
        (lambda: cameras.comparison("top"), "there is no group 'top'"),
    ):
        with pytest.raises((InputError, RunError), match=said):
            call()


def test_a_killed_writer_leaves_groups_whole_or_nothing(cameras) -> None:
    """Results are the last thing written: with them it is finished, without them taken back."""
    dataset = cameras.side.dataset
    with writers.working() as writer:
        runs.set_state(dataset, "cameras", runs.WRITING, writer=writer, verdict=None)
        with pytest.raises(RunError, match="somebody is writing"):
            mend_comparison(dataset, "cameras")
    (found,) = list_comparisons(dataset)  # its writer is at it no more
    assert found.complete and found.verdict["groups"] == list(cameras.found.differing)
    assert load_groups(dataset, "cameras").found.names == ("front", "rear", "side")


def test_groups_are_reported_with_their_images(cameras, tmp_path) -> None:
    page = export_report(cameras.side.dataset, "cameras", tmp_path / "cameras.html").read_text()
    assert "How groups by camera differ" in page and WORDS[DOG] in page
    one = json.loads(export_report(cameras.side.dataset, "cameras:front", tmp_path / "front.json").read_text())
    assert one["sides"]["A"]["name"] == "front" and one["sides"]["B"]["name"] == "the rest"


def test_a_gap_takes_each_image_once_and_equal_ids_in_two_datasets_for_two(make, sae, vocabulary) -> None:
    a, b = make(vectors(80, 0.4, seed=1), vectors(60, 0.4, seed=5)), make(vectors(120, 0.0, seed=2), vectors(5, 0, seed=6))
    pool = b.clone()  # the same ids, other images
    pool.set_values("clip", dict(zip(pool.values("id"), vectors(125, 0.4, seed=3), strict=True)), key_field="id")
    given = {"embeddings": "clip", "sae": sae, "vocabulary": vocabulary}
    try:
        found = close_gap(a, "summer", b, pool.view() + pool.limit(10), budget=15, **given)
        assert len(found.ids) == 15 and found.left_out["pool"] == {"missing": 0, "repeated": 10, "in_b": 0}
    finally:
        fo.delete_dataset(pool.name)
    found = close_gap(a, "summer", a.skip(70), b, budget=15, **given)
    assert found.left_out["overlap"] == 10 and len(found.gap.weights) == 60
    a.set_values("site", ["x", "y"] * 70)
    assert compare_groups(a.view() + a.limit(4), "site", **given).found.info["left_out"]["repeated"] == 4


def test_a_stored_comparison_is_mended_and_its_weights_are_its_own_field(make, sae, vocabulary) -> None:
    dataset = make(vectors(120, 0.4, seed=1), vectors(200, 0.1, seed=2))
    samples = [fo.Sample(filepath=f"/nowhere/p{i}.jpg", clip=v) for i, v in enumerate(vectors(60, 0.5, seed=3))]
    pool = dataset.add_samples(samples, progress=False)
    given = {"embeddings": "clip", "sae": sae, "vocabulary": vocabulary}
    run = compare_views(dataset, "summer", "winter", run="seasons", **given)
    chosen = close_gap(dataset, pool=dataset.select(pool), run="seasons", budget=20, tag="label", card_by_card=True, sae=sae)
    assert set(chosen.ids) <= set(pool[:30]) and set(dataset.match_tags(f"label: {WORDS[DOG]}").values("id")) == set(chosen.ids)
    assert chosen.weight_field == "seasons_weight" and f"{chosen.gap.effective:,.0f}" in dataset.get_field("seasons_weight").description
    ids, weights = dataset.load_saved_view("winter").values(["id", "seasons_weight"])
    of = dict(zip(run.sides["B"].ids, chosen.gap.weights.tolist(), strict=True))
    assert weights == pytest.approx([of[i] for i in ids])
    shows = np.array(dataset.load_saved_view("winter").values("clip"))[:, DOG] > 0.5
    assert np.average(shows, weights=weights) == pytest.approx(0.4, abs=0.01) and shows.mean() == 0.1
    assert dataset.match_tags("b", bool=False).exists("seasons_weight").count() == 0
    rename_comparison(dataset, "seasons", "mended")
    assert dataset.load_saved_view("winter").values("mended_weight") == weights and not dataset.has_field("seasons_weight")
    again = close_gap(dataset, pool=dataset.select(pool), run="mended", mend="A", budget=20, sae=sae)
    assert again.weight_field == "mended_weight" and dataset.match_tags("b").exists("mended_weight").count() == 0
    delete_comparison(dataset, "mended")
    assert not dataset.has_field("mended_weight")
    assert all("mended_weight" not in document for document in dataset._sample_collection.find({}))


def test_what_a_gap_needs_is_said(dataset, stored) -> None:
    for given, said in (
        ({"view_a": "summer", "run": "seasons"}, "not both"),
        ({"view_a": "summer", "pool": dataset}, "name both views"),
        ({"run": "seasons"}, "name the pool"),
        ({"run": "seasons", "pool": dataset, "mend": "C"}, '"A" or "B"'),
        ({"view_a": "summer", "view_b": "winter", "pool": dataset}, "name the embeddings"),
        ({"run": "winters", "pool": dataset}, "no comparison 'winters'"),
    ):
        with pytest.raises((InputError, RunError), match=said):
            close_gap(dataset, budget=5, **given)


def test_the_command_groups_a_dataset_and_stores_it(cameras, files, capsys) -> None:
    dataset = cameras.side.dataset
    options = ["--by", "camera", "--embeddings", "clip", "--sae", files["sae"], "--vocabulary", files["vocabulary"], "--json"]
    assert main(["groups", dataset.name, *options, "--run", "again"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["names"] == ["front", "rear", "side"] and told["distances"] == cameras.found.distances.tolist()
    assert load_groups(dataset, "again").found.rates.tolist() == cameras.found.rates.tolist()
    assert main(["groups", f"{dataset.name}:spring", *options]) == 2 and "no saved view 'spring'" in capsys.readouterr().err
    assert main(["groups", dataset.name, "--by", "camera"]) == 2 and "--embeddings" in capsys.readouterr().err


def test_a_field_of_dates_tells_what_changes_and_its_months_are_groups(make, files, sae, vocabulary, capsys) -> None:
    dataset = make(vectors(60, 0.0, seed=1), vectors(100, 0.3, seed=2))
    days = [datetime.datetime(2026, 3 if i < 60 else 4 + (i >= 110), 1 + i % 28) for i in range(160)]
    dataset.set_values("taken", days)
    given = {"embeddings": "clip", "bins": "month", "sae": sae, "vocabulary": vocabulary}
    months = compare_over_time(dataset, "taken", **given)
    first = months.found.trends[0]
    assert months.found.bins == ("2026-03", "2026-04", "2026-05") and first.text == WORDS[DOG] and first.first_seen == 1
    assert set(months.bin("2026-03").values("id")) == set(dataset.values("id")[:60])
    assert min(v[DOG] for v in months.exemplars(first).values("clip")) > 1
    stored = compare_groups(dataset, "taken", run="months", **given)
    assert stored.found.names == months.found.bins and load_groups(dataset, "months").found.names == stored.found.names
    command = ["trends", dataset.name, "--by", "taken", "--bins", "month", "--embeddings", "clip", "--json"]
    assert main([*command, "--sae", files["sae"], "--vocabulary", files["vocabulary"]]) == 0
    assert json.loads(capsys.readouterr().out)["trends"][0]["rates"] == list(first.rates)


def test_groups_are_shown_and_reported_on_the_command_line(cameras, tmp_path, capsys) -> None:
    name = cameras.side.dataset.name
    assert main(["show", name, "cameras", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["names"] == ["front", "rear", "side"]
    assert main(["report", name, "cameras", "-o", str(tmp_path / "cameras.md")]) == 0
    assert "How groups by camera differ" in (tmp_path / "cameras.md").read_text(encoding="utf8")
    assert main(["show", name, "cameras:front"]) == 0 and "the rest" in capsys.readouterr().out


def test_a_guard_replaces_its_own_comparison_alone(cameras, files, tmp_path, capsys) -> None:
    dataset = cameras.side.dataset
    sides = {"reference": f"{dataset.name}:winter", "batch": f"{dataset.name}:summer"}
    given, at = {**sides, "embeddings": "clip", **files}, tmp_path / "guard.json"
    compare_views(dataset, "summer", "winter", embeddings="clip", run="mine", sae=files["sae"])
    for run in ("cameras", "mine"):
        at.write_text(json.dumps({**given, "run": run}))
        assert main(["guard", str(at)]) == 2 and "that no guard made" in capsys.readouterr().err
    assert load_groups(dataset, "cameras").found.names == ("front", "rear", "side")
    assert load_comparison(dataset, "mine").sides["A"].name == "summer"
    at.write_text(json.dumps(given))
    for _ in range(2):
        assert main(["guard", str(at)]) == 1
    assert sorted(list_comparisons(dataset)) == ["cameras", "guard", "mine"]

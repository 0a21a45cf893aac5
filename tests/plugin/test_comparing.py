"""compare_views against the real database: what is written, what is left alone, and what a failure leaves."""

from __future__ import annotations

import math
from typing import Any

import fiftyone as fo
import numpy as np
import pytest

import latentdiff
from fiftyone_plugin import compare_views, delete_comparison, list_comparisons, load_comparison, rename_comparison
from fiftyone_plugin.sides import resolve
from fiftyone_plugin.vectors import read_vectors
from latentdiff.errors import Cancelled, InputError, RunError
from tests.planted import DOG, WORDS, state, vectors


@pytest.fixture
def compare(vocabulary, sae):
    def call(dataset: Any, a: Any = "summer", b: Any = "winter", **options: Any) -> Any:
        given = {"embeddings": "clip", "vocabulary": vocabulary, "sae": sae, "run": "seasons", **options}
        return compare_views(dataset, a, b, **given)

    return call


def test_writes_the_librarys_own_answer(dataset, compare, vocabulary, sae) -> None:
    run = compare(dataset)
    a, b = (np.stack(dataset.load_saved_view(v).values("clip")) for v in ("summer", "winter"))
    expected = latentdiff.compare(a, b, sae=sae, vocabulary=vocabulary, config=latentdiff.CompareConfig())
    assert expected.hypotheses[0].text == WORDS[DOG] and expected.hypotheses[0].side == "A"
    assert [h.text for h in run.hypotheses] == [h.text for h in expected.hypotheses]
    assert run.differs is True and run.two_sample == expected.two_sample
    for side, view, ratio in (("A", "summer", expected.log_ratio_a), ("B", "winter", expected.log_ratio_b)):
        view = dataset.load_saved_view(view)
        np.testing.assert_array_equal(np.array(view.values("seasons_log_ratio"), np.float32), ratio)
        tags = view.values("seasons_concepts")
        for h in expected.hypotheses:
            rows = [i for i, shown in enumerate(tags) if run.label(next(g for g in run.hypotheses if g.text == h.text)) in shown]
            assert rows == expected.rows_showing(h, side).tolist()


def test_a_request_names_views_as_text(dataset, compare, vocabulary, sae) -> None:
    of = {"embeddings": "clip", "vocabulary": vocabulary, "sae": sae}
    request = latentdiff.CompareRequest(f"{dataset.name}:summer", f"{dataset.name}:winter", stored_as="asked", **of)
    outcome, same = request.run(), compare(dataset)
    assert sorted(list_comparisons(dataset)) == ["asked", "seasons"] and outcome.run == "asked"
    assert [h.text for h in outcome.comparison.hypotheses] == [h.text for h in same.hypotheses]
    opened = request.open()
    assert opened.names == ("summer", "winter") and opened.items[0] == dataset.load_saved_view("summer").values("filepath")


def test_a_run_at_a_prompt_and_in_a_notebook_is_its_comparison(stored) -> None:
    assert repr(stored).startswith("ComparisonRun 'seasons': Comparison(differs; 60 and 80 images")
    assert len(repr(stored).splitlines()) <= 10 and WORDS[DOG] in repr(stored)
    assert stored._repr_html_() == stored.comparison._repr_html_()


def test_loads_as_it_was_made(dataset, compare) -> None:
    import fiftyone as fo

    made = compare(dataset)
    opened = load_comparison(fo.load_dataset(dataset.name), "seasons")
    for name in ("log_ratio_a", "log_ratio_b"):
        np.testing.assert_array_equal(getattr(opened.comparison, name), getattr(made.comparison, name))
    assert repr(opened.candidates) == repr(made.candidates)
    assert opened.comparison.config == made.comparison.config
    for name in ("concept", "rate_a", "rate_b", "gap", "jsd", "p_value", "q_value"):
        np.testing.assert_array_equal(getattr(opened.comparison.concepts, name), getattr(made.comparison.concepts, name))
    (summary,) = list_comparisons(dataset)
    assert summary == "seasons" and summary.complete and summary.views == ("summer", "winter")
    assert summary.verdict["hypotheses"] == len(made.hypotheses) and summary.verdict["differs"] is True


def test_views_of_a_hypothesis(dataset, compare) -> None:
    run = compare(dataset)
    h = run.hypotheses[0]
    ids = {side: np.array(dataset.load_saved_view(v).values("id")) for side, v in (("A", "summer"), ("B", "winter"))}
    for side in "AB":
        shown = run.view(h, side).values("id")
        assert sorted(shown) == sorted(ids[side][run.comparison.rows_showing(h, side)])
    assert set(run.view(h).values("id")) == set(run.view(h, "A").values("id")) | set(run.view(h, "B").values("id"))
    assert run.exemplars(h) == ids[h.side][list(h.exemplars)].tolist()
    own = run.view(h, h.side).values("id")
    showing = [i for i in run.exemplars(h) if i in own]
    assert own[: len(showing)] == showing
    ratios = run.view(h, h.side).values("seasons_log_ratio")[len(showing) :]
    assert ratios == sorted(ratios, reverse=h.side == "A")
    with pytest.raises(InputError, match="'C'"):
        run.view(h, "C")


def test_delete_leaves_everything_else_as_it_was(dataset, compare) -> None:
    before = state(dataset)
    compare(dataset)
    assert state(dataset) != before
    delete_comparison(dataset, "seasons")
    assert state(dataset) == before
    with pytest.raises(RunError, match="has no comparison 'seasons'; it has none"):
        delete_comparison(dataset, "seasons")


def sidebar(dataset: Any) -> dict[str, list[str]] | None:
    dataset.reload()
    groups = dataset.app_config.sidebar_groups
    return None if groups is None else {group.name: list(group.paths) for group in groups}


@pytest.mark.parametrize("own", [False, True])
def test_fields_lie_in_a_sidebar_group_of_their_own(dataset, compare, own) -> None:
    if own:
        dataset.app_config.sidebar_groups = [fo.SidebarGroupDocument(name="mine", paths=["filepath", "tags"])]
        dataset.save()
    before = sidebar(dataset)
    compare(dataset)
    groups = sidebar(dataset)
    assert groups.pop("comparisons") == ["seasons_log_ratio", "seasons_concepts"]
    assert not any("seasons" in path for paths in groups.values() for path in paths) and (groups == before or not own)
    rename_comparison(dataset, "seasons", "renamed")
    compare(dataset, run="second")
    names = {f"{run}_{what}" for run in ("renamed", "second") for what in ("log_ratio", "concepts")}
    assert set(sidebar(dataset)["comparisons"]) == names
    for run in ("renamed", "second"):
        delete_comparison(dataset, run)
    assert sidebar(dataset) == before


def test_same_name_asks_or_overwrites(dataset, compare) -> None:
    compare(dataset)
    with pytest.raises(RunError, match="overwrite=True"):
        compare(dataset)
    first = dataset.values("seasons_log_ratio")
    again = compare(dataset, "winter", "summer", overwrite=True)
    assert again.sides["A"].name == "winter"
    assert np.corrcoef(first, dataset.values("seasons_log_ratio"))[0, 1] < -0.9
    assert list_comparisons(dataset) == ["seasons"]


def test_stopped_while_overwriting_leaves_the_old_run_whole(dataset, compare) -> None:
    made = compare(dataset)
    before = state(dataset)

    def stop(fraction: float, label: str) -> None:
        if label == "writing results":
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        compare(dataset, "winter", "summer", overwrite=True, progress=stop)
    assert state(dataset) == before
    assert repr(load_comparison(dataset, "seasons").candidates) == repr(made.candidates)


def test_same_seed_gives_the_same_values(dataset, compare) -> None:
    compare(dataset)
    first = dataset.values("seasons_log_ratio"), dataset.values("seasons_concepts")
    compare(dataset, run="again")
    assert (dataset.values("again_log_ratio"), dataset.values("again_concepts")) == first


def test_samples_in_both_views_leave_both(dataset, compare) -> None:
    both = dataset.match_tags("a").values("id")[:5]
    dataset.select(both).tag_samples("b")
    run = compare(dataset)
    assert run.counts == {
        "A": {"compared": 55, "missing": 0, "bad": 0, "repeated": 0},
        "B": {"compared": 80, "missing": 0, "bad": 0, "repeated": 0},
        "overlap": 5,
    }
    assert dataset.select(both).values("seasons_log_ratio") == [None] * 5
    assert not set(both) & set(run.sides["A"].ids.tolist() + run.sides["B"].ids.tolist())


def test_missing_and_bad_vectors_are_counted(dataset, compare) -> None:
    ids = dataset.match_tags("b").values("id")
    before = state(dataset)
    dataset.set_values("clip", {ids[0]: None, ids[1]: np.full(16, np.nan, np.float32)}, key_field="id")
    changed = state(dataset)
    assert changed != before
    with pytest.raises(InputError, match=f"with NaN.*field 'clip'.*rows {ids[1]}.*skip_bad=True"):
        compare(dataset)
    assert state(dataset)["runs"] == [] and state(dataset)["schema"] == changed["schema"]
    run = compare(dataset, config=latentdiff.CompareConfig(skip_bad=True))
    assert run.counts["B"] == {"compared": 78, "missing": 1, "bad": 1, "repeated": 0}
    assert dataset.select(ids[:2]).values("seasons_log_ratio") == [None, None]


def refuse(dataset: Any, compare: Any, match: str, *args: Any, **options: Any) -> None:
    before = state(dataset)
    with pytest.raises(InputError, match=match):
        compare(dataset, *args, **options)
    assert state(dataset) == before


def test_bad_input_writes_nothing(dataset, make, compare) -> None:
    refuse(dataset, compare, "both sides are the saved view 'summer'", "summer", "summer")
    refuse(dataset, compare, "hold the same 60 images", "summer", dataset.match_tags("a"))
    refuse(dataset, compare, "view B'.*has 19 usable images.*at least 20", "summer", dataset.match_tags("b").limit(19))
    refuse(dataset, compare, "is empty", "summer", dataset.match_tags("nothing"))
    refuse(dataset, compare, "no saved view 'autumn'", "summer", "autumn")
    refuse(dataset, compare, "no field 'dino'", embeddings="dino")
    refuse(dataset, compare, "width", vocabulary=latentdiff.Vocabulary(["a", "b"], np.eye(2)))
    other = make(np.eye(30, 9, dtype=np.float32), np.eye(30, 9, dtype=np.float32))
    refuse(dataset, compare, "width 16, .* of 9", "summer", other)
    refuse(dataset, compare, "neither side is a view", other, other.match_tags("a"))


@pytest.mark.parametrize("name", ["two words", "3d", "_hidden", "", "a.b", "$where", None])
def test_run_names_that_are_no_identifiers(dataset, compare, name) -> None:
    before = state(dataset)
    with pytest.raises(RunError, match="a comparison's name is"):
        compare(dataset, run=name)
    assert state(dataset) == before


def test_never_touches_what_others_made(dataset, compare) -> None:
    import fiftyone as fo

    dataset.add_sample_field("seasons_log_ratio", fo.FloatField)
    dataset.register_run("mine", dataset.init_run(some="thing"))
    before = state(dataset)
    with pytest.raises(RunError, match="'seasons_log_ratio' that no comparison wrote"):
        compare(dataset)
    for action in (lambda: compare(dataset, run="mine", overwrite=True), lambda: delete_comparison(dataset, "mine")):
        with pytest.raises(RunError, match="no comparison"):
            action()
    assert state(dataset) == before


def test_a_field_that_another_process_put_back_is_nobodys(dataset, compare) -> None:
    """FiftyOne writes a schema back whole: what it had read before a run was deleted returns, and must not keep the name taken."""
    from fiftyone.core.odm import get_db_conn

    first = compare(dataset)
    schemas = get_db_conn().datasets
    before = schemas.find_one({"_id": dataset._doc.id})["sample_fields"]
    delete_comparison(dataset, "seasons")
    schemas.update_one({"_id": dataset._doc.id}, {"$set": {"sample_fields": before}})
    dataset.reload()
    assert "seasons_log_ratio" in dataset.get_field_schema()
    second = compare(dataset)
    np.testing.assert_array_equal(second.comparison.log_ratio_a, first.comparison.log_ratio_a)
    delete_comparison(dataset, "seasons")
    assert not [path for path in dataset.get_field_schema() if path.startswith("seasons_")]


@pytest.mark.parametrize("stage", ["reading", "writing results"])
def test_cancelled_midway_leaves_nothing(dataset, compare, stage) -> None:
    before = state(dataset)

    def stop(fraction: float, label: str) -> None:
        if label.startswith(stage):
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        compare(dataset, progress=stop)
    assert state(dataset) == before


def test_an_interrupted_run_is_shown_and_can_be_deleted(dataset, compare) -> None:
    before = state(dataset)
    compare(dataset)
    for interrupted in ("writing", "deleting", "renaming"):
        # What a killed process leaves: the record in an earlier state, the fields in part.
        from fiftyone_plugin.store import runs

        runs.set_state(dataset, "seasons", interrupted, **({"new": "later"} if interrupted == "renaming" else {}))
        (summary,) = list_comparisons(dataset)
        assert (summary.state, summary.complete) == (interrupted, False)
        with pytest.raises(RunError, match=f"interrupted while {interrupted}"):
            load_comparison(dataset, "seasons")
    dataset.rename_sample_field("seasons_concepts", "later_concepts")
    delete_comparison(dataset, "seasons")
    assert state(dataset) == before


def test_rename_keeps_values_and_opens(dataset, compare) -> None:
    made = compare(dataset)
    values = dataset.values("seasons_log_ratio")
    rename_comparison(dataset, "seasons", "weather")
    assert list_comparisons(dataset) == ["weather"]
    assert dataset.values("weather_log_ratio") == values and not dataset.has_field("seasons_log_ratio")
    assert "'weather'" in dataset.get_field("weather_log_ratio").description
    assert repr(load_comparison(dataset, "weather").candidates) == repr(made.candidates)
    compare(dataset)
    with pytest.raises(RunError, match="already has a run 'seasons'"):
        rename_comparison(dataset, "weather", "seasons")
    before = state(dataset)
    delete_comparison(dataset, "weather")
    assert not dataset.has_field("weather_concepts") and state(dataset) != before and dataset.has_field("seasons_concepts")


def test_two_datasets(make, compare) -> None:
    here, there = make(vectors(60, 2 / 3, 1), vectors(60, 0, 2)), make(vectors(80, 0.05, 3), vectors(50, 0, 4))
    before = state(here), state(there)
    run = compare(here, "summer", there)
    assert run.hypotheses[0].text == WORDS[DOG]
    assert there.values("seasons_log_ratio") == [float(x) for x in run.comparison.log_ratio_b]
    assert here.match_tags("b").values("seasons_log_ratio") == [None] * 60
    assert there.list_runs() == [] and here.list_runs() == ["seasons"]
    assert run.view(run.hypotheses[0], "B")._root_dataset is there
    with pytest.raises(InputError, match="two datasets"):
        run.view(run.hypotheses[0])
    delete_comparison(here, "seasons")
    assert (state(here), state(there)) == before


def test_other_dataset_renamed_and_deleted(make, compare) -> None:
    import fiftyone as fo

    here, there = make(vectors(60, 2 / 3, 1), vectors(60, 0, 2)), make(vectors(80, 0.05, 3), vectors(50, 0, 4))
    run = compare(here, "summer", there)
    there.name = f"{there.name}-renamed"
    reopened = load_comparison(here, "seasons")
    assert reopened.view(reopened.hypotheses[0], "B")._root_dataset.name == there.name
    fo.delete_dataset(there.name)
    gone = load_comparison(here, "seasons")
    with pytest.raises(RunError, match="was deleted"):
        gone.view(gone.hypotheses[0], "B")
    assert len(gone.view(gone.hypotheses[0], "A")) == len(run.comparison.rows_showing(run.hypotheses[0], "A"))
    delete_comparison(here, "seasons")
    assert not here.has_field("seasons_log_ratio")


def test_patches(make, compare, vocabulary, sae) -> None:
    import fiftyone as fo

    dataset = make(vectors(2, 0, 0), vectors(2, 0, 0))
    dataset.clear()
    rows = {"cat": vectors(60, 2 / 3, 1), "car": vectors(80, 0.05, 2)}
    samples = []
    for i in range(20):
        boxes = [fo.Detection(label=k, bounding_box=[0, 0, 0.5, 0.5], clip=row) for k in rows for row in rows[k][i::20]]
        samples.append(fo.Sample(filepath=f"/nowhere/{i}.jpg", objects=fo.Detections(detections=boxes)))
    dataset.add_samples(samples, progress=False)
    before = state(dataset)
    views = [dataset.filter_labels("objects", fo.ViewField("label") == k).to_patches("objects") for k in ("cat", "car")]
    run = compare(dataset, *views, embeddings="objects.detections.clip")
    assert run.hypotheses[0].text == WORDS[DOG] and run.counts["A"]["compared"] == 60
    stored = {
        box["id"]: (box["seasons_log_ratio"], box["seasons_concepts"], box.label) for sample in dataset for box in sample.objects.detections
    }
    for side, label in (("A", "cat"), ("B", "car")):
        ratio = run.comparison.log_ratio_a if side == "A" else run.comparison.log_ratio_b
        for row, box in enumerate(run.sides[side].ids):
            assert stored[box][0] == float(ratio[row]) and stored[box][2] == label
    a, b = (read_vectors(resolve(side, view, dataset, "objects.detections.clip")) for side, view in zip("AB", views, strict=True))
    of_a, of_b = (view.values("sample_id") for view in views)
    expected = latentdiff.compare(a.values, b.values, sae=sae, vocabulary=vocabulary, groups_a=of_a, groups_b=of_b)
    assert run.two_sample == expected.two_sample  # patches of one image are one group
    h = run.hypotheses[0]
    assert sorted(run.view(h, "A").values("id")) == sorted(
        i for i, (_, shown, label) in stored.items() if h.text in shown and label == "cat"
    )
    delete_comparison(dataset, "seasons")
    assert state(dataset) == before


def test_nothing_stored_is_nan(dataset, compare) -> None:
    import json

    compare(dataset)
    document = dataset.load_run_results("seasons", cache=False).document
    json.dumps(document, allow_nan=False)
    for ratio in dataset.values("seasons_log_ratio"):
        assert math.isfinite(ratio)


def test_vectors_that_cannot_be_used_are_refused_or_counted(make, vocabulary, sae) -> None:
    """Too large for sums, and the zeros that FiftyOne's Brain writes for an image that it could not read, as well as NaN."""
    a, b = vectors(60, 2 / 3, seed=1), vectors(80, 1 / 20, seed=2)
    a[4, 0], a[7], b[9, 1] = 1e20, 0, np.nan
    dataset, given = make(a, b), {"embeddings": "clip", "vocabulary": vocabulary, "sae": sae, "run": "seasons"}
    ids = dataset.match_tags("a").values("id")
    with pytest.raises(InputError, match=rf"zeros \(side A \('summer', field 'clip'\): rows {ids[4]}, {ids[7]}; side B .*skip_bad=True"):
        compare_views(dataset, "summer", "winter", **given)
    run = compare_views(dataset, "summer", "winter", **given, config=latentdiff.CompareConfig(skip_bad=True))
    assert (run.counts["A"]["compared"], run.counts["A"]["bad"], run.counts["B"]["bad"]) == (58, 2, 1)
    assert (run.comparison.info["left_out"]["A"]["bad"], run.comparison.info["n_a"]) == (2, 58)
    assert not {ids[4], ids[7]} & set(run.sides["A"].ids.tolist())

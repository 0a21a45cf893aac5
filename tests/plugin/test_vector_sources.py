"""Vectors where FiftyOne keeps them: similarity indexes, fields that a view hides; and labels whose field was renamed since."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fiftyone as fo
import fiftyone.brain as fob
import numpy as np
import pytest
from PIL import Image

from fiftyone_plugin import compare_views, delete_comparison, load_comparison
from fiftyone_plugin.reporting import exemplar_images
from fiftyone_plugin.sides import vector_fields, vector_sources
from latentdiff.errors import InputError
from tests.planted import vectors


@pytest.fixture
def options(vocabulary: Any, sae: Any) -> dict[str, Any]:
    return {"vocabulary": vocabulary, "sae": sae}


def test_a_similarity_index_is_a_source_of_vectors(dataset: Any, options: dict[str, Any]) -> None:
    ids, values = dataset.values(["id", "clip"])
    gap = dataset.match_tags("a").first().id
    some = dataset.exclude(gap)
    fob.compute_similarity(some, embeddings=np.stack(some.values("clip")), brain_key="img_sim", backend="sklearn")
    fob.compute_similarity(dataset, embeddings="clip", brain_key="of_field", backend="sklearn")
    dataset.set_values("clip", {i: 0 * np.asarray(v) for i, v in zip(ids, values, strict=True)}, key_field="id")
    assert vector_sources(dataset) == ["clip", "img_sim"] and vector_fields(dataset) == ["clip"]
    winter = dataset.load_saved_view("winter")
    run = compare_views(dataset, "summer", winter + winter.limit(5), embeddings="img_sim", run="by_index", **options)
    assert run.counts["A"] == {"compared": 59, "missing": 1, "bad": 0, "repeated": 0}
    assert run.counts["B"] == {"compared": 80, "missing": 0, "bad": 0, "repeated": 5}
    dataset.set_values("clip", dict(zip(ids, values, strict=True)), key_field="id")
    summer = dataset.load_saved_view("summer").exclude(gap)
    by_field = compare_views(dataset, summer, "winter", embeddings="of_field", run="by_field", **options)
    np.testing.assert_array_equal(run.comparison.log_ratio_a, by_field.comparison.log_ratio_a)
    np.testing.assert_array_equal(run.sides["A"].ids, by_field.sides["A"].ids)
    with pytest.raises(InputError, match="similarity indexes: 'img_sim', 'of_field'"):
        compare_views(dataset, "summer", "winter", embeddings="no_such", run="x", **options)


def test_an_index_that_was_searched_before_has_the_vectors_that_were_stored(dataset: Any, options: dict[str, Any]) -> None:
    for key in ("stored", "field"):
        values = {"stored": np.stack(dataset.values("clip")), "field": "clip"}[key]
        index = fob.compute_similarity(dataset, embeddings=values, brain_key=key, backend="sklearn")
        before = index.get_embeddings()[0].copy()
        dataset.sort_by_similarity(dataset.first().id, brain_key=key, k=3).values("id")
        assert np.abs(index.get_embeddings()[0] - before).max() > 0.1  # FiftyOne centred what it holds in memory
        index.use_view(dataset.match_tags("a"))
        run = compare_views(dataset, "summer", "winter", embeddings=key, run=f"of_{key}", **options)
        plain = compare_views(dataset, "summer", "winter", embeddings="clip", run="plain", overwrite=True, **options)
        np.testing.assert_array_equal(run.comparison.log_ratio_a, plain.comparison.log_ratio_a)
        assert [h.text for h in run.comparison.hypotheses] == [h.text for h in plain.comparison.hypotheses]


def test_a_view_that_hides_the_field_still_has_it(dataset: Any, options: dict[str, Any]) -> None:
    plain = compare_views(dataset, "summer", "winter", embeddings="clip", run="plain", **options)
    dataset.save_view("hides", dataset.match_tags("a").select_fields("tags").sort_by("filepath"))
    dataset.save_view("drops", dataset.exclude_fields("clip").match_tags("b"))
    hidden = compare_views(dataset, "hides", "drops", embeddings="clip", run="hidden", **options)
    assert hidden.counts == plain.counts and hidden.two_sample == plain.two_sample
    assert hidden.sides["A"].ids.tolist() == dataset.match_tags("a").sort_by("filepath").values("id")


@pytest.fixture
def marked(make: Any, tmp_path: Path) -> Any:
    """30 + 40 pictures, each with one polyline, one keypoint with two points, and a detection; vectors at each."""
    x = vectors(30, 2 / 3, 1), vectors(40, 1 / 20, 2)
    dataset = make(*x)
    Image.new("RGB", (100, 50), (10, 200, 30)).save(tmp_path / "x.png")
    for sample, vector in zip(dataset, np.concatenate(x), strict=True):
        sample.filepath = str(tmp_path / "x.png")
        line = fo.Polyline(label="l", points=[[(0.2, 0.2), (0.4, 0.6)], [(0.3, 0.7)]], clip=vector)
        point = fo.Keypoint(label="p", points=[(0.5, 0.5), (float("nan"), float("nan"))], clip=vector)
        sample["lines"], sample["points"] = fo.Polylines(polylines=[line]), fo.Keypoints(keypoints=[point])
        sample.save()
    dataset.add_dynamic_sample_fields()
    return dataset


def test_patches_of_a_view_that_hides_their_vectors(marked: Any, options: dict[str, Any]) -> None:
    hidden = marked.exclude_fields("lines.polylines.clip"), marked.select_fields("lines.polylines.label")
    sides = [view.match_tags(tag).to_patches("lines").sort_by("id") for view, tag in zip(hidden, "ab", strict=True)]
    run = compare_views(marked, *sides, embeddings="lines.polylines.clip", run="seasons", **options)
    assert (run.counts["A"]["compared"], run.counts["B"]["compared"]) == (30, 40)
    assert set(run.sides["A"].ids) == set(marked.match_tags("a").to_patches("lines").values("id"))


@pytest.mark.parametrize(("field", "path", "size"), [("lines", "lines.polylines", (480, 480)), ("points", "points.keypoints", (80, 40))])
def test_patches_of_lines_and_points_have_pictures(marked: Any, options: Any, field: str, path: str, size: tuple[int, int]) -> None:
    sides = [marked.match_tags(tag).to_patches(field) for tag in "ab"]
    run = compare_views(marked, *sides, embeddings=f"{path}.clip", run="seasons", **options)
    images = exemplar_images(run, "A")
    rows = {row for h in run.hypotheses if h.side == "A" for row in h.exemplars}
    assert rows and rows <= set(images)
    shown = images[min(rows)]
    assert shown.getpixel((0, 0)) == (10, 200, 30) and abs(shown.width - size[0]) <= 1 and abs(shown.height - size[1]) <= 1


def test_labels_whose_field_was_renamed_and_info_replaced(marked: Any, options: Any) -> None:
    sides = [marked.match_tags(tag).to_patches("lines") for tag in "ab"]
    run = compare_views(marked, *sides, embeddings="lines.polylines.clip", run="seasons", **options)
    field = marked.get_field("lines.polylines.seasons_log_ratio")
    field.info = {"mine": 1}
    field.save()
    marked.rename_sample_field("lines", "strokes")
    opened = load_comparison(marked, "seasons")
    best = opened.hypotheses[0]
    assert opened.sides["A"].labels == "strokes.polylines"
    assert len(opened.view(best, "A")) == len(opened.ids(best, "A")) == len(run.ids(run.hypotheses[0], "A")) > 0
    delete_comparison(marked, "seasons")
    assert not [p for p in marked.get_field_schema(flat=True) if "seasons" in p]
    assert all(not hasattr(line, "seasons_log_ratio") for value in marked.values("strokes") for line in value.polylines)


def test_names_with_colons(dataset: Any) -> None:
    from fiftyone_plugin.store.targets import split_name

    other = fo.Dataset(f"{dataset.name}:v1")
    try:
        assert split_name(f"{dataset.name}:v1:summer: 2026") == (other.name, "summer: 2026")
        assert split_name(f"{dataset.name}:summer") == (dataset.name, "summer")
        assert split_name("no such:view:x") == ("no such", "view:x")
    finally:
        other.delete()

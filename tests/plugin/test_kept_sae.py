"""Comparisons of one field share its SAE, whichever views they compare; it is listed and chosen in the form, and dropped by an operator."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import latentdiff
from fiftyone_plugin import compare_views, list_comparisons
from latentdiff.report.content import content
from latentdiff.report.reading import reading
from tests.planted import vectors
from tests.plugin.calls import execute, form


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENTDIFF_CACHE", str(tmp_path / "cache"))


def used(run: Any) -> dict[str, Any]:
    return dict(run.comparison.info["sae"]["kept"])


def test_views_of_a_field_share_its_sae(dataset: Any, make: Callable[..., Any]) -> None:
    dataset.save_view("some", dataset.match_tags("b").limit(50))
    one = compare_views(dataset, "summer", "winter", embeddings="clip", run="one", sae="kept")
    other = compare_views(dataset, "some", "summer", embeddings="clip", run="other", sae="kept")
    assert used(one) == used(other)
    assert (used(one)["name"], used(one)["of"]) == (f"field 'clip' of dataset {dataset.name!r}", 140)
    (kept,) = latentdiff.kept_saes()
    everything = np.array(dataset.values("clip"))
    whole = latentdiff.load_sae(f"kept:{kept.key}")
    assert kept.vectors == 140 and whole.explained_variance(everything) > 0.5
    few = compare_views(dataset, "some", "summer", embeddings="clip", run="few")  # so few are not compared by it unasked
    assert few.comparison.info["sae"]["training"]["vectors"] == 110
    alone = compare_views(dataset, "some", "summer", embeddings="clip", run="alone", sae="pair")
    assert "kept" not in alone.comparison.info["sae"] and alone.comparison.info["sae"]["training"]["vectors"] == 110
    compare_views(make(vectors(40, 0.5, seed=3), vectors(40, 0.1, seed=4)), "summer", "winter", embeddings="clip", run="theirs", sae="kept")
    assert len(latentdiff.kept_saes()) == 3  # of two fields, and of the few


def test_a_field_that_grew_renews_it(dataset: Any) -> None:
    import fiftyone as fo

    compare_views(dataset, "summer", "winter", embeddings="clip", run="one", sae="kept")
    more = [fo.Sample(filepath=f"/nowhere/more/{i}.jpg", clip=v) for i, v in enumerate(vectors(70, 0.1, seed=9))]
    dataset.add_samples(more, progress=False)
    again = compare_views(dataset, "summer", "winter", embeddings="clip", run="two", sae="kept")
    assert (used(again)["version"], used(again)["of"], used(again)["why"]) == (2, 210, "grown")


def test_patches_are_learnt_as_they_are_shown(dataset: Any) -> None:
    import fiftyone as fo

    for sample, vector in zip(dataset, vectors(140, 0.3, seed=5), strict=True):
        box = fo.Detection(label="thing", bounding_box=[0, 0, 0.5, 0.5])
        box["clip"] = vector.tolist()
        sample["boxes"] = fo.Detections(detections=[box])
        sample.save()
    sides = (dataset.match_tags(side).to_patches("boxes") for side in "ab")
    run = compare_views(dataset, *sides, embeddings="boxes.detections.clip", run="patches", sae="kept")
    assert (used(run)["name"], used(run)["of"]) == (f"field 'boxes.detections.clip' of dataset {dataset.name!r}", 140)


def test_listed_chosen_and_dropped_in_the_app(dataset: Any) -> None:
    run = compare_views(dataset, "summer", "winter", embeddings="clip", run="one", sae="kept")
    name, key = used(run)["name"], used(run)["key"]
    assert any(name in title and key[:8] in what for title, what in reading(content(run.comparison, ("A", "B")), drawn=True))
    offered = form("compare_views", dataset, view_a="summer", view_b="winter", embeddings="clip")["concepts"]
    assert offered["default"] == "train" and "kept" in [c["value"] for c in offered["view"]["choices"]]
    assert [c["value"] for c in offered["view"]["choices"]][-1] == f"kept:{key}"
    sides = {"kind_a": "view", "kind_b": "view", "view_a": "summer", "view_b": "winter", "embeddings": "clip"}
    execute("compare_views", dataset, **sides, run="two", concepts=f"kept:{key}")
    assert "two" in list_comparisons(dataset)
    assert [c["value"] for c in form("drop_sae", dataset)["sae"]["view"]["choices"]] == [f"kept:{key}"]
    assert execute("drop_sae", dataset, sae=f"kept:{key}").result["dropped"] == name
    assert latentdiff.kept_saes() == []
    assert "None is kept" in form("drop_sae", dataset)["sae"]["error_message"]

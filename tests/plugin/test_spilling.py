"""A comparison of views handed to a real Ray cluster: the same run as without one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fiftyone_plugin
import latentdiff
from fiftyone_plugin import compare_views
from fiftyone_plugin.sides import resolve
from fiftyone_plugin.spilling import Spilled, spill_vectors
from fiftyone_plugin.vectors import read_vectors
from latentdiff.errors import InputError
from tests.planted import vectors
from tests.plugin.calls import execute, form
from tests.ray_cluster import ray_cluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with ray_cluster(tmp_path_factory.mktemp("home"), 2, 100) as ray:
        yield ray


def test_the_cluster_stores_the_same_run(cluster: Any, dataset: Any, vocabulary: Any, sae: Any, tmp_path: Path) -> None:
    options = {"embeddings": "clip", "vocabulary": vocabulary, "sae": sae}
    here = compare_views(dataset, "summer", "winter", run="here", **options)
    there = compare_views(dataset, "summer", "winter", run="there", engine=latentdiff.Engine("ray", exchange=str(tmp_path)), **options)
    assert [h.text for h in there.hypotheses] == [h.text for h in here.hypotheses] != []
    assert there.two_sample == here.two_sample
    assert dataset.values("there_log_ratio") == dataset.values("here_log_ratio")
    assert dataset.values("there_concepts") == dataset.values("here_concepts")
    assert there.comparison.info["engine"] == "ray"
    assert list(tmp_path.iterdir()) == []  # the vectors handed over are gone


def test_the_operator_hands_a_comparison_to_the_cluster(cluster: Any, dataset: Any, files: Any, stored: Any, tmp_path: Path) -> None:
    params = {"view_a": "summer", "view_b": "winter", "embeddings": "clip", "run": "there", "engine": "ray", "exchange": str(tmp_path)}
    fields = form("compare_views", dataset, **params)
    assert {"engine", "address", "exchange"} <= set(fields) and not fields["engine"].get("invalid")
    execute("compare_views", dataset, **params, **files)
    dataset.reload()
    assert dataset.values("there_log_ratio") == dataset.values("seasons_log_ratio")
    assert fiftyone_plugin.load_comparison(dataset, "there").comparison.info["engine"] == "ray"


def test_the_form_says_what_a_cluster_needs(dataset: Any, monkeypatch: Any) -> None:
    pytest.importorskip("ray")
    assert "address" not in form("compare_views", dataset)
    assert form("compare_views", dataset, engine="ray", describe="field")["engine"]["invalid"]
    assert "no cluster" in form("compare_views", dataset, engine="ray", address="ray://far:10001")["address"]["error_message"]
    monkeypatch.setenv("LATENTDIFF_CLUSTERS", "ray://far:10001")
    assert form("compare_views", dataset, engine="ray", address="ray://far:10001")["exchange"]["invalid"]


def test_spilled_vectors_are_the_vectors_that_are_read(make: Any) -> None:
    a = vectors(1200, 0.5, 1)
    dataset = make(a, vectors(30, 0.1, 2))
    dataset.set_values("clip", {dataset.first().id: None}, key_field="id")
    side = resolve("A", "summer", dataset, "clip")
    spilled, read = spill_vectors(side), read_vectors(side)
    assert isinstance(spilled.values, np.memmap)
    assert (spilled.missing, len(spilled)) == (read.missing, len(read)) == (1, 1199)
    np.testing.assert_array_equal(spilled.values, read.values)
    np.testing.assert_array_equal(spilled.ids, read.ids)
    keep = np.arange(1199) % 3 > 0
    few = spilled.take(keep)
    assert isinstance(few, Spilled)
    np.testing.assert_array_equal(few.values, read.values[keep])
    np.testing.assert_array_equal(few.ids, read.ids[keep])
    files = [Path(s.values.filename) for s in (spilled, few)]
    del spilled, few
    assert not any(f.exists() for f in files)


def test_what_a_cluster_cannot_do_is_said_first(dataset: Any, vocabulary: Any, sae: Any) -> None:
    options = {"embeddings": "clip", "vocabulary": vocabulary, "sae": sae, "run": "r"}
    with pytest.raises(InputError, match="captions run on this machine"):
        config = latentdiff.MethodConfig(describe=latentdiff.DescribeConfig())
        compare_views(dataset, "summer", "winter", engine="ray", config=config, **options)
    with pytest.raises(InputError, match="not 'spark'"):
        compare_views(dataset, "summer", "winter", engine="spark", **options)
    with pytest.raises(InputError, match="that the cluster at ray://far:10001 can read"):
        compare_views(dataset, "summer", "winter", engine=latentdiff.Engine("ray", "ray://far:10001"), **options)
    assert dataset.list_runs() == []

"""Sides by what a field says, and everything else: against loops over the samples."""

from __future__ import annotations

from typing import Any

import fiftyone as fo
import numpy as np
import pytest

from fiftyone_plugin import load_comparison
from fiftyone_plugin.values import HIGH, LOW, offered_values, rest_of, value_fields, with_value
from latentdiff.errors import InputError
from tests.plugin.calls import execute, form

RIGHT, SCORE = "right", "quality.score"


@pytest.fixture
def told(dataset: Any) -> Any:
    """The planted dataset, with fields of every kind; "right" is true of one side."""
    rng = np.random.default_rng(0)
    for i, sample in enumerate(dataset.iter_samples(autosave=True)):
        sample["weather"] = ("snow", "sun", "$weather")[i % 3]
        sample[RIGHT] = "a" in sample.tags
        sample["quality"] = fo.DynamicEmbeddedDocument(score=float(rng.normal()))
        sample["kind"] = fo.Classification(label=f"kind {i % 4}")
        sample["things"] = fo.Detections(detections=[fo.Detection(label=label, bounding_box=[0, 0, 1, 1]) for label in "xy"[: i % 3]])
    dataset.add_dynamic_sample_fields()
    return dataset


def test_fields_and_values_that_are_offered(told: Any) -> None:
    wanted = {"tags", "weather", RIGHT, SCORE, "kind.label", "things.detections.label"}
    assert wanted <= set(value_fields(told)) and not {"id", "filepath", "clip", "_rand"} & set(value_fields(told))
    assert list(offered_values(told, "weather")) == ["$weather", "snow", "sun"]
    assert offered_values(told, RIGHT) == {"False": False, "True": True} and list(offered_values(told, SCORE)) == [HIGH, LOW]


@pytest.mark.parametrize(
    ("path", "value", "shows"),
    [
        ("weather", "snow", lambda s: s.weather == "snow"),
        ("weather", "$weather", lambda s: s.weather == "$weather"),
        (RIGHT, "False", lambda s: s.right is False),
        ("kind.label", "kind 2", lambda s: s.kind.label == "kind 2"),
        ("things.detections.label", "y", lambda s: any(d.label == "y" for d in s.things.detections)),
        ("tags", "a", lambda s: "a" in s.tags),
    ],
)
def test_images_with_a_value(told: Any, path: str, value: str, shows: Any) -> None:
    wanted = {s.id for s in told if shows(s)}
    assert set(with_value(told, path, value).values("id")) == wanted and 0 < len(wanted) < len(told)


def test_high_and_low_numbers_and_everything_else(told: Any) -> None:
    scores = dict(zip(*told.values(["id", SCORE]), strict=True))
    high = {i for i, s in scores.items() if s >= np.quantile(list(scores.values()), 0.75)}
    assert set(with_value(told, SCORE, HIGH).values("id")) == high and len(with_value(told, SCORE, LOW)) == len(high)
    assert set(rest_of(told, told.select(list(high))).values("id")) == set(scores) - high
    for call, message in (
        (lambda: with_value(told, "weather", "fog"), "any more"),
        (lambda: with_value(told, "filepath", "x"), "cannot be chosen"),
        (lambda: rest_of(told, told.to_patches("things")), "whole images"),
    ):
        with pytest.raises(InputError, match=message):
            call()


def test_the_form_compares_a_value_with_everything_else(told: Any, files: dict[str, str]) -> None:
    answers = {"view_a": "images with a value", "field_a": RIGHT, "value_a": "True", "view_b": "everything else", "embeddings": "clip"}
    fields = form("compare_views", told, **answers)
    assert [c["value"] for c in fields["value_a"]["view"]["choices"]] == ["False", "True"]
    assert fields["run"]["default"] == "True_vs_everything_else"
    assert not any(field["invalid"] for name, field in fields.items() if name.startswith(("view", "field", "value")))
    execute("compare_views", told, **answers, run="errors", **files)
    told.reload()
    run = load_comparison(told, "errors")
    for side in "AB":
        assert set(run.sides[side].ids) == set(told.match_tags(side.lower()).values("id"))
    assert (run.sides["A"].name, run.sides["B"].name) == ("right = True", "everything else")
    assert run.config["form"]["value_a"] == "True"

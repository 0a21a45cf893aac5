"""Saved views and values that are called like a choice of a form: each stands for itself."""

from __future__ import annotations

from typing import Any

import fiftyone as fo
import pytest

from fiftyone_plugin import load_comparison
from fiftyone_plugin.forms import sides
from fiftyone_plugin.values import HIGH, LOW, offered_values, with_value
from tests.planted import vectors
from tests.plugin.calls import execute, form, panel
from tests.plugin.test_panel_actions import prompts

NAMES = [*sides.OWN, "images of seasons (A)", sides.WHOLE, "called summer", "summer"]


@pytest.fixture
def named(dataset: Any) -> Any:
    """Saved views of every such name, each of other images."""
    for i, name in enumerate(NAMES[:-1]):
        dataset.save_view(name, dataset.skip(i).limit(30))
    return dataset


def choices(fields: dict[str, Any], name: str) -> dict[str, str]:
    """Label → value."""
    found = fields[name]["view"]["choices"]
    assert len({c["label"] for c in found}) == len({c["value"] for c in found}) == len(found)
    return {c["label"]: c["value"] for c in found}


def chosen(dataset: Any, **params: Any) -> tuple[set[str], str]:
    from fiftyone.operators.executor import ExecutionContext

    images, name = sides.chosen_side(ExecutionContext({"dataset_name": dataset.name, "params": params}), "A")
    return set((dataset.load_saved_view(images) if isinstance(images, str) else images).values("id")), name


def test_a_saved_view_called_like_a_choice_is_that_view(named: Any, stored: Any) -> None:
    offered = choices(form("compare_views", named), "view_a")
    for name in NAMES:
        ids, called = chosen(named, view_a=offered[f"Saved view: {name}"])
        assert (ids, called) == (set(named.load_saved_view(name).values("id")), name)
    assert chosen(named, view_a=offered["The whole dataset"])[0] == set(named.values("id"))
    rest = {"view_a": "everything else", "view_b": offered["Saved view: everything else"]}
    assert chosen(named, **rest) == (set(named.values("id")) - set(named.load_saved_view("everything else").values("id")), "all others")
    assert chosen(named, view_a="images of seasons (A)")[0] == set(stored.sides["A"].ids)


def test_it_is_compared_and_compared_again(named: Any, files: dict[str, str]) -> None:
    offered = choices(form("compare_views", named), "view_a")
    params = {"view_a": offered["Saved view: everything else"], "view_b": "winter", "embeddings": "clip", **files}
    execute("compare_views", named, **params, run="again")
    named.reload()
    run = load_comparison(named, "again")
    assert set(run.sides["A"].ids) == set(named.load_saved_view("everything else").values("id"))
    assert run.sides["A"].name == "everything else"
    (asked,) = prompts(panel(named, "again", {"run": "again"}, run="again"))
    assert asked["params"]["view_a"] == params["view_a"]


def test_of_another_dataset_too(named: Any, make: Any) -> None:
    other = make(vectors(40, 0.1, seed=5), vectors(30, 0.1, seed=6))
    other.save_view(sides.WHOLE, other.limit(3))
    given = {"view_a": sides.ELSEWHERE, "dataset_a": other.name}
    parts = choices(form("compare_views", named, **given), "part_a")
    assert chosen(named, **given, part_a=parts["The whole dataset"]) == (set(other.values("id")), other.name)
    called = f"{sides.WHOLE} of {other.name}"
    assert chosen(named, **given, part_a=parts[f"Saved view: {sides.WHOLE}"]) == (set(other.limit(3).values("id")), called)


def test_a_value_called_high_is_that_value(dataset: Any) -> None:
    dataset.set_values("level", ([HIGH, LOW, "called x", "x"] * len(dataset))[: len(dataset)])
    offered = offered_values(dataset, "level")
    assert sorted(offered.values()) == sorted([HIGH, LOW, "called x", "x"]) and not {HIGH, LOW} & set(offered)
    for choice, value in offered.items():
        assert set(with_value(dataset, "level", choice).values("id")) == set(dataset.match(fo.ViewField("level") == value).values("id"))
        assert chosen(dataset, view_a=sides.FIELD, field_a="level", value_a=choice)[1] == f"level = {value}"

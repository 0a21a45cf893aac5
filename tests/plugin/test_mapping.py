"""Images on a map: against numpy's own decomposition, and what a lasso shows."""

from __future__ import annotations

import json

import fiftyone as fo
import numpy as np
import pytest
from fiftyone_plugin.panels.app.map_colours import by_value, ways_to_colour
from fiftyone_plugin.panels.app.map_tab import cards_by_rank, traces

from fiftyone_plugin import mapping
from latentdiff.errors import InputError, MissingPackageError
from latentdiff.stats import projection
from latentdiff.stats.projection import plane
from tests.plugin.calls import panel, shown


def test_two_principal_components_of_the_directions() -> None:
    x = np.random.default_rng(0).normal(size=(50, 7)) * [3, 2, 1, 1, 1, 1, 1]
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    centred = unit - unit.mean(0)
    u, s, v = np.linalg.svd(centred, full_matrices=False)
    sign = np.sign(v[[0, 1], np.abs(v[:2]).argmax(1)])
    np.testing.assert_allclose(plane(x), u[:, :2] * s[:2] * sign, atol=1e-5)
    np.testing.assert_array_equal(plane(4 * x), plane(x))  # only directions count
    with pytest.raises(InputError, match="two vectors"):
        plane(x[:1])
    with pytest.raises(InputError, match="pca"):
        plane(x, "tsne")


def test_choices_of_the_map_can_be_told_apart() -> None:
    """A field called as a built-in choice, and cards of one name on both sides."""
    named = ways_to_colour(["score", "Side", "camera", "scores"])
    assert list(named.values())[2:] == ["By field score", "By field Side", "By camera", "By scores"]
    card = {"rank": 0, "named": "dog"}
    farm, town = [card, {"rank": 2, "named": "cow"}], [{**card, "rank": 1}]
    board = {"sides": {"A": {"name": "farm", "cards": farm}, "B": {"name": "town", "cards": town}}}
    assert cards_by_rank(board) == {"0": "dog (more in farm)", "2": "cow", "1": "dog (more in town)"}


def test_points_are_coloured_by_what_a_field_says(dataset, stored) -> None:
    cameras = [None if i == 5 else f"camera {i % 11}" for i in range(140)]
    dataset.set_values("camera", cameras)
    dataset.set_values("height", [float(i) for i in range(140)])
    dataset.set_values("tags_of_mine", [["a"]] * 140)
    now = shown(panel(dataset, "on_change_tab", {"run": "seasons"}, value="map"))
    assert {"camera", "height"} <= set(now["mapped"]["fields"]) and not {"tags_of_mine", "seasons_log_ratio"} & set(now["mapped"]["fields"])
    requests = panel(dataset, "map_colour", now | {"run": "seasons"}, value="field:camera")
    said = shown(requests)["mapped"]["said"]
    assert said == "The legend names the values, most frequent first."
    of, place = dict(zip(dataset.values("id"), cameras, strict=True)), mapping.map_of(stored)
    values = mapping.values_on(stored, place, "camera")
    assert values == {side: [of[str(stored.sides[side].ids[row])] for row in place.rows[side]] for side in "AB"}
    a, b, *legend = traces(stored, place, "field:camera", None, values)
    colours: dict[str, set[str]] = {}
    for value, colour in zip(values["A"] + values["B"], a["marker"]["color"] + b["marker"]["color"], strict=True):
        colours.setdefault(str(value), set()).add(colour)
    assert all(len(one) == 1 for one in colours.values()) and len(set.union(*colours.values())) == 9
    meant = {one["name"]: one["marker"]["color"] for one in legend if one["showlegend"]}
    assert list(meant)[-1] == "3 further values or no value" and meant.pop("3 further values or no value") in colours["None"]
    assert len(meant) == 8 and all(colours[value] == {colour} for value, colour in meant.items())
    assert not a["showlegend"] and not b["showlegend"] and all(one["x"] == [None] for one in legend)
    assert (a["marker"]["symbol"], b["marker"]["symbol"], a["text"]) == ("circle", "diamond", [str(v) for v in values["A"]])
    height = mapping.values_on(stored, place, "height")
    a, b = traces(stored, place, "field:height", None, height)
    assert a["marker"]["color"] == height["A"] and (a["marker"]["cmin"], b["marker"]["cmax"]) == (0, 139)
    json.dumps(requests, allow_nan=False, default=str)


def test_it_is_said_that_some_images_have_no_value_where_some_have_none() -> None:
    numbers = {"A": [float(i) for i in range(10)], "B": [3.0, 4.0]}
    assert by_value(numbers)[1] == ""
    assert by_value({**numbers, "B": [3.0, None]})[1] == "Images without a value are not coloured."


def test_without_umap_it_is_not_offered(monkeypatch) -> None:
    monkeypatch.setattr(projection, "find_spec", lambda name: None)
    assert projection.ways() == ("pca",)
    with pytest.raises(MissingPackageError, match="pip install umap-learn"):
        plane(np.eye(4), "umap")


def test_the_map_of_a_run_and_its_lasso(dataset, stored, monkeypatch) -> None:
    rows = {side: dict(zip(*dataset.select(stored.sides[side].ids.tolist()).values(["id", "clip"]), strict=True)) for side in "AB"}
    wanted = plane(np.array([rows[side][str(i)] for side in "AB" for i in stored.sides[side].ids]))
    answer = panel(dataset, "on_change_tab", {"run": "seasons"}, value="map")
    assert shown(answer)["mapped"]["said"] == ""
    drawn = traces(stored, mapping.map_of(stored), "side", stored.hypotheses[0])
    for side, trace, at in zip("AB", drawn, (wanted[:60], wanted[60:]), strict=True):
        np.testing.assert_allclose(np.stack([trace["x"], trace["y"]], 1), at, atol=1e-3)
        lit = {int(i[1:]) for i, opacity in zip(trace["ids"], trace["marker"]["opacity"], strict=True) if opacity > 0.5}
        assert lit == set(stored.comparison.rows_showing(stored.hypotheses[0], side).tolist())
    score = traces(stored, mapping.map_of(stored), "score", None)[0]["marker"]["color"]
    np.testing.assert_allclose(score, stored.comparison.log_ratio_a, atol=0.006)
    points = [drawn[0]["ids"][3], drawn[1]["ids"][5]]
    requests = panel(dataset, "lasso", {"run": "seasons"}, data=[{"id": point} for point in points])
    (view,) = [r for r in requests if r["operator_uri"].endswith("set_view")]
    ids = set(fo.DatasetView._build(dataset, view["params"]["view"]).values("id"))
    assert ids == {str(stored.sides["A"].ids[3]), str(stored.sides["B"].ids[5])}
    assert shown(requests)["grid_shows"] == "2 images of the map"
    assert not panel(dataset, "lasso", {"run": "seasons"}, data=[{"id": "C1"}, {"id": "Ax"}, "no"])
    # Of many images evenly spaced ones of either side are drawn, which is said.
    monkeypatch.setattr(mapping, "POINTS", 14)
    mapping._maps.clear()
    some = shown(panel(dataset, "on_change_tab", {"run": "seasons"}, value="map"))["mapped"]
    assert some["said"].startswith("14 of 140 images") and {len(r) for r in mapping.map_of(stored).rows.values()} == {6, 8}
    mapping._maps.clear()

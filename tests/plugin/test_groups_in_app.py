"""Groups and gaps through FiftyOne's own executor: forms, operators, and what the panel shows and does."""

from __future__ import annotations

import dataclasses
import datetime
import json
from unittest.mock import MagicMock

import fiftyone as fo
import numpy as np
import pytest
from fiftyone.operators import types
from fiftyone_plugin.panels.app import group_layout, layout
from fiftyone_plugin.panels.app.group_figures import UNCHANGED, group_board
from fiftyone_plugin.panels.app.panel import LatentDiffPanel

from fiftyone_plugin import list_comparisons, load_groups, showing
from tests.planted import DOG, WORDS, vectors
from tests.plugin.calls import Window, execute, form, panel, shown
from tests.plugin.test_panel_actions import prompts, said, view_ids


def test_groups_are_compared_and_a_gap_is_closed_from_forms(cameras, files) -> None:
    asked = form("compare_groups", cameras, by="lens.label", embeddings="clip", run="cameras")
    assert [c["value"] for c in asked["by"]["view"]["choices"]] == ["camera", "lens.label"]
    assert "kept" not in [c["value"] for c in asked["concepts"]["view"]["choices"]]
    assert asked["run"]["invalid"] and form("compare_groups", cameras, by="lens.label")["run"]["default"] == "by_lens"
    execute("compare_groups", cameras, by="lens.label", embeddings="clip", run="by_lens", **files)
    cameras.reload()
    assert load_groups(cameras, "by_lens").found.rates.tolist() == load_groups(cameras, "cameras").found.rates.tolist()
    assert execute("delete_comparison", cameras, run="by_lens").result == {"deleted": "by_lens"}

    cameras.set_values("taken", [datetime.date(2026, 3 + i // 60, 1) for i in range(160)])
    asked = form("compare_groups", cameras, by="taken")
    assert [c["value"] for c in asked["by"]["view"]["choices"]][-1] == "taken" and asked["bins"]["default"] == "month"
    execute("compare_groups", cameras, by="taken", embeddings="clip", run="months", **files)
    cameras.reload()
    months = load_groups(cameras, "months")
    assert months.found.names == ("2026-03", "2026-04", "2026-05") and load_groups(cameras, "cameras").trends is None
    (first,) = months.trends.trends[:1]
    state = Window(cameras).state
    board = state["shown"]["groups"]
    assert board["over"] == list(months.found.names) and board["course"][0] == months.trends.told(first)
    assert f"less {WORDS[DOG]} from 2026-04" in board["course"][0]
    assert UNCHANGED not in board["notes"]
    still = dataclasses.replace(months.trends, trends=())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(months), "trends", still)
        assert UNCHANGED in group_board(months, "2026-03")["notes"]
    requests = panel(cameras, "click_course", state, id=f"{months.found.rate_texts.index(WORDS[DOG])}|1", x=1, y=1)
    planted = {i for i, v, d in zip(*cameras.values(["id", "clip", "taken"]), strict=True) if v[DOG] > 0.5 and d.month == 4}
    assert view_ids(requests, cameras) == planted and shown(requests)["run"] == "months:2026-04"
    assert view_ids(panel(cameras, "click_course", state, x=0, y=0), cameras) is None  # not a point of a line
    assert execute("delete_comparison", cameras, run="months").result == {"deleted": "months"}

    asked = form("close_gap", cameras, run="cameras:front")
    assert next(c["label"] for c in asked["run"]["view"]["choices"]) == "cameras: front against the rest"
    assert [c["label"] for c in asked["mend"]["view"]["choices"]] == ["the rest, to be like front", "front, to be like the rest"]
    samples = [fo.Sample(filepath=f"/nowhere/{i}.jpg", clip=v, tags=["new"]) for i, v in enumerate(vectors(40, 0.5, seed=3))]
    pool = cameras.add_samples(samples, progress=False)
    given = {"run": "cameras:front", "view_pool": "samples with a tag", "tag_pool": "new", "budget": 10, "name": "to label"}
    execute("close_gap", cameras, **given)
    cameras.reload()
    chosen = cameras.match_tags("to label").values("id")
    (view,) = (one for one in showing._noted if one[0] == cameras.name)
    assert showing._noted[view] == "the 10 images that were chosen to make the rest like front"
    assert len(chosen) == 10 and set(chosen) <= set(pool[:20])


def test_the_panel_shows_who_differs_and_what_a_cell_holds(cameras) -> None:
    window = Window(cameras)
    state = window.state
    board = state["shown"]["groups"]
    assert state["run"] == "cameras:front" and board["chosen"] == "front" and "front" in board["verdict"]
    assert board["across"] == ["front", "rear", "side"] and sorted(board["tree"]) == board["across"]
    assert f"pattern of {WORDS[DOG]}" in board["down"]  # by an exact dictionary: the images that show it are those it fires on
    assert state["shown"]["runs"][0]["about"].startswith("3 groups by camera: ")
    first = state["shown"]["board"]["sides"]["A"]["cards"][0]
    assert first["text"] == WORDS[DOG] and first["known"] is None

    found = load_groups(cameras, "cameras")
    at = found.found.rate_texts.index(WORDS[DOG])
    requests = panel(cameras, "click_rate", state, id=f"{at}|1", x=1, y=0)
    planted = {i for i, v, c in zip(*cameras.values(["id", "clip", "camera"]), strict=True) if v[DOG] > 0.5 and c == "rear"}
    assert view_ids(requests, cameras) == planted and len(planted) > 0
    assert shown(requests)["run"] == "cameras:rear" and shown(requests)["shown"]["board"]["sides"]["A"]["name"] == "rear"
    assert shown(requests)["grid_shows"] == f"“pattern of {WORDS[DOG]}” in rear, {len(planted)} images"  # as the map calls it
    row = board["down"].index(f"pattern of {WORDS[DOG]}")
    assert view_ids(panel(cameras, "click_rate", state, x=1, y=row), cameras) == planted  # as a browser says it that leaves out ids
    assert view_ids(panel(cameras, "click_rate", state, id="99|9"), cameras) is None
    requests = panel(cameras, "on_change_group", state, value="side")
    assert shown(requests)["run"] == "cameras:side"
    requests = panel(cameras, "show_group", state | {"run": "cameras:side"})
    assert view_ids(requests, cameras) == set(cameras.match({"camera": "side"}).values("id"))


def luminance(colour: str) -> float:
    """Of "rgb(255, 109, 4)", relative to white (WCAG 2)."""
    parts = (int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(","))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(np.dot((0.2126, 0.7152, 0.0722), linear))


def test_what_the_map_and_the_tree_draw_is_what_was_found(cameras) -> None:
    from fiftyone_plugin.panels.app.group_figures import rate_map, tree_lines

    groups = load_groups(cameras, "cameras")
    (heat,) = rate_map(groups)
    assert heat["z"] == groups.found.rates.tolist() and heat["ids"][0] == ["0|0", "0|1", "0|2"]
    for _, cell in heat["colorscale"]:  # WCAG 2: 4.5 to 1 at least
        assert (luminance(heat["textfont"]["color"]) + 0.05) / (luminance(cell) + 0.05) >= 4.5
    (tree,) = tree_lines(groups)
    joints = np.array(tree["x"], float).reshape(-1, 5)
    assert sorted(joints[:, 1]) == pytest.approx(sorted(np.maximum(groups.found.tree()[:, 2], 0) + 0.5))
    json.dumps([heat, tree], allow_nan=False)


def test_buttons_of_groups_open_forms_with_their_answers(cameras) -> None:
    state = Window(cameras).state
    (again,) = prompts(panel(cameras, "again", state, run="cameras"))
    assert again["operator_uri"].endswith("compare_groups") and again["params"] == {"by": "camera", "embeddings": "clip"}
    (gap,) = prompts(panel(cameras, "close_gap", state))
    assert gap["params"] == {"run": "cameras:front"}
    (report,) = prompts(panel(cameras, "report", state))
    assert report["params"] == {"run": "cameras"}
    execute("rename_comparison", cameras, run="cameras", new="lenses")
    assert list_comparisons(cameras) == ["lenses"]
    requests = panel(cameras, "renamed", state, result={"renamed": "cameras", "new": "lenses"})
    assert shown(requests)["run"] == "lenses:front"
    assert "no comparison" in said(panel(cameras, "show_group", state))


def test_a_note_of_all_groups_is_not_said_again_of_the_one_that_is_open(cameras) -> None:
    state = Window(cameras).state
    state["shown"]["groups"]["notes"] = ["known of all."]
    state["shown"]["board"]["notes"] = ["known of all", "known of the front"]
    root = types.Object()
    layout.page(LatentDiffPanel(), root, {**state, "noted": True, "nonce": {}}, "drawn")
    told = json.dumps(root.to_json(), default=str).casefold()
    assert told.count("known of all") == told.count("known of the front") == 1


@pytest.mark.parametrize("names", [["a", "b"], [f"a setting, number {i}" for i in range(12)]])
def test_cells_of_the_map_stay_as_wide_as_their_numbers_and_names_stand_above(names) -> None:
    root = types.Object()
    board = {
        "differs": True,
        "verdict": "",
        "notes": [],
        "across": names,
        "down": ["snow"] * 30,
        "tree": [],
        "names": names,
        "about": names,
    }
    group_layout.groups(MagicMock(), root, board | {"names": names, "about": names, "chosen": names[0]})
    wide = root.properties["many"].type.properties["scroll"].type.properties["wide"]
    margin, axis = (wide.type.properties["rates"].view._kwargs["layout"][part] for part in ("margin", "xaxis"))
    least = int(wide.view._kwargs["componentsProps"]["grid"]["sx"]["minWidth"].removesuffix("px"))
    assert (least - margin["l"] - margin["r"]) / len(names) >= 36  # "100%" in Plotly's usual letters
    assert axis["side"] == "top" and axis["tickangle"] == (45 if len(names) == 12 else 0)
    assert margin["t"] >= max(map(len, names)) * 7 * 0.7
    height = int(wide.type.properties["rates"].view._kwargs["height"].removesuffix("px"))
    assert height - margin["t"] - margin["b"] == 30 * 26

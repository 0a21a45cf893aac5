"""Operators and the panel through FiftyOne's own executor, by their addresses."""

from __future__ import annotations

import json

import fiftyone as fo
import pytest
from fiftyone.operators.executor import ExecutionError

from fiftyone_plugin import compare_views, list_comparisons, load_comparison
from latentdiff.errors import LatentDiffError
from tests.planted import DOG, WORDS, state
from tests.plugin.calls import Window, execute, form, panel, shown


def test_compare_views_stores_what_the_sdk_would(dataset, files, stored) -> None:
    execute("compare_views", dataset, view_a="summer", view_b="winter", embeddings="clip", run="from_app", **files)
    dataset.reload()
    assert set(list_comparisons(dataset)) == {"seasons", "from_app"}
    assert dataset.values("from_app_log_ratio") == dataset.values("seasons_log_ratio")
    assert dataset.values("from_app_concepts") == dataset.values("seasons_concepts")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"view_b": "summer"}, "same images"),
        ({"run": "no name"}, "a comparison's name"),
        ({"embeddings": "dino"}, "dino"),
        ({"vocabulary": "/x.npz"}, "no file"),
    ],
)
def test_compare_views_refuses_bad_forms_and_writes_nothing(dataset, changes, message) -> None:
    before = state(dataset)
    params = {"view_a": "summer", "view_b": "winter", "embeddings": "clip", "run": "seasons", **changes}
    fields = form("compare_views", dataset, **params)
    field = fields[next(iter(changes))]
    assert "dino" in changes.values() or (field["invalid"] and message.lower() in field["error_message"].lower())
    with pytest.raises((ExecutionError, LatentDiffError)):
        execute("compare_views", dataset, **params)
    dataset.reload()
    assert state(dataset) == before


def test_form_offers_what_there_is(dataset, stored) -> None:
    fields = form("compare_views", dataset, view_a="summer", view_b="winter")
    rest = ["winter", "current view", "samples with a tag", "images with a value", "another dataset", "everything else"]
    for name, choices in (("view_a", ["summer", *rest]), ("view_b", rest)):  # without what A has already
        assert [c["value"] for c in fields[name]["view"]["choices"]] == choices
    assert "everything else" not in [c["value"] for c in form("compare_views", dataset)["view_a"]["view"]["choices"]]
    assert [c["value"] for c in fields["embeddings"]["view"]["choices"]] == ["clip"]
    assert fields["run"]["default"] == "summer_vs_winter"
    taken = form("compare_views", dataset, view_a="summer", view_b="winter", run="seasons")
    assert taken["run"]["invalid"] and "overwrite" in taken
    assert not form("compare_views", dataset, view_a="summer", view_b="winter", run="seasons", overwrite=True)["run"]["invalid"]


def test_form_asks_for_method_sae_level_seed_and_groups(dataset, files) -> None:
    sides = {"view_a": "summer", "view_b": "winter", "embeddings": "clip", "run": "asked"}
    dataset.add_sample_field("scene", fo.StringField)
    fields = form("compare_views", dataset, **sides)
    offered = {name: [c["value"] for c in fields[name]["view"]["choices"]] for name in ("method", "concepts", "groups")}
    assert offered["method"] == ["latentdiff", "visdiff", "gsclip", "mean"]
    assert {"train", "train a tree", "own", "pach", "msae"} <= set(offered["concepts"]) and offered["groups"] == ["-", "scene"]
    assert (fields["alpha"]["default"], fields["seed"]["default"]) == (0.05, 0) and "sae" not in fields
    assert form("compare_views", dataset, **sides, concepts="own")["sae"]["required"]
    assert "There is no /x" in form("compare_views", dataset, **sides, concepts="own", sae="/x")["sae"]["error_message"]
    refused = form("compare_views", dataset, **sides, **files, method="gsclip")["concepts"]
    assert refused["invalid"] and "no sparse autoencoder" in refused["error_message"]
    assert "needs words" in form("compare_views", dataset, **sides, method="gsclip")["words"]["error_message"]
    execute("compare_views", dataset, **sides, **files, alpha=0.01, seed=4)
    dataset.reload()
    made = load_comparison(dataset, "asked")
    assert (made.comparison.config.alpha, made.comparison.config.seed) == (0.01, 4)
    assert made.config["form"]["alpha"] == 0.01


def test_a_dataset_without_views_or_vectors_says_what_to_do(dataset) -> None:
    dataset.delete_saved_views()
    dataset.delete_sample_field("clip")
    fields = form("compare_views", dataset)
    offered = ["current view", "samples with a tag", "images with a value", "another dataset"]
    assert [c["value"] for c in fields["view_a"]["view"]["choices"]] == offered
    assert "compute embeddings" in fields["embeddings"]["error_message"]


def test_delete_comparison(dataset, vocabulary, sae) -> None:
    before = state(dataset)
    compare_views(dataset, "summer", "winter", embeddings="clip", vocabulary=vocabulary, sae=sae, run="seasons")
    execute("delete_comparison", dataset, run="seasons")
    dataset.reload()
    assert state(dataset) == before


@pytest.mark.parametrize("side", ["A", "B", "both"])
def test_show_hypothesis_sets_its_view(dataset, stored, side) -> None:
    result = execute("show_hypothesis", dataset, run="seasons", hypothesis="0", side=side)
    (request,) = [r for r in result.executor.to_json()["requests"] if r["operator_uri"].endswith("set_view")]
    expected = stored.view(stored.hypotheses[0], None if side == "both" else side)
    assert result.result == {"text": WORDS[DOG], "side": side, "count": len(expected)}
    stages = json.loads(json.dumps(request["params"]["view"], default=str))
    assert dict(stages[-1]["kwargs"])["sample_ids"] == expected.values("id")


def test_panel_shows_the_comparisons_own_numbers(dataset, stored) -> None:
    board = shown(panel(dataset, "on_load"))["shown"]["board"]
    run = load_comparison(dataset, "seasons")
    assert board["name"] == "seasons" and board["differs"] is True
    cards = {card["rank"]: card for side in "AB" for card in board["sides"][side]["cards"]}
    assert sorted(cards) == list(range(len(run.hypotheses)))
    for rank, card in cards.items():
        h = run.hypotheses[rank]
        assert (card["text"], card["shares"]) == (h.text, {"A": h.rate_a, "B": h.rate_b})
        assert card["images"] == {side: len(run.comparison.rows_showing(h, side)) for side in "AB"}
        assert card["exemplars"] == run.exemplars(h)[:5]
        names = dict(zip(*dataset.values(["id", "filepath"]), strict=True))
        assert [url.rsplit("/", 1)[-1] for url in card["thumbnails"]] == [names[i].rsplit("/", 1)[-1] for i in card["exemplars"]]


def test_panel_show_button_sets_the_hypothesis_view(dataset, stored) -> None:
    requests = panel(dataset, "show", run="seasons", rank=0, side="B")
    (request,) = [r for r in requests if r["operator_uri"].endswith("set_view")]
    stages = json.loads(json.dumps(request["params"]["view"], default=str))
    assert dict(stages[-1]["kwargs"])["sample_ids"] == stored.view(stored.hypotheses[0], "B").values("id")


def test_panel_states_for_people(dataset, stored) -> None:
    from fiftyone_plugin.store import runs

    runs.set_state(dataset, "seasons", "writing")
    after = shown(panel(dataset, "on_load"))
    assert after.get("run") is None and after["shown"]["interrupted"] == ["seasons"] and after["shown"]["board"] is None
    assert after["shown"]["leftovers"] == []
    gone = panel(dataset, "show", run="nothing", rank=0, side="A")
    assert any("no comparison 'nothing'" in json.dumps(r) for r in gone)
    dataset.delete_run("seasons")
    drawn = json.dumps(Window(dataset).ask("on_load"), default=str)
    assert "2 fields are left of comparisons that are gone: seasons_log_ratio, seasons_concepts" in drawn


def test_what_the_grids_toolbar_offers(dataset) -> None:
    from fiftyone.server.app import app
    from starlette.testclient import TestClient

    body = {"dataset_name": dataset.name, "params": {}}
    placed = TestClient(app).post("/operators/resolve-placements", json=body).json()["placements"]
    ours = {one["operator_uri"].split("/")[-1] for one in placed if one["operator_uri"].startswith("@latentdiff/")}
    assert ours == {"compare_views"}

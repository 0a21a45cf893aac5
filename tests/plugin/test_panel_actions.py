"""What the panel's buttons, plots and lists do, through FiftyOne's own executor; and the forms of the operators behind them."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock
from urllib.parse import unquote

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest
from fiftyone.operators import types
from fiftyone.operators.executor import ExecutionError
from fiftyone.server.view import get_view
from fiftyone_plugin.panels.app import card_layout, figures, layout, map_tab

from fiftyone_plugin import (
    compare_views,
    delete_comparison,
    export_report,
    hypotheses,
    judge_finding,
    list_comparisons,
    load_comparison,
    rename_comparison,
    showing,
)
from fiftyone_plugin.hypotheses import open_comparison, score_view
from fiftyone_plugin.listing import found_in
from fiftyone_plugin.store import database, runs, sidebar
from latentdiff.cli import main
from latentdiff.errors import InputError
from latentdiff.report import percent
from latentdiff.results.known import known_text
from tests.planted import DOG, WORDS, vectors
from tests.plugin.calls import URI, Window, execute, form, panel, shown


def view_ids(requests: list[dict[str, Any]], dataset: Any) -> set[str] | None:
    """Ids of the images that the App would show after these requests."""
    found = [r for r in requests if r["operator_uri"].endswith("set_view")]
    if not found:
        return None
    stages = json.loads(json.dumps(found[-1]["params"]["view"], default=str))
    return set(fo.DatasetView._build(dataset, stages).values("id"))


def prompts(requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [r["params"] for r in requests if r["operator_uri"].endswith("prompt_user_for_operation")]


def said(requests: list[dict[str, Any]]) -> str:
    return " ".join(str(r["params"].get("message")) for r in requests if r["operator_uri"].endswith("notify"))


def expected_between(run: Any, low: float, high: float) -> set[str]:
    """By a plain loop over the comparison's own scores."""
    out = set()
    for side, values in (("A", run.comparison.log_ratio_a), ("B", run.comparison.log_ratio_b)):
        out |= {str(i) for i, value in zip(run.sides[side].ids, values, strict=True) if low <= float(value) <= high}
    return out


# --- scores -----------------------------------------------------------------------------------------------------------------------


def test_histogram_counts_every_image_once(stored) -> None:
    a, b = figures.histogram(stored)
    for trace, values in ((a, stored.comparison.log_ratio_a), (b, stored.comparison.log_ratio_b)):
        ends = [tuple(map(float, i.split("|"))) for i in trace["ids"]]
        counts = [sum(low <= v < high or (k == len(ends) - 1 and v == high) for v in values) for k, (low, high) in enumerate(ends)]
        assert sum(counts) == len(values)
        np.testing.assert_allclose(trace["y"], np.array(counts) / len(values))
        said = [text.split(" of ")[0] for text in trace["hovertext"]]
        assert said == [f"{n} image{'' if n == 1 else 's'}" for n in counts] and 1 in counts


def test_brush_slider_and_sidebar_show_the_same_images(dataset, stored) -> None:
    trace = figures.histogram(stored)[0]
    first = int(np.flatnonzero(trace["y"])[3])
    points = [{"id": trace["ids"][k]} for k in (first, first + 1, first + 5)]
    low, high = float(trace["ids"][first].split("|")[0]), float(trace["ids"][first + 5].split("|")[1])
    wanted = expected_between(stored, low, high)
    assert 0 < len(wanted) < len(dataset)
    state = {"run": "seasons"}
    brushed = panel(dataset, "brush", state, data=points)
    assert view_ids(brushed, dataset) == wanted
    assert shown(brushed)["range"] == [low, high]
    assert panel(dataset, "brush", state | shown(brushed), data=points) == []  # a plot that is drawn anew says it again
    assert view_ids(panel(dataset, "slide", state, value=[low, high]), dataset) == wanted
    filters = {"seasons_log_ratio": {"_CLS": "FloatField", "range": [low, high], "none": False, "exclude": False, "isMatching": True}}
    assert set(get_view(dataset.name, filters=filters).values("id")) == wanted


def test_one_bar_and_a_slider_that_was_not_moved(dataset, stored) -> None:
    trace = figures.histogram(stored)[0]
    state = {"run": "seasons", "span": list(figures.score_range(stored))}
    low, high = map(float, trace["ids"][20].split("|"))
    assert view_ids(panel(dataset, "click_bar", state, id=trace["ids"][20]), dataset) == expected_between(stored, low, high)
    assert view_ids(panel(dataset, "slide", state, value=state["span"]), dataset) is None
    assert view_ids(panel(dataset, "brush", state, data=[]), dataset) is None


def sent(requests: list[dict[str, Any]]) -> set[str]:
    """Places in the panel whose data are sent."""
    return {place for r in requests if r["operator_uri"].endswith("patch_panel_data") for place in r["params"]["data"]}


def test_plots_are_sent_with_their_tab_and_no_other(dataset, stored) -> None:
    """The App draws the whole panel after each thing that is sent."""
    plots = {"scores": {"scores.histogram"}, "concepts": {"concepts.volcano"}, "map": {"map.plot"}, "fields": set(), "differences": set()}
    for tab, wanted in plots.items():
        requests = panel(dataset, "on_change_tab", {"run": "seasons"}, value=tab)
        assert shown(requests)["page"] == tab and sent(requests) == wanted
        state = {"run": "seasons", "page": tab}
        assert panel(dataset, "on_change_tab", state, value=tab) == []
        assert sent(panel(dataset, "refresh", state)) == wanted | {"columns"}
        newest = panel(dataset, "compared", {**state, "before": "none"})  # as it opens, what is open is not known
        assert sent(newest) == wanted | {"columns"} and shown(newest)["run"] == "seasons"
    assert shown(panel(dataset, "on_change_tab", {"run": "seasons"}, value="scores"))["span"] == list(figures.score_range(stored))


def test_an_answer_changes_what_the_panel_knows_once(dataset, stored, vocabulary, sae) -> None:
    """After each change the App stores the panel, and asks its server for the whole dataset anew."""
    compare_views(dataset, "winter", "summer", embeddings="clip", vocabulary=vocabulary, sae=sae, run="other")
    before = {"run": "seasons", "detail": {"run": "seasons"}, "grid_shows": "some", "range": [0, 1], "page": "concepts", "before": "none"}
    for method, params in {"on_change_run": {"value": "other"}, "compared": {}, "open_run": {"run": "other"}, "clear": {}}.items():
        requests = panel(dataset, method, before, **params)
        changes = [r["params"]["state"] for r in requests if r["operator_uri"].endswith("patch_panel_state")]
        known, plots = [c for c in changes if "concepts.volcano" not in c], [c for c in changes if "concepts.volcano" in c]
        assert len(known) == 1 and plots == ([] if method == "clear" else [{"concepts.volcano": None}])
        assert known[0]["grid_shows"] is None and known[0]["range"] is None
        assert method == "clear" or (known[0]["run"] == "other" == known[0]["shown"]["board"]["name"] and known[0]["detail"] is None)
        places = [next(iter(r["params"].get("state") or r["params"].get("data") or [""])) for r in requests]
        assert method == "clear" or places.index("concepts.volcano") + 1 == len(places) - 1 - places[::-1].index("concepts.volcano")


# --- concepts ---------------------------------------------------------------------------------------------------------------------


def test_volcano_draws_the_concept_table(stored) -> None:
    (trace,) = figures.volcano(stored)
    table = stored.comparison.concepts
    for i, concept in enumerate(trace["ids"]):
        (row,) = np.flatnonzero(table.concept == int(concept))
        assert math.isclose(trace["x"][i], 100 * (table.rate_a[row] - table.rate_b[row]))
        assert math.isclose(trace["y"][i], min(50.0, -math.log10(max(table.q_value[row], 1e-50))), abs_tol=1e-12)
    assert sorted(map(int, trace["ids"])) == sorted(table.concept[np.isfinite(table.q_value)].tolist())


def test_a_clicked_concept_shows_its_images(dataset, stored) -> None:
    hypothesis = next(h for h in stored.candidates if h.concept == DOG)
    requests = panel(dataset, "click_concept", {"run": "seasons"}, id=str(DOG))
    assert view_ids(requests, dataset) == set(stored.ids(hypothesis, "A"))
    assert shown(requests)["point"]["name"] == WORDS[DOG]
    assert shown(panel(dataset, "click_concept", {"run": "seasons"}, id="nonsense")) == {}


def test_a_concept_without_images_of_its_own_shows_those_of_its_namesake(dataset, stored, monkeypatch) -> None:
    """Of concepts of one name on one side the best is kept: a click on any other must not say that there is nothing to see."""
    table = stored.comparison.concepts
    row = {int(k): i for i, k in enumerate(table.concept)}
    twin, stranger = (k for k in row if k != DOG and k in (0, 1))
    gap, names = table.gap.copy(), list(table.name)
    gap[row[twin]], names[row[twin]] = 1.0, WORDS[DOG]  # more in A, as the dog is
    gap[row[stranger]], names[row[stranger]] = -1.0, WORDS[DOG]  # of the same name, but more in B
    # The columns of images belong to the candidates by place: those that go leave at the end.
    kept = [i for i, h in enumerate(stored.candidates) if h.concept not in (twin, stranger)]
    changed = dataclasses.replace(
        stored.comparison,
        candidates=tuple(stored.candidates[i] for i in kept),
        shows_a=stored.comparison.shows_a[:, kept],
        shows_b=stored.comparison.shows_b[:, kept],
        concepts=dataclasses.replace(table, gap=gap, name=tuple(names)),
    )
    run = dataclasses.replace(stored, comparison=changed)
    monkeypatch.setattr("fiftyone_plugin.hypotheses.open_comparison", lambda *_: run)
    (trace,) = figures.volcano(run)
    symbols = dict(zip(trace["ids"], trace["marker"]["symbol"], strict=True))
    assert [symbols[str(k)] for k in (DOG, twin, stranger)] == ["circle", "circle", "circle-open"]
    clicked = panel(dataset, "click_concept", {"run": "seasons"}, id=str(twin))
    dog = next(h for h in run.candidates if h.concept == DOG)
    assert view_ids(clicked, dataset) == set(run.ids(dog, "A"))
    assert WORDS[DOG] in shown(clicked)["point"]["said"] and "one is kept" in shown(clicked)["point"]["said"]
    nothing = panel(dataset, "click_concept", {"run": "seasons"}, id=str(stranger))
    assert view_ids(nothing, dataset) is None and "not kept" in shown(nothing)["point"]["said"]


# --- cards ------------------------------------------------------------------------------------------------------------------------


def test_detail_unfolds_and_folds(dataset, stored) -> None:
    at = {"run": "seasons", "rank": 0, "side": "A"}
    h = stored.hypotheses[0]
    detail = shown(panel(dataset, "unfold", {"run": "seasons"}, **at))["detail"]
    values = {name: value for name, value, _ in detail["facts"]}
    assert values["Rate in summer"] == f"{h.rate_a:.2%}" and values["Rate in winter"] == f"{h.rate_b:.2%}"
    assert values["Difference"] == f"{100 * h.effect:+.1f} points" and values["AUROC"] == f"{h.auroc:.3f}"
    concept = {name: value for name, value, _ in detail["concept"]}
    fires = len(stored.comparison.rows_showing(h, "A")) + len(stored.comparison.rows_showing(h, "B"))
    assert concept["Occurs on"].startswith(f"{fires} images") and concept["Number"] == str(DOG)
    assert shown(panel(dataset, "unfold", {"run": "seasons", "detail": detail}, **at))["detail"] is None


def test_save_and_tag_ask_with_the_card_filled_in(dataset, stored) -> None:
    for method, operator in (("save", "save_hypothesis"), ("tag", "tag_hypothesis")):
        (asked,) = prompts(panel(dataset, method, {"run": "seasons"}, run="seasons", rank=0, side="A"))
        assert asked["operator_uri"] == f"{URI}/{operator}"
        assert asked["params"] == {"run": "seasons", "hypothesis": "0", "side": "A"}
        fields = form(operator, dataset, **asked["params"])
        assert not any(field["invalid"] for field in fields.values())


@pytest.mark.parametrize("side", ["A", "B", "both"])
def test_save_hypothesis_saves_its_images(dataset, stored, side) -> None:
    done = execute("save_hypothesis", dataset, run="seasons", hypothesis="0", side=side, name="Dogs: all!").result
    dataset.reload()
    h = stored.hypotheses[0]
    wanted = {i for s in ("AB" if side == "both" else side) for i in stored.ids(h, s)}
    assert set(dataset.load_saved_view("Dogs: all!").values("id")) == wanted and done["count"] == len(wanted)


def test_a_saved_views_name_is_checked_as_one_types(dataset, stored) -> None:
    base = {"run": "seasons", "hypothesis": "0", "side": "A"}
    assert form("save_hypothesis", dataset, **base)["name"]["default"] == "word 3 in summer"
    taken = form("save_hypothesis", dataset, **base, name="summer")
    assert taken["name"]["invalid"] and "overwrite" in taken
    same_slug = form("save_hypothesis", dataset, **base, name="Summer!")
    assert same_slug["name"]["invalid"] and "'summer'" in same_slug["name"]["error_message"]
    assert not form("save_hypothesis", dataset, **base, name="summer", overwrite=True)["name"]["invalid"]
    before = set(dataset.load_saved_view("summer").values("id"))
    with pytest.raises(Exception, match="already"):
        execute("save_hypothesis", dataset, **base, name="summer")
    dataset.reload()
    assert set(dataset.load_saved_view("summer").values("id")) == before


def test_tag_hypothesis_tags_its_images_and_no_other(dataset, stored) -> None:
    execute("tag_hypothesis", dataset, run="seasons", hypothesis="0", side="both", tag=" check ")
    dataset.reload()
    h = stored.hypotheses[0]
    assert set(dataset.match_tags("check").values("id")) == {*stored.ids(h, "A"), *stored.ids(h, "B")}
    assert form("tag_hypothesis", dataset, run="seasons", hypothesis="0", side="A", tag=" ")["tag"]["invalid"]
    again = {"run": "seasons", "hypothesis": "0", "side": "A", "tag": "check"}  # a tag that exists is not written onto unasked
    asked = form("tag_hypothesis", dataset, **again)
    assert asked["tag"]["invalid"] and "already" in asked["tag"]["error_message"] and "onto" in asked
    with pytest.raises((InputError, ExecutionError), match="already"):
        execute("tag_hypothesis", dataset, **again)
    assert not form("tag_hypothesis", dataset, **again, onto=True)["tag"]["invalid"]
    assert execute("tag_hypothesis", dataset, **again, onto=True).result["count"] > 0


def test_forms_suggest_names_that_are_free(dataset, stored) -> None:
    """So that nothing is wrong in them before it was touched."""
    h, base = stored.hypotheses[0], {"run": "seasons", "hypothesis": "0", "side": "A"}
    execute("tag_hypothesis", dataset, **base, tag=h.text)
    execute("save_hypothesis", dataset, **base, name=f"{h.text} in summer")
    dataset.tag_samples("to label: word 3")
    for operator, name, wanted in (
        ("tag_hypothesis", "tag", f"{h.text} 2"),
        ("save_hypothesis", "name", f"{h.text} in summer 2"),
        ("close_gap", "name", "to label 2"),
        ("compute_embeddings", "field", "clip_2"),
    ):
        drawn = form(operator, dataset, **base, **({"encoder": "other"} if name == "field" else {}))
        assert drawn[name]["default"] == wanted
        assert [key for key, field in drawn.items() if field["invalid"]] == []


def test_a_tag_of_other_images_is_asked_about_wherever_one_is_given(dataset, stored) -> None:
    dataset.tag_samples("to label: word 3")
    gap = {"run": "seasons", "view_pool": "current view", "budget": 5, "name": "to label", "keep": "tag"}
    asked = form("close_gap", dataset, **gap)
    assert asked["name"]["invalid"] and "onto" in asked
    with pytest.raises((InputError, ExecutionError), match="already"):
        execute("close_gap", dataset, **gap)
    assert not form("close_gap", dataset, **gap, onto=True)["name"]["invalid"]


def test_what_was_cancelled_leaves_the_open_comparison_open(dataset, stored, vocabulary, sae) -> None:
    """FiftyOne calls the same handler as after a comparison."""
    compare_views(dataset, "winter", "summer", embeddings="clip", vocabulary=vocabulary, sae=sae, run="newer")
    state = {"run": "seasons", "grid_shows": "some images"}
    state |= shown(panel(dataset, "compare", state))
    cancelled = shown(panel(dataset, "compared", state))
    assert cancelled.get("run", "seasons") == "seasons" and "grid_shows" not in cancelled
    compare_views(dataset, "summer", "winter", embeddings="clip", vocabulary=vocabulary, sae=sae, run="newest")
    assert shown(panel(dataset, "compared", state))["run"] == "newest"


def lists(state: dict[str, Any]) -> dict[str, list[str]]:
    """What became of differences between two comparisons, by that."""
    return {kind: lines for kind, _, lines, _ in state["beside"]["lists"]}


def test_two_comparisons_call_findings_what_their_cards_do(dataset, stored, vocabulary, sae, capsys) -> None:
    compare_views(dataset, "summer", "winter", embeddings="clip", vocabulary=vocabulary, sae=sae, run="later")
    judge_finding(dataset, "later", 0, name="a mare")
    text = stored.hypotheses[0].text
    told = lists(shown(panel(dataset, "beside", {"run": "later"}, run="seasons")))["stayed"]
    assert told[0].startswith("a mare, more in summer: ") and not any(line.startswith(text) for line in told)
    assert main(["runs", dataset.name, "--compare", "seasons", "later"]) == 0
    printed = [line for line in capsys.readouterr().out.splitlines() if "a mare" in line]
    assert len(printed) == 1 and "stayed" in printed[0]

    assert main(["runs", dataset.name, "--compare", "later", "later"]) == 2
    assert "later is held beside itself; name two different comparisons" in capsys.readouterr().err
    itself = panel(dataset, "beside", {"run": "later"}, run="later")  # of a window that was drawn before the other was opened
    assert "beside itself" in said(itself) and not shown(itself).get("beside")

    state = {"run": "later"} | shown(panel(dataset, "beside", {"run": "later"}, run="seasons"))
    for words, start in (({"name": ""}, text), ({"state": "rejected"}, text), ({"name": "a cob"}, "a cob")):
        judge_finding(dataset, "later", 0, **words)
        state |= shown(panel(dataset, "edited", state))  # the table follows what is said meanwhile
        assert lists(state)["stayed"][0].startswith(f"{start}, more in ")
    assert "(rejected by hand)" in lists(state)["stayed"][0]
    delete_comparison(dataset, "seasons")
    assert shown(panel(dataset, "edited", state))["beside"] is None


def test_the_same_sides_the_other_way_round_stand_beside_each_other(dataset, stored, vocabulary, sae) -> None:
    turned = compare_views(dataset, "winter", "summer", embeddings="clip", vocabulary=vocabulary, sae=sae, run="turned")
    h = next(h for h in turned.hypotheses if h.text == stored.hypotheses[0].text)
    told = lists(shown(panel(dataset, "beside", {"run": "turned"}, run="seasons")))
    assert not told["new"] and not told["gone"] and len(told["stayed"]) == len(stored.hypotheses)
    assert any(line.startswith(f"{h.text}, more in summer: ") for line in told["stayed"])
    a, b = (percent(rate) for rate in (h.rate_a, h.rate_b))
    assert f"{h.text}, more in summer: {a} and {b}, before {a} and {b}" in told["stayed"]


def test_names_in_right_to_left_scripts_keep_to_themselves_on_cards(dataset, stored) -> None:
    judge_finding(dataset, "seasons", 0, name="כלב\u202e", note="קיץ")
    first = shown(panel(dataset, "on_load", {"run": "seasons"}))["shown"]["board"]["sides"]["A"]["cards"][0]
    assert (first["rank"], first["known"], first["text"]) == (0, known_text(stored.hypotheses[0], "כלב\u202e"), "\u2068כלב\u2069")
    assert "note: \u2068קיץ\u2069" in first["said"] and "\u2068כלב\u2069" in first["copy"] and "\u202e" not in first["copy"]


def test_fields_that_differ_stand_beside_each_other_and_one_that_was_not_tested_is_called_that(dataset, vocabulary, sae) -> None:
    dataset.set_values("camera", ["one"] * 60 + ["two"] * 80)
    dataset.set_values("height", [float(i) for i in range(140)])
    options: dict[str, Any] = {"embeddings": "clip", "vocabulary": vocabulary, "sae": sae}
    compare_views(dataset, "summer", "winter", run="none", **options)
    compare_views(dataset, "summer", "winter", run="one", fields=["camera"], **options)
    compare_views(dataset, "winter", "summer", run="both", fields=["camera", "height"], **options)

    def beside(before: str, after: str) -> Any:
        return lists(shown(panel(dataset, "beside", {"run": after}, run=before)))

    rates = {"one": "camera = one: 100% of summer, 0% of winter", "two": "camera = two: 100% of winter, 0% of summer"}
    new, gone = beside("none", "one")["new"], beside("one", "none")["gone"]
    assert sorted(new) == sorted(gone) == sorted(f"{rate} (not tested in none)" for rate in rates.values())
    turned = beside("one", "both")
    assert {f"{rate}, before 100% and 0%" for rate in rates.values()} <= set(turned["stayed"]) and turned["gone"] == []
    assert [text for text in turned["new"] if text.startswith("height, higher: median ")] and all(
        "not tested in one" in t for t in turned["new"]
    )


# --- comparisons ------------------------------------------------------------------------------------------------------------------


def test_rename_and_its_form(dataset, stored, vocabulary, sae) -> None:
    assert form("rename_comparison", dataset, run="seasons", new="seasons")["new"]["invalid"]
    assert form("rename_comparison", dataset, run="seasons", new="no name")["new"]["invalid"]
    execute("rename_comparison", dataset, run="seasons", new="halves")
    dataset.reload()
    assert list_comparisons(dataset) == ["halves"] and dataset.has_field("halves_log_ratio")
    result = {"renamed": "seasons", "new": "halves"}
    after = shown(panel(dataset, "renamed", {"run": "seasons"}, result=result))
    assert after["run"] == "halves" and after["shown"]["board"]["name"] == "halves"


def test_a_run_that_another_window_made_renamed_or_deleted_is_seen(dataset, stored, vocabulary, sae) -> None:
    window = Window(dataset)
    assert window.look() == []
    rename_comparison(dataset, "seasons", "renamed")
    assert window.look() and window.state["run"] == "renamed"
    compare_views(dataset, "winter", "summer", embeddings="clip", vocabulary=vocabulary, sae=sae, run="newer")
    assert window.look() and window.state["run"] == "renamed"
    assert [r["name"] for r in window.state["shown"]["runs"]] == ["newer", "renamed"]
    delete_comparison(dataset, "renamed")
    gone = panel(dataset, "show", window.state, run="renamed", rank=0, side="A")
    assert "no comparison 'renamed'" in said(gone) and shown(gone)["run"] == "newer"


def test_a_window_that_was_only_told_the_state_of_another_draws_it(dataset, stored, vocabulary, sae) -> None:
    """The App gives a panel's state to the other windows of a session, and draws nothing there."""
    one, other = Window(dataset), Window(dataset)
    compare_views(dataset, "winter", "summer", embeddings="clip", vocabulary=vocabulary, sae=sae, run="newer")
    one.look()
    other.state = dict(one.state)
    assert other.drawn != one.drawn
    assert other.look() and other.drawn == one.drawn
    assert one.look() == other.look() == []


def test_what_a_late_request_took_back_is_drawn_again(dataset, stored, vocabulary, sae) -> None:
    """The timer asks before a click and is answered after it: the state then has both, the drawing only the timer's."""
    window, still = Window(dataset), Window(dataset)
    compare_views(dataset, "winter", "summer", embeddings="clip", vocabulary=vocabulary, sae=sae, run="newer")
    late = window.ask("look", drawn=window.drawn)
    window.take(window.ask("list_runs"))
    window.take(late)
    assert window.state["listed"] and [r["name"] for r in window.state["shown"]["runs"]] == ["newer", "seasons"]
    assert window.look() and window.look() == []
    still.take(late)
    assert still.look() == []  # where nothing was clicked there is nothing to mend


def test_a_late_timer_does_not_take_back_what_was_compared(dataset, stored, vocabulary, sae) -> None:
    window = Window(dataset)
    compare_views(dataset, "winter", "summer", embeddings="clip", vocabulary=vocabulary, sae=sae, run="newer")
    late = window.ask("look", drawn=window.drawn)
    window.take(window.ask("compared"))
    assert window.state["run"] == "newer"
    window.take(late)
    window.look()
    assert window.state["run"] == "newer"
    assert window.state["shown"]["board"]["name"] == "newer" and window.look() == []


def test_a_timer_that_waited_for_its_turn_draws_nothing_of_what_a_click_has_left(dataset, stored, vocabulary, sae, monkeypatch) -> None:
    """The request was sent before the click, and is worked on after it: it knows the state before."""
    window = Window(dataset)
    before, drawn = json.loads(json.dumps(window.state)), window.drawn
    compare_views(dataset, "winter", "summer", embeddings="clip", vocabulary=vocabulary, sae=sae, run="newer")
    window.take(window.ask("compared"))
    late = Window(dataset)
    late.state, late.at, late.drawn = before, window.at, drawn
    assert before["run"] == "seasons" and late.look() == []
    now = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: now() + 11)  # so late it is another window of the session
    assert late.look()


def test_a_timer_draws_nothing_of_what_a_click_has_left_meanwhile(dataset, stored, vocabulary, sae, monkeypatch) -> None:
    """Whatever was clicked, and whether the click was answered before the timer had its turn, or during it."""
    window = Window(dataset)
    before, drawn = json.loads(json.dumps(window.state)), window.drawn
    compare_views(dataset, "winter", "summer", embeddings="clip", vocabulary=vocabulary, sae=sae, run="newer")
    window.take(window.ask("on_change_tab", value="concepts"))
    late = Window(dataset)
    late.state, late.at, late.drawn = before, window.at, drawn
    assert late.look() == []
    looked_up = sidebar.grouped

    def meanwhile(*args: Any) -> Any:
        monkeypatch.setattr(sidebar, "grouped", looked_up)
        window.take(window.ask("on_change_tab", value="fields"))
        return looked_up(*args)

    monkeypatch.setattr(sidebar, "grouped", meanwhile)
    assert window.look() == [] and window.state["page"] == "fields"
    assert window.look() and window.state["page"] == "fields" and "newer" in window.state["shown"]["names"]


def test_replaced_results_are_not_served_from_memory(dataset, stored, vocabulary, sae) -> None:
    assert open_comparison(dataset, "seasons") is open_comparison(dataset, "seasons")
    old = open_comparison(dataset, "seasons")
    compare_views(dataset, "winter", "summer", embeddings="clip", vocabulary=vocabulary, sae=sae, run="seasons", overwrite=True)
    new = open_comparison(dataset, "seasons")
    assert (old.sides["A"].name, new.sides["A"].name) == ("summer", "winter")


@pytest.mark.parametrize("deleted", [False, True])
def test_compare_again_compares_the_same_images(dataset, files, deleted) -> None:
    execute("compare_views", dataset, view_a="summer", view_b="winter", embeddings="clip", run="first", **files)
    dataset.reload()
    if deleted:
        dataset.delete_saved_view("summer")
    (asked,) = prompts(panel(dataset, "again", {"run": "first"}, run="first"))
    expected = "images of first (A)" if deleted else "summer"
    assert asked["params"]["view_a"] == expected and asked["params"]["vocabulary"] == files["vocabulary"]
    assert not any(field["invalid"] for field in form("compare_views", dataset, **asked["params"]).values())
    execute("compare_views", dataset, **asked["params"], run="second")
    dataset.reload()
    assert dataset.values("second_log_ratio") == dataset.values("first_log_ratio")
    assert load_comparison(dataset, "second").sides["A"].name == "summer"


def test_the_report_of_the_open_comparison_is_asked_for(dataset, stored, tmp_path) -> None:
    (asked,) = prompts(panel(dataset, "report", {"run": "seasons"}))
    assert asked["operator_uri"] == f"{URI}/export_report" and asked["params"] == {"run": "seasons"}
    assert not any(field["invalid"] for field in form("export_report", dataset, **asked["params"]).values())
    assert "folder" not in form("export_report", dataset, **asked["params"])  # the browser saves it, unless a folder is asked for
    done = execute("export_report", dataset, run="seasons", format=".md")
    (download,) = [r for r in done.executor.to_json()["requests"] if r["operator_uri"].endswith("browser_download")]
    path = Path(unquote(download["params"]["url"].partition("filepath=")[2]))
    assert download["params"]["filename"] == "seasons.md" and path.parent.stat().st_mode & 0o077 == 0
    assert path.read_text() == export_report(dataset, "seasons", tmp_path / "seasons.md").read_text()
    kept = execute("export_report", dataset, run="seasons", format=".csv", where="server", folder=str(tmp_path)).result["path"]
    assert Path(kept) == tmp_path / "seasons.csv" and "verdict" in Path(kept).read_text()
    assert form("export_report", dataset, run="seasons", where="server")["folder"]["required"]


# --- whose images -----------------------------------------------------------------------------------------------------------------


def compared_ids(dataset: Any, run: str) -> dict[str, set[str]]:
    stored = load_comparison(dataset, run)
    return {side: set(stored.sides[side].ids.tolist()) for side in "AB"}


def test_tags_current_view_and_selection(dataset, files) -> None:
    a, b = (set(dataset.load_saved_view(v).values("id")) for v in ("summer", "winter"))
    params = {"embeddings": "clip", **files}
    execute("compare_views", dataset, view_a="samples with a tag", tag_a="a", view_b="samples with a tag", tag_b="b", run="tags", **params)
    dataset.reload()
    assert compared_ids(dataset, "tags") == {"A": a, "B": b}
    assert [load_comparison(dataset, "tags").sides[s].name for s in "AB"] == ["tag a", "tag b"]
    chosen = sorted(a)[:30]
    context = {"dataset": dataset, "view": dataset.match_tags("b"), "selected": []}
    params |= {"view_a": "summer", "view_b": "current view", "run": "current"}
    foo.execute_operator(f"{URI}/compare_views", {**context, "params": params})
    context = {"dataset": dataset, "view": dataset.view(), "selected": chosen}
    params |= {"view_a": "current selection", "view_b": "winter", "run": "selected"}
    foo.execute_operator(f"{URI}/compare_views", {**context, "params": params})
    dataset.reload()
    assert compared_ids(dataset, "current") == {"A": a, "B": b}
    assert compared_ids(dataset, "selected") == {"A": set(chosen), "B": b}


def test_another_datasets_view(dataset, make, files) -> None:
    other = make(vectors(40, 0.1, seed=5), vectors(30, 0.1, seed=6))
    params = {"view_a": "summer", "view_b": "another dataset", "dataset_b": other.name, "embeddings": "clip", **files}
    fields = form("compare_views", dataset, **params)
    assert [c["value"] for c in fields["part_b"]["view"]["choices"]] == ["the whole dataset", "summer", "winter"]
    execute("compare_views", dataset, **params, run="whole")
    execute("compare_views", dataset, **params, part_b="winter", run="half")
    dataset.reload()
    assert compared_ids(dataset, "whole")["B"] == set(other.values("id"))
    assert compared_ids(dataset, "half")["B"] == set(other.load_saved_view("winter").values("id"))
    requests = panel(dataset, "show", {"run": "half"}, run="half", rank=0, side="B")
    assert other.name in said(requests) and view_ids(requests, dataset) is None
    for run in ("whole", "half"):
        delete_comparison(dataset, run)


def test_a_slice_of_a_grouped_dataset(make, files, vocabulary) -> None:
    dataset = fo.Dataset()
    dataset.add_group_field("group", default="left")
    rows = {"left": vectors(60, 2 / 3, seed=1), "right": vectors(60, 1 / 20, seed=2)}
    for i in range(60):
        group = fo.Group()
        name = "first" if i < 30 else "second"
        made = [fo.Sample(filepath=f"/nowhere/{s}{i}.jpg", group=group.element(s), clip=rows[s][i], tags=[name]) for s in rows]
        dataset.add_samples(made, progress=False)
    params = {"view_a": "samples with a tag", "tag_a": "first", "view_b": "samples with a tag", "tag_b": "second", "embeddings": "clip"}
    fields = form("compare_views", dataset, **params)
    assert fields["slice"]["default"] == "left"
    execute("compare_views", dataset, **params, slice="right", run="right", **files)
    dataset.reload()
    right = dataset.select_group_slices("right")
    stored = load_comparison(dataset, "right")
    assert {s: set(stored.sides[s].ids.tolist()) for s in "AB"} == {
        "A": set(right.match_tags("first").values("id")),
        "B": set(right.match_tags("second").values("id")),
    }
    # The active slice is "left": what is shown must be the other one all the same.
    assert set(score_view(stored, -1e9, 1e9).values("id")) == set(right.values("id"))
    assert stored.sides["A"].select(stored.sides["A"].ids.tolist()[:5]).values("id") == stored.sides["A"].ids.tolist()[:5]
    dataset.delete()


def test_patches_are_scored_shown_and_tagged_by_label(make, files) -> None:
    dataset = fo.Dataset()
    rows = vectors(60, 2 / 3, seed=1), vectors(60, 1 / 20, seed=2)
    samples = []
    for k, side in enumerate("ab"):
        for i in range(0, 60, 2):
            boxes = [fo.Detection(label=side, bounding_box=[0, 0, 1, 1], clip=rows[k][i + j]) for j in (0, 1)]
            samples.append(fo.Sample(filepath=f"/nowhere/{side}{i}.jpg", objects=fo.Detections(detections=boxes)))
    dataset.add_samples(samples, progress=False)
    dataset.add_sample_field("objects.detections.clip", fo.VectorField)
    for side in "ab":
        dataset.save_view(side, dataset.to_patches("objects").match(fo.ViewField("objects.label") == side))
    execute("compare_views", dataset, view_a="a", view_b="b", embeddings="objects.detections.clip", run="boxes", **files)
    dataset.reload()
    stored = load_comparison(dataset, "boxes")
    ratios = stored.comparison.log_ratio_a, stored.comparison.log_ratio_b
    wanted = {str(i) for s, r in zip("AB", ratios, strict=True) for i, v in zip(stored.sides[s].ids, r, strict=True) if 0 <= v <= 2}
    assert wanted and set(score_view(stored, 0, 2).values("id")) == wanted
    execute("tag_hypothesis", dataset, run="boxes", hypothesis="0", side="A", tag="check")
    dataset.reload()
    tagged = dataset.select_labels(tags="check", fields="objects").values("objects.detections.id", unwind=True)
    assert set(tagged) == set(stored.ids(stored.hypotheses[0], "A"))
    dataset.delete()


# --- delegated --------------------------------------------------------------------------------------------------------------------


def test_a_delegated_comparison_is_followed_to_its_end(dataset, files) -> None:
    from fiftyone.operators.delegated import DelegatedOperationService

    dataset.persistent = True
    params = {"view_a": "summer", "view_b": "winter", "embeddings": "clip", "run": "later", **files}
    foo.execute_operator(f"{URI}/compare_views", {"dataset": dataset, "params": params}, request_delegation=True)
    state = shown(panel(dataset, "on_load"))
    assert [(d["run"], d["state"]) for d in state["shown"]["delegated"]] == [("later", "waiting")]
    DelegatedOperationService().execute_queued_operations(dataset_name=dataset.name)
    requests = panel(dataset, "look", state)
    after = shown(requests)
    assert "later is ready" in said(requests)
    assert after["run"] == "later" and after["shown"]["delegated"] == [] and after["shown"]["board"]["name"] == "later"


def test_a_delegated_comparison_that_failed_says_why_until_it_is_dismissed(dataset, files) -> None:
    from fiftyone.operators.delegated import DelegatedOperationService

    dataset.persistent = True
    params = {"view_a": "summer", "view_b": "winter", "embeddings": "clip", "run": "later", **files}
    foo.execute_operator(f"{URI}/compare_views", {"dataset": dataset, "params": params}, request_delegation=True)
    dataset.delete_saved_view("winter")
    DelegatedOperationService().execute_queued_operations(dataset_name=dataset.name)
    (failed,) = shown(panel(dataset, "on_load"))["shown"]["delegated"]
    assert failed["state"] == "failed" and "winter" in failed["label"] and failed["label"][0].isupper()
    after = shown(panel(dataset, "dismiss", {}, id=failed["id"]))
    assert after["shown"]["delegated"] == []


def test_large_comparisons_are_delegated_unless_one_chooses_otherwise(dataset, monkeypatch) -> None:
    from fiftyone_plugin.operators import compare_views as module

    operator = module.CompareViews()
    context = foo.ExecutionContext({"dataset_name": dataset.name, "params": {"view_a": "summer", "view_b": "winter"}})
    assert not operator.resolve_execution_options(context).default_choice_to_delegated
    monkeypatch.setattr(module, "LARGE", len(dataset))
    assert operator.resolve_execution_options(context).default_choice_to_delegated


# --- whose images the grid shows, and what there is to see where nothing was found ---------------------------------------------------


def title_of(board: dict[str, Any], lead: dict[str, Any]) -> str:
    """What stands above the card of a lead; a guess is called one, as on other cards."""
    root = types.Object()
    card_layout.lead(MagicMock(), root, board, lead)
    return root.properties[f"card_{lead['rank']}"].type.properties["title"].default


def test_a_side_without_findings_has_leads_and_typical_images(make, vocabulary, sae) -> None:
    dataset = make(vectors(60, 0.3, seed=3), vectors(80, 0.3, seed=4))
    run = compare_views(dataset, "summer", "winter", embeddings="clip", vocabulary=vocabulary, sae=sae, run="alike")
    assert not run.hypotheses
    board = shown(panel(dataset, "on_load"))["shown"]["board"]
    assert not [note for note in board["notes"] if "nearest" in note]  # the cards of leads say it
    for side, ratio in (("A", run.comparison.log_ratio_a), ("B", -run.comparison.log_ratio_b)):
        part = board["sides"][side]
        leads = [h for h in run.comparison.leads if h.side == side]
        titles = [f"###### {'*looks like* ' if h.weak else ''}{h.text}" for h in leads]
        assert [title_of(board, lead) for lead in part["leads"]] == titles
        assert part["cards"] == [] and [lead["text"] for lead in part["leads"]] == [h.text for h in leads] and leads
        assert len(part["typical"]) == 5 and "against 0.05" in part["leads"][0]["standing"]
        rank = part["leads"][0]["rank"]
        request = panel(dataset, "show", {}, run="alike", rank=rank, side=side)
        assert view_ids(request, dataset) == (set(run.ids(leads[0], side)) or None)
        typical = panel(dataset, "show_typical", {}, run="alike", side=side)
        best = set(run.sides[side].ids[np.argsort(-ratio)].tolist())  # fewer than a hundred: all of the side
        said = f"the most typical of {run.sides[side].name}, {len(best)} images"
        assert view_ids(typical, dataset) == best and shown(typical)["grid_shows"] == said
    assert "p = " in board["verdict"] and "against 0.05" in board["verdict"]


def test_what_cannot_be_opened_is_said_and_can_be_deleted_there(dataset, stored) -> None:
    record = runs.record_of(dataset, "seasons")
    database.whole()["fs.chunks"].delete_many({"files_id": record.results})
    hypotheses._opened.clear()
    state = {"run": "seasons"} | shown(panel(dataset, "on_load", {"run": "seasons"}))
    assert state["shown"]["error"].startswith("The results of this comparison are no longer in the database")
    root, window = types.Object(), MagicMock()
    layout.page(window, root, {**state, "nonce": {}}, "x")
    assert root.properties["remove"].view._kwargs["params"] == {"run": "seasons"}
    (asked,) = prompts(panel(dataset, "delete", state, run="seasons"))
    assert asked["operator_uri"].endswith("delete_comparison")
    execute("delete_comparison", dataset, **asked["params"])
    dataset.reload()
    assert list_comparisons(dataset) == [] and not dataset.has_field("seasons_log_ratio")


def test_slight_shifts_are_folded_below_the_cards(dataset, stored, monkeypatch) -> None:
    from latentdiff.results.comparison import Comparison

    slight = [dataclasses.replace(h, slight=True, effect=0.001) for h in stored.comparison.candidates[-2:]]
    monkeypatch.setattr(Comparison, "shifts", property(lambda self: slight))
    state = {"run": "seasons"} | shown(panel(dataset, "on_load", {"run": "seasons"}))
    board = state["shown"]["board"]
    assert board["shifted"] == "2 slight shifts" and not [note for note in board["notes"] if "slight" in note]
    assert all(any(h.text in said for said in board["shifts"]) for h in slight)
    assert all(said.startswith("a slight shift of ") for said in board["shifts"])
    drawn = {}
    for unfolded in (False, True):
        root = types.Object()
        layout.page(MagicMock(), root, {**state, "leaning": unfolded, "nonce": {}}, "x")
        names = list(root.properties)
        drawn[unfolded] = names[names.index("columns") + 1 :]
    assert drawn[False][0] == "shifted" and "shifts" not in drawn[False] and drawn[True][:2] == ["shifted", "shifts"]
    assert shown(panel(dataset, "unfold_shifts", state))["leaning"] is True
    assert shown(panel(dataset, "unfold_shifts", {**state, "leaning": True}))["leaning"] is False


def test_the_panel_says_whose_images_the_grid_shows_until_they_are_not(dataset, stored, files) -> None:
    count = len(stored.comparison.rows_showing(stored.hypotheses[0], "A"))
    state = {"run": "seasons"}
    state |= shown(panel(dataset, "show", state, run="seasons", rank=0, side="A"))
    assert state["grid_shows"] == f"{WORDS[DOG]} in summer, {count} images"
    compare_views(dataset, "winter", "summer", embeddings="clip", run="other", **files)
    for method, params in (("on_change_run", {"value": "other"}), ("clear", {})):
        requests = panel(dataset, method, state, **params)
        assert any(r["operator_uri"].endswith("clear_view") for r in requests) and shown(requests)["grid_shows"] is None
    by_hand = panel(dataset, "regrid", state)  # the grid shows the whole dataset, which no button here asked for
    assert shown(by_hand)["grid_shows"] is None and not any(r["operator_uri"].endswith("clear_view") for r in by_hand)
    assert panel(dataset, "regrid", {"run": "seasons"}) == []


def test_the_panel_says_what_operators_made_the_grid_show(dataset, stored) -> None:
    window, h = Window(dataset), stored.hypotheses[0]
    done = execute("show_hypothesis", dataset, run="seasons", hypothesis="0", side="both")
    view, count = stored.view(h), sum(len(stored.comparison.rows_showing(h, side)) for side in "AB")
    assert done.result["count"] == count
    window.take(window.ask("look", drawn=window.drawn, view=dataset.limit(3)))
    assert not window.state.get("grid_shows")
    window.take(window.ask("look", drawn=window.drawn, view=view))
    assert window.state["grid_shows"] == f"{h.text} in summer and winter, {count} images"
    assert window.ask("look", drawn=window.drawn, view=view) == []
    window.take(window.ask("show", run="seasons", rank=0, side="A"))
    assert window.state["grid_shows"] == showing.shown_of(stored, h, "A")
    window.take(window.ask("regrid", view=view))
    assert window.state["grid_shows"] == showing.shown_of(stored, h, "both", best=False)
    requests = window.ask("clear", view=view)
    assert any(r["operator_uri"].endswith("clear_view") for r in requests) and shown(requests)["grid_shows"] is None
    window.take(requests)
    window.look()
    assert not window.state["grid_shows"]


def test_the_grid_and_the_map_call_a_guess_a_guess(dataset, stored) -> None:
    guess = dataclasses.replace(stored.hypotheses[0], weak=True)
    count = len(stored.comparison.rows_showing(guess, "A"))
    assert showing.shown_of(stored, guess, "A") == f"what looks like {guess.text} in summer, {count} images"
    board = shown(panel(dataset, "on_load", {"run": "seasons"}))["shown"]["board"]
    board["sides"]["A"]["cards"][0]["named"] = f"looks like {guess.text}"
    root = types.Object()
    map_tab.map_tab(MagicMock(), root, board, {})
    row = root.properties["map"].type.properties["how"].type.properties["lit"]
    assert f"looks like {guess.text}" in str(row.view._kwargs)


def test_of_very_many_images_the_grid_is_given_the_best(dataset, stored, monkeypatch) -> None:
    """Every id goes to the browser and back; a saved view and a tag hold all."""
    h = stored.hypotheses[0]
    best = stored.ids(h, h.side)
    monkeypatch.setattr(hypotheses, "SHOWN", 7)
    requests = panel(dataset, "show", {"run": "seasons"}, run="seasons", rank=0, side=h.side)
    assert view_ids(requests, dataset) == set(best[:7])
    assert shown(requests)["grid_shows"] == f"{h.text} in {stored.sides[h.side].name}, the best 7 of {len(best)} images"
    assert len(hypotheses.save_hypothesis_view(stored, h, h.side, "all of them")) == len(best) > 7


def test_cards_are_sorted_filtered_and_searched(dataset, stored) -> None:
    def texts(state: dict[str, Any], method: str, **params: Any) -> list[str]:
        answer = shown(panel(dataset, method, {"run": "seasons", **state}, **params))
        state |= {"how": answer.get("how", state.get("how"))}
        return [card["text"] for side in "AB" for card in answer["shown"]["board"]["sides"][side]["cards"]]

    state: dict[str, Any] = {}
    by_name = texts(state, "order", value="text")
    assert by_name == [h.text for side in "AB" for h in sorted((h for h in stored.hypotheses if h.side == side), key=lambda h: h.text)][:6]
    assert texts(state, "only", value="accepted") == [] and state["how"] == {"order": "text", "only": "accepted"}
    assert texts(state, "only", value="all") == by_name
    assert texts({"how": {}, "arrangement": {"search": WORDS[DOG]}}, "find") == [WORDS[DOG]]
    late = {"how": {}, "arrangement": {"search": "zzz"}}  # what the state has yet when Enter is pressed
    assert texts(late, "find", value=WORDS[DOG]) == [WORDS[DOG]] and len(texts(late, "find", value="")) == len(by_name)
    assert shown(panel(dataset, "arrange", {"run": "seasons"}))["arranging"] is True
    judge_finding(dataset, "seasons", 0, state="accepted")
    board = shown(panel(dataset, "order", {"run": "seasons"}, value="open"))["shown"]["board"]
    groups = [(card["rank"], card["group"]) for side in "AB" for card in board["sides"][side]["cards"]]
    assert {group for rank, group in groups if rank} <= {"Not judged yet"} and (0, "Accepted") in groups
    requests = panel(dataset, "order", {"run": "seasons"}, value="source")
    cards = [card for side in "AB" for card in shown(requests)["shown"]["board"]["sides"][side]["cards"]]
    branch = {"sae": "Concept", "dre": "Typical images", "word": "Words"}
    assert [card["group"] for card in cards] == [branch[stored.hypotheses[card["rank"]].source] for card in cards]


def test_the_list_is_searched_for_findings_names_and_fields_as_cards_are(dataset, vocabulary, sae) -> None:
    dataset.set_values("camera", ["one"] * 60 + ["two"] * 80)
    options: dict[str, Any] = {"embeddings": "clip", "vocabulary": vocabulary, "sae": sae}
    run = compare_views(dataset, "summer", "winter", run="seasons", fields=["camera"], **options)
    compare_views(dataset, dataset[:20], dataset[20:40], names=("early", "late"), run="alike", **options)

    def found(words: str) -> list[str]:
        return [str(one) for one in found_in(list_comparisons(dataset), search=words)]

    (h,) = (h for h in run.hypotheses if h.text == WORDS[DOG])
    assert found(WORDS[DOG].upper()) == ["seasons"] == found("camera = ") and found("zebra crossing") == []
    assert all(found(text) == ["seasons"] for text in (*h.also, *h.words))
    judge_finding(dataset, "seasons", run.hypotheses.index(h), name="a hound")
    assert found("hound") == ["seasons"]
    judge_finding(dataset, "seasons", run.hypotheses.index(h), name="")
    assert found("hound") == [] and "texts" not in list_comparisons(dataset)[1].verdict


def test_the_list_is_sorted_searched_and_says_what_there_is_to_know(dataset, stored, vocabulary, sae) -> None:
    compare_views(dataset, "winter", "summer", embeddings="clip", vocabulary=vocabulary, sae=sae, run="a_second")
    judge_finding(dataset, "seasons", 0, state="accepted", note="look again")
    state: dict[str, Any] = {"run": "seasons"}

    def names(method: str, **params: Any) -> list[str]:
        answer = shown(panel(dataset, method, state, **params))
        state["list_how"] = answer.get("list_how", state.get("list_how"))
        return [run["name"] for run in answer["shown"]["runs"]]

    assert names("on_load") == ["a_second", "seasons"] == names("list_order", value="name") == names("list_order", value="open")
    assert names("list_order", value="accepted") == ["seasons", "a_second"]  # "open": of as many findings, one is judged in "seasons"
    assert names("list_order", value="newest") == ["a_second", "seasons"]
    state["past"] = {"how": {"words": "LOOK again"}}
    assert names("list_find") == ["seasons"]
    answer = shown(panel(dataset, "on_load", state))["shown"]
    (told,) = answer["runs"]
    auc = f"AUC {stored.two_sample.auc:.2f}"
    year = f"{datetime.now(timezone.utc):%Y}"
    for part in ("60 images and 80 images", auc, "clip", "level 0.05", "1 accepted", "notes: look again", year):
        assert part in told["details"], part
    assert answer["names"] == ["a_second", "seasons"]  # the drop-down has all of them
    found = shown(panel(dataset, "beside", {"run": "seasons"}, run="a_second"))
    assert [text.split(",")[0] for text in lists(found)["stayed"]] == [h.text for h in stored.hypotheses]
    assert shown(panel(dataset, "beside", {"run": "seasons", "beside": found["beside"]}, run="a_second"))["beside"] is None

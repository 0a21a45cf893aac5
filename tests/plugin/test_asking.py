"""A phrase of one's own, tested on the images of a stored comparison: with the demo's real small encoder."""

from __future__ import annotations

import fiftyone as fo
import numpy as np
import pytest
from fiftyone_plugin.panels.app.reasons import reason
from fiftyone_plugin.panels.app.tabs import evidence

import latentdiff
from fiftyone_plugin import compare_views, delete_comparison, load_comparison
from fiftyone_plugin.asking import ask, can_ask
from fiftyone_plugin.questions import keep_images
from latentdiff import demo
from latentdiff.embed.encoder import load_encoder
from latentdiff.errors import InputError
from tests import drawn
from tests.plugin.calls import execute, form, panel, shown


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """120 scenes, half of those in "winter" snowy, with vectors of the demo's encoder, which is recorded."""
    dataset = fo.Dataset()
    drawn.fill(dataset, tmp_path_factory.mktemp("scenes"), 60, snowy=0.6)
    vocabulary = latentdiff.Vocabulary(demo.words(), load_encoder("demo").encode_texts(demo.words()))
    yield compare_views(dataset, "winter", "summer", embeddings="demo_clip", vocabulary=vocabulary, sae=demo.load_sae(), run="seasons")
    dataset.delete()


def test_the_answer_is_that_of_verify_on_the_same_images(scenes):
    vectors = {s: np.stack(scenes.dataset.select(scenes.sides[s].ids.tolist(), ordered=True).values("demo_clip")) for s in "AB"}
    (wanted,) = latentdiff.verify(vectors["A"], vectors["B"], ["snow"], load_encoder("demo").encode_texts(["snow"]), rows=200)
    answer = ask(scenes, "  snow ")
    assert answer.found == wanted and answer.found.text == "snow"
    assert answer.ids["A"] == [str(scenes.sides["A"].ids[row]) for row in wanted.rows_a]
    assert answer.found.auroc > 0.6 and answer.found.p_value < 0.01  # snow was planted in A


def test_groups_of_the_comparison_are_those_of_the_answer(scenes):
    dataset, alone = scenes.dataset, ask(scenes, "snow").found
    dataset.set_values("scene", [i // 4 for i in range(len(dataset))])
    words = latentdiff.Vocabulary(demo.words(), load_encoder("demo").encode_texts(demo.words()))
    of = {"embeddings": "demo_clip", "vocabulary": words, "sae": demo.load_sae()}
    run = compare_views(dataset, "winter", "summer", groups="scene", run="by_scene", **of)
    rows = {s: dict(zip(*dataset.values(["id", "scene"]), strict=True)) for s in "AB"}
    groups = {f"groups_{s.lower()}": [rows[s][str(i)] for i in run.sides[s].ids] for s in "AB"}
    vectors = [np.stack(dataset.select(run.sides[s].ids.tolist(), ordered=True).values("demo_clip")) for s in "AB"]
    (wanted,) = latentdiff.verify(*vectors, ["snow"], load_encoder("demo").encode_texts(["snow"]), rows=200, **groups)
    answer = ask(run, "snow").found
    assert answer == wanted and answer.p_value != alone.p_value
    delete_comparison(dataset, "by_scene")


def test_panel_and_operator_give_the_same_answer(scenes):
    dataset = scenes.dataset
    board = shown(panel(dataset, "on_load"))["shown"]["board"]
    assert board["ask"] is None
    result = execute("ask_question", dataset, run="seasons", phrase="snow").result
    found = ask(scenes, "snow").found
    assert (result["auroc"], result["rates"]) == (found.auroc, {"A": found.rate_a, "B": found.rate_b})
    state = {"run": "seasons", "answer": shown(panel(dataset, "answered", {}, result=result))["answer"]}
    (request,) = [r for r in panel(dataset, "show_answer", state, side="A") if r["operator_uri"].endswith("set_view")]
    assert dict(request["params"]["view"][-1]["kwargs"])["sample_ids"] == result["ids"]["A"]
    # It is kept with the comparison, listed, opened again with its pictures, and its images saved and tagged.
    execute("ask_question", dataset, run="seasons", phrase="a kite")
    execute("ask_question", dataset, run="seasons", phrase="snow")
    assert shown(panel(dataset, "on_load"))["shown"]["board"]["questions"] == ["snow", "a kite"]
    opened = shown(panel(dataset, "open_question", {}, run="seasons", phrase="snow"))["answer"]
    assert (opened["auroc"], opened["pictures"]) == (found.auroc, {"A": 5, "B": 5})
    assert opened["ids"] == {side: result["ids"][side][:24] for side in "AB"}
    answers = {"run": "seasons", "phrase": "snow", "side": "A"}
    assert [c["value"] for c in form("keep_answer", dataset, **answers)["phrase"]["view"]["choices"]] == ["snow", "a kite"]
    assert form("keep_answer", dataset, **answers, view="winter")["view"]["invalid"]
    assert "at most 24," in form("keep_answer", dataset, **answers)["side"]["view"]["description"]  # though more than 24 show it
    assert execute("keep_answer", dataset, **answers, view="snowy", tag="check").result["count"] == 24
    dataset.reload()
    for view in (dataset.load_saved_view("snowy"), dataset.match_tags("check")):
        assert set(view.values("id")) == set(result["ids"]["A"][:24])
    with pytest.raises(InputError, match="was not asked about"):
        keep_images(scenes, "a dog", "A", tag="check")
    with pytest.raises(InputError, match="name the view or the tag"):
        keep_images(load_comparison(dataset, "seasons"), "snow", "A")


def test_what_was_not_compared_is_not_asked_and_said(scenes):
    dataset = scenes.dataset
    winter = dataset.load_saved_view("winter")
    dataset.save_view("mixed", winter.concat(dataset.load_saved_view("summer").limit(3)))
    run = compare_views(dataset, "mixed", "summer", embeddings="demo_clip", sae=demo.load_sae(), run="mixed")
    said = ["3 images on both sides left out"]
    assert list(ask(run, "snow").notes) == said
    assert execute("ask_question", dataset, run="mixed", phrase="snow").result["notes"] == said
    assert ask(scenes, "snow").notes == ()
    delete_comparison(dataset, "mixed")
    dataset.delete_saved_view("mixed")


def test_what_cannot_be_asked_says_why(scenes, dataset, stored):
    with pytest.raises(InputError, match="a word or a few"):
        ask(scenes, "  ")
    assert "encoder that made the image vectors" in can_ask(stored)
    assert form("ask_question", dataset, run="seasons")["run"]["invalid"]
    assert "encoder" in shown(panel(dataset, "on_load"))["shown"]["board"]["ask"]
    with pytest.raises(InputError, match="no encoder is recorded"):
        ask(stored, "snow")


def test_an_answer_that_is_perhaps_chance_is_told_as_such():
    names = {"A": "winter", "B": "summer"}
    said = evidence({"auroc": 0.53, "p_value": 0.62}, names, 0.05)
    assert said == "AUROC 0.53 (0.5: no difference; above: more in winter; below: more in summer), p = 0.62: perhaps chance"
    assert evidence({"auroc": 0.8, "p_value": 0.02}, names, 0.05).endswith(", p = 0.02")
    assert evidence({"auroc": 0.8, "p_value": 0.02}, names, 0.01).endswith(", p = 0.02: perhaps chance")


def test_why_a_question_was_not_answered_is_one_sentence(scenes):
    """Also where the App hands over its server's answer with the whole request, in one line."""
    state = {"run": "seasons", "shown": {"names": ["seasons"] * 400}}
    ended = "Traceback (most recent call last):\n  File \"a.py\", line 1, in b\nValueError: Validation error. Path: run. Reason: "
    for said in ("'x' has no comparison 'seasons'", "No such comparison"):
        stack = {"kind": "Server Error", "stack": f"{ended}{said}\n"}
        for error in (ended + said, f"{{'code': 500, 'bodyResponse': {stack!r}, 'params': {state!r}}}"):
            requests = panel(scenes.dataset, "unanswered", {}, error_message=error)
            (told,) = [r["params"]["message"] for r in requests if r["operator_uri"].endswith("notify")]
            assert told == f"The question was not answered. {said}."
    assert reason({"error": "Traceback:\n  a\nlatentdiff.errors.InputError: name the words"}) == "Name the words."
    assert len(reason({"error_message": "x" * 9000})) < 400 and reason({}) == "No reason was given."

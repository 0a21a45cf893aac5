"""Feedback on a dataset's comparisons: kept, undone, shown in the panel, and what later comparisons make of it."""

from __future__ import annotations

from typing import Any

import pytest

import latentdiff
from fiftyone_plugin import (
    close_gap,
    compare_groups,
    compare_over_time,
    compare_views,
    export_report,
    feedback,
    judge_finding,
    list_comparisons,
    load_comparison,
    load_groups,
    rename_comparison,
    sweep_classes,
    undo_feedback,
)
from fiftyone_plugin.feedback import last_said, rejected_words
from latentdiff.comparing.merging import SUNK
from latentdiff.errors import InputError
from latentdiff.report.group_figures import row_names
from tests.planted import DOG, WORDS
from tests.plugin.calls import Window, execute, form, panel, shown


def test_feedback_is_kept_with_the_run_and_undone_line_by_line(dataset, stored, tmp_path) -> None:
    judge_finding(dataset, "seasons", 0, state="accepted", name="a dog")
    judged = judge_finding(dataset, "seasons", WORDS[DOG], note="look again")
    (said,) = judged.feedback
    assert (said.text, said.state, said.name, said.note) == (WORDS[DOG], "accepted", "a dog", "look again")
    rename_comparison(dataset, "seasons", "summers")
    assert load_comparison(dataset, "summers").feedback == judged.feedback
    assert "a dog" in export_report(dataset, "summers", tmp_path / "report.md").read_text()
    assert undo_feedback(dataset, "summers").feedback[0].note == ""
    assert undo_feedback(dataset, "summers").feedback == ()
    for call, message in (
        (lambda: undo_feedback(dataset, "summers"), "nothing was said"),
        (lambda: judge_finding(dataset, "summers", 0), "say something"),
        (lambda: judge_finding(dataset, "summers", 99, state="accepted"), "no number 99"),
        (lambda: judge_finding(dataset, "summers", "cat", state="accepted"), "no finding 'cat'"),
        (lambda: judge_finding(dataset, "summers", 0, state="perhaps"), "state is"),
    ):
        with pytest.raises(InputError, match=message):
            call()
    assert load_comparison(dataset, "summers").feedback == () and stored.hypotheses


def test_the_panel_accepts_rejects_readmits_and_undoes(dataset, stored) -> None:
    at = {"run": "seasons", "rank": 0}

    def board(method: str, **params):
        return shown(panel(dataset, method, {"run": "seasons"}, **params))["shown"]["board"]

    first = board("on_load")
    assert first["undo"] == "" and first["rejected"] == [] and not first["sides"]["A"]["cards"][0]["accepted"]
    accepted = board("accept", **at, accepted=False)["sides"]["A"]["cards"][0]
    assert accepted["accepted"] and accepted["said"] == ["accepted"]
    rejected = board("reject", **at)
    assert rejected["rejected"] == [[0, WORDS[DOG]]] and rejected["undo"] == f"“{WORDS[DOG]}” rejected"
    assert 0 not in [card["rank"] for side in "AB" for card in rejected["sides"][side]["cards"]]
    assert board("readmit", **at)["sides"]["A"]["cards"][0]["rank"] == 0
    assert board("undo", run="seasons")["rejected"] == [[0, WORDS[DOG]]]
    assert board("undo", run="seasons")["sides"]["A"]["cards"][0]["accepted"]
    assert load_comparison(dataset, "seasons").feedback[0].state == "accepted"


def test_the_form_renames_and_notes_and_says_nothing_twice(dataset, stored) -> None:
    answers = {"run": "seasons", "hypothesis": "0"}
    fields = form("judge_finding", dataset, **answers)
    assert fields["name"]["default"] == WORDS[DOG] and "side" not in fields and fields["state"]["default"] == "-"
    done = execute("judge_finding", dataset, **answers, state="accepted", name="a dog", note="", merged="-").result
    assert done == {"text": WORDS[DOG], "state": "accepted", "name": "a dog"}
    assert form("judge_finding", dataset, **answers)["name"]["default"] == "a dog"
    assert execute("judge_finding", dataset, **answers, state="accepted", name="a dog").result == {"text": WORDS[DOG]}
    assert "at most" in form("judge_finding", dataset, **answers, note="x" * 3000)["note"]["error_message"].lower()


def test_a_blank_name_takes_the_name_back_and_what_is_so_already_is_no_act(dataset, stored, files) -> None:
    """Alike in the SDK and in the form: each act is one line of the journal, which one undo takes back."""

    def acts() -> int:
        return len(list_comparisons(dataset)[0].config.get("feedback") or [])

    for nothing in ({"name": "  "}, {"name": WORDS[DOG]}, {"note": "\n", "state": ""}):
        assert judge_finding(dataset, "seasons", 0, **nothing).feedback == () and acts() == 0
        answers = {name: value or "-" for name, value in nothing.items()}
        assert execute("judge_finding", dataset, run="seasons", hypothesis="0", **answers).result == {"text": WORDS[DOG]} and acts() == 0
    judge_finding(dataset, "seasons", 0, name="a  dog ", state="accepted")
    assert judge_finding(dataset, "seasons", 0, name="a dog", state="accepted", note="seen").feedback[0].note == "seen" and acts() == 2
    assert execute("judge_finding", dataset, run="seasons", hypothesis="0", name=" \u200b").result == {"text": WORDS[DOG], "name": ""}
    taken = load_comparison(dataset, "seasons").feedback[0]
    assert (taken.name, taken.state, acts()) == ("", "accepted", 3)
    later = compare_views(dataset, "summer", "winter", run="later", embeddings="clip", **files)
    assert later.feedback == ()  # no blank name is handed on
    assert undo_feedback(dataset, "seasons").feedback[0].name == "a dog"


def test_names_stay_with_the_concepts_and_rejected_words_sink(dataset, stored, files) -> None:
    judge_finding(dataset, "seasons", 0, name="a dog")
    again = {"embeddings": "clip", **files}
    later = compare_views(dataset, "winter", "summer", run="later", **again)
    renamed = [one for one in later.feedback if one.name == "a dog"]
    assert [(one.side, one.concept) for one in renamed] == [("B", DOG)]
    judge_finding(dataset, "seasons", 0, state="rejected")
    assert compare_views(dataset, "summer", "winter", run="once", **again).comparison.config.rejected == ()
    judge_finding(dataset, "later", WORDS[DOG], state="rejected")
    sunk = compare_views(dataset, "summer", "winter", run="sunk", **again)
    assert sunk.comparison.config.rejected == (WORDS[DOG],)
    score = [next(h.score for h in run.candidates if (h.side, h.text) == ("A", WORDS[DOG])) for run in (stored, sunk)]
    assert score[1] == SUNK * score[0]
    # Of the same name again: what was said of it stays. What was readmitted no longer sinks.
    over = compare_views(dataset, "summer", "winter", run="seasons", overwrite=True, **again)
    assert {one.state for one in over.feedback} == {"rejected"} and over.feedback[0].name == "a dog"
    judge_finding(dataset, "seasons", over.feedback[0].text, state="")
    assert compare_views(dataset, "summer", "winter", run="free", **again).comparison.config.rejected == ()
    assert {str(run): len(run.config["feedback"]) for run in list_comparisons(dataset)}["free"] >= 1


def test_undo_says_what_it_takes_back(dataset, stored) -> None:
    other = next(h for h in stored.candidates if h.side == "A" and h.text != WORDS[DOG])
    said = (
        ({"state": "accepted"}, f"“{WORDS[DOG]}” accepted"),
        ({"name": "a dog"}, f"rename of “{WORDS[DOG]}” to “a dog”"),
        ({"name": "a hound", "note": "seen"}, "rename of “a dog” to “a hound”, note on “a dog”"),
        ({"state": ""}, "“a hound” no longer accepted"),
        ({"note": ""}, "note on “a hound” removed"),
        ({"name": ""}, "name “a hound” taken back"),
        ({"merged": other.text}, f"“{WORDS[DOG]}” as a part of “{other.text}”"),
        ({"merged": ""}, f"“{WORDS[DOG]}” no part of “{other.text}”"),
        ({"name": "d" * 100}, f"rename of “{WORDS[DOG]}” to “{'d' * 39}…”"),
    )
    assert last_said(stored) == ""
    runs = [judge_finding(dataset, "seasons", stored.hypotheses[0], **one) for one, _ in said]
    assert [last_said(run) for run in runs] == [text for _, text in said]
    for _, text in reversed(said[:-1]):
        assert last_said(undo_feedback(dataset, "seasons")) == text
    judge_finding(dataset, "seasons", other, name="a lamp")
    for what, text in ((other.text, "as a part of “a lamp”"), ("", "no part of “a lamp”")):  # as its card is called
        assert last_said(judge_finding(dataset, "seasons", stored.hypotheses[0], merged=what)) == f"“{WORDS[DOG]}” {text}"


def test_a_groups_feedback_is_its_own_and_the_last_of_any_is_undone(cameras, files, tmp_path) -> None:
    """On cards of one group as on those of two sides: kept, shown, told in reports, undone, handed on."""
    def board(method: str, run: str = "cameras:front", **params):
        return shown(panel(cameras, method, {"run": run}, run=run, **params))["shown"]["board"]

    rank = board("on_load")["sides"]["A"]["cards"][0]["rank"]
    h, at = load_comparison(cameras, "cameras:front").hypotheses[rank], {"rank": rank}
    assert (h.text, h.concept) == (WORDS[DOG], DOG)
    assert board("accept", **at, accepted=False)["sides"]["A"]["cards"][0]["said"] == ["accepted"]
    done = execute("judge_finding", cameras, run="cameras:front", hypothesis=str(rank), name="a dog").result
    assert done == {"text": WORDS[DOG], "name": "a dog"}
    cameras.reload()
    groups = load_groups(cameras, "cameras")
    (said,) = groups.found.groups["front"].feedback
    assert (said.text, said.state, said.name) == (WORDS[DOG], "accepted", "a dog")
    assert groups.found.groups["rear"].feedback == groups.found.groups["side"].feedback == ()
    assert "a dog" in export_report(cameras, "cameras", tmp_path / "report.html").read_text()
    assert ",a dog," in export_report(cameras, "cameras", tmp_path / "report.csv").read_text()
    assert {"a dog", "pattern of a dog"} & set(row_names(groups.found))
    assert "1 accepted" in Window(cameras).state["shown"]["runs"][0]["details"]

    rear = board("on_load", "cameras:rear")
    assert rear["undo"] == f"rename of “{WORDS[DOG]}” to “a dog” in front"
    later = compare_groups(cameras, "camera", embeddings="clip", sae=files["sae"], vocabulary=files["vocabulary"], run="later")
    assert {(one.concept, one.name) for c in later.found.comparisons for one in c.feedback} == {(DOG, "a dog")}

    undo_feedback(cameras, "cameras:rear")
    undone = load_comparison(cameras, "cameras:front").feedback[0]
    assert (undone.state, undone.name) == ("accepted", "")
    judge_finding(cameras, "cameras:front", h, state="rejected")
    rejected = board("on_load")
    assert rejected["rejected"] == [[rank, WORDS[DOG]]] and rank not in [c["rank"] for s in "AB" for c in rejected["sides"][s]["cards"]]
    # Of one comparison, however many of its groups say so: too little to let a word sink.
    for other in load_comparison(cameras, "cameras:rear").candidates:
        if other.text == WORDS[DOG]:
            judge_finding(cameras, "cameras:rear", other, state="rejected")
    assert rejected_words(cameras) == ()


class Asked(Exception):
    """Stops what compares where it would begin, with the words that are to sink."""


def test_everything_that_compares_lets_rejected_words_sink(dataset, monkeypatch) -> None:
    """Two sides are shown by the test of names and rejected words above."""
    def asked(*_: Any, config: Any, **__: Any) -> None:
        raise Asked(*config.rejected)

    for what in ("compare_groups", "compare_over_time", "close_gap", "compare", "compare_with"):
        monkeypatch.setattr(latentdiff, what, asked)
    monkeypatch.setattr(latentdiff, "compare_with", lambda method, *_, **__: asked(config=method.compare))
    monkeypatch.setattr(feedback, "rejected_words", lambda of: (WORDS[DOG],) if of.name == dataset.name else ())
    dataset.set_values("number", list(range(len(dataset))))
    dataset.set_values("kind", ["a", "b"] * (len(dataset) // 2))
    given = {"embeddings": "clip", "config": latentdiff.CompareConfig(rejected=("own",))}
    views = dataset.load_saved_view("summer"), dataset.load_saved_view("winter")
    for call in (
        lambda: compare_views(dataset, "summer", "winter", run="two", **given),
        lambda: compare_groups(dataset, "kind", **given),
        lambda: compare_over_time(dataset, "number", **given),
        lambda: close_gap(dataset, dataset[:50], dataset[50:100], dataset[100:], budget=5, **given),
        lambda: sweep_classes(*views, "kind", **given),
    ):
        with pytest.raises(Asked) as stopped:
            call()
        assert stopped.value.args == ("own", WORDS[DOG])

"""Feedback on a dataset's comparisons: kept, undone, shown in the panel, and what later comparisons make of it."""

from __future__ import annotations

import pytest

from fiftyone_plugin import compare_views, export_report, judge_finding, list_comparisons, load_comparison, rename_comparison, undo_feedback
from latentdiff.comparing.merging import SUNK
from latentdiff.errors import InputError
from tests.planted import DOG, WORDS
from tests.plugin.calls import execute, form, panel, shown


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
    assert not first["judged"] and first["rejected"] == [] and not first["sides"]["A"]["cards"][0]["accepted"]
    accepted = board("accept", **at, accepted=False)["sides"]["A"]["cards"][0]
    assert accepted["accepted"] and accepted["said"] == ["accepted"]
    rejected = board("reject", **at)
    assert rejected["rejected"] == [[0, WORDS[DOG]]] and rejected["judged"]
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

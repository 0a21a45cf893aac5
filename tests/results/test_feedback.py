"""What people say of findings: it is kept and shown, and changes nothing that was tested; against what one writes down by hand."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from pathlib import Path

import pytest

from latentdiff import Comparison, InputError
from latentdiff.report.arranging import Arrangement
from latentdiff.report.content import content
from latentdiff.report.html import document
from latentdiff.report.plots import volcano_svg
from latentdiff.report.tables import as_dict, csv_text, markdown
from latentdiff.results.feedback import Feedback
from latentdiff.results.levels import shown_q_values
from tests.results.test_comparison import CANDIDATES, comparison

DOG, SNOW, LEASH = CANDIDATES[0], CANDIDATES[1], CANDIDATES[4]


def spoken() -> Comparison:
    accepted = comparison().judged(DOG, state="accepted", name="a  dog ", note="seen")
    return accepted.judged(SNOW, state="rejected").judged(LEASH, merged="dog")


def test_it_is_kept_with_what_it_was_said_of_and_tests_stay(tmp_path: Path) -> None:
    said = spoken()
    assert said.feedback == (
        Feedback("A", "sae", "dog", 7, "accepted", "a dog", "seen"),
        Feedback("B", "dre", "Schnee ❄", None, "rejected"),
        Feedback("A", "dre", "leash", None, merged="dog"),
    )
    assert [h.text for h in said.hypotheses] == [h.text for h in comparison().hypotheses]
    assert Comparison.load(said.save(tmp_path)).feedback == said.feedback
    head = json.loads((tmp_path / "comparison.json").read_text())
    head.pop("feedback")  # as earlier versions wrote it
    (tmp_path / "comparison.json").write_text(json.dumps(head))
    assert Comparison.load(tmp_path).feedback == ()
    taken_back = said.judged(DOG, state="", name="", note="").judged(LEASH, merged="")
    assert taken_back.feedback == (Feedback("B", "dre", "Schnee ❄", None, "rejected"),)


def test_reports_show_it() -> None:
    said = content(spoken(), ("here", "there"))
    (card,) = said.cards["A"]  # of dog and leash, which is a part of it
    assert (card.title, card.phrase, card.tells) == ("a dog", "a dog", "leash")
    assert card.said == ("accepted", "found as “dog”", "note: seen") and card.as_text().startswith("More in here: a dog")
    assert said.cards["B"] == () and said.more == {"A": 0, "B": 0}
    assert "rejected by hand, more in there: Schnee ❄" in said.notes
    assert said.without_cards("B") == "What is found more often here was rejected."
    searched = content(spoken(), how=Arrangement(search=" <b>"))
    assert searched.without_cards("A") == "Nothing that is found more often here has the words “<b>”."
    assert "the words “&lt;b&gt;”" in document(searched, {"A": None, "B": None})
    assert content(spoken(), how=Arrangement(only="open")).without_cards("A") == "Nothing that is found more often here passes the filter."
    page = document(said, {"A": None, "B": None})
    assert "<h3>a dog</h3>" in page and "also: leash" in page and "note: seen" in page
    assert "accepted; found as “dog”; note: seen; also leash" in markdown(said).replace("\\", "")
    rows = {row["text"]: row for row in csv.DictReader(io.StringIO(csv_text(said, {})))}
    assert (rows["dog"]["state"], rows["dog"]["called"], rows["dog"]["note"]) == ("accepted", "a dog", "seen")
    assert rows["leash"]["part_of"] == "dog" and rows["Schnee ❄"]["state"] == "rejected"
    stored = {h["text"]: h for h in as_dict(said, {})["hypotheses"]}
    assert stored["dog"]["feedback"] == {"state": "accepted", "name": "a dog", "note": "seen", "merged": ""}
    bare = csv_text(content(comparison()), {})
    assert "part_of" not in bare.splitlines()[0] and all("feedback" not in h for h in as_dict(content(comparison()), {})["hypotheses"])


def test_the_verdict_counts_what_has_no_card() -> None:
    def told(one: Comparison) -> str:
        return content(one, ("here", "there")).verdict.partition(" (AUC")[0]

    assert told(comparison()) == "here and there differ: 3 differences found"
    assert told(spoken()) == "here and there differ: 3 differences found, 1 rejected, 1 a part of another"
    assert told(spoken().judged(SNOW, state="")) == "here and there differ: 3 differences found, 1 a part of another"
    assert told(spoken().judged(LEASH, state="rejected")) == "here and there differ: 3 differences found, 2 rejected"
    lead = comparison().judged(CANDIDATES[2], state="rejected")  # does not pass, and is not counted
    assert told(lead) == told(comparison())


def test_a_rejected_lead_is_not_told() -> None:
    few = dataclasses.replace(comparison(), candidates=CANDIDATES[1:3], feedback=())
    assert any("nearest to it, perhaps chance: concept 3" in note for note in content(few).below)
    assert not any("nearest" in note for note in content(few.judged(CANDIDATES[2], state="rejected")).below)


def test_plots_show_the_q_of_the_cards() -> None:
    found = comparison()
    assert shown_q_values(found).tolist() == [0.0501, 1e-9]  # of concepts 3 and 7; their rows have 1.2 and 1.4
    page = volcano_svg(found, {"A": "here", "B": "there"})
    assert "q = 0.05<" in page and "q &lt; 0.001" in page


def test_parts_go_along_and_a_guess_that_was_renamed_is_none() -> None:
    parts = comparison().judged(LEASH, merged="puppy").judged(CANDIDATES[3], merged="dog")
    assert {one.text: one.merged for one in parts.feedback} == {"leash": "dog", "puppy": "dog"}
    (card,) = content(comparison().judged(SNOW, name="snow")).cards["B"]
    assert (card.title, card.guess, card.named) == ("snow", False, "snow") and content(comparison()).cards["B"][0].guess
    assert content(comparison()).cards["B"][0].named == "looks like Schnee ❄"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"state": "maybe"}, "state is"),
        ({"colour": "red"}, "of a finding one says"),
        ({"note": "x" * 2001}, "at most 2,000"),
        ({"merged": "Schnee ❄"}, "no other finding"),  # of the other side
        ({"merged": "dog"}, "no other finding"),  # itself
    ],
)
def test_what_cannot_be_said(said: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        comparison().judged(DOG, **said)


def test_no_part_of_a_part_and_no_word_of_what_is_not_there() -> None:
    with pytest.raises(InputError, match="part of another"):
        comparison().judged(LEASH, merged="dog").judged(CANDIDATES[3], merged="leash")
    with pytest.raises(InputError, match="not one of this"):
        comparison().judged(dataclasses.replace(DOG, text="cat"), state="accepted")

"""What was folded into a finding is named on its card, alike in every report and on the command line; against lines written by hand."""

from __future__ import annotations

import argparse
import csv
import dataclasses
import io
import json

from latentdiff import Comparison
from latentdiff.cli.outcome import show
from latentdiff.report.arranging import Arrangement
from latentdiff.report.content import content
from latentdiff.report.html import document
from latentdiff.report.tables import csv_text, markdown
from latentdiff.request import Outcome
from tests.results.test_changes import found, own

GUESSES = tuple(f"guess {i}" for i in range(3))
LINE = "horse (also pony, saddle and 3 guesses)"


def stable() -> Comparison:
    guesses = [own(text, weak=True) for text in GUESSES]
    return found(own("horse", folded=("pony", *GUESSES), echoes=("saddle",)), own("pony"), *guesses, own("cart", folded=("wheel",)))


def test_reports_and_the_command_line_name_what_a_card_tells(capsys) -> None:
    said = content(stable(), ("farm", "town"))
    assert [card.tells for card in said.cards["A"]] == ["pony, saddle and 3 guesses", "wheel"]
    assert "also: pony, saddle and 3 guesses</p>" in document(said, {"A": None, "B": None})
    assert f"| {LINE} | 50% | 25% |" in markdown(said)
    first = next(csv.DictReader(io.StringIO(csv_text(said, {}))))
    assert (first["text"], first["folded"], first["echoes"]) == ("horse", "pony; guess 0; guess 1; guess 2", "saddle")
    show(Outcome(stable(), ("farm", "town")), argparse.Namespace(json=False, tree=False, top=5))
    assert LINE in capsys.readouterr().out


def test_json_of_the_command_line_has_what_people_said(capsys) -> None:
    said = stable().judged(stable().candidates[0], name="a horse", state="accepted")
    show(Outcome(said, ("farm", "town")), argparse.Namespace(json=True, tree=False, top=5))
    printed = json.loads(capsys.readouterr().out)
    assert printed["hypotheses"][0]["feedback"] == {"state": "accepted", "name": "a horse", "note": "", "merged": ""}
    assert "feedback" not in printed["hypotheses"][1] and printed["sides"]["A"]["more_here"][0]["feedback"]["name"] == "a horse"


def test_what_was_folded_into_a_part_goes_along_and_names_are_those_of_people() -> None:
    merged = stable().judged(stable().candidates[-1], merged="horse", name="a cart").judged(stable().candidates[0], note="seen")
    (card,) = content(merged).cards["A"]
    assert card.line == "horse (note: seen; also a cart, pony, wheel, saddle and 3 guesses)"
    many = found(own("horse", folded=tuple(f"breed {i}" for i in range(10))))
    assert content(many).cards["A"][0].tells == ", ".join(f"breed {i}" for i in range(8)) + " and 2 more"


def test_beside_a_guess_guesses_are_named_and_cards_are_found_by_what_they_tell() -> None:
    guess = dataclasses.replace(own("crab", folded=("eel",)), weak=True)
    assert content(found(guess, own("eel", weak=True))).cards["A"][0].tells == "eel"
    for word, wanted in (("saddle", ["horse"]), ("PONY", ["horse"]), ("wheel", ["cart"]), ("cab", [])):
        assert [card.title for card in content(stable(), how=Arrangement(search=word)).cards["A"]] == wanted

"""What was folded into a finding is named on its card, alike in every report and on the command line; against lines written by hand."""

from __future__ import annotations

import argparse
import csv
import dataclasses
import io
import json
import math

from latentdiff import Comparison
from latentdiff.cli.outcome import show
from latentdiff.report.arranging import Arrangement
from latentdiff.report.content import content
from latentdiff.report.html import document
from latentdiff.report.tables import as_dict, csv_text, markdown
from latentdiff.results.outcome import Outcome
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


def test_a_name_that_people_gave_is_no_guess_and_fits_as_they_say() -> None:
    guess = found(dataclasses.replace(own("crab"), weak=True, name_strength=0.2))
    given = guess.judged(guess.candidates[0], name="an eel")
    badges = [[badge[0] for badge in content(one).cards["A"][0].badges] for one in (guess, given)]
    assert [*badges[1], "sure"] == badges[0]


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


def test_what_has_a_card_of_its_own_is_told_on_no_other() -> None:
    """A phrase that is an echo, beside a concept of the same words that passes; and words that name another card."""
    animal = own("animal", echoes=("dog", "leash"), also=("creature", "cat"))
    said = found(animal, own("dog", also=("puppy",)), own("whiskers"), own("dog", "B"))
    first, dog, *_ = content(said).cards["A"]
    assert (first.line, first.also, dog.also) == ("animal (also leash)", ("creature", "cat"), ("puppy",))
    named = said.judged(said.candidates[2], name="cat")
    assert content(named).cards["A"][0].also == ("creature",)
    gone = said.judged(said.candidates[1], state="rejected")
    assert content(gone).cards["A"][0].line == "animal (also dog, leash)"


def test_an_auroc_below_one_half_is_explained_everywhere(capsys) -> None:
    """9 and 4 %, and yet .45: the tail is A's, the bulk B's. Of .496, which reads 0.50, nothing is to be said."""
    desert = dataclasses.replace(own("desert"), rate_a=0.09, rate_b=0.04, effect=0.05, auroc=0.45)
    one = found(desert, dataclasses.replace(own("dune"), auroc=0.496), dataclasses.replace(own("palm"), auroc=math.nan))
    why = "only images that clearly show it are more frequent here: over all images its score is higher in town"
    said = content(one, ("farm", "town"))
    assert [card.leans for card in said.cards["A"]] == [why, "", ""]
    assert f">{why}</p>" in document(said, {"A": None, "B": None}) and markdown(said).count(why) == 1
    assert said.cards["A"][0].as_text("june").endswith(f"AUROC 0.45; {why}; comparison june)")
    rows = list(csv.DictReader(io.StringIO(csv_text(said, {}))))
    assert [row["remark"] for row in rows[:3]] == [why, "", ""]
    assert [h.get("remark") for h in as_dict(said, {})["hypotheses"]] == [why, None, None]
    assert "remark" not in csv_text(content(stable()), {})
    show(Outcome(one, ("farm", "town")), argparse.Namespace(json=False, tree=False, top=5))
    assert why in capsys.readouterr().out

"""Two comparisons beside each other: what became of findings, and what they and their sides are called; against lists written by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy.sparse as sp

from latentdiff import Comparison
from latentdiff.report.beside import Change, beside
from latentdiff.results.changes import Changes, called, changes
from latentdiff.results.hypothesis import Hypothesis
from tests.results.test_comparison import comparison, hypothesis

NAMES = (("farm", "town"), ("farm", "town"))


def found(*findings: Hypothesis) -> Comparison:
    """A comparison of these, best first; no image shows any."""
    none = [sp.csr_array(np.zeros((n, len(findings)), bool)) for n in (3, 2)]
    return dataclasses.replace(comparison(), candidates=findings, shows_a=none[0], shows_b=none[1])


def own(text: str, side: str = "A", **more: object) -> Hypothesis:
    return hypothesis(text, side, "sae", 1e-6, **more)


def texts(of: Changes[Hypothesis]) -> dict[str, list]:
    def name(one: object) -> object:
        return tuple(h.text for h in one) if isinstance(one, tuple) else one.text  # type: ignore[attr-defined]

    return {state: [name(one) for one in getattr(of, state)] for state in ("stayed", "new", "gone", "joined", "parted")}


def told(before: Comparison, after: Comparison, names: tuple = NAMES) -> dict[str, list[str]]:
    lines: dict[str, list[str]] = {}
    for one in beside(before, after, names, ("june", "july")):
        lines.setdefault(one.state, []).append(one.text)
    return lines


def test_each_finding_is_told_by_the_sides_that_it_was_found_on() -> None:
    states = ("stayed", "new", "gone", "joined", "parted")
    assert called(("day", "night"), ("day", "night")) == {state: {"A": "day", "B": "night"} for state in states}
    assert called(("night", "day"), ("day", "night"))["gone"] == {"A": "day", "B": "night"}
    found = called(("day", "night"), ("day", "dusk"))
    assert found["stayed"] == {"A": "day", "B": "night / dusk"}
    assert found["gone"] == found["joined"] == {"A": "day", "B": "night"} and found["new"] == found["parted"] == {"A": "day", "B": "dusk"}


@pytest.mark.parametrize("how", ["folded", "also", "echoes"])
def test_what_a_card_tells_is_not_gone_and_what_gets_a_card_is_not_new(how: str) -> None:
    apart = found(own("horse"), own("Pony"), own("cart"), own("pony", "B"))
    joined = found(own("horse", **{how: ("pony",)}), own("gate"), own("pony", "B"))
    nothing = {"new": [], "gone": [], "joined": [], "parted": []}
    stayed = [("horse", "horse"), ("pony", "pony")]
    assert texts(changes(apart, joined)) == {**nothing, "stayed": stayed, "new": ["gate"], "gone": ["cart"], "joined": [("Pony", "horse")]}
    assert texts(changes(joined, apart)) == {**nothing, "stayed": stayed, "new": ["cart"], "gone": ["gate"], "parted": [("horse", "Pony")]}
    assert texts(changes(joined, joined))["stayed"] == [("horse", "horse"), ("gate", "gate"), ("pony", "pony")]


def test_a_finding_that_folds_the_other_way_round_is_on_both_lists() -> None:
    """As where a word that was rejected twice sank below the one that it had folded."""
    before, after = found(own("horse", folded=("pony", "foal"))), found(own("pony", folded=("horse", "foal")))
    assert texts(changes(before, after)) == {
        "stayed": [], "new": [], "gone": [], "joined": [("horse", "pony")], "parted": [("horse", "pony")],
    }  # fmt: skip
    lines = told(before, after)
    assert lines == {
        "joined": ["horse, more in farm: 50% and 25% (now told on the card of pony)"],
        "parted": ["pony, more in farm: 50% and 25% (before told on the card of horse)"],
    }


def test_sides_that_were_exchanged_keep_their_tellers() -> None:
    before, after = found(own("horse", folded=("pony",)), own("cart")), found(own("pony", "B"), own("horse", "B", folded=("cart",)))
    assert texts(changes(before, after, turned=True)) == {
        "stayed": [("horse", "horse")], "new": [], "gone": [], "joined": [("cart", "horse")], "parted": [("horse", "pony")],
    }  # fmt: skip
    lines = told(before, after, (("farm", "town"), ("town", "farm")))
    assert lines["joined"] == ["cart, more in farm: 25% and 50% (now told on the card of horse)"]


def test_a_part_of_another_by_hand_is_on_its_card_and_what_was_rejected_says_so() -> None:
    before = found(own("horse"), own("cart", folded=("wheel",)), own("gate"))
    after = before.judged(before.hypotheses[1], merged="horse").judged(before.hypotheses[2], state="rejected")
    assert texts(changes(before, after))["joined"] == [("cart", "horse")]
    assert texts(changes(found(own("wheel")), after))["joined"] == [("wheel", "horse")]
    assert told(before, after)["stayed"][1] == "gate, more in farm: 50% and 25%, before 50% and 25% (rejected by hand)"


def test_findings_are_called_what_people_call_them() -> None:
    before, after = found(own("horse"), own("cart", weak=True, words=("cab",))), found(own("horse", folded=("cart",)))
    before = before.judged(before.hypotheses[0], name="a mare")
    assert told(before, after)["stayed"] == ["horse, more in farm: 50% and 25%, before 50% and 25%"]
    after = after.judged(after.hypotheses[0], name="a horse")
    assert told(before, after) == {
        "stayed": ["a horse, more in farm: 50% and 25%, before 50% and 25%"],
        "joined": ["looks like: cart, cab, more in farm: 50% and 25% (now told on the card of a horse)"],
    }
    turned = beside(before, found(own("gate")), (("farm", "town"), ("town", "farm")), ("june", "july"))
    assert [(one.state, one.what, one.more_in, one.before, one.after) for one in turned if isinstance(one, Change)] == [
        ("new", "gate", "town", None, ("50%", "25%")),
        ("gone", "a mare", "farm", ("25%", "50%"), None),
        ("gone", "looks like: cart, cab", "farm", ("25%", "50%"), None),
    ]

"""Cards sorted, filtered and searched: against the order that one writes down by hand; more cards leave the first ones where they are."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy.sparse as sp

from latentdiff import Comparison
from latentdiff.report.arranging import Arrangement, arranged
from latentdiff.report.content import content
from tests.results.test_comparison import comparison, hypothesis

FOUND = (
    hypothesis("Dog", "A", "sae", 1e-4, concept=1, effect=0.1, auroc=0.6),
    hypothesis("boat", "A", "dre", 1e-6, effect=0.4, auroc=0.7, also=("ship",), weak=True),
    hypothesis("cat", "A", "sae", 1e-2, concept=2, effect=0.2, auroc=0.9),
    hypothesis("ant", "A", "dre", 1e-3, effect=0.3, auroc=0.5),
    hypothesis("bus", "B", "sae", 1e-3, concept=3),
)


@pytest.fixture
def found() -> Comparison:
    shows = {"shows_a": sp.csr_array(np.ones((3, 5), bool)), "shows_b": sp.csr_array((2, 5), dtype=bool)}
    one = dataclasses.replace(comparison(), candidates=FOUND, **shows)
    return one.judged(FOUND[0], state="accepted", name="a puppy").judged(FOUND[2], note="blurred")


@pytest.mark.parametrize(
    ("how", "texts"),
    [
        ({"order": "difference"}, ["boat", "ant", "cat", "Dog"]),
        ({"order": "sure"}, ["boat", "Dog", "ant", "cat"]),
        ({"order": "auroc"}, ["cat", "boat", "Dog", "ant"]),
        ({"order": "text"}, ["Dog", "ant", "boat", "cat"]),  # it is called a puppy
        ({"order": "open"}, ["boat", "cat", "ant", "Dog"]),
        ({"order": "accepted"}, ["Dog", "boat", "cat", "ant"]),
        ({"order": "source"}, ["boat", "ant", "Dog", "cat"]),
        ({"only": "accepted"}, ["Dog"]),
        ({"only": "open", "order": "text"}, ["ant", "boat", "cat"]),
        ({"only": "guess"}, ["boat"]),
        ({"search": " SHIP"}, ["boat"]),
        ({"search": "pup"}, ["Dog"]),
        ({"search": "blur"}, ["cat"]),
        ({"search": "nothing"}, []),
    ],
)
def test_order_filter_and_search(found: Comparison, how: dict[str, str], texts: list[str]) -> None:
    shown, count = arranged(found, "A", 10, 10, Arrangement(**how))
    assert [h.text for h in shown] == texts and count == len(texts)
    said = content(found, cards=1, how=Arrangement(**how))
    assert [card.hypothesis.text for card in said.cards["A"]] == texts[:1] and said.more["A"] == max(len(texts) - 1, 0)


def test_more_cards_leave_the_first_ones_where_they_are(found: Comparison) -> None:
    """The usual order mixes concepts and phrases, and mixes more of them otherwise."""
    for rejected in (None, FOUND[1]):
        judged = found if rejected is None else found.judged(rejected, state="rejected")
        for page in (1, 2, 3):
            before: list[str] = []
            for count in range(page, 8, page):
                shown, total = arranged(judged, "A", count, page, Arrangement())
                texts = [h.text for h in shown]
                assert texts[: len(before)] == before and total == 4 - (rejected is not None)
                before = texts
            assert sorted(before) == sorted(h.text for h in FOUND[:4] if h is not rejected)

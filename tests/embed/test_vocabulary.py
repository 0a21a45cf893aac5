"""Two-word phrases composed of a vocabulary's words."""

from __future__ import annotations

import numpy as np
import pytest

from latentdiff import Vocabulary
from latentdiff.embed.vocabulary import COMPOSED_HANDICAP
from latentdiff.embed.words import load_words, with_compounds


@pytest.fixture
def vocabulary():
    words = ["Traffic", "light", "dog", "house", "fire hydrant", "fire", "hydrant"]
    return Vocabulary(words, np.random.default_rng(0).normal(1.0, 1.0, (len(words), 8)) * np.arange(1, 8)[:, None])


def test_a_phrase_lies_half_way_between_its_words_once_centred(vocabulary):
    more = vocabulary.with_phrases([("traffic", "light"), ("light", "cat"), ("fire", "hydrant"), ("traffic", "light")])
    assert more.words == (*vocabulary.words, "traffic light")  # an unknown word, a phrase that is there, a repetition: passed over
    unit = vocabulary.vectors / np.linalg.norm(vocabulary.vectors, axis=1, keepdims=True)
    centred = unit - unit.mean(0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    middle = centred[0] + centred[1]
    np.testing.assert_allclose(more.centred[-1], middle / np.linalg.norm(middle), atol=1e-6)
    np.testing.assert_allclose(more.centred[:-1], centred, atol=1e-6)  # the words given keep their mean, so their vectors
    np.testing.assert_allclose(np.linalg.norm(more.vectors[-1]), 1.0, atol=1e-6)


def test_composed_phrases_alone_carry_a_handicap(vocabulary):
    more = vocabulary.with_phrases([("traffic", "light"), ("dog", "house")])
    assert more.given == len(vocabulary) == vocabulary.given
    np.testing.assert_array_equal(more.handicap, np.float32([0] * 7 + [COMPOSED_HANDICAP] * 2))
    again = more.with_phrases([("light", "house")])
    assert again.given == 7 and len(again) == 10


def test_the_shipped_compounds_are_added_where_their_words_are_known(vocabulary):
    assert "traffic light" in load_words()
    more = with_compounds(vocabulary)
    assert set(more.words) - set(vocabulary.words) == {"traffic light"}
    assert with_compounds(vocabulary) is more
    alone = Vocabulary(["dog", "cat"], np.eye(2))
    assert with_compounds(alone) is alone


def test_of_a_repeated_word_the_first_counts_and_it_is_said() -> None:
    vectors = np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)
    found = Vocabulary(["crane", "bus", "crane", "c\u0430t", "cat"], vectors)
    assert found.words == ("crane", "bus", "c\u0430t", "cat") and found.given == 4
    np.testing.assert_array_equal(found.vectors, vectors[[0, 1, 3, 4]])
    assert found.remarks == (
        "1 entry of the vocabulary repeat an earlier one, which counts: crane",
        "1 entry of the vocabulary look like another, with other letters: cat and c\u0430t",
    )
    richer = found.with_phrases([("crane", "bus")])
    assert (richer.given, len(richer)) == (4, 5)

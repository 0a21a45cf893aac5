"""Plurals and singulars against lists written by hand."""

from __future__ import annotations

import numpy as np
import pytest

from latentdiff import Vocabulary
from latentdiff.embed.word_forms import same_word, same_words, singular

SAME = "bus buses, Dog dogs, box boxes, berry berries, glass glasses, bench benches, brush brushes, house houses, horse horses, toy toys"
OTHER = "bus but, glass gla, cat car, can canes, princess princes, us use, house hous"


@pytest.mark.parametrize("pair", SAME.split(", "))
def test_a_plural_is_the_same_word(pair: str) -> None:
    one, other = pair.split()
    assert same_word(one, other)
    assert same_word(other, one)
    assert same_word(one, one)


@pytest.mark.parametrize("pair", OTHER.split(", "))
def test_other_words_are_not(pair: str) -> None:
    one, other = pair.split()
    assert not same_word(one, other)
    assert not same_word(other, one)


def test_many_words_at_once_are_the_same_as_each_with_each() -> None:
    words = [*f"{SAME}, {OTHER}".replace(",", "").split(), "us", " Bus", "potato", "potatoes", "potatos", "it", "its"]
    assert same_words(words).tolist() == [[same_word(one, other) for other in words] for one in words]
    assert same_words([]).shape == (0, 0)


def test_singulars_need_a_known_word_unless_they_are_irregular() -> None:
    known = {"bus", "berry", "house", "traffic light", "potato", "us"}
    pairs = {"buses": "bus", "berries": "berry", "houses": "house", "traffic lights": "traffic light", "potatoes": "potato"}
    assert {word: singular(word, known) for word in pairs} == pairs
    assert [singular(word, known) for word in ("cars", "glass", "bus", "women")] == ["cars", "glass", "bus", "woman"]


def test_a_headword_is_the_singular_that_means_the_same() -> None:
    """"Dogs" lies near "dog"; "glasses" lies where spectacles do, so it is a word of its own."""
    vectors = np.eye(8)
    vectors[1] = vectors[0] + 0.4 * vectors[6]
    vocabulary = Vocabulary(["dog", "Dogs", "glass", "glasses", "cats", "snow", "tree", "sky"], vectors)
    assert vocabulary.headword.tolist() == [0, 0, 2, 3, 4, 5, 6, 7]

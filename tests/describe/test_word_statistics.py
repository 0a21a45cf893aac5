"""Word statistics against hand-computed log-odds, and what they make of captions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from latentdiff.describe.word_statistics import WordStatistics, log_odds, terms


def test_log_odds_by_hand() -> None:
    """Monroe et al., one term: 6 of 10 captions against 1 of 20, prior 10 captions at a rate of .2."""
    odds = math.log(8 / 12) - math.log(3 / 27)
    assert log_odds(np.array([6]), np.array([1]), 10, 20, np.array([0.2])) == pytest.approx(odds / math.sqrt(1 / 8 + 1 / 3))


def test_log_odds_is_antisymmetric_and_finite() -> None:
    y = np.array([0, 3, 10]), np.array([2, 3, 10])
    rate = (y[0] + y[1]) / 20
    there, back = log_odds(*y, 10, 10, rate), log_odds(y[1], y[0], 10, 10, rate)
    assert np.isfinite(there).all() and np.allclose(there, -back) and there[1] == there[2] == 0


def test_terms_merge_plurals_and_know_no_stop_words() -> None:
    found = terms(["Two dogs and a dog, near the buses.", "a BUS of people", "wine glass; glass"])
    assert found[0] == {"dog", "bus"} and found[1] == {"bus", "person"}
    assert found[2] == {"wine", "glass", "wine glass"}


def test_phrases_do_not_cross_stop_words_or_punctuation() -> None:
    assert "man umbrella" not in terms(["a man with umbrella"])[0]
    assert "man umbrella" not in terms(["man, umbrella"])[0]


def test_differences_of_both_sides() -> None:
    one = ["a red bus on a street", "two red buses", "a man near a red bus", "a street with people"] * 3
    other = ["a cat on a street", "two cats", "a man with a cat", "a street with people"] * 3
    words = WordStatistics()
    assert words.phrases(one, other)[0] == "red bus"
    assert words.phrases(other, one)[0] == "cat"
    assert not {"street", "man", "red", "bus"} & set(words.phrases(other, one))


def test_a_word_is_folded_into_its_phrase_only_where_it_comes_with_it() -> None:
    with_it = WordStatistics().phrases(["a stop sign"] * 5, ["a cat"] * 5)
    assert with_it == ["stop sign"]
    apart = WordStatistics().phrases(["a stop sign", "a sign", "a sign", "a bus stop", "a bus stop"], ["a cat"] * 5)
    assert apart[0] in ("sign", "stop") and "sign" in apart


def test_the_prior_keeps_words_of_few_captions_back() -> None:
    """Two of eight captions against none is little; the more background the prior weighs, the less."""
    y = np.array([2]), np.array([0])
    z = [float(log_odds(*y, 8, 8, np.array([0.1]), prior)[0]) for prior in (1.0, 10.0, 100.0)]
    assert z[1] > z[2] > 0 and max(z) < 1.96


def test_nothing_to_say() -> None:
    words = WordStatistics()
    assert words.phrases([], []) == words.phrases([], ["a dog"]) == words.phrases(["the of and"], ["a dog"]) == []
    assert words.phrases(["a dog"] * 5, ["a dog"] * 5) == []
    assert len(words.phrases([" ".join(f"{chr(97 + i)}{chr(97 + i)}x" for i in range(20))] * 3, [""], 4)) == 4


def test_equal_captions_give_equal_phrases_in_any_order() -> None:
    rng, more = np.random.default_rng(0), [f"{a} {b}" for a in ("red", "blue", "old") for b in ("bus", "dog", "kite")] * 2
    first = WordStatistics().phrases(more, ["a cat"] * 9)
    assert WordStatistics().phrases(list(rng.permutation(more)), ["a cat"] * 9) == first


def test_other_scripts_are_words_too() -> None:
    assert WordStatistics().phrases(["ein grüner Bus"] * 4, ["eine Katze"] * 4)[0] in ("grüner bus", "ein grüner")
    assert WordStatistics().phrases(["собака на пляже"] * 4, ["кошка"] * 4)

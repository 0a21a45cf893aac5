"""Proposed phrases as entries of the vocabulary: with their own vectors, composed, or untested."""

from __future__ import annotations

import numpy as np
import pytest

import latentdiff
from latentdiff.describe.nearest_words import nearest_words
from latentdiff.describe.proposals import propose
from latentdiff.errors import InputError

RNG = np.random.default_rng(0)
VOCABULARY = latentdiff.Vocabulary(["traffic", "light", "Dog"], RNG.standard_normal((3, 8)))


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def test_encoded_phrases_are_centred_on_the_words_alone() -> None:
    own = {"traffic light": RNG.standard_normal(8), "red bus": RNG.standard_normal(8)}
    phrases = {"A": ["traffic light", "dog"], "B": ["red bus", "Traffic Light"]}
    found = propose(VOCABULARY, phrases, lambda texts: np.array([own[t.lower()] for t in texts]))
    v = found.vocabulary
    assert len(v) == 5 and {k: [v.words[i].lower() for i in r] for k, r in found.rows.items()} == {
        "A": ["traffic light", "dog"],
        "B": ["red bus", "traffic light"],
    }
    np.testing.assert_array_equal(v.centred[:3], VOCABULARY.centred)
    mean = unit(VOCABULARY.vectors).mean(0)
    np.testing.assert_allclose(v.centred[v.words.index("red bus")], unit(unit(own["red bus"]) - mean), atol=1e-5)
    assert not v.handicap.any() and found.untested == ()


def test_without_an_encoder_phrases_are_composed_or_untested() -> None:
    found = propose(VOCABULARY, {"A": ["traffic light", "red bus", "DOG"], "B": []}, None)
    assert [found.vocabulary.words[i] for i in found.rows["A"]] == ["traffic light", "Dog"] and found.untested == ("red bus",)
    wanted = unit(VOCABULARY.centred[0] + VOCABULARY.centred[1])
    np.testing.assert_allclose(found.vocabulary.centred[3], wanted, atol=1e-5)
    assert found.rows["B"].shape == (0,)


def test_phrases_whose_vector_is_useless_stay_untested() -> None:
    found = propose(VOCABULARY, {"A": ["one", "two"], "B": []}, lambda texts: np.array([[np.nan] * 8, [1.0] * 8]))
    assert found.untested == ("one",) and found.vocabulary.words[-1] == "two"
    with pytest.raises(InputError, match=r"gave \(2, 5\) for 2 phrases"):
        propose(VOCABULARY, {"A": ["one", "two"]}, lambda texts: np.zeros((2, 5)))


def test_described_phrases_are_candidates_whether_near_or_not() -> None:
    """A far phrase is proposed when captions said it; strength is the mean of the three best cosines."""
    words = [f"w{chr(97 + i)}" for i in range(12)]
    vocabulary = latentdiff.Vocabulary(words, np.eye(12, dtype=np.float32))
    images = vocabulary.centred[[0, 1, 2, 0]]
    far = int((images @ vocabulary.centred.T).max(0).argmin())
    near = {c.word for c in nearest_words(images, vocabulary)}
    found = {c.word: c for c in nearest_words(images, vocabulary, np.array([far, 0]))}
    assert set(found) == near | {far} and found[far].described and found[0].described
    assert found[far].strength == pytest.approx(float(np.sort(images @ vocabulary.centred[far])[-3:].mean()))

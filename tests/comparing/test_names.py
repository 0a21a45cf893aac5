"""Names that fit and names that are guesses, where one side's class is among the words and the other's is not."""

from __future__ import annotations

import numpy as np
import pytest

from latentdiff import CompareConfig, Comparison, SparseAutoencoder, Vocabulary, compare
from latentdiff.comparing.candidates import Draft
from latentdiff.comparing.showing import Shown, with_best_shares
from latentdiff.embed.sides import Sides

D, V, N = 64, 200, 80
RNG = np.random.default_rng(5)
BASIS = np.linalg.qr(RNG.standard_normal((D, D)))[0].astype(np.float32)
CLASS, OTHER = BASIS[0], BASIS[1]
WORDS = RNG.standard_normal((V, D)).astype(np.float32)
WORDS /= np.linalg.norm(WORDS, axis=1, keepdims=True)
WORDS -= np.outer(WORDS @ CLASS, CLASS) + np.outer(WORDS @ OTHER, OTHER)
WORDS[0] = OTHER
WORDS[1] = 0.68 * CLASS + 0.73 * BASIS[2]  # the nearest word to a class that has none
VOCABULARY = Vocabulary(["its word", "near", *(f"word {i}" for i in range(2, V))], WORDS)
SAE = SparseAutoencoder(BASIS.T, np.zeros(D), BASIS, np.zeros(D), np.full(D, 0.5))
A, B = (side + 0.1 * RNG.standard_normal((N, D)).astype(np.float32) for side in (CLASS, OTHER))


@pytest.fixture(scope="module")
def found() -> Comparison:
    return compare(A, B, sae=SAE, vocabulary=VOCABULARY, config=CompareConfig(compounds=False))


def test_a_word_that_merely_separates_a_class_without_one_is_a_guess(found: Comparison) -> None:
    near = [h for h in found.hypotheses if h.text == "near"]
    assert near and all(h.side == "A" for h in near) and max(h.rate_a for h in near) > 0.9
    assert any(h.name_strength >= found.config.weak_name * VOCABULARY.chance_cosine for h in near)  # the best images fit it
    assert all(h.weak for h in near)


def test_the_word_of_a_class_fits(found: Comparison) -> None:
    own = [h for h in found.hypotheses if h.text == "its word"]
    assert own and all(h.side == "B" and h.rate_b > 0.9 and h.rate_a < 0.05 for h in own)
    assert not own[0].weak


def test_a_words_fit_is_set_against_the_best_words() -> None:
    sides = Sides(A, B)
    raw = np.concatenate([A, B]).astype(np.float64)
    unit = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    apart = unit - unit.mean(0)
    apart /= np.linalg.norm(apart, axis=1, keepdims=True)
    rows = np.arange(N - 9, 2 * N, 2)  # some of A's, which do not count for B
    fits = [np.mean([apart[i] @ word for i in rows if i >= N]) for word in VOCABULARY.centred.astype(np.float64)]
    second = int(np.argsort(fits)[-2])
    value, none = sides.cosines(VOCABULARY.centred[[second]])[0], np.zeros(0)
    draft = Draft(VOCABULARY.words[second], "B", "sae", 1.0, 0.01, 0.01, 2.0)
    guess = Draft(VOCABULARY.words[second], "B", "sae", 1.0, 0.01, 0.01, 0.2, weak=True)
    fitted = Shown(rows, 0.5, none, none, (N, N)).fitted(value, "B", sides, VOCABULARY)
    shown, weak = with_best_shares([fitted, fitted], [draft, guess], [value, value], sides, VOCABULARY)
    assert np.isnan(weak.best_share) and weak.fit == shown.fit
    assert int(np.argmax(fits)) == 0  # the class's own word
    assert shown.fit == pytest.approx(fits[second] / VOCABULARY.chance_cosine, abs=1e-5)
    assert shown.best_share == pytest.approx(fits[second] / fits[0], abs=1e-5) and 0 < shown.best_share < 0.9

"""Words of exemplars against a naive loop."""

from __future__ import annotations

import numpy as np
import pytest

from latentdiff import Vocabulary
from latentdiff.describe.nearest_words import SUPPORT, WORDS_PER_IMAGE, nearest_words
from latentdiff.embed.vocabulary import unit_rows


@pytest.mark.parametrize("images", [1, 2, 11])
def test_nearest_words_equal_a_naive_loop(images: int) -> None:
    rng = np.random.default_rng(images)
    vocabulary = Vocabulary([f"word {i}" for i in range(60)], rng.standard_normal((60, 9)))
    x = unit_rows(rng.standard_normal((images, 9)))
    cosine = [[float(image @ word) for word in vocabulary.centred] for image in x]
    proposed = {i for row in cosine for i in sorted(range(60), key=lambda i: -row[i])[:WORDS_PER_IMAGE]}
    got = nearest_words(x, vocabulary)
    assert [c.word for c in got] == sorted(proposed)
    for c in got:
        best = sorted((row[c.word] for row in cosine), reverse=True)[:SUPPORT]
        assert c.strength == pytest.approx(np.mean(best), abs=1e-5)


def test_a_word_that_several_exemplars_show_is_the_strongest() -> None:
    vocabulary = Vocabulary([f"word {i}" for i in range(20)], np.eye(20))
    rng = np.random.default_rng(0)
    x = unit_rows(np.concatenate([np.tile(vocabulary.centred[4], (3, 1)), rng.standard_normal((8, 20))]))
    assert max(nearest_words(x, vocabulary), key=lambda c: c.strength).word == 4

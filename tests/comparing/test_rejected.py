"""Words that were rejected before sink; what was tested stays as it is."""

from __future__ import annotations

import numpy as np

import latentdiff
from latentdiff.comparing.candidates import Draft
from latentdiff.comparing.merging import SUNK, sink
from tests.planted import DOG, WIDTH, WORDS, vectors


def test_rejected_words_lose_their_score() -> None:
    words = ("dog", "hound", "boat", "red", "dogs")
    drafts = [Draft(word, "A", "sae", 5.0 - i, 0.01, 0.01, 1.0, word=i) for i, word in enumerate(words)]
    sunk = sink([*drafts, Draft("concept 9", "A", "sae", 0.1, 0.01, 0.01, 1.0, concept=9)], ["dog", "concept 9"])
    wanted = {"dog": 5 * SUNK, "hound": 4.0, "boat": 3.0, "red": 2.0, "dogs": 1 * SUNK, "concept 9": 0.1}
    assert {x.text: x.score for x in sunk} == wanted
    assert [x.text for x in sunk] == ["hound", "boat", "dog", "red", "dogs", "concept 9"]
    assert sink(drafts, ()) is drafts


def test_a_comparison_ranks_a_rejected_word_lower_and_tests_it_alike() -> None:
    eye, zeros = np.eye(WIDTH, dtype=np.float32), np.zeros(WIDTH, np.float32)
    sae = latentdiff.SparseAutoencoder(eye, zeros, eye, zeros, np.full(WIDTH, 0.5, np.float32))
    given = {"sae": sae, "vocabulary": latentdiff.Vocabulary(WORDS, eye)}
    a, b = vectors(60, 2 / 3, seed=1), vectors(80, 1 / 20, seed=2)
    before = latentdiff.compare(a, b, **given)
    config = latentdiff.CompareConfig(rejected=[WORDS[DOG]])
    after = latentdiff.compare(a, b, **given, config=config)
    score = [next(h.score for h in c.candidates if (h.side, h.text) == ("A", WORDS[DOG])) for c in (before, after)]
    assert score[1] == SUNK * score[0]
    q = [{(h.source, h.text, h.side): h.q_value for h in c.candidates} for c in (before, after)]
    assert q[0] == q[1] and after.config.to_dict()["rejected"] == [WORDS[DOG]]

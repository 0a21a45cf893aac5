"""Scores of images with words, and contrasts of words over a part of the images, against naive loops."""

from __future__ import annotations

import numpy as np
import pytest

from latentdiff import Vocabulary
from latentdiff.embed.sides import Sides
from latentdiff.stats import image_scores
from latentdiff.stats.image_scores import ImageScores, contrasts
from latentdiff.stats.phrases import FEWEST_IN_TAIL, TAIL, phrase_evidence


@pytest.mark.parametrize("most", [1000, 90])
def test_contrasts_are_those_of_evenly_spaced_images(most: int) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.3, 1, (140, 12)).astype(np.float32), rng.normal(0.3, 1, (90, 12)).astype(np.float32)
    a[::2] += 2 * np.eye(12, dtype=np.float32)[4]
    vocabulary = Vocabulary([f"word {i}" for i in range(12)], np.eye(12) + 0.1)
    sides, words = Sides(a, b), np.array([1, 4, 9])
    got = contrasts(sides, words, vocabulary, most)
    x = np.concatenate([a, b]).astype(float)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    unit -= unit.mean(0)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    step = 1 if most >= 230 else 3
    for word, value in zip(words, got, strict=True):
        score = unit @ vocabulary.centred[word].astype(float)
        parts = [score[:140:step], np.array([score[i] for i in range(140, 230) if i % step == 0])]
        top = [np.sort(part)[-max(FEWEST_IN_TAIL, int(TAIL * len(part))) :] for part in parts]
        spread = np.sqrt(sum(part.var() * len(part) for part in parts) / sum(map(len, parts)))
        want = (top[0].mean() - top[1].mean()) / (spread * np.sqrt(sum(1 / len(t) for t in top)))
        assert value == pytest.approx(want, rel=1e-4)
    assert got[1] == got.max() > 1


@pytest.mark.parametrize("fits", [True, False])
def test_words_are_scored_once_where_their_scores_fit_into_memory(fits: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(0.3, 1, (70, 12)).astype(np.float32), rng.normal(0.1, 1, (50, 12)).astype(np.float32)
    sides, vocabulary = Sides(a, b), Vocabulary([f"word {i}" for i in range(12)], np.eye(12) + 0.1)
    x = np.concatenate([a, b]).astype(float)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True) - sides.mean_direction
    want = vocabulary.centred.astype(float) @ (unit / np.linalg.norm(unit, axis=1, keepdims=True)).T
    if not fits:
        monkeypatch.setattr(image_scores, "KEPT", 120 * 3)
    passes: list[int] = []
    cosines = Sides.cosines
    monkeypatch.setattr(Sides, "cosines", lambda self, directions: passes.append(len(directions)) or cosines(self, directions))
    scores = ImageScores.of(sides, np.array([7, 2, 7, 5]), vocabulary, also=np.array([5, 9]))
    assert scores.words.tolist() == [2, 5, 7] and passes == ([4] if fits else [3])
    np.testing.assert_allclose(scores.values([9, 2]), want[[9, 2]], atol=1e-6)
    assert passes == ([4] if fits else [3, 2])
    np.testing.assert_allclose(scores.values([2, 11]), want[[2, 11]], atol=1e-6)  # a word that nobody had named
    tested = phrase_evidence(want[[2, 5, 7], :70].astype(np.float32), want[[2, 5, 7], 70:].astype(np.float32))
    np.testing.assert_allclose(scores.evidence.p_more_in_a, tested.p_more_in_a, rtol=1e-3)

"""Contrasts of words over a part of the images against a naive loop."""

from __future__ import annotations

import numpy as np
import pytest

from latentdiff import Vocabulary
from latentdiff.embed.sides import Sides
from latentdiff.stats.image_scores import contrasts
from latentdiff.stats.phrases import FEWEST_IN_TAIL, TAIL


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

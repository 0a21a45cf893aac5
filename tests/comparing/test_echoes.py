"""Findings that differ only along with a stronger one do not pass the gate by themselves."""

from __future__ import annotations

import numpy as np

from latentdiff import CompareConfig, SparseAutoencoder, Vocabulary, compare

WORDS = ["kite", "string", "dog", "beach", "tree", "lamp", "boat", "bread", "cloud", "fence"]
N, D = 4000, 48


def images(seed: int, kites: float, dogs: float) -> np.ndarray:
    """Strings hang on most kites, and are in a tenth of all other images of either side; dogs come and go by themselves."""
    rng = np.random.default_rng(seed)
    shows = rng.random((N, len(WORDS))) < 0.1
    shows[:, 0] = rng.random(N) < kites
    shows[:, 1] |= shows[:, 0] & (rng.random(N) < 0.8)
    shows[:, 2] = rng.random(N) < dogs
    return (shows @ DIRECTIONS + rng.normal(0, 0.02, (N, D))).astype(np.float32)


DIRECTIONS = np.linalg.qr(np.random.default_rng(0).normal(size=(D, D)))[0][: len(WORDS)]
SAE = SparseAutoencoder(DIRECTIONS.T, np.zeros(len(WORDS)), DIRECTIONS, np.zeros(D), np.full(len(WORDS), 0.5))
VOCABULARY = Vocabulary(WORDS, DIRECTIONS + 0.2)


def test_an_echo_is_told_with_what_it_echoes_and_a_second_mode_stands() -> None:
    comparison = compare(images(1, 0.15, 0.08), images(2, 0.02, 0.02), sae=SAE, vocabulary=VOCABULARY, config=CompareConfig(seed=0))
    found = {h.text: h for h in comparison.hypotheses}
    assert set(found) == {"kite", "dog"}
    assert "string" in found["kite"].echoes
    assert found["dog"].echoes == () or "string" not in found["dog"].echoes
    strings = [h for h in comparison.candidates if h.text == "string"]
    assert strings and all(h.q_value > 0.05 for h in strings)
    assert all(h.p_value < 1e-4 for h in strings if h.source == "sae")  # alone it would have been a finding


def test_what_differs_by_itself_passes_beside_a_stronger_one() -> None:
    rng = np.random.default_rng(5)
    a, b = images(3, 0.15, 0.1), images(4, 0.02, 0.1)
    a[rng.random(N) < 0.06] += DIRECTIONS[1].astype(np.float32)  # strings of their own, whatever else is there
    found = {h.text for h in compare(a, b, sae=SAE, vocabulary=VOCABULARY, config=CompareConfig(seed=0)).hypotheses}
    assert {"kite", "string"} <= found

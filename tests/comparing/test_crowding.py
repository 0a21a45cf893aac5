"""A few images that lie close to each other are found, with their name, where no test of a word or a concept has the power for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from latentdiff import Comparison, SparseAutoencoder, Vocabulary, compare
from latentdiff.comparing.candidates import FAMILIES
from latentdiff.report.finding import further_facts

WIDTH, EACH, FEW = 64, 200, 11


def unit(x: np.ndarray) -> np.ndarray:
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def vectors(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, WIDTH))


DIRECTION = vectors(1, 7)
WORDS = Vocabulary(["kite", *(f"other {i}" for i in range(3000))], unit(np.concatenate([DIRECTION, vectors(3000, 8)])))
SAE = SparseAutoencoder(unit(vectors(500, 9)).T, np.zeros(500), unit(vectors(500, 9)), np.zeros(WIDTH), np.full(500, 0.28))
"""Directions that have nothing to do with the kite."""
A, B = vectors(EACH, 1), vectors(EACH, 2)
B[-FEW:] = 0.5 * B[-FEW:] + DIRECTION
BOTH_A = A.copy()
BOTH_A[:FEW] = 0.5 * BOTH_A[:FEW] + DIRECTION


@pytest.fixture(scope="module")
def found() -> Comparison:
    return compare(unit(A), unit(B), sae=SAE, vocabulary=WORDS)


def test_the_name_of_a_crowd_is_a_finding(found: Comparison) -> None:
    (kite,) = [h for h in found.hypotheses if h.text == "kite"]
    assert kite.side == "B" and kite.rate_a == 0 and kite.rate_b == pytest.approx(FEW / EACH)
    assert kite.crowd_p <= 0.01 and kite.p_value == kite.crowd_p  # by its own test it would not pass
    assert kite.q_value == pytest.approx(max(FAMILIES * kite.crowd_p, found.two_sample.p_value))
    assert set(found.rows_showing(kite, "B")) == set(range(EACH - FEW, EACH)) and not len(found.rows_showing(kite, "A"))
    assert kite.refits is not None and kite.refits >= 3
    facts = {name: text for name, text, _ in further_facts(kite, {"A": "May", "B": "June"})}
    assert facts["crowd"].startswith("of images beyond chance, p")


def test_sides_turned_round_have_the_same_crowd(found: Comparison) -> None:
    turned = compare(unit(B), unit(A), sae=SAE, vocabulary=WORDS)
    kites = [next(h for h in c.hypotheses if h.text == "kite") for c in (found, turned)]
    assert [h.side for h in kites] == ["B", "A"] and kites[0].crowd_p == kites[1].crowd_p and kites[0].refits == kites[1].refits


def test_what_lies_on_both_sides_is_no_finding() -> None:
    assert "kite" not in {h.text for h in compare(unit(BOTH_A), unit(B), sae=SAE, vocabulary=WORDS).hypotheses}


def test_frames_of_one_scene_do_not_make_it_one() -> None:
    scenes_a, scenes_b = np.arange(EACH), EACH + np.arange(EACH)
    scenes_b[-FEW:] = 2 * EACH
    c = compare(unit(A), unit(B), sae=SAE, vocabulary=WORDS, groups_a=scenes_a, groups_b=scenes_b)
    assert "kite" not in {h.text for h in c.hypotheses}


def test_it_is_stored(found: Comparison, tmp_path: Path) -> None:
    found.save(tmp_path / "run")
    again = [h.crowd_p for h in Comparison.load(tmp_path / "run").hypotheses]
    assert again and again == pytest.approx([h.crowd_p for h in found.hypotheses], nan_ok=True)

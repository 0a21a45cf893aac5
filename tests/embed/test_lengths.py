"""Sides of lengths that no encoder gives two sets of images are told, and compared by their directions where an SAE is trained anyway."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from latentdiff import CompareConfig, Comparison, compare, train_sae
from latentdiff.embed.lengths import UnitRows, lengths_of
from latentdiff.embed.sides import Sides
from latentdiff.embed.vocabulary import unit_rows
from latentdiff.report.content import content
from tests.planted import axes, vectors

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENTDIFF_CACHE", str(tmp_path))


def long(n: int, length: float, spread: float) -> np.ndarray:
    """(n, 32) random directions of normal lengths."""
    return (unit_rows(RNG.standard_normal((n, 32))) * RNG.normal(length, spread * length, (n, 1))).astype(np.float32)


@pytest.mark.parametrize(
    ("a", "b", "unlike"),
    [
        ((10, 0.05), (10, 0.05), False),
        ((10, 0.05), (10.8, 0.05), False),  # as far as kinds of images are apart
        ((10, 0.05), (10.8, 0.08), False),
        ((1, 0), (1, 0), False),
        ((1, 0), (10, 0.05), True),  # one side is normalised
        ((1, 0), (1, 0.05), True),
        ((10, 0.05), (13, 0.05), True),
        ((1, 0), (1.3, 0), True),
        ((1, 0.001), (1.002, 0.001), False),  # float16
        ((10, 0.3), (14, 0.3), False),  # so varied that both have all lengths
    ],
)
def test_what_no_encoder_gives_is_told_apart_from_what_images_do(a: tuple[float, float], b: tuple[float, float], unlike: bool) -> None:
    x, y = long(300, *a), long(40, *b)
    for one, other in ((x, y), (y, x)):
        found = lengths_of(Sides(one, other))
        assert found["unlike"] is unlike
        assert found["A"] == pytest.approx(np.median(np.linalg.norm(one, axis=1)), rel=1e-6)
        assert found["B"] == pytest.approx(np.median(np.linalg.norm(other, axis=1)), rel=1e-6)


def test_random_halves_are_never_unlike() -> None:
    for spread in (0.0, 0.005, 0.02, 0.05, 0.3):
        x = long(60, 10, spread)
        for seed in range(200):
            order = np.random.default_rng(seed).permutation(60)
            assert not lengths_of(Sides(x[order[:20]], x[order[20:]]))["unlike"]


def test_rows_of_unit_length_are_those_of_the_array() -> None:
    x = long(50, 7, 0.1).astype(np.float16)
    rows = UnitRows(x)
    assert (len(rows), rows.shape) == (50, (50, 32))
    for some in (slice(3, 9), np.array([7, 2, 2])):
        np.testing.assert_allclose(rows[some], x[some] / np.linalg.norm(x[some].astype(np.float64), axis=1, keepdims=True), atol=1e-6)


def same(one: Comparison, other: Comparison) -> None:
    assert [(h.text, h.side) for h in one.candidates] == [(h.text, h.side) for h in other.candidates]
    np.testing.assert_allclose(one.log_ratio_a, other.log_ratio_a, atol=1e-3)
    assert one.two_sample.p_value == other.two_sample.p_value


@pytest.mark.parametrize("scale", [10.0, 1.3])
def test_without_an_sae_the_answer_is_that_of_the_directions(scale: float) -> None:
    a, b = unit_rows(vectors(90, 0.5, 0)), unit_rows(vectors(70, 0.1, 1))
    config = CompareConfig(sae_concepts=24, sae_active=3, seed=0)
    for one, other, lengths in ((a, scale * b, (1, scale)), (scale * a, b, (scale, 1))):
        found = compare(one, other, vocabulary=axes()["vocabulary"], config=config)
        fair = compare(unit_rows(one), unit_rows(other), vocabulary=axes()["vocabulary"], config=config)
        assert fair.info["lengths"] == {"A": pytest.approx(1), "B": pytest.approx(1), "unlike": False}
        same(found, fair)
        got = found.info["lengths"]
        assert (got["A"], got["B"]) == (pytest.approx(lengths[0]), pytest.approx(lengths[1])) and got["unlike"] and got["normalised"]
        (said,) = [note for note in content(found, ("june", "july")).notes if "long (medians)" in note]
        assert f"{lengths[0]:.3g} in june and {lengths[1]:.3g} in july" in said and "directions alone" in said


def test_with_an_sae_of_ones_own_it_is_said_and_nothing_is_changed() -> None:
    a, b = unit_rows(vectors(90, 0.1, 0)), 1.3 * unit_rows(vectors(70, 0.1, 1))
    sae = train_sae(unit_rows(vectors(200, 0.1, 2)), concepts=24, active=3, steps=60)
    found = compare(a, b, sae=sae)
    assert found.info["lengths"]["unlike"] and "normalised" not in found.info["lengths"]
    assert any("normalise both" in note for note in content(found, ("A", "B")).notes)

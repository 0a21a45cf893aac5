"""Monosemanticity against the double loop over pairs of images."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import scipy.sparse as sp

import latentdiff
from latentdiff import InputError, SparseAutoencoder
from latentdiff.sae import monosemanticity as module
from latentdiff.sae.monosemanticity import purest, with_monosemanticity

N, K, D = 40, 9, 6
EVERYWHERE, CONSTANT, DEAD, ONCE = 1, 2, 3, 4


def world(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(40, 9) activations with every kind of concept, (40, 6) vectors, one of them zero."""
    rng = np.random.default_rng(seed)
    z = np.where(rng.random((N, K)) < 0.2, rng.uniform(0.1, 3, (N, K)), 0)
    z[:, EVERYWHERE] = rng.uniform(5, 9, N)
    z[:, CONSTANT] = 2.5
    z[:, DEAD] = 0
    z[:, ONCE] = 0
    z[7, ONCE] = 1.5
    x = rng.standard_normal((N, D)) + 0.5
    x[11] = 0
    return z.astype(np.float32), x.astype(np.float32)


def definition(a: np.ndarray, x: np.ndarray) -> float:
    """The weighted mean over pairs i != j, after min-max scaling; 0/0 is NaN."""
    a, x = a.astype(float), x.astype(float)
    spread = a.max() - a.min()
    if spread == 0:
        return math.nan
    a = (a - a.min()) / spread
    e = [row / np.linalg.norm(row) if row.any() else row for row in x]
    top = bottom = 0.0
    for i in range(len(a)):
        for j in range(len(a)):
            if i != j:
                top += a[i] * a[j] * float(e[i] @ e[j])
                bottom += a[i] * a[j]
    return top / bottom if bottom else math.nan


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array, sp.csc_array, sp.coo_array])
def test_it_equals_the_sum_over_pairs(form) -> None:
    z, x = world()
    got = latentdiff.monosemanticity(form(z), x)
    want = [definition(z[:, k], x) for k in range(K)]
    np.testing.assert_allclose(got, want, atol=1e-12)
    assert np.flatnonzero(np.isnan(got)).tolist() == [CONSTANT, DEAD, ONCE]


def test_blocks_of_concepts_and_chunks_of_images_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    z, x = world(1)
    whole = latentdiff.monosemanticity(sp.csr_array(z), x)
    monkeypatch.setattr(module, "SUM_VALUES", 2 * D)
    monkeypatch.setattr(module, "ROWS", 7)
    seen: list[float] = []
    chunked = latentdiff.monosemanticity(sp.csr_array(z), x, progress=lambda f, label: seen.append(f))
    np.testing.assert_allclose(chunked, whole, atol=1e-13)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_a_second_encoder_judges_in_its_own_width() -> None:
    z, _ = world()
    judge = np.random.default_rng(9).standard_normal((N, 3))
    want = [definition(z[:, k], judge) for k in range(K)]
    np.testing.assert_allclose(latentdiff.monosemanticity(z, judge), want, atol=1e-12)
    half = judge.astype(np.float16)
    np.testing.assert_allclose(latentdiff.monosemanticity(z, half), [definition(z[:, k], half) for k in range(K)], atol=1e-12)


def test_one_direction_gives_one_and_opposite_pairs_minus_one() -> None:
    x = np.array([[1.0, 0], [5.0, 0], [-2.0, 0], [0, 3.0]])
    z = np.array([[1, 1, 1], [4, 0, 0], [0, 1, 0], [0, 0, 2]], float)
    np.testing.assert_allclose(latentdiff.monosemanticity(z, x), [1, -1, 0], atol=1e-15)


def test_a_large_common_level_is_taken_off_before_anything_is_squared() -> None:
    """A concept that fires everywhere, at 1000 plus a little: the level must not drown what varies."""
    _, x = world()
    a = np.random.default_rng(3).uniform(0, 1e-3, N)
    got = latentdiff.monosemanticity((1000 + a)[:, None], x)[0]
    assert got == pytest.approx(definition(1000 + a, x), abs=1e-9)


def test_input_that_is_not_changed_and_input_that_is_refused() -> None:
    z, x = world()
    codes = sp.csc_array(z.astype(np.float64))
    latentdiff.monosemanticity(codes, x)
    np.testing.assert_array_equal(codes.toarray(), z)
    bad = x.copy()
    bad[5, 2] = np.nan
    cases = [(z, x[:-1], "same images"), (z, x[:, 0], "same images"), (z[:0], x[:0], "same images")]
    cases += [(-z, x, "not negative"), (np.where(z > 1, np.inf, z), x, "finite"), (z, bad, "vector 5 holds NaN")]
    for codes_, vectors, message in cases:
        with pytest.raises(InputError, match=message), warnings.catch_warnings():
            warnings.simplefilter("error")
            latentdiff.monosemanticity(codes_, vectors)


def test_it_is_kept_with_the_sae(tmp_path) -> None:
    rng = np.random.default_rng(2)
    x = rng.standard_normal((60, 5)).astype(np.float32)
    w = rng.standard_normal((5, 12)).astype(np.float32)
    sae = SparseAutoencoder(w, np.zeros(12), w.T, np.zeros(5), np.full(12, 0.5), {"note": "kept"})
    assert sae.monosemanticity is None
    judged = latentdiff.load_sae(with_monosemanticity(sae, x).save(tmp_path / "one"))
    want = latentdiff.monosemanticity(sae.encode(x), x)
    np.testing.assert_allclose(judged.monosemanticity, want, atol=1e-6)
    assert judged.info["note"] == "kept"
    other = rng.standard_normal((60, 4))
    np.testing.assert_allclose(
        with_monosemanticity(sae, x, judge=other).monosemanticity, latentdiff.monosemanticity(sae.encode(x), other), atol=1e-6
    )


def test_pruning_keeps_the_purest_of_the_alive() -> None:
    values = np.array([0.9, np.nan, 0.1, 0.5, 0.3, 0.3])
    alive = np.array([True, True, True, True, True, False])
    assert purest(values, alive, 0.0).tolist() == alive.tolist()
    assert purest(values, alive, 0.5).tolist() == [True, False, False, True, True, False]
    assert purest(values, alive, 0.2).tolist() == [True, False, True, True, True, False]
    assert purest(np.full(6, 0.5), alive, 0.5).tolist() == alive.tolist()
    assert not purest(values, np.zeros(6, bool), 0.5).any()

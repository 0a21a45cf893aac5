"""Vectors that do not look like those of an SAE's training are refused or said."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from latentdiff import InputError, SparseAutoencoder, compare, train_sae
from latentdiff.report.content import content
from latentdiff.sae.fitting import fit_of

RNG = np.random.default_rng(0)
ATOMS = np.linalg.qr(RNG.standard_normal((24, 24)))[0]


def images(n: int) -> np.ndarray:
    """Three of 24 directions each, about a common offset, as encoders have one."""
    strength = np.zeros((n, 24))
    for row in strength:
        row[RNG.choice(24, 3, replace=False)] = RNG.uniform(0.5, 1.5, 3)
    return (strength @ ATOMS + 2 * ATOMS[0] + 0.02 * RNG.standard_normal((n, 24))).astype(np.float32)


@pytest.fixture(scope="module")
def sae() -> SparseAutoencoder:
    return train_sae(images(600), concepts=96, active=3, steps=200)


def test_figures_are_those_of_the_codes_and_the_reconstruction(sae: SparseAutoencoder) -> None:
    x = images(200)
    codes = sae.encode(x)
    got = fit_of(sae, codes, x)
    assert got["active"] == pytest.approx((codes.toarray() > 0).sum(1).mean())
    assert got["explained"] == pytest.approx(sae.explained_variance(x), abs=1e-6)
    assert (got["usual_active"], got["poor"]) == (sae.info["training"]["mean_active"], False)


@pytest.mark.parametrize("factor", [10.0, 100.0])
def test_scaled_vectors_are_refused(sae: SparseAutoencoder, factor: float) -> None:
    with pytest.raises(InputError, match=r"do not fit the SAE.*scaled"):
        compare(factor * images(60), factor * images(50), sae=sae)


def test_vectors_that_are_much_too_small_are_said(sae: SparseAutoencoder) -> None:
    fit = compare(0.01 * images(60), 0.01 * images(50), sae=sae).info["fit"]
    assert fit["A"]["poor"] is fit["B"]["poor"] is True


def test_one_side_that_does_not_fit_is_not_hidden_by_the_other(sae: SparseAutoencoder) -> None:
    few, many = 10 * images(30), images(900)
    for a, b, name in ((few, many, "A"), (many, few, "B")):
        with pytest.raises(InputError, match=f"the vectors of {name} do not fit the SAE"):
            compare(a, b, sae=sae)
    for a, b, side in ((0.01 * images(30), many, "A"), (many, 0.01 * images(30), "B")):
        found = compare(a, b, sae=sae)
        own, other = (found.info["fit"][s] for s in (side, "BA"["AB".index(side)]))
        assert own["poor"] and not other["poor"]
        assert [f"of {n} fit the SAE badly" in note for note in content(found, "AB").notes for n in "AB"].count(True) == 1


def test_what_fits_badly_is_said(sae: SparseAutoencoder) -> None:
    a, b = images(60), images(50)
    assert not any("fit the SAE badly" in note for note in content(compare(a, b, sae=sae)).notes)
    told = {**sae.info["training"], "explained_variance": 0.99, "mean_active": 1.0}
    comparison = compare(a, b, sae=dataclasses.replace(sae, info={**sae.info, "training": told}))
    assert comparison.info["fit"]["A"]["poor"] is True
    assert any("fit the SAE badly" in note and "1.0 did in its training" in note for note in content(comparison).notes)


def test_an_sae_that_records_nothing_is_taken_as_it_is() -> None:
    eye = np.eye(24, dtype=np.float32)
    bare = SparseAutoencoder(eye, np.zeros(24), eye, np.zeros(24), np.full(24, 0.1))
    x = 100 * images(60)
    got = fit_of(bare, bare.encode(x), x)
    assert (got["usual_active"], got["usual_explained"], got["poor"]) == (None, None, False)

"""Training recovers a planted dictionary, keeps its promises about sparsity and seeds, and refuses what it cannot learn from."""

from __future__ import annotations

import numpy as np
import pytest

from latentdiff import InputError, SparseAutoencoder, train_sae
from latentdiff.embed.vocabulary import unit_rows
from latentdiff.sae.streams import Order

ATOMS, WIDTH, ACTIVE = 24, 32, 3
Trained = tuple[SparseAutoencoder, np.ndarray, np.ndarray, np.ndarray]


def mixtures(n: int, seed: int = 0, scale: float = 7.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n, 32) raw vectors, each the sum of three of 24 unit atoms on an offset; the atoms; and who holds which."""
    atoms = unit_rows(np.random.default_rng(99).standard_normal((ATOMS, WIDTH)))
    rng = np.random.default_rng(seed)
    z = np.zeros((n, ATOMS))
    for row in z:
        row[rng.choice(ATOMS, ACTIVE, replace=False)] = rng.uniform(0.7, 1.3, ACTIVE)
    x = scale * (z @ atoms + 0.02 * rng.standard_normal((n, WIDTH))) + 3.0
    return x.astype(np.float32), atoms, z > 0


@pytest.fixture(scope="module")
def trained() -> Trained:
    x, atoms, holds = mixtures(1500)
    return train_sae(x, concepts=48, active=ACTIVE, seed=0, steps=700), x, atoms, holds


def test_the_planted_dictionary_is_recovered(trained: Trained) -> None:
    sae, _, atoms, _ = trained
    best = (unit_rows(sae.w_dec) @ atoms.T).max(0)
    assert np.median(best) > 0.95
    assert np.mean(best > 0.9) > 0.85


def test_it_explains_vectors_it_has_not_seen(trained: Trained) -> None:
    sae, _, _, _ = trained
    fresh = mixtures(500, seed=7)[0]
    rebuilt = sae.decode(sae.encode(fresh))
    explained = 1 - np.sum((fresh - rebuilt) ** 2) / np.sum((fresh - fresh.mean(0)) ** 2)
    assert explained > 0.85


def test_it_takes_raw_vectors_and_is_as_sparse_as_asked(trained: Trained) -> None:
    sae, x, _, _ = trained
    report = sae.info["training"]
    codes = sae.encode(x)
    assert codes.nnz / len(x) == pytest.approx(ACTIVE, rel=0.1)
    assert sae.encode(mixtures(500, seed=8)[0]).nnz / 500 == pytest.approx(ACTIVE, rel=0.2)
    order = Order(len(x), 150, 0)
    held_out, learnt = x[order.validation(len(x))], x[order.sample(len(x))]
    assert report["held_out"] == len(held_out) and len(learnt) == len(x) - 150
    assert report["mean_active"] == pytest.approx(sae.encode(held_out).nnz / 150, abs=1e-6)
    error = np.square(held_out - sae.decode(sae.encode(held_out))).sum() / np.square(held_out - learnt.mean(0)).sum()
    assert report["explained_variance"] == pytest.approx(1 - error, abs=1e-2)
    assert report["explained_variance_training"] == pytest.approx(sae.explained_variance(learnt), abs=1e-3)
    assert report["dead"] == np.sum(np.bincount(sae.encode(learnt).indices, minlength=48) == 0)
    assert (report["concepts"], report["active"], report["seed"], report["held_out"], report["vectors"]) == (48, ACTIVE, 0, 150, 1500)
    np.testing.assert_allclose(np.linalg.norm(sae.w_dec, axis=1), 1, rtol=1e-5)


def test_planted_codes_come_back(trained: Trained) -> None:
    """The concept of an atom fires on the images that hold the atom, and on few others."""
    sae, x, atoms, holds = trained
    cosine = unit_rows(sae.w_dec) @ atoms.T
    fires = sae.encode(x).toarray()[:, cosine.argmax(0)] > 0
    assert np.median([np.corrcoef(fires[:, i], holds[:, i])[0, 1] for i in range(ATOMS)]) > 0.8


def test_same_seed_same_sae_other_seed_another() -> None:
    x = mixtures(200)[0]
    one, two, other = (train_sae(x, concepts=40, active=3, seed=s, steps=30) for s in (1, 1, 2))
    for name in ("w_enc", "b_enc", "w_dec", "b_dec", "threshold"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    assert not np.allclose(one.w_dec, other.w_dec)


def test_scale_of_the_vectors_is_folded_back() -> None:
    """Vectors a thousand times as large give the same concepts: codes grow by the same factor, nothing else changes."""
    x = mixtures(300)[0]
    one, two = train_sae(x, concepts=40, active=3, seed=1, steps=60), train_sae(1000 * x, concepts=40, active=3, seed=1, steps=60)
    np.testing.assert_allclose(two.w_dec, one.w_dec, atol=2e-2)
    np.testing.assert_allclose(two.threshold, 1000 * one.threshold, rtol=0.05)


def test_default_sizes_follow_the_data() -> None:
    small = train_sae(mixtures(60)[0], active=3, steps=5)
    assert small.concepts == 60
    assert train_sae(mixtures(400)[0], active=3, steps=5).concepts == 4 * WIDTH


def test_float16_and_more_concepts_than_vectors() -> None:
    sae = train_sae(mixtures(50)[0].astype(np.float16), concepts=90, active=3, steps=5)
    assert (sae.width, sae.concepts) == (WIDTH, 90)


def test_progress_rises_to_one() -> None:
    seen: list[float] = []
    train_sae(mixtures(60)[0], concepts=30, active=3, steps=40, progress=lambda fraction, label: seen.append(fraction))
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("vectors", "options", "message"),
    [
        (np.ones((30, 4), np.float32), {}, "all vectors are equal"),
        (np.zeros((19, 4), np.float32), {}, r"n >= 20, got shape \(19, 4\)"),
        (np.zeros(40, np.float32), {}, r"got shape \(40,\)"),
        (np.where(np.arange(160).reshape(40, 4) == 13, np.nan, 1.0), {}, "1 of 40 vectors hold NaN"),
        (np.arange(160.0).reshape(40, 4), {"active": 0}, "active must be between 1 and"),
        (np.arange(160.0).reshape(40, 4), {"concepts": 10, "active": 11}, r"number of concepts \(10\), not 11"),
    ],
)
def test_what_cannot_be_trained_on(vectors: np.ndarray, options: dict[str, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        train_sae(vectors, **options)

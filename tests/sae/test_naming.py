"""Names of concepts against naive loops over words and images."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from latentdiff import SparseAutoencoder, Vocabulary
from latentdiff.sae.naming import ALTERNATIVES, mean_activating_directions, name_concepts, same_word, strongest

D, K, N = 10, 14, 80


def world(seed: int = 0) -> tuple[SparseAutoencoder, Vocabulary, np.ndarray, sp.csr_array]:
    rng = np.random.default_rng(seed)
    sae = SparseAutoencoder(rng.standard_normal((D, K)), np.zeros(K), rng.standard_normal((K, D)), np.zeros(D), np.zeros(K))
    words = [f"thing {chr(97 + i)}" for i in range(26)]
    x = (rng.standard_normal((N, D)) + 2).astype(np.float32)
    z = np.where(rng.random((N, K)) < 0.2, rng.uniform(0.5, 2, (N, K)), 0).astype(np.float32)
    z[:, 5] = 0
    return sae, Vocabulary(words, rng.standard_normal((26, D)) + 1.5), x, sp.csr_array(z)


def unit(v: np.ndarray) -> np.ndarray:
    return v / np.linalg.norm(v)


def naive_direction(z: np.ndarray, x: np.ndarray) -> np.ndarray:
    e = np.array([unit(row) for row in x.astype(float)])
    return sum(a * row for a, row in zip(z, e, strict=True)) / z.sum() - e.mean(0)


def test_data_directions_equal_a_naive_loop_in_any_chunks() -> None:
    _, _, x, codes = world()
    concepts = np.array([0, 3, 5, 13])
    for size in (N, 7):
        chunks = ((i, x[i : i + size]) for i in range(0, N, size))
        got = mean_activating_directions(codes, concepts, chunks)
        for row, k in zip(got, concepts, strict=True):
            if k == 5:  # never fires
                np.testing.assert_allclose(row, -np.mean([unit(v) for v in x.astype(float)], axis=0), atol=1e-6)
            else:
                np.testing.assert_allclose(row, naive_direction(codes.toarray()[:, k].astype(float), x), atol=1e-5)


@pytest.mark.parametrize("with_data", [True, False])
def test_names_are_the_words_with_the_largest_mean_cosine(with_data: bool) -> None:
    sae, vocabulary, x, codes = world()
    concepts = np.array([1, 2, 9, 0])
    data = mean_activating_directions(codes, concepts, [(0, x)]) if with_data else None
    names = name_concepts(sae, concepts, data, vocabulary)
    text = np.array([unit(v) for v in vocabulary.vectors.astype(float)])
    text = np.array([unit(v - text.mean(0)) for v in text])
    for name, k in zip(names, concepts, strict=True):
        cosine = [float(unit(sae.w_dec[k].astype(float)) @ t) for t in text]
        if with_data:
            direction = unit(naive_direction(codes.toarray()[:, k].astype(float), x))
            cosine = [(c + float(direction @ t)) / 2 for c, t in zip(cosine, text, strict=True)]
        order = sorted(range(26), key=lambda i: -cosine[i])
        assert list(name.words) == order[: ALTERNATIVES + 1]
        assert name.strength == pytest.approx(cosine[order[0]], abs=1e-5)
        assert name.margin == pytest.approx(cosine[order[0]] - cosine[order[1]], abs=1e-5)


def test_near_identical_words_count_once() -> None:
    """"buses" is nearly as close as "bus": it is no second word, and the margin is that to the next other word."""
    vectors = np.eye(8)
    vectors[1] = vectors[0] + 0.05 * vectors[7]
    vectors[2] = 0.8 * vectors[0] + 0.6 * vectors[2]
    words = ["bus", "buses", "coach", "dog", "cat", "snow", "tree", "sky"]
    vocabulary = Vocabulary(words, vectors)
    sae = SparseAutoencoder(np.ones((8, 1)), np.zeros(1), vocabulary.centred[:1], np.zeros(8), np.zeros(1))
    (name,) = name_concepts(sae, np.array([0]), None, vocabulary)
    assert [words[i] for i in name.words][:2] == ["bus", "coach"]
    assert 1 not in name.words
    cosine = vocabulary.centred @ vocabulary.centred[0]
    assert name.margin == pytest.approx(cosine[0] - cosine[2], abs=1e-5)


SAME = "bus buses, Dog dogs, box boxes, berry berries, glass glasses, bench benches, brush brushes, house houses, horse horses, toy toys"
OTHER = "bus but, glass gla, cat car, can canes, princess princes, us use, house hous"


@pytest.mark.parametrize("pair", SAME.split(", "))
def test_a_plural_is_the_same_word(pair: str) -> None:
    one, other = pair.split()
    assert same_word(one, other)
    assert same_word(other, one)
    assert same_word(one, one)


@pytest.mark.parametrize("pair", OTHER.split(", "))
def test_other_words_are_not(pair: str) -> None:
    one, other = pair.split()
    assert not same_word(one, other)
    assert not same_word(other, one)


def test_strongest_sorts_and_breaks_ties_by_position() -> None:
    values = np.array([1.0, 5.0, 5.0, -2.0, 3.0])
    assert strongest(values, 3).tolist() == [1, 2, 4]
    assert strongest(values, 99).tolist() == [1, 2, 4, 0, 3]

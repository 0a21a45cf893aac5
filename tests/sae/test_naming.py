"""Names of concepts against naive loops over words and images."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from latentdiff import InputError, SparseAutoencoder, Vocabulary
from latentdiff.sae import naming
from latentdiff.sae.naming import (
    ALTERNATIVE_SHARE,
    ALTERNATIVES,
    NEAR_SYNONYM,
    PREFERENCE,
    concept_label,
    decoder_names,
    fitting_words,
    in_joint_space,
    mean_activating_directions,
    name_concepts,
    name_of,
    strongest,
)

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


def test_data_directions_equal_a_naive_loop_in_any_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, x, codes = world()
    concepts = np.array([0, 3, 5, 13])
    for size in (N, 7):
        monkeypatch.setattr(naming, "ROWS", size)
        got = mean_activating_directions(codes, concepts, x)
        for row, k in zip(got, concepts, strict=True):
            if k == 5:  # never fires
                np.testing.assert_allclose(row, -np.mean([unit(v) for v in x.astype(float)], axis=0), atol=1e-6)
            else:
                np.testing.assert_allclose(row, naive_direction(codes.toarray()[:, k].astype(float), x), atol=1e-5)


@pytest.mark.parametrize("with_data", [True, False])
def test_names_are_the_words_with_the_largest_mean_cosine(with_data: bool) -> None:
    sae, vocabulary, x, codes = world()
    concepts = np.array([1, 2, 9, 0])
    data = mean_activating_directions(codes, concepts, x) if with_data else None
    names = name_concepts(sae, concepts, data, vocabulary)
    text = np.array([unit(v) for v in vocabulary.vectors.astype(float)])
    text = np.array([unit(v - text.mean(0)) for v in text])
    for name, k in zip(names, concepts, strict=True):
        cosine = [float(unit(sae.w_dec[k].astype(float)) @ t) for t in text]
        if with_data:
            direction = unit(naive_direction(codes.toarray()[:, k].astype(float), x))
            cosine = [(c + float(direction @ t)) / 2 for c, t in zip(cosine, text, strict=True)]
        order = sorted(range(26), key=lambda i: -cosine[i])[: 6 * ALTERNATIVES]
        distinct: list[int] = []
        also: list[int] = []
        for i in order:
            near = [j for j in distinct if float(text[i] @ text[j]) > NEAR_SYNONYM]
            if not near:
                distinct.append(i)
            elif order[0] in near:
                also.append(i)
        further = [i for i in distinct[1 : ALTERNATIVES + 1] if cosine[i] >= ALTERNATIVE_SHARE * cosine[order[0]]]
        assert list(name.words) == [order[0], *further]
        assert list(name.also) == also[:ALTERNATIVES]
        assert name.strength == pytest.approx(cosine[order[0]], abs=1e-5)
        assert name.margin == pytest.approx(cosine[order[0]] - cosine[distinct[1]], abs=1e-5)


def test_the_papers_names_are_the_five_words_nearest_to_the_decoder() -> None:
    """Twins and all: nothing is folded, nothing that the images show is asked."""
    sae, words, _, _ = world()
    text = np.array([unit(v) for v in words.vectors.astype(float)])
    text = np.array([unit(v - text.mean(0)) for v in text])
    for k, name in zip((2, 9), decoder_names(sae, np.array([2, 9]), words), strict=True):
        cosine = [float(unit(sae.w_dec[k].astype(float)) @ v) for v in text]
        best = sorted(range(26), key=lambda i: -cosine[i])
        assert list(name.words) == best[:5] and name.also == ()
        assert name.strength == pytest.approx(cosine[best[0]], abs=1e-6)
        assert name.margin == pytest.approx(cosine[best[0]] - cosine[best[1]], abs=1e-6)
    with pytest.raises(InputError, match="outside the space"):
        decoder_names(sae, np.array([1]), Vocabulary(["a", "b"], np.eye(2, D + 1)))


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


def named(cosines: dict[str, float], layer: str | None = None) -> tuple[SparseAutoencoder, Vocabulary]:
    """An SAE of one concept along the first axis, and words at given cosines to it (before centring)."""
    vectors = np.zeros((len(cosines), 12))
    for i, c in enumerate(cosines.values()):
        vectors[i, 0], vectors[i, 1 + i] = c, np.sqrt(1 - c * c)
    info = {} if layer is None else {"encoder": {"layer": layer}}
    sae = SparseAutoencoder(np.ones((12, 1)), np.zeros(1), np.eye(12)[:1], np.zeros(12), np.zeros(1), info)
    return sae, Vocabulary(list(cosines), vectors)


def test_a_near_synonym_is_told_with_the_name_and_does_not_narrow_its_margin() -> None:
    _, vocabulary = named({"scooter": 0.9, "court": 0.3, "tree": 0.0, "sky": -0.4, "sea": -0.6})
    moped = 0.9 * vocabulary.vectors[0] + 0.3 * np.eye(12)[9]
    vocabulary = Vocabulary([*vocabulary.words, "moped"], np.vstack([vocabulary.vectors, moped]))
    sae = SparseAutoencoder(np.ones((12, 1)), np.zeros(1), vocabulary.centred[:1], np.zeros(12), np.zeros(1))
    (name,) = name_concepts(sae, np.array([0]), None, vocabulary)
    assert [vocabulary.words[w] for w in name.words] == ["scooter"]  # "court" fits too badly to be told
    assert [vocabulary.words[w] for w in name.also] == ["moped"]
    cosine = vocabulary.centred @ vocabulary.centred[0]
    assert cosine[5] > NEAR_SYNONYM > cosine[1]
    assert name.margin == pytest.approx(1 - cosine[1], abs=1e-5)


def test_outside_the_joint_space_only_data_names() -> None:
    """A middle layer of the same width, or another width: the decoder says nothing, the joint vectors of the images everything."""
    words = {"scooter": 0.9, "court": 0.3, "tree": 0.0, "sky": -0.4}
    _, vocabulary = named(words)
    data = vocabulary.centred[2:3]  # the images that fire it show trees
    for sae in (named(words, "blocks.11")[0], SparseAutoencoder(np.ones((5, 1)), np.zeros(1), np.ones((1, 5)), np.zeros(5), np.zeros(1))):
        assert not in_joint_space(sae, vocabulary)
        (name,) = name_concepts(sae, np.array([0]), data, vocabulary)
        assert vocabulary.words[name.words[0]] == "tree"
        assert name.strength == pytest.approx(1.0, abs=1e-5)
        with pytest.raises(InputError, match="outside the space of the words"):
            name_concepts(sae, np.array([0]), None, vocabulary)
    for layer in (None, "post_projection"):
        sae = named(words, layer)[0]
        assert in_joint_space(sae, vocabulary)
        (name,) = name_concepts(sae, np.array([0]), None, vocabulary)
        assert vocabulary.words[name.words[0]] == "scooter"
    with pytest.raises(InputError, match=r"must be \(1, 12\)"):
        name_concepts(sae, np.array([0]), np.ones((1, 5)), vocabulary)


def test_labels_say_when_they_are_guesses() -> None:
    sae, vocabulary = named({"net": 0.6, "court": 0.62, "tree": 0.0, "sky": -0.4})
    (name,) = name_concepts(sae, np.array([0]), None, vocabulary)
    edge = name.strength / vocabulary.chance_cosine
    assert concept_label(812, name, vocabulary, 1.01 * edge) == "concept 812 · looks like: court, net"
    assert concept_label(812, name, vocabulary, 0.99 * edge) == "court"
    assert concept_label(812, None, vocabulary, 1.0) == "concept 812"
    assert concept_label(812, None, None, 1.0) == "concept 812"


def test_a_composed_phrase_has_to_fit_better_than_a_word() -> None:
    """The sum of two words lies nearer to a mixture than either: it names the concept only beyond its handicap."""
    base = Vocabulary(["traffic", "light", "tree", "sky"], np.eye(12)[:4] + 0.02)
    vocabulary = base.with_phrases([("traffic", "light")])
    for mixture, want in (([1.0, 1.0], "traffic light"), ([1.0, 0.35], "traffic")):
        direction = np.array(mixture) @ base.centred[:2]
        sae = SparseAutoencoder(np.ones((12, 1)), np.zeros(1), direction[None], np.zeros(12), np.zeros(1))
        (name,) = name_concepts(sae, np.array([0]), None, vocabulary)
        cosine = vocabulary.centred @ unit(direction)
        assert vocabulary.words[name.words[0]] == want
        assert name.strength == pytest.approx(cosine[name.words[0]], abs=1e-5)
        assert name.margin >= 0


def test_a_plural_is_told_in_the_singular() -> None:
    """The direction is nearer to "buses" than to "bus"; the name is the singular, as strong as the plural fits."""
    vectors = np.eye(8)
    vectors[1] = vectors[0] + 0.5 * vectors[7]
    vocabulary = Vocabulary(["bus", "buses", "glass", "dog", "cat", "snow", "tree", "sky"], vectors)
    sae = SparseAutoencoder(np.ones((8, 1)), np.zeros(1), vocabulary.centred[1:2], np.zeros(8), np.zeros(1))
    (name,) = name_concepts(sae, np.array([0]), None, vocabulary)
    assert name.words[0] == 0
    assert name.strength == pytest.approx(1.0, abs=1e-5)
    assert 1 not in (*name.words, *name.also)


def test_of_words_that_fit_alike_the_one_with_evidence_is_the_name() -> None:
    """"court" fits better than "net" by .02; evidence of its own makes up for ``PREFERENCE`` at most, so "tree" stays out of reach."""
    sae, vocabulary = named({"net": 0.6, "court": 0.62, "tree": 0.4, "sky": -0.4, "sea": -0.2})
    (fit,) = fitting_words(sae, np.array([0]), None, vocabulary)
    support = dict(zip([vocabulary.words[w] for w in fit.words], [0.0] * len(fit.words), strict=True))

    def named_by(**evidence: float) -> str:
        return vocabulary.words[name_of(fit, vocabulary, np.array(list((support | evidence).values()))).words[0]]

    assert fit.rank[0] - fit.rank[1] < PREFERENCE < 2 * PREFERENCE < fit.rank[0] - fit.rank[2]
    assert named_by() == "court"
    assert named_by(net=3.0) == "net"
    assert named_by(net=3.0, court=2.9) == "court"
    assert named_by(court=-3.0) == "net"
    assert named_by(tree=100.0) == "court"
    name = name_of(fit, vocabulary, np.array(list((support | {"net": 3.0}).values())))
    assert name.strength == pytest.approx(float(fit.cosine[1]))
    assert name.margin == 0.0


def test_strongest_sorts_and_breaks_ties_by_position() -> None:
    values = np.array([1.0, 5.0, 5.0, -2.0, 3.0])
    assert strongest(values, 3).tolist() == [1, 2, 4]
    assert strongest(values, 99).tolist() == [1, 2, 4, 0, 3]

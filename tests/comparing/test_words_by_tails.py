"""Words as a third source: the contrast of tails against a naive loop, their places among the branches; leads where nothing passes."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from latentdiff import CompareConfig, SparseAutoencoder, Vocabulary, compare
from latentdiff.comparing.candidates import Draft
from latentdiff.comparing.merging import with_words
from latentdiff.comparing.word_candidates import tail_words
from latentdiff.describe.nearest_words import WordCandidate
from latentdiff.embed.sides import Sides
from latentdiff.report.leads import decides
from latentdiff.results.ranking import mix
from latentdiff.stats.word_tails import WordTails, word_tails

D, V = 32, 120
_rng = np.random.default_rng(7)
WORDS = [f"word {i}" for i in range(V)]
VOCABULARY = Vocabulary(WORDS, _rng.normal(size=(V, D)).astype(np.float32))


def sides(seed: int, planted: int = 4, n_a: int = 90, n_b: int = 60, word: int = 5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(n_a, D)), rng.normal(size=(n_b, D))
    b[:planted] += 9 * VOCABULARY.centred[word]
    return a.astype(np.float32), b.astype(np.float32)


def test_tails_against_a_naive_loop() -> None:
    a, b = sides(0)
    both = np.concatenate([a, b]).astype(float)
    unit = both / np.linalg.norm(both, axis=1, keepdims=True)
    unit -= unit.mean(0)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    of_sides = range(90), range(90, 150)
    nearest = [[sorted((unit[i] @ unit[j] for j in rows if j != i), reverse=True) for rows in of_sides] for i in range(150)]
    to = np.array([[np.mean(of_a[: round(3 * 90 / 60)]), np.mean(of_b[:3])] for of_a, of_b in nearest])
    weight = np.exp(np.where(np.arange(150) < 90, to[:, 0] - to[:, 1], to[:, 1] - to[:, 0]))
    z = []
    for k, counts in ((3, np.ones(150)), (5, np.ones(150)), (3, weight)):  # ten is more than a tenth of sixty
        contrast = []
        for w in VOCABULARY.centred.astype(float):
            score = unit @ w * counts
            best_a, best_b = np.sort(score[:90])[::-1][: round(k * 90 / 60)], np.sort(score[90:])[::-1][:k]
            contrast.append(best_b.mean() - best_a.mean())
        z.append((np.array(contrast) - np.median(contrast)) / np.std(contrast))
    plain, expected = ((np.maximum([z[i], z[1]], 0) ** 8).mean(0) ** (1 / 8) for i in (0, 2))
    found = word_tails(Sides(a, b), VOCABULARY)
    np.testing.assert_allclose(found.plain["B"], plain, atol=2e-4)
    np.testing.assert_allclose(found.score["B"], expected, atol=2e-4)
    assert int(found.score["B"].argmax()) == 5
    turned = word_tails(Sides(b, a), VOCABULARY)
    np.testing.assert_allclose(turned.score["A"], found.score["B"], atol=1e-5)


def test_a_mode_that_the_other_side_lacks_goes_before_images_that_fit_a_word_by_chance() -> None:
    """Three images of a kind of their own fit word 5; three that have twins in A fit word 9 better."""
    rng, w = np.random.default_rng(2), VOCABULARY.centred
    a, b = rng.normal(size=(2, 60, D)).astype(np.float32)
    b[:3] = 1.5 * rng.normal(size=D) + 5 * w[5] + 0.1 * b[:3]
    a[:9] *= 2
    b[3:6] = a[:3] + 6 * w[9]
    found = word_tails(Sides(a, b), VOCABULARY)
    assert found.plain["B"][9] > found.plain["B"][5] and found.score["B"][5] > found.score["B"][9]


def test_of_near_synonyms_the_one_whose_images_fit_it_is_told_at_their_place(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = VOCABULARY.centred.copy()
    vectors[6] = vectors[5] + 0.3 * vectors[6]  # cosine .96
    words = Vocabulary(WORDS, vectors)
    flat = {"A": np.zeros(V), "B": np.zeros(V)}
    score, plain = np.zeros(V), np.zeros(V)
    score[[5, 9, 6, 2]], plain[[5, 9, 6, 2]] = (4.0, 3.0, 2.0, 1.0), (1.0, 9.0, 2.0, 5.0)
    tails = WordTails({**flat, "B": score}, {**flat, "B": plain}, flat)
    monkeypatch.setattr("latentdiff.comparing.word_candidates.word_tails", lambda *_: tails)
    assert [c.word for c in tail_words(Sides(*sides(0)), words)["B"]] == [6, 9, 2]


def test_composed_words_are_left_out_and_a_sample_does() -> None:
    a, b = sides(1, planted=60, n_a=900, n_b=600)
    richer = VOCABULARY.with_phrases([("word 1", "word 2")])
    assert len(word_tails(Sides(a, b), richer).score["A"]) == V
    assert int(word_tails(Sides(a, b), VOCABULARY, most=200).score["B"].argmax()) == 5


def test_many_images_are_told_by_the_best_of_their_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = sides(2, planted=12, n_a=1150, n_b=1150)
    quick = word_tails(Sides(a, b), VOCABULARY).score["B"]
    monkeypatch.setattr("latentdiff.stats.word_tails.BLOCKS", 10_000)
    exact = word_tails(Sides(a, b), VOCABULARY).score["B"]
    assert int(quick.argmax()) == int(exact.argmax()) == 5
    assert np.corrcoef(quick, exact)[0, 1] > 0.98 and not np.array_equal(quick, exact)


def draft(text: str, source: str, score: float, word: int) -> Draft:
    return Draft(text, "B", source, score, 0.1, 0.1, 0.4, concept=word if source == "sae" else None, word=word)


@pytest.mark.parametrize(
    ("trusted", "expected"),
    [(True, ["s0", "s1", "d0", "w0", "s2"]), (False, ["w0", "w1", "d1", "w2", "s0"])],
)
def test_places_of_words(trusted: bool, expected: list[str]) -> None:
    concepts = [draft(f"s{i}", "sae", 10.0 - i, i) for i in range(6)]
    phrases = [draft(f"d{i}", "dre", 8.5 - i, 20 + i) for i in range(4)]
    words = [draft(f"w{i}", "word", 0.0, 40 + i) for i in range(6)]
    # The third word by its tail is a phrase of the exemplars, which is lifted; others keep their scores.
    tails = {"B": [WordCandidate(w, 0.3) for w in (40, 41, 21, 42, 43)]}
    ranked = with_words([*concepts, *phrases], words, tails, trusted, (3, 2), WORDS)
    assert [x.text for x in mix(ranked, 5, (3, 2))] == expected  # type: ignore[arg-type]
    scores = [x.score for x in ranked]
    assert scores == sorted(scores, reverse=True) and min(scores) > 0
    assert [x.text for x in mix(ranked, 5, (5, 0))] == ["s0", "s1", "s2", "s3", "s4"]  # type: ignore[arg-type]


def test_a_word_that_a_branch_tells_by_a_synonym_lifts_that() -> None:
    """Word 41 is no draft of its own, for a concept tells it."""
    concepts = [draft(f"s{i}", "sae", 10.0 - i, i) for i in range(6)]
    concepts[4].also = ["word 41"]
    tails = {"B": [WordCandidate(w, 0.3) for w in (40, 41)]}
    ranked = with_words(concepts, [draft("w0", "word", 0.0, 40)], tails, False, (3, 2), WORDS)
    assert [x.text for x in ranked] == ["w0", "s4", "s0", "s1", "s2", "s3", "s5"]


def test_a_rare_mode_is_named_without_a_concept_for_it() -> None:
    rng = np.random.default_rng(3)
    atoms = np.linalg.qr(rng.normal(size=(D, D)))[0][:8]
    blind = SparseAutoencoder(atoms.T, np.zeros(8), atoms, np.zeros(D), np.full(8, 0.5))
    first = [compare(*sides(10 + s, planted=6), sae=blind, vocabulary=VOCABULARY).top("B", 1, gated=False)[0] for s in range(3)]
    assert [h.text for h in first] == ["word 5"] * 3
    off = compare(*sides(10), sae=blind, vocabulary=VOCABULARY, config=CompareConfig(tails=False))
    assert not any(h.source == "word" for h in off.candidates)


def test_leads_where_nothing_passes() -> None:
    rng = np.random.default_rng(6)
    a, b = rng.normal(size=(2, 80, D)).astype(np.float32)
    found = compare(a, b, vocabulary=VOCABULARY, config=CompareConfig(seed=0, sae_concepts=16))
    assert not found.differs and not found.hypotheses
    assert {h.side for h in found.leads} == {"A", "B"} and len(found.leads) <= 6
    assert all(h.q_value > 0.05 for h in found.leads)
    uneven = dataclasses.replace(found, info={**found.info, "n_a": 120, "n_b": 40})
    for h in found.leads:  # what lacks to the number that would decide it, in the proportion of now, rounded up to two digits
        for c, pattern in ((found, r"about ([\d,]+) more images a side"), (uneven, r"about ([\d,]+) more images of A and ([\d,]+) of B")):
            more = [(c.to_decide(h) / 160 - 1) * c.info[n] for n in ("n_a", "n_b")]
            told = re.fullmatch(pattern, decides(c, h, ("A", "B")))
            assert bool(told) == bool(np.isfinite(more[0]) and min(more) >= 1)
            for number, wanted in zip(told.groups() if told else (), more, strict=False):
                assert wanted <= int(number.replace(",", "")) <= max(wanted + 1, 1.1 * wanted)
    needed = [found.to_decide(h) for h in found.leads]
    assert all(n > 160 for n, h in zip(needed, found.leads, strict=True) if h.concept is not None and h.rate_a != h.rate_b)
    curve = [found.detectable_from(base) for base in (0.0, 0.1, 0.5)]
    assert found.smallest_detectable <= curve[0] < curve[1] < curve[2] <= 1


def test_words_of_groups_are_told_by_the_best_groups() -> None:
    """Five frames a scene: the tails are those of the scenes' mean scores, and one scene of ten frames is no mode."""
    a, b = sides(4)
    of_a, of_b = np.repeat(np.arange(90), 5), np.repeat(np.arange(60), 5)
    frames = Sides(a[of_a], b[of_b])
    frames.group(of_a, 100 + of_b, False)
    of_images, of_frames = (word_tails(x, VOCABULARY, most=10_000).score["B"] for x in (Sides(a, b), frames))
    np.testing.assert_allclose(of_frames, of_images, atol=1e-3)
    a, b = sides(5, planted=0)
    b[0] += 20 * VOCABULARY.centred[7]
    of_b = np.r_[np.zeros(10, int), np.arange(60)]
    one = Sides(a, b[of_b])
    alone = word_tails(one, VOCABULARY).score["B"]
    one.group(np.arange(90), 100 + of_b, False)
    assert alone[7] > 1.5 * word_tails(one, VOCABULARY).score["B"][7]

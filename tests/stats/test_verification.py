"""Verification of phrases against scikit-learn, scipy and plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from sklearn.metrics import roc_auc_score

import latentdiff
from latentdiff.embed.sides import Sides, centred
from latentdiff.errors import Cancelled, InputError
from latentdiff.stats import image_scores, verification
from latentdiff.stats.exchange import exchange_p_values
from latentdiff.stats.grouped import Grouping
from latentdiff.stats.verification import PhraseScores, verify

RNG = np.random.default_rng(0)
D = 24
MODE = RNG.normal(0, 1, D)
A = RNG.normal(0.4, 1, (130, D)).astype(np.float32)
B = RNG.normal(0.4, 1, (210, D)).astype(np.float32)
A[:13] += 3 * MODE.astype(np.float32)
A[20] = A[21]  # equal images give tied scores
B[30:40] = A[20]
TEXTS = ["planted", *(f"random {i}" for i in range(11))]
VECTORS = np.concatenate([MODE[None], RNG.normal(0, 1, (11, D))])
LABEL = np.arange(340) < 130


def naive_scores(vectors: np.ndarray) -> np.ndarray:
    x = np.concatenate([A, B]).astype(float)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    x -= x.mean(0)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True) @ x.T


def test_auroc_is_scikit_learns_for_the_scores_used() -> None:
    used = PhraseScores(Sides(A, B), VECTORS).block(0, len(TEXTS))
    for v, score in zip(verify(A, B, TEXTS, VECTORS), used, strict=True):
        assert v.auroc == pytest.approx(roc_auc_score(LABEL, score), abs=1e-9)


def test_scores_are_centred_cosines() -> None:
    used = PhraseScores(Sides(A, B), VECTORS).block(0, len(TEXTS))
    np.testing.assert_allclose(used, naive_scores(VECTORS), atol=2e-6)
    np.testing.assert_array_equal(PhraseScores(Sides(A, B), VECTORS).block(3, 5).shape, (2, 340))


def test_texts_are_centred_on_the_vocabulary() -> None:
    vocabulary = latentdiff.Vocabulary([f"w{i}" for i in range(40)], RNG.normal(1, 1, (40, D)))
    same = PhraseScores(Sides(A, B), vocabulary.vectors, vocabulary).block(0, 40)
    sides = Sides(A, B)
    want = vocabulary.centred @ centred(np.concatenate([A, B]), sides.mean_direction).T
    np.testing.assert_allclose(same, want, atol=2e-6)


@given(arrays(np.float32, st.integers(5, 60), elements=st.sampled_from([-0.5, -0.0, 0.0, 1e-30, 0.25, 0.5])), st.integers(1, 4))
@settings(deadline=None, max_examples=100)
def test_ties_count_half(scores: np.ndarray, n_a: int) -> None:
    wins = [(x > y) + 0.5 * (x == y) for x in scores[:n_a].tolist() for y in scores[n_a:].tolist()]
    assert verification._measure(scores, n_a, 0).auroc == pytest.approx(np.mean(wins), abs=1e-12)


def test_t_is_welchs_p_is_of_random_exchange_and_q_counts_all_phrases() -> None:
    found, scores = verify(A, B, TEXTS, VECTORS), naive_scores(VECTORS)
    want = stats.ttest_ind(scores[:, LABEL], scores[:, ~LABEL], axis=1, equal_var=False)
    np.testing.assert_allclose([v.t for v in found], want.statistic, rtol=1e-3, atol=1e-4)
    exchanged = exchange_p_values(scores[:, LABEL].astype(np.float32), scores[:, ~LABEL].astype(np.float32))
    np.testing.assert_allclose([v.p_value for v in found], exchanged, rtol=1e-2)
    np.testing.assert_allclose([v.p_value for v in found], want.pvalue, rtol=0.3, atol=0.01)
    np.testing.assert_allclose([v.q_value for v in found], stats.false_discovery_control([v.p_value for v in found]), rtol=1e-12)
    by = verify(A, B, TEXTS, VECTORS, correction="by")
    np.testing.assert_allclose([v.q_value for v in by], stats.false_discovery_control([v.p_value for v in by], method="by"), rtol=1e-12)
    assert found[0].q_value < 0.02 < min(v.q_value for v in found[1:])


def test_sides_of_one_image_each_are_an_exact_test() -> None:
    """Copies of one image against copies of another: the phrase that only one shows is certain, one that tells nothing is nothing."""
    rng = np.random.default_rng(3)
    bus, horse = rng.normal(0, 1, (2, D)).astype(np.float32)
    a, b = np.repeat(bus[None], 60, 0), np.repeat(horse[None], 40, 0)
    neither = np.linalg.qr(np.stack([bus, horse, rng.normal(0, 1, D)], 1))[0][:, 2]
    found = verify(a, b, ["bus", "horse", "neither"], np.stack([bus, horse, neither]))
    want = stats.fisher_exact([[60, 0], [0, 40]]).pvalue
    assert [v.t for v in found] == [np.inf, -np.inf, 0.0]
    np.testing.assert_allclose([v.p_value for v in found], [want, want, 1.0], rtol=1e-6)
    assert (found[0].auroc, found[1].auroc) == (1.0, 0.0)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = verify(A, B, TEXTS, VECTORS, rows=4)
    seen: list[float] = []
    monkeypatch.setattr(image_scores, "BLOCK", 340 * 5)
    monkeypatch.setattr(image_scores, "FEWEST_WORDS", 1)
    parts = verify(A, B, TEXTS, VECTORS, rows=4, progress=lambda f, _: seen.append(f))
    assert seen == [5 / 12, 10 / 12, 1.0]
    for one, other in zip(whole, parts, strict=True):
        assert one.text == other.text and one.rows_a == other.rows_a
        assert one.auroc == pytest.approx(other.auroc, abs=1e-4) and one.p_value == pytest.approx(other.p_value, rel=1e-3)


def test_rates_count_the_images_above_the_threshold_and_rows_are_the_best_of_them() -> None:
    scores = PhraseScores(Sides(A, B), VECTORS).block(0, len(TEXTS))
    for v, s in zip(verify(A, B, TEXTS, VECTORS, rows=1000), scores, strict=True):
        for side, rows, rate in ((s[:130], v.rows_a, v.rate_a), (s[130:], v.rows_b, v.rate_b)):
            assert sorted(rows) == np.flatnonzero(side > v.threshold).tolist()
            assert rate == pytest.approx(len(rows) / len(side))
            assert (np.diff(side[list(rows)]) <= 0).all()
    planted = verify(A, B, TEXTS[:1], VECTORS[:1], rows=13)[0]
    assert set(planted.rows_a) == set(range(13))
    assert planted.rate_a == pytest.approx(0.1, abs=0.03) and planted.rate_b < 0.03


def test_sides_may_have_any_float_type_and_a_phrase_alone_keeps_its_evidence() -> None:
    alone, among = verify(A.astype(np.float64), B, TEXTS[:1], VECTORS[:1])[0], verify(A, B, TEXTS, VECTORS)[0]
    assert alone.auroc == pytest.approx(among.auroc, abs=1e-4)
    assert verify(A, B, [], VECTORS[:0]) == []


@pytest.mark.parametrize(
    ("texts", "vectors", "said"),
    [
        ("a dog", VECTORS[:1], "pass a list"),
        (["a", "b"], VECTORS[:1], "2 phrases need 2 text vectors, got 1"),
        (["a"], VECTORS[:1, :5], "the images need"),
        (["a"], VECTORS[:1] * 0, "zero or not finite"),
        (["a"], VECTORS[:1] * np.nan, "zero or not finite"),
    ],
)
def test_bad_phrases_are_refused(texts: list[str], vectors: np.ndarray, said: str) -> None:
    with pytest.raises(InputError, match=said):
        verify(A, B, texts, vectors)


def test_other_corrections_and_vocabularies_of_another_width_are_refused() -> None:
    with pytest.raises(InputError, match="correction"):
        verify(A, B, TEXTS, VECTORS, correction="none")
    with pytest.raises(InputError, match="width 3"):
        verify(A, B, TEXTS, VECTORS, vocabulary=latentdiff.Vocabulary(["x", "y"], np.eye(2, 3)))


def test_progress_can_cancel() -> None:
    def stop(fraction: float, label: str) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        verify(A, B, TEXTS, VECTORS, progress=stop)


def test_images_in_groups_count_by_group_and_pairs_by_pair() -> None:
    of_a, of_b = [f"scene {i // 5}" for i in range(130)], [f"scene {20 + i // 5}" for i in range(210)]
    found = verify(A, B, TEXTS, VECTORS, rows=30, groups_a=of_a, groups_b=of_b)
    number = np.r_[np.arange(130) // 5, 20 + np.arange(210) // 5]
    expected = Grouping(LABEL, number).dense(PhraseScores(Sides(A, B), VECTORS).block(0, len(TEXTS)))
    for v, z, p, plain in zip(found, expected.z, expected.p_value, verify(A, B, TEXTS, VECTORS, rows=210), strict=True):
        assert (v.t, v.p_value) == (pytest.approx(z), pytest.approx(p))
        assert (v.auroc, v.rate_a, v.rate_b) == (plain.auroc, plain.rate_a, plain.rate_b)
        assert list(v.rows_a) == [r for i, r in enumerate(plain.rows_a) if of_a[r] not in {of_a[q] for q in plain.rows_a[:i]}][:30]
    twin = A + RNG.normal(0, 0.3, A.shape) + 0.1 * MODE
    (paired,), (alone,) = (verify(A, twin, ["planted"], MODE[None], paired=pairs) for pairs in (True, False))
    assert paired.p_value < 1e-6 < 0.01 < alone.p_value
    with pytest.raises(InputError, match="one label per row"):
        verify(A, B, TEXTS, VECTORS, groups_a=of_a, groups_b=of_a)

"""GSCLIP and the difference of means against plain formulas, and their reports."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import latentdiff
from latentdiff.errors import InputError
from latentdiff.methods.difference_of_means import difference_of_means
from latentdiff.methods.gsclip import gsclip
from latentdiff.report import verdict, write_report
from tests.planted import DOG, WIDTH, WORDS, vectors

A, B = vectors(60, 2 / 3, seed=1), vectors(80, 1 / 20, seed=2)
VOCABULARY = latentdiff.Vocabulary(WORDS, np.eye(WIDTH))


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def centred_images() -> np.ndarray:
    x = unit(np.concatenate([A, B]).astype(float))
    return unit(x - x.mean(0))


def test_difference_of_means_ranks_words_by_their_cosine_with_it() -> None:
    c = difference_of_means(A, B, VOCABULARY)
    difference = unit(A.astype(float)).mean(0) - unit(B.astype(float)).mean(0)
    words = unit(np.eye(WIDTH) - 1 / WIDTH)
    cosine = words @ difference / np.linalg.norm(difference)
    assert c.top("A", 1)[0].text == WORDS[DOG] and c.top("A", 1)[0].source == "mean"
    for h in c.candidates:
        assert h.score == pytest.approx((1 if h.side == "A" else -1) * cosine[WORDS.index(h.text)], abs=1e-5)
    assert {h.text for h in c.candidates if h.side == "B"} == {WORDS[i] for i in np.flatnonzero(cosine < 0)}


def test_gsclip_ranks_by_welchs_t_of_the_negation_pair() -> None:
    rng = np.random.default_rng(3)
    negations = np.eye(WIDTH) * -0.3 + rng.normal(0, 0.2, (WIDTH, WIDTH))
    c = gsclip(A, B, VOCABULARY, negations=negations)
    scores = unit(np.eye(WIDTH) - unit(negations)) @ centred_images().T
    want = stats.ttest_ind(scores[:, :60], scores[:, 60:], axis=1, equal_var=False)
    q = stats.false_discovery_control(want.pvalue)
    for h in c.candidates:
        i = WORDS.index(h.text)
        assert h.score == pytest.approx((1 if h.side == "A" else -1) * want.statistic[i], rel=1e-3)
        assert h.p_value == pytest.approx(want.pvalue[i], rel=1e-2) and h.q_value == pytest.approx(q[i], rel=1e-2)
    assert c.top("A", 1)[0].text == WORDS[DOG]


def test_sides_of_one_picture_each_are_told_apart_by_pairs_too() -> None:
    """No score varies within a side, so each pair's test is Fisher's exact one; p counts all partners, as ever."""
    rng = np.random.default_rng(0)
    a, b = (np.repeat(rng.normal(size=(1, WIDTH)), n, 0) for n in (30, 40))
    c = gsclip(a, b, VOCABULARY, form="pairs")
    want = stats.fisher_exact([[30, 0], [0, 40]]).pvalue * (WIDTH - 1)
    assert c.differs and {h.score for h in c.candidates} == {np.inf}
    assert [h.p_value for h in c.candidates] == pytest.approx([want] * len(c.candidates), rel=1e-9)
    gap = np.eye(WIDTH) @ (unit(a)[0] - unit(b)[0])
    for h in c.candidates:  # truer of A than the partner is, or of B
        i, j = WORDS.index(h.text), WORDS.index(c.info["partners"][h.text])
        assert (gap[i] > gap[j]) == (h.side == "A")


def test_the_published_form_tests_every_pair_of_phrases() -> None:
    c = gsclip(A, B, VOCABULARY, form="pairs")
    scores = np.eye(WIDTH) @ centred_images().T
    t, p = np.zeros((2, WIDTH, WIDTH))
    for i in range(WIDTH):
        for j in range(WIDTH):
            if i != j:
                d = scores[i] - scores[j]
                t[i, j], p[i, j] = stats.ttest_ind(d[:60], d[60:], equal_var=False)
    assert c.top("A", 1)[0].text == WORDS[DOG] and c.top("A", 1)[0].score == pytest.approx(t.max(), rel=1e-3)
    for h in c.candidates:
        i, sign = WORDS.index(h.text), 1 if h.side == "A" else -1
        j = int((sign * t[i]).argmax())
        assert c.info["partners"][h.text] == WORDS[j] and (sign * t[i]).max() >= (-sign * t[i]).max() - 1e-6
        assert h.score == pytest.approx(sign * t[i, j], rel=1e-3)
        assert h.p_value == pytest.approx(min(1.0, (WIDTH - 1) * p[i, j]), rel=2e-2)
    assert len(c.candidates) == WIDTH  # each phrase on the side towards which it tells more
    with pytest.raises(InputError, match=r"all pairs need 2 to 1,000 phrases, not 1\b"):
        gsclip(A, B, VOCABULARY, form="pairs", candidates=[WORDS[DOG]])
    with pytest.raises(InputError, match="form must be one of negation, pairs"):
        gsclip(A, B, VOCABULARY, form="all")


def test_generators_make_the_bank() -> None:
    from latentdiff.methods.generators import rule_bank

    bank = rule_bank("cat", ["sofa", "dog"])
    assert bank == {"a photo of a cat and a sofa": "sofa", "a photo of a cat and a dog": "dog"}
    assert list(rule_bank("cat", ["sofa"], "a {subject} on the {word}")) == ["a cat on the sofa"]
    for subject, rule in ((" ", "a {subject} {word}"), ("cat", "a {subject}")):
        with pytest.raises(InputError):
            rule_bank(subject, ["sofa"], rule)


def test_without_negations_the_banks_mean_stands_for_them() -> None:
    c = gsclip(A, B, VOCABULARY)
    scores = unit(np.eye(WIDTH) - 1 / WIDTH) @ centred_images().T
    want = stats.ttest_ind(scores[DOG, :60], scores[DOG, 60:], equal_var=False).statistic
    (dog,) = [h for h in c.candidates if h.text == WORDS[DOG]]
    assert dog.score == pytest.approx(want, rel=1e-3)


def test_closed_set_ranks_its_candidates_alone() -> None:
    closed = [WORDS[5], WORDS[DOG], WORDS[7]]
    c = gsclip(A, B, VOCABULARY, candidates=closed)
    assert {h.text for h in c.candidates} <= set(closed)
    assert c.top("A", 3, gated=False)[0].text == WORDS[DOG]
    assert c.info["closed_set"] is True and c.info["words"] == 3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"candidates": ["no such word"]}, "no such word"),
        ({"candidates": []}, "at least one"),
        ({"negations": np.zeros((3, WIDTH))}, "negations must be finite vectors"),
        ({"negations": np.eye(WIDTH)}, "the vector of the phrase itself"),
    ],
)
def test_bad_banks_are_refused(options: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        gsclip(A, B, VOCABULARY, **options)


def test_rates_rows_and_report_are_those_of_a_comparison(tmp_path: Path) -> None:
    c = gsclip(A, B, VOCABULARY)
    dog = c.top("A", 1)[0]
    shown = c.rows_showing(dog, "A")
    assert dog.rate_a == pytest.approx(len(shown) / 60) and dog.rate_a == pytest.approx(2 / 3, abs=0.1) and dog.rate_b < 0.15
    assert set(dog.exemplars) <= set(shown.tolist()) and len(dog.exemplars) > 3
    assert verdict(c, "summer", "winter").startswith("summer and winter differ: ") and "nan" not in verdict(c, "summer", "winter")
    c.save(tmp_path / "saved")
    assert latentdiff.Comparison.load(tmp_path / "saved").top("A")[0].text == dog.text
    for name in ("r.html", "r.md", "r.csv", "r.json"):
        assert WORDS[DOG] in write_report(c, tmp_path / name, names=("summer", "winter")).read_text(encoding="utf8")


@pytest.mark.parametrize("method", [difference_of_means, gsclip])
def test_null_splits_show_nothing(method) -> None:
    """A share of 5 % may: over 60 splits at most 8 (0.5 % of fair tests exceed that)."""
    rng = np.random.default_rng(0)
    population = vectors(2000, 0.2, seed=9)
    alarms = 0
    for _ in range(60):
        rows = rng.permutation(2000)[:260]
        alarms += method(population[rows[:110]], population[rows[110:]], VOCABULARY).differs
    assert alarms <= 8


def test_bad_rows_are_left_out_and_rows_keep_their_numbers() -> None:
    spoilt = A.copy()
    spoilt[4] = np.nan
    c = gsclip(spoilt, B, VOCABULARY, config=latentdiff.CompareConfig(skip_bad=True))
    assert c.info["dropped_rows"]["A"] == [4]
    dog = c.top("A", 1)[0]
    assert 4 not in c.rows_showing(dog, "A") and max(c.rows_showing(dog, "A")) < 60 and c.shows_a.shape[0] == 60
    assert set(c.rows_showing(dog, "A").tolist()) <= set(np.flatnonzero(np.nan_to_num(spoilt[:, DOG]) > 0.5).tolist())

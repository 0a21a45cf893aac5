"""compare() on vectors whose differences are known: what comes first, what the numbers mean, and that nothing hangs on chance."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon
from sklearn.metrics import roc_auc_score

import latentdiff
from latentdiff import Cancelled, CompareConfig, Comparison, SparseAutoencoder, Vocabulary, compare

WIDTH, ATOMS = 48, 30
IN_A, IN_B = 4, 17
"""Atoms that only A's, and only B's images may hold."""

_rng = np.random.default_rng(2024)
DIRECTIONS = np.linalg.qr(_rng.standard_normal((WIDTH, WIDTH)))[0][:ATOMS].astype(np.float32)
OFFSET = (0.5 * _rng.standard_normal(WIDTH)).astype(np.float32)
WORDS = [f"atom {chr(97 + i % 26)}{i}" for i in range(ATOMS)] + [f"other {i}" for i in range(60)]
WORD_VECTORS = np.concatenate([DIRECTIONS, _rng.standard_normal((60, WIDTH)) / np.sqrt(WIDTH)]).astype(np.float32)


def images(n: int, seed: int, only: int | None = None, share: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """(n, 48) raw vectors, each three common atoms on a shared offset, a share of them with one more; and which rows those are."""
    rng = np.random.default_rng(seed)
    common = [i for i in range(ATOMS) if i not in (IN_A, IN_B)]
    x = OFFSET + 0.05 * rng.standard_normal((n, WIDTH))
    for row in x:
        row += rng.uniform(0.8, 1.2, 3) @ DIRECTIONS[rng.choice(common, 3, replace=False)]
    planted = np.sort(rng.permutation(n)[: round(share * n)])
    if only is not None:
        x[planted] += rng.uniform(1.0, 1.4, (len(planted), 1)) * DIRECTIONS[only]
    return x.astype(np.float32), planted


def exact_sae() -> SparseAutoencoder:
    """The dictionary that made the images: an atom's concept fires above half its usual activation."""
    return SparseAutoencoder(DIRECTIONS.T, np.zeros(ATOMS), DIRECTIONS, OFFSET, np.full(ATOMS, 0.5), {"name": "exact"})


SAE, VOCABULARY = exact_sae(), Vocabulary(WORDS, WORD_VECTORS)
A, PLANTED_A = images(150, 1, IN_A, 0.3)
B, PLANTED_B = images(230, 2, IN_B, 0.2)


@pytest.fixture(scope="module")
def planted() -> Comparison:
    return compare(A, B, sae=SAE, vocabulary=VOCABULARY)


def same(one: Comparison, two: Comparison) -> None:
    """Equal in everything but the seconds it took."""
    assert repr(one.candidates) == repr(two.candidates)  # repr: NaN equals NaN, every digit counts
    for name in ("log_ratio_a", "log_ratio_b"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
        assert getattr(one, name).dtype == getattr(two, name).dtype
    for name in ("shows_a", "shows_b"):
        np.testing.assert_array_equal(getattr(one, name).toarray(), getattr(two, name).toarray())
    assert (one.two_sample, one.differs, one.smallest_detectable) == (two.two_sample, two.differs, two.smallest_detectable)
    for field in dataclasses.fields(one.concepts):
        np.testing.assert_array_equal(getattr(one.concepts, field.name), getattr(two.concepts, field.name))
    assert one.config == two.config
    assert {k: v for k, v in one.info.items() if k != "seconds"} == {k: v for k, v in two.info.items() if k != "seconds"}


@pytest.mark.parametrize("seed", range(4))
def test_planted_differences_come_first(seed: int) -> None:
    a, rows_a = images(110 + 30 * seed, 10 + seed, IN_A, 0.25)
    b, rows_b = images(260 - 40 * seed, 20 + seed, IN_B, 0.25)
    result = compare(a, b, sae=SAE, vocabulary=VOCABULARY, config=CompareConfig(seed=seed))
    for side, word, rows in (("A", WORDS[IN_A], rows_a), ("B", WORDS[IN_B], rows_b)):
        best = result.top(side, 1)[0]
        assert (best.text, best.side) == (word, side)
        assert best.q_value < 1e-3
        assert best.effect == pytest.approx(0.25, abs=0.03)
        assert set(best.exemplars) <= set(rows.tolist())
        assert len(best.exemplars) == 10
        np.testing.assert_array_equal(result.rows_showing(best, side), rows)
        assert word in [h.text for h in result.candidates if h.source == "dre" and h.side == side][:5]
    assert result.differs
    assert result.two_sample.p_value < 0.01


def test_log_ratio_is_high_where_typical_of_a(planted: Comparison) -> None:
    plain_a, plain_b = np.setdiff1d(np.arange(150), PLANTED_A), np.setdiff1d(np.arange(230), PLANTED_B)
    assert planted.log_ratio_a[PLANTED_A].mean() > planted.log_ratio_a[plain_a].mean() + 0.5
    assert planted.log_ratio_b[PLANTED_B].mean() < planted.log_ratio_b[plain_b].mean() - 0.5
    both = np.concatenate([planted.log_ratio_a, planted.log_ratio_b])
    assert both.dtype == np.float32
    assert roc_auc_score(np.arange(380) < 150, both) == pytest.approx(planted.two_sample.auc, abs=0.05)


def test_swapping_the_sides_swaps_the_answer(planted: Comparison) -> None:
    swapped = compare(B, A, sae=SAE, vocabulary=VOCABULARY)
    one, two = planted.top("A", 1)[0], swapped.top("B", 1)[0]
    assert (one.text, one.rate_a, one.rate_b, one.effect) == (two.text, two.rate_b, two.rate_a, two.effect)
    assert one.auroc == pytest.approx(two.auroc)
    assert swapped.log_ratio_b[PLANTED_A].mean() < swapped.log_ratio_b.mean()


def cosines(word: str) -> np.ndarray:
    """(380,) centred cosines of all images with a word, the long way."""

    def unit(x: np.ndarray) -> np.ndarray:
        return x / np.linalg.norm(x, axis=1, keepdims=True)

    rows, words = unit(np.concatenate([A, B]).astype(float)), unit(WORD_VECTORS.astype(float))
    return unit(rows - rows.mean(0)) @ unit(words - words.mean(0))[WORDS.index(word)]


def test_numbers_of_every_candidate_hold(planted: Comparison) -> None:
    codes_a, codes_b = SAE.encode(A).toarray(), SAE.encode(B).toarray()
    assert len({(h.text, h.side, h.source) for h in planted.candidates}) == len(planted.candidates) > 10
    assert [h.score for h in planted.candidates] == sorted((h.score for h in planted.candidates), reverse=True)
    for column, h in enumerate(planted.candidates):
        sign = 1 if h.side == "A" else -1
        assert h.rate_a == pytest.approx(planted.shows_a[:, [column]].toarray().mean())
        assert h.rate_b == pytest.approx(planted.shows_b[:, [column]].toarray().mean())
        assert h.effect == pytest.approx(sign * (h.rate_a - h.rate_b))
        assert h.interval[0] <= h.effect <= h.interval[1] or np.isnan(h.interval).all()
        assert h.p_value <= h.q_value <= 1
        n = 150 if sign > 0 else 230
        assert len(set(h.exemplars)) == len(h.exemplars) <= 10
        assert all(isinstance(i, int) and 0 <= i < n for i in h.exemplars)
        for side, shows in (("A", planted.shows_a), ("B", planted.shows_b)):
            np.testing.assert_array_equal(planted.rows_showing(h, side), np.flatnonzero(shows[:, [column]].toarray()))
        if h.source == "sae":
            assert h.concept is not None
            a, b = codes_a[:, h.concept], codes_b[:, h.concept]
            assert (h.fires_a, h.fires_b) == pytest.approx(((a > 0).mean(), (b > 0).mean()))
            assert sign * (a.mean() - b.mean()) > 0
            rows = np.concatenate([planted.rows_showing(h, "A"), 150 + planted.rows_showing(h, "B")])
            areas = [roc_auc_score(np.arange(380) < 150, scores) for scores in (np.concatenate([a, b]), cosines(h.text))]
            if rows.tolist() != np.flatnonzero(np.concatenate([a, b])).tolist():  # the images of the name: those that fit the word best
                assert not h.weak and min(cosines(h.text)[rows]) > max(np.delete(cosines(h.text), rows))
                assert sign * h.rate_a > sign * h.rate_b
                areas = areas[1:]
            assert any(h.auroc == pytest.approx(area if sign > 0 else 1 - area) for area in areas)
        else:
            assert h.concept is None
        chance = np.sqrt(2 * np.log(len(WORDS)) / WIDTH)
        own = planted.rows_showing(h, h.side) + (150 if h.side == "B" else 0)
        fits = len(own) > 0 and cosines(h.text)[own].mean() >= 0.7 * planted.config.weak_name * chance
        assert h.weak == (h.name_strength < planted.config.weak_name * chance or not fits)


def test_interval_covers_like_a_binomial_bootstrap(planted: Comparison) -> None:
    h = planted.top("A", 1)[0]
    half = 1.96 * np.sqrt(h.rate_a * (1 - h.rate_a) / 150 + h.rate_b * (1 - h.rate_b) / 230)
    assert h.interval == pytest.approx((h.effect - half, h.effect + half), abs=0.02)


def test_q_values_correct_over_the_tested_family(planted: Comparison) -> None:
    """Concepts: Benjamini-Hochberg over the table, times the three families that share alpha; none below the p of the verdict."""
    table = planted.concepts
    alone = np.minimum(1, 3 * stats.false_discovery_control(table.p_value))
    np.testing.assert_allclose(table.q_value, np.maximum(alone, planted.two_sample.p_value), rtol=1e-9)
    of_concept = {h.concept: h for h in planted.candidates if h.source == "sae"}
    for k, p, q, rate_a in zip(table.concept, table.p_value, table.q_value, table.rate_a, strict=True):
        if int(k) in of_concept:
            assert of_concept[int(k)].p_value == pytest.approx(p)
            assert of_concept[int(k)].q_value >= q * (1 - 1e-9)  # an echo's is raised
            assert of_concept[int(k)].fires_a == pytest.approx(rate_a)
    assert len(table.name) == len(table.concept)
    assert table.name[table.concept.tolist().index(IN_A)] == WORDS[IN_A]


def test_gate_and_top(planted: Comparison) -> None:
    gated = [h for h in planted.candidates if h.q_value <= 0.05]
    assert set(planted.hypotheses) <= set(gated)
    told = {(h.side, text) for h in (*planted.hypotheses, *planted.shifts) for text in (h.text, *h.also)}
    assert not any(h.slight for h in planted.hypotheses) and all(h.slight for h in planted.shifts)
    assert {(h.side, h.text) for h in gated} <= told  # what is left out is another wording for something listed
    assert {h.text for h in planted.hypotheses} == {WORDS[IN_A], WORDS[IN_B]}
    for side in "AB":
        five = planted.top(side, 5, gated=False)
        assert len(five) == 5
        assert {h.side for h in five} == {side}
        assert len({h.text for h in five}) == 5
        assert set(planted.top(side, 5)) <= set(planted.hypotheses)


def test_equal_sides_rarely_differ() -> None:
    """60 null pairs at alpha .05: a gated hypothesis or the verdict in no more than chance allows, through the whole of compare()."""
    alarms = 0
    for seed in range(60):
        a, b = images(60, 1000 + seed)[0], images(95, 2000 + seed)[0]
        result = compare(a, b, sae=SAE, vocabulary=VOCABULARY, config=CompareConfig(seed=seed))
        assert result.differs == (result.two_sample.p_value <= 0.05)
        assert result.differs or not result.hypotheses
        alarms += result.differs
    assert alarms <= stats.binom.ppf(0.99, 60, 0.05)


def test_same_seed_same_result(planted: Comparison) -> None:
    same(planted, compare(A, B, sae=SAE, vocabulary=VOCABULARY))


def test_float64_lists_and_memmaps_give_the_same(planted: Comparison, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", A)
    same(planted, compare(np.load(tmp_path / "a.npy", mmap_mode="r"), B.astype(np.float64), sae=SAE, vocabulary=VOCABULARY))
    same(planted, compare(A.tolist(), B, sae=SAE, vocabulary=VOCABULARY))  # type: ignore[arg-type]


def test_float16_gives_the_same_answer(planted: Comparison) -> None:
    half = compare(A.astype(np.float16), B.astype(np.float16), sae=SAE, vocabulary=VOCABULARY)
    assert [half.top(s, 1)[0].text for s in "AB"] == [planted.top(s, 1)[0].text for s in "AB"]
    assert np.corrcoef(half.log_ratio_a, planted.log_ratio_a)[0, 1] > 0.99


def test_order_of_rows_carries_no_information() -> None:
    order = np.random.default_rng(0).permutation(150)
    one, two = compare(A, B, sae=SAE, vocabulary=VOCABULARY), compare(A[order], B, sae=SAE, vocabulary=VOCABULARY)
    best_one, best_two = one.top("A", 1)[0], two.top("A", 1)[0]
    assert (best_one.text, best_one.p_value) == (best_two.text, pytest.approx(best_two.p_value))
    np.testing.assert_array_equal(np.sort(order[two.rows_showing(best_two, "A")]), one.rows_showing(best_one, "A"))


def test_without_a_vocabulary_concepts_are_numbered() -> None:
    result = compare(A, B, sae=SAE)
    assert [result.top(s, 1)[0].text for s in "AB"] == [f"concept {IN_A}", f"concept {IN_B}"]
    assert all(h.source == "sae" and h.text == f"concept {h.concept}" for h in result.candidates)
    assert all(np.isnan(h.name_strength) and not h.weak for h in result.candidates)
    assert len(result.top("A", 1)[0].exemplars) == 10
    assert result.info["words"] == 0
    np.testing.assert_array_equal(result.rows_showing(result.top("A", 1)[0], "A"), PLANTED_A)


def test_a_saved_sae_is_read_from_its_folder(planted: Comparison, tmp_path: Path) -> None:
    folder = SAE.save(tmp_path / "sae")
    named = {**planted.info, "sae": {**planted.info["sae"], "format": "latentdiff-sae-2"}}  # a file says which format it had
    for where in (folder, str(folder)):
        same(dataclasses.replace(planted, info=named), compare(A, B, sae=where, vocabulary=VOCABULARY))


def test_without_an_sae_one_is_trained_on_both_sides() -> None:
    config = CompareConfig(sae_concepts=60, sae_active=4)
    a, b = images(150, 1, IN_A, 0.4)[0], images(230, 2, IN_B, 0.4)[0]
    result = compare(a, b, vocabulary=VOCABULARY, config=config)
    assert [result.top(s, 1)[0].text for s in "AB"] == [WORDS[IN_A], WORDS[IN_B]]
    assert result.info["sae"]["trained_here"] is True
    assert result.info["sae"]["concepts"] == 60
    assert result.info["sae"]["training"]["active"] == 4
    again = compare(a, b, vocabulary=VOCABULARY, config=config)
    same(result, again)


def test_progress_rises_to_one_and_info_counts(planted: Comparison) -> None:
    seen: list[tuple[float, str]] = []
    compare(A[:40], B[:50], vocabulary=VOCABULARY, config=CompareConfig(sae_concepts=40, sae_active=3),
            progress=lambda fraction, label: seen.append((fraction, label)))
    fractions = [f for f, _ in seen]
    assert fractions == sorted(fractions)
    assert (fractions[0] >= 0, fractions[-1]) == (True, 1.0)
    assert all(label for _, label in seen)
    info = planted.info
    assert (info["n_a"], info["n_b"], info["dropped_rows"], info["words"]) == (150, 230, {"A": [], "B": []}, 90)
    assert (info["sae"]["concepts"], info["sae"]["width"], info["sae"]["trained_here"]) == (ATOMS, WIDTH, False)
    assert info["versions"]["latentdiff"] == latentdiff.__version__
    assert 0 < planted.smallest_detectable < 0.3


@pytest.mark.parametrize("after", [0.0, 0.4, 0.7, 0.95])
def test_cancelling_stops_at_once(after: float) -> None:
    def stop(fraction: float, label: str) -> None:
        if fraction >= after:
            raise Cancelled(label)

    with pytest.raises(Cancelled):
        compare(A[:40], B[:50], vocabulary=VOCABULARY, config=CompareConfig(sae_concepts=40, sae_active=3), progress=stop)


def test_bad_rows_are_left_out_and_reported(planted: Comparison) -> None:
    a, b = np.insert(A, [0, 70, 150], np.nan, axis=0), np.insert(B, [100], np.inf, axis=0)
    result = compare(a, b, sae=SAE, vocabulary=VOCABULARY, config=CompareConfig(skip_bad=True))
    bad_a, bad_b = [0, 71, 152], [100]
    assert result.info["dropped_rows"] == {"A": bad_a, "B": bad_b}
    assert (result.info["n_a"], result.info["n_b"]) == (150, 230)
    assert np.flatnonzero(np.isnan(result.log_ratio_a)).tolist() == bad_a
    assert np.flatnonzero(np.isnan(result.log_ratio_b)).tolist() == bad_b
    np.testing.assert_array_equal(np.delete(result.log_ratio_a, bad_a), planted.log_ratio_a)
    assert (result.shows_a.shape[0], result.shows_b.shape[0]) == (153, 231)
    np.testing.assert_array_equal(np.delete(result.shows_a.toarray(), bad_a, axis=0), planted.shows_a.toarray())
    assert not result.shows_a.toarray()[bad_a].any()
    used = np.delete(np.arange(153), bad_a)
    for with_bad, without in zip(result.candidates, planted.candidates, strict=True):
        own = used if without.side == "A" else np.delete(np.arange(231), bad_b)
        assert with_bad.exemplars == tuple(own[list(without.exemplars)].tolist())
        assert (with_bad.text, with_bad.rate_a, with_bad.q_value) == (without.text, without.rate_a, without.q_value)


def test_constant_columns_are_harmless(planted: Comparison) -> None:
    """Two entries that are the same in every image, as real encoders have them."""
    wide = [np.concatenate([x, np.full((len(x), 2), [0.7, 0.0], np.float32)], axis=1) for x in (A, B)]
    pad = ((0, 0), (0, 2))
    directions = np.pad(DIRECTIONS, pad)
    sae = SparseAutoencoder(directions.T, np.zeros(ATOMS), directions, np.pad(OFFSET, (0, 2)), np.full(ATOMS, 0.5))
    result = compare(*wide, sae=sae, vocabulary=Vocabulary(WORDS, np.pad(WORD_VECTORS, pad)))
    assert [result.top(s, 1)[0].text for s in "AB"] == [planted.top(s, 1)[0].text for s in "AB"]
    assert np.corrcoef(result.log_ratio_a, planted.log_ratio_a)[0, 1] > 0.98  # other vectors, so other folds


def test_saved_and_loaded_it_is_the_same(planted: Comparison, tmp_path: Path) -> None:
    for i, result in enumerate((planted, compare(A, B, sae=SAE))):
        loaded = Comparison.load(result.save(tmp_path / str(i)))
        same(loaded, result)
        assert loaded.info == result.info
        for h in loaded.candidates:
            loaded.rows_showing(h, "A")
        assert repr(loaded.top("B", 5, gated=False)) == repr(result.top("B", 5, gated=False))


OTHERS = [CompareConfig.paper(), CompareConfig(correction="by"), CompareConfig(rank_by="jsd", mix=(5, 0), folds=3)]


@pytest.mark.parametrize("config", OTHERS)
def test_other_choices_find_the_planted_differences_too(config: CompareConfig) -> None:
    a, b = images(150, 1, IN_A, 0.4)[0], images(230, 2, IN_B, 0.4)[0]
    result = compare(a, b, sae=SAE, vocabulary=VOCABULARY, config=config)
    for side, word in (("A", WORDS[IN_A]), ("B", WORDS[IN_B])):
        assert word in [h.text for h in result.top(side, 5, gated=False)]
    assert result.config == config
    if config.mix == (5, 0):
        assert {h.source for h in result.top("A", 5, gated=False)} == {"sae"}


def test_paper_mode_prunes_what_dominates_both_sides() -> None:
    """A concept that fires in nearly every image of either side, a little more in A, is a candidate by default and not in paper mode."""
    rng = np.random.default_rng(3)
    a, b = A.copy(), B.copy()
    for x, rate in ((a, 1.0), (b, 0.9)):
        x[rng.random(len(x)) < rate] += 1.2 * DIRECTIONS[0]
    shown, pruned = ({h.concept for h in compare(a, b, sae=SAE, config=CompareConfig(prune_dominant=p)).candidates} for p in (0.0, 0.1))
    assert 0 in shown
    assert 0 not in pruned
    assert IN_A in pruned


def test_paper_mode_names_by_the_decoder_and_says_how_many_concepts_its_bins_cannot_see() -> None:
    a, b = images(220, 1, IN_A, 0.9)[0], images(230, 2, IN_B, 0.9)[0]
    result = compare(a, b, sae=SAE, vocabulary=VOCABULARY, config=CompareConfig.paper(prune_monosemanticity=0.0))
    named = [h for h in result.candidates if h.source == "sae"]
    names = {h.concept: tuple(map(VOCABULARY.words.index, (h.text, *h.words))) for h in named}
    assert names
    for k, words in names.items():
        cosine = VOCABULARY.centred @ (SAE.w_dec[k] / np.linalg.norm(SAE.w_dec[k]))
        assert words == tuple(np.argsort(-cosine, kind="stable")[:5])
    codes = SAE.encode(np.concatenate([a, b])).toarray()
    codes = codes[:, codes.any(0)]
    single = [len(np.histogram_bin_edges(x, "fd")) == 2 or np.ptp(np.quantile(x, [0.25, 0.75])) == 0 for x in codes.T.astype(float)]
    assert result.info["one_bin"] == pytest.approx(np.mean(single)) and 0.3 < result.info["one_bin"] < 1
    assert compare(a, b, sae=SAE, vocabulary=VOCABULARY).info["one_bin"] == 0


def test_to_the_letter_concepts_are_in_the_order_of_their_divergence() -> None:
    """Plain JSD of the histograms of all activations, whatever bias it has and whatever the concept is called."""
    a, b = images(220, 1, IN_A, 0.9)[0], images(330, 2, IN_B, 0.9)[0]
    literal = CompareConfig.paper(prune_monosemanticity=0.0, prune_dominant=0.0)
    codes = [SAE.encode(x).toarray().astype(float) for x in (a, b)]
    expected = {}
    for k, (x, y) in enumerate(zip(codes[0].T, codes[1].T, strict=True)):
        both = np.concatenate([x, y])
        flat = np.ptp(np.quantile(both, [0.25, 0.75])) == 0
        edges = np.histogram_bin_edges(both, 1 if flat else "fd")
        p, q = np.histogram(x, edges)[0] / len(x), np.histogram(y, edges)[0] / len(y)
        expected[k] = jensenshannon(p, q) ** 2
    result = compare(a, b, sae=SAE, config=literal)  # without words nothing is put together
    scores = {h.concept: h.score for h in result.candidates}
    assert scores
    assert scores == pytest.approx({k: expected[k] for k in scores})
    named = {h.concept: h.score for h in compare(a, b, sae=SAE, vocabulary=VOCABULARY, config=literal).candidates if h.source == "sae"}
    assert named and named == pytest.approx({k: expected[k] for k in named})
    corrected = compare(a, b, sae=SAE, config=dataclasses.replace(literal, rank_by="jsd"))
    assert all(h.score < expected[h.concept] for h in corrected.candidates)


def test_most_telling_images_are_the_planted_ones_in_one_mode(planted: Comparison) -> None:
    for side, rows in (("A", PLANTED_A), ("B", PLANTED_B)):
        found = planted.info["exemplars"][side]
        assert len(set(found["rows"])) == len(found["rows"]) == len(found["modes"]) == 10
        assert np.isin(found["rows"], rows).mean() >= 0.8
        assert found["modes"][0] == 0


def test_jsd_splits_into_firing_and_magnitude(planted: Comparison) -> None:
    table = planted.concepts
    assert (table.jsd_firing <= table.jsd + 1e-12).all()
    row = list(table.concept).index(IN_A)
    p, q = table.rate_a[row], table.rate_b[row]
    both = jensenshannon([p, 1 - p], [q, 1 - q]) ** 2
    assert table.jsd_firing[row] == pytest.approx(both, abs=1e-12)


def test_a_guessed_name_lends_its_concept_no_rates() -> None:
    """With every name a guess, cards of concepts tell the concept's firing, though phrases of the same words are scored beside them."""
    seldom = dataclasses.replace(SAE, threshold=np.full(ATOMS, 1.2, np.float32))  # fires on fewer images than show the phrase
    found = compare(A, B, sae=seldom, vocabulary=VOCABULARY, config=CompareConfig(weak_name=50.0)).candidates
    concepts = [h for h in found if h.concept is not None]
    assert {h.text for h in concepts} & {h.text for h in found if h.concept is None}
    assert all(h.weak and (h.rate_a, h.rate_b) == pytest.approx((h.fires_a, h.fires_b)) for h in concepts)

"""The verdict against exact laws, naive loops and simulated nulls."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.sparse as sp
from scipy import stats

from latentdiff.compute.parallel import one_thread
from latentdiff.stats import two_sample
from latentdiff.stats.hypergeometric import LARGE_COUNT, exact_deviates
from latentdiff.stats.kernel_test import LOCAL, NARROW, NEAR, local_kernel, mean_embedding_distances
from latentdiff.stats.relabelling import relabelled, share_at_least, weights
from latentdiff.stats.two_sample import concepts_to_test, largest_firing_difference, verdict


def test_images_change_sides_one_by_one_and_the_labels_seen_come_first() -> None:
    in_a = np.random.default_rng(1).random(60) < 0.3
    got = relabelled(in_a, None, 2000, 0)
    np.testing.assert_array_equal(got[:, 0], in_a)
    assert set(got.sum(0)) == {in_a.sum()}
    assert np.abs(got[:, 1:].mean(1) - in_a.mean()).max() < 4.5 * np.sqrt(0.21 / 2000)


def test_groups_change_sides_as_a_whole_and_mixed_ones_exchange_theirs() -> None:
    groups = np.array([0, 0, 0, 1, 2, 2, 3, 4, 4, 4, 4, 5, 5])
    in_a = np.array([1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, 1, 0], bool)
    got = relabelled(in_a, groups, 400, 3)
    for g in (0, 1, 2, 3):
        assert set(np.ptp(got[groups == g], axis=0)) == {0}
    of_group = np.stack([got[groups == g][0] for g in range(4)])
    assert set(of_group.sum(0)) == {2}
    assert {tuple(c) for c in of_group.T} == {c for c in itertools.product((0, 1), repeat=4) if sum(c) == 2}
    for g in (4, 5):
        seen, rest = in_a[groups == g], got[groups == g].T
        turned = (rest == ~seen).all(1)
        assert (turned | (rest == seen).all(1)).all()
        assert 0.4 < turned.mean() < 0.6


def test_a_product_with_the_weights_is_a_difference_of_means() -> None:
    rng = np.random.default_rng(2)
    x, labels = rng.standard_normal(50), relabelled(np.arange(50) < 20, None, 5, 0)
    want = [x[c > 0].mean() - x[c == 0].mean() for c in labels.T]
    np.testing.assert_allclose(x @ weights(labels), want, atol=1e-6)


def test_ties_count_although_their_last_digits_differ() -> None:
    assert share_at_least(np.array([3.0, 3.0 - 1e-6, 1.0, 4.0])).tolist() == [0.75, 0.75, 1.0, 0.25]


def test_deviates_have_the_p_of_fishers_test() -> None:
    count = np.arange(0, 9)[None]
    got = exact_deviates(count, np.array([8]), 30, 12)[0]
    tails = [min(stats.hypergeom.cdf(c, 42, 8, 30), stats.hypergeom.sf(c - 1, 42, 8, 30)) for c in range(9)]
    np.testing.assert_allclose(got, stats.norm.isf(np.minimum(tails, 0.5)), rtol=1e-5)
    fires = 4 * LARGE_COUNT  # the normal law takes over without a step
    near = exact_deviates(np.array([[fires // 2 + 60]]), np.array([fires]), 20_000, 20_000)[0, 0]
    assert near == pytest.approx(stats.norm.isf(stats.hypergeom.sf(fires // 2 + 59, 40_000, fires, 20_000)), abs=0.03)


def test_largest_firing_difference_equals_a_loop() -> None:
    rng = np.random.default_rng(5)
    dense = (rng.random((80, 12)) < np.linspace(0.02, 0.6, 12)).astype(np.float32)
    labels = relabelled(np.arange(80) < 30, None, 20, 0)
    got = largest_firing_difference(concepts_to_test(sp.csr_array(dense)), labels, weights(labels), None)
    for column, value in zip(labels.T > 0, got, strict=True):
        largest = 0.0
        for k in range(12):
            fires, in_a = int(dense[:, k].sum()), int(dense[column, k].sum())
            if fires >= 5:
                tail = min(stats.hypergeom.cdf(in_a, 80, fires, 30), stats.hypergeom.sf(in_a - 1, 80, fires, 30))
                largest = max(largest, stats.norm.isf(min(tail, 0.5)))
        assert value == pytest.approx(largest, rel=1e-4)


def test_mean_embedding_distance_is_the_biased_mmd() -> None:
    """With every image a landmark, the features give the kernel itself (to the eigenvalues that are left out)."""
    x = np.random.default_rng(4).standard_normal((40, 6)).astype(np.float32)
    labels = relabelled(np.arange(40) < 15, None, 3, 1)
    squared = np.square(x[:, None] - x[None]).sum(2).astype(float)
    for factor, got in zip((1.0, NARROW), mean_embedding_distances(x, weights(labels), 0), strict=True):
        kernel = np.exp(-squared * factor / np.median(squared))
        for column, value in zip(labels.T > 0, got, strict=True):
            a, b = column, ~column
            want = kernel[np.ix_(a, a)].mean() + kernel[np.ix_(b, b)].mean() - 2 * kernel[np.ix_(a, b)].mean()
            assert value == pytest.approx(want, rel=1e-3)


def test_a_concept_that_fires_everywhere_is_no_difference_between_groups_of_unlike_size() -> None:
    """What is left of its difference is the rounding of 1 / n_A, which changes with the groups' sizes."""
    rng = np.random.default_rng(0)
    for seed in range(10):
        group = np.repeat(np.arange(80), rng.integers(1, 9, 80))
        labels = relabelled(group < 40, group, 99, seed)
        everywhere = sp.csr_array(np.full((1, len(group)), 3.0, np.float32))
        assert not largest_firing_difference(everywhere, labels, weights(labels), group).any()
        assert not two_sample.largest_activation_difference(everywhere, weights(labels)).any()


def test_local_differences_are_means_of_the_kernel_at_each_image() -> None:
    x = np.random.default_rng(4).standard_normal((40, 6)).astype(np.float32)
    labels = relabelled(np.arange(40) < 15, None, 3, 1)
    squared = np.square(x[:, None] - x[None]).sum(2).astype(float)
    kernel = np.exp(-squared * LOCAL / np.median(squared))
    kernel[kernel < NEAR] = 0
    got = local_kernel(x, 0) @ weights(labels)
    for column, value in zip(labels.T > 0, got.T, strict=True):
        np.testing.assert_allclose(value, kernel[:, column].mean(1) - kernel[:, ~column].mean(1), rtol=1e-3, atol=1e-5)


@pytest.mark.usefixtures("few")
def test_a_mode_of_few_images_is_seen_without_a_concept_of_it() -> None:
    """Six of two hundred lie close to each other in B; the codes are noise, and the mean embeddings hardly move."""
    seen = []
    for seed in range(20):
        codes, unit, in_a = sample(200, 200, seed)
        unit = np.random.default_rng(seed).standard_normal((400, 64)).astype(np.float32)
        unit[-6:] = 0.6 * unit[-6:] + 0.8 * unit[-1:]
        unit /= np.linalg.norm(unit, axis=1, keepdims=True)
        parts = verdict(codes, unit, np.arange(400), in_a, seed=0).parts
        seen.append([parts[name] <= 0.05 for name in ("images, locally", "images, near", "concepts")])
    locally, near, concepts = np.mean(seen, axis=0)
    assert locally >= 0.9 and near <= 0.5 and concepts <= 0.3


def sample(n_a: int, n_b: int, seed: int) -> tuple[sp.csr_array, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    n = n_a + n_b
    unit = rng.standard_normal((n, 8)).astype(np.float32)
    dense = (rng.random((n, 40)) < np.geomspace(0.01, 0.6, 40)).astype(np.float32)
    return sp.csr_array(dense), unit / np.linalg.norm(unit, axis=1, keepdims=True), np.arange(n) < n_a


def p_of(codes: sp.csr_array, unit: np.ndarray, in_a: np.ndarray, **more: object) -> float:
    return verdict(codes, unit, np.arange(len(in_a)), in_a, seed=0, **more).p_value  # type: ignore[arg-type]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer relabellings, where many verdicts are asked for."""
    monkeypatch.setattr(two_sample, "RELABELLINGS", 199)


@pytest.mark.usefixtures("few")
def test_null_pairs_differ_as_often_as_alpha_says_and_not_much_less() -> None:
    with one_thread():
        p = np.array([p_of(*sample(60, 25, seed)) for seed in range(120)])
    assert (p <= 0.05).sum() <= stats.binom.ppf(0.999, 120, 0.05)
    assert stats.kstest(p, "uniform").pvalue > 0.001


@pytest.mark.usefixtures("few")
def test_frames_of_scenes_are_no_evidence_where_scenes_are_groups() -> None:
    """Each image five times: as images they are ever different, as scenes they are one population."""
    alone, grouped = [], []
    for seed in range(20):
        codes, unit, in_a = sample(16, 14, seed)
        five, scene = np.repeat(np.arange(30), 5), np.repeat(np.arange(30), 5)
        alone.append(p_of(sp.csr_array(codes.toarray()[five]), unit[five], in_a[five]))
        grouped.append(p_of(sp.csr_array(codes.toarray()[five]), unit[five], in_a[five], groups=scene))
    assert (np.array(alone) <= 0.05).mean() > 0.6
    assert (np.array(grouped) <= 0.05).sum() <= stats.binom.ppf(0.999, 20, 0.05)


def test_pairs_find_what_is_hidden_by_how_pairs_differ() -> None:
    """Image i of A is image i of B with a small shift: far smaller than images differ, and plain once they are compared pair by pair."""
    rng = np.random.default_rng(7)
    base = rng.standard_normal((60, 8)).astype(np.float32)
    unit = np.concatenate([base + 0.15, base])
    none = sp.csr_array(np.zeros((120, 5), np.float32))
    in_a, pairs = np.arange(120) < 60, np.tile(np.arange(60), 2)
    assert p_of(none, unit, in_a, groups=pairs) <= 0.002
    assert p_of(none, unit, in_a) > 0.05


def test_a_short_list_of_words_finds_what_it_names() -> None:
    """A shift along one direction among 200 is the words' to find."""
    rng = np.random.default_rng(9)
    unit = rng.standard_normal((240, 200)).astype(np.float32)
    unit[:120, 3] += 0.6
    none, in_a = sp.csr_array(np.zeros((240, 5), np.float32)), np.arange(240) < 120
    assert p_of(none, unit, in_a, words=unit[:, :20]) <= 0.01
    assert p_of(none, unit, in_a, words=unit[:, 10:30]) > 0.05


def test_beyond_the_relabellings_the_exact_test_of_one_concept_says_how_unlikely_it_is() -> None:
    codes, unit, in_a = sample(80, 80, 0)
    dense = codes.toarray()
    dense[:, 0] = np.where(in_a, np.arange(160) % 2, 0)
    p = stats.fisher_exact([[40, 40], [0, 80]]).pvalue
    tested = (dense.sum(0) >= 5).sum()
    assert p_of(sp.csr_array(dense), unit, in_a) == pytest.approx(3 * tested * p)


def test_many_images_are_tested_on_some_and_all() -> None:
    """Above ``MOST`` the concepts' exact p is of all images; a null stays one, and a rare concept of one side is found."""
    rng = np.random.default_rng(11)
    n, some = 60_000, np.arange(0, 60_000, 6)
    unit = rng.standard_normal((n, 4)).astype(np.float32)
    dense = sp.random_array((n, 30), density=0.02, rng=rng, format="csr", dtype=np.float32)
    in_a = np.arange(n) < 30_000
    assert verdict(dense, unit[some], some, in_a).p_value > 0.01
    planted = sp.lil_array(dense)
    planted[:40, 0] = 1.0
    planted[40:, 0] = 0.0
    found = verdict(sp.csr_array(planted), unit[some], some, in_a)
    assert found.p_value < 1e-6
    assert found.parts["concepts"] < 1e-6


def test_a_concept_that_fires_alike_and_strongly_on_a_few_is_seen() -> None:
    """It fires on three tenths of either side, four times as strongly on thirty images of A; without these the p is that of chance."""
    rng = np.random.default_rng(3)
    codes = np.where(rng.random((400, 60)) < 0.3, rng.uniform(0.5, 1.0, (400, 60)), 0).astype(np.float32)
    in_a, rows, unit = np.arange(400) < 200, np.arange(400), rng.standard_normal((400, 8)).astype(np.float32)
    plain = verdict(sp.csr_array(codes), unit, rows, in_a)
    strong = codes.copy()
    strong[np.flatnonzero(codes[:200, 7])[:30], 7] *= 4
    found = verdict(sp.csr_array(strong), unit, rows, in_a)
    assert plain.p_value > 0.05 and found.p_value < 0.05
    assert found.parts["activations"] < 0.01 and found.parts["concepts"] == pytest.approx(plain.parts["concepts"])

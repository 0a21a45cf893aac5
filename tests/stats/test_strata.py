"""Tests within strata, against naive loops, other implementations, and all relabellings there are."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import scipy.sparse as sp
from scipy import stats

from latentdiff.stats.divergence import q_values
from latentdiff.stats.fields import value_tests
from latentdiff.stats.strata import Strata, alike, crossed, rank_test
from latentdiff.stats.within import Within

RNG = np.random.default_rng(7)
N = 300
STRATUM = RNG.integers(0, 6, N)
IN_A = RNG.random(N) < 0.2 + 0.1 * STRATUM
SHOWN = RNG.random((N, 5)) < np.array([0.05, 0.2, 0.5, 0.5, 0.9]) * (0.6 + 0.08 * STRATUM[:, None])
VALUES = np.round(RNG.normal(STRATUM, 2, (4, N)), 1)  # with ties


def convolved(in_a: np.ndarray, stratum: np.ndarray, shown: np.ndarray) -> float:
    """Two-sided p of A's count, by the laws of all strata one after the other."""
    law, seen = np.ones(1), 0
    for s in np.unique(stratum):
        here = stratum == s
        n_a = int((here & in_a).sum())
        if 0 < n_a < here.sum():
            law = np.convolve(law, stats.hypergeom.pmf(np.arange(n_a + 1), here.sum(), shown[here].sum(), n_a))
            seen += int(shown[here & in_a].sum())
    return float(law[law <= law[seen] * (1 + 1e-7)].sum())


def test_counts_are_those_of_the_textbook_and_few_have_the_exact_law() -> None:
    found = Within(IN_A, STRATUM).sparse(sp.csr_array(SHOWN))
    z, p = found.z, found.p_value
    np.testing.assert_allclose(Within(IN_A, STRATUM).dense(SHOWN.T).z, z)
    for k in range(SHOWN.shape[1]):
        gap = variance = 0.0
        for s in range(6):
            here = s == STRATUM
            n, n_a, m = here.sum(), (here & IN_A).sum(), SHOWN[here, k].sum()
            gap += SHOWN[here & IN_A, k].sum() - n_a * m / n
            variance += n_a * (n - n_a) * m * (n - m) / (n**2 * (n - 1))
        assert z[k] == pytest.approx(gap / math.sqrt(variance), abs=1e-12)
        assert p[k] == pytest.approx(convolved(IN_A, STRATUM, SHOWN[:, k]), rel=1e-9)


@pytest.mark.parametrize(("images", "strata", "share"), [(400, 1, 0.5), (900, 5, 0.05), (3000, 60, 0.9), (2000, 12, 0.3)])
def test_the_law_of_few_is_exact_whatever_the_sides_and_strata(images: int, strata: int, share: float) -> None:
    rng = np.random.default_rng(images)
    in_a, stratum = rng.random(images) < share, rng.integers(0, strata, images)
    rate = np.array([0.002, 0.01, 0.05, 0.3, 0.97, 0.998])
    shown = rng.random((images, 6)) < np.where(in_a, 1.0, rng.choice([1.0, 0.8], images))[:, None] * rate
    p = Within(in_a, stratum).sparse(sp.csr_array(shown)).p_value
    exact = np.array([convolved(in_a, stratum, column) for column in shown.T])
    few = np.minimum(shown.sum(0), images - shown.sum(0)) * min(share, 1 - share) < 150
    assert few.sum() >= 4
    np.testing.assert_allclose(p[few], exact[few], rtol=1e-9)
    np.testing.assert_allclose(p, exact, rtol=0.2)  # of many, by the normal law


def test_rare_values_are_claimed_within_strata_no_oftener_than_they_may_be() -> None:
    """Three hundred values on six images each; of 2,000 against 100 images the normal law claimed one in 40 % of such draws."""
    claimed = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        rows = np.concatenate([rng.choice(2100, 6, replace=False) for _ in range(300)])
        has = sp.csr_array((np.ones(1800, bool), (rows, np.repeat(np.arange(300), 6))), shape=(2100, 300))
        p = value_tests(has, Strata(np.arange(2100) < 2000, rng.integers(0, 2, 2100))).p_value
        claimed += q_values(p, "bh").min() <= 0.05
    assert claimed <= 4


def test_what_is_far_beyond_chance_has_a_p_of_next_to_nothing() -> None:
    in_a, stratum = np.arange(20_000) < 10_000, np.arange(20_000) % 7
    shown = in_a & (np.arange(20_000) < 390)
    p = Within(in_a, stratum).sparse(sp.csr_array(shown[:, None])).p_value
    assert 0 < p[0] < 1e-50


def test_counts_agree_with_the_published_admissions_of_berkeley() -> None:
    """Bickel, Hammel and O'Connell 1975; by six departments R's mantelhaen.test(UCBAdmissions) prints X2 = 1.5246 (1.4269 corrected).

    To the last digits by statsmodels 0.14.5: ``StratifiedTable(tables).test_null_odds(correction=False)``.
    """
    admitted = [(512, 89), (353, 17), (120, 202), (138, 131), (53, 94), (22, 24)]
    refused = [(313, 19), (207, 8), (205, 391), (279, 244), (138, 299), (351, 317)]
    rows = [
        (s, man, yes)
        for s, (won, lost) in enumerate(zip(admitted, refused, strict=True))
        for yes, counts in ((1, won), (0, lost))
        for man, count in zip((True, False), counts, strict=True)
        for _ in range(count)
    ]
    stratum, man, yes = map(np.array, zip(*rows, strict=True))
    found = Within(man, stratum).sparse(sp.csr_array(yes[:, None]))
    assert found.z[0] ** 2 == pytest.approx(1.5246066604434356, rel=1e-9)  # none of so many images is few
    assert found.p_value[0] == pytest.approx(0.21692369705551817, rel=1e-9)


def test_values_within_strata_have_the_moments_of_all_relabellings() -> None:
    values, stratum = np.array([3.0, 0.0, 0.5, 7.0, 2.0, 0.0, 5.0]), np.array([0, 0, 0, 0, 1, 1, 1])
    in_a = np.array([True, False, True, False, False, True, False])
    drawn = [sum(values[[*one, *two]]) for one in itertools.combinations(range(4), 2) for two in itertools.combinations(range(4, 7), 1)]
    z = (values[in_a].sum() - np.mean(drawn)) / np.std(drawn)
    assert Within(in_a, stratum).dense(values[None]).z[0] == pytest.approx(z)
    assert Within(in_a, stratum).sparse(sp.csr_array(values[:, None])).z[0] == pytest.approx(z)


def test_ranks_of_one_stratum_are_wilcoxons() -> None:
    z, p = rank_test(VALUES, Strata(IN_A))
    for row, one_z, one_p in zip(VALUES, z, p, strict=True):
        other = stats.mannwhitneyu(row[IN_A], row[~IN_A], use_continuity=False, method="asymptotic")
        assert one_p == pytest.approx(other.pvalue, rel=1e-9)
        assert np.sign(one_z) == np.sign(other.statistic - IN_A.sum() * (~IN_A).sum() / 2)


def test_ranks_of_several_strata_are_those_of_van_elteren() -> None:
    """His sum of each stratum's Wilcoxon over its images + 1; each stratum's deviation, with its ties, by scipy."""
    z, p = rank_test(VALUES, Strata(IN_A, STRATUM))
    for row, one_z, one_p in zip(VALUES, z, p, strict=True):
        gap = variance = 0.0
        for s in range(6):
            x, y = row[IN_A & (s == STRATUM)], row[~IN_A & (s == STRATUM)]
            other = stats.mannwhitneyu(x, y, use_continuity=False, method="asymptotic")
            above, weight = other.statistic - len(x) * len(y) / 2, 1 / (len(x) + len(y) + 1)
            gap += weight * above
            variance += (weight * above / stats.norm.isf(other.pvalue / 2)) ** 2
        assert one_z == pytest.approx(gap / math.sqrt(variance), rel=1e-9)
        assert one_p == pytest.approx(2 * stats.norm.sf(abs(gap) / math.sqrt(variance)), rel=1e-8)


def test_ranks_within_strata_have_the_moments_of_all_relabellings() -> None:
    values, stratum = np.array([3.0, 1.0, 3.0, 7.0, 2.0, 2.0, 5.0]), np.array([0, 0, 0, 0, 1, 1, 1])
    in_a = np.array([True, False, True, False, False, True, False])
    drawn = []
    for first, second in itertools.product(itertools.combinations(range(4), 2), itertools.combinations(range(4, 7), 1)):
        total = 0.0
        for rows, chosen in ((range(4), first), (range(4, 7), second)):
            rank = stats.rankdata(values[list(rows)])
            total += sum(rank[i - rows[0]] for i in chosen) / (len(rows) + 1)
        drawn.append((set(first) | set(second), total))
    mean, spread = np.mean([t for _, t in drawn]), np.std([t for _, t in drawn])
    seen = next(t for rows, t in drawn if rows == set(np.flatnonzero(in_a)))
    z, _ = rank_test(values[None], Strata(in_a, stratum))
    assert z[0] == pytest.approx((seen - mean) / spread, abs=1e-12)


def test_adjusted_means_and_images_are_those_of_mantel_and_haenszel() -> None:
    strata = Strata(IN_A, STRATUM)
    gap = weight = 0.0
    for s in range(6):
        here = s == STRATUM
        n_a, n_b = (here & IN_A).sum(), (here & ~IN_A).sum()
        gap += n_a * n_b / (n_a + n_b) * (VALUES[0, here & IN_A].mean() - VALUES[0, here & ~IN_A].mean())
        weight += n_a * n_b / (n_a + n_b)
    a, b = strata.means(VALUES[0])
    assert a - b == pytest.approx(gap / weight)
    assert strata.images == pytest.approx(2 * weight)
    assert Strata(np.arange(40) < 20).images == 20
    assert strata.shares[IN_A].sum() == pytest.approx(1) == pytest.approx(strata.shares[~IN_A].sum())


def test_a_stratum_of_one_side_says_nothing() -> None:
    in_a, number = np.append(IN_A, [True] * 30), np.append(STRATUM, [6] * 30)
    values, shown = np.append(VALUES, np.full((4, 30), 99.0), axis=1), np.append(SHOWN, np.ones((30, 5), bool), axis=0)
    np.testing.assert_allclose(rank_test(values, Strata(in_a, number)), rank_test(VALUES, Strata(IN_A, STRATUM)))
    without = Within(IN_A, STRATUM).dense(SHOWN.T).z
    np.testing.assert_allclose(Within(in_a, number).dense(shown.T).z, without)
    assert (~Strata(in_a, number).counterparts).sum() == 30


def test_few_images_are_not_too_sure() -> None:
    """Five of five in A, one in each of five strata: 1 in 16; by the normal law .025."""
    shown = sp.csr_array((np.arange(200) % 40 == 0)[:, None])
    p = Within(np.arange(200) % 40 < 20, np.arange(200) // 40).sparse(shown).p_value
    assert p[0] == pytest.approx(1 / 16)


def test_alike() -> None:
    np.testing.assert_array_equal(alike(np.array([2.0, 5.0, np.nan, 2.0]), 4), [1, 2, 0, 1])
    many = alike(np.append(np.arange(1000.0), [np.nan]), 20)
    assert sorted(np.bincount(many).tolist()) == [1] + [50] * 20
    np.testing.assert_array_equal(crossed([np.array([0, 0, 1, 1]), np.array([0, 1, 0, 0])]), [0, 1, 2, 2])

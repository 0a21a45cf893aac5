"""Divergence of concepts against scipy, closed forms and simulation."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy.sparse as sp
from scipy import stats
from scipy.spatial.distance import jensenshannon

from latentdiff.stats.divergence import Divergence, divergence, q_values
from latentdiff.stats.histograms import histograms
from latentdiff.stats.hypergeometric import fisher_exact


def codes(n: int, rates: np.ndarray, seed: int, shift: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.where(rng.random((n, len(rates))) < rates, rng.gamma(2.0, 1.0, (n, len(rates))) + shift, 0).astype(np.float32)


RATES = np.concatenate([[0, 1, 0.004], np.linspace(0.01, 0.98, 40)])
A, B = codes(310, RATES, 1), codes(175, RATES[::-1] * 0.7, 2, 0.3)


@pytest.fixture(scope="module", params=["sparse", "paper"])
def binning(request: pytest.FixtureRequest) -> str:
    return request.param


def of(a: np.ndarray, b: np.ndarray, binning: str = "sparse") -> Divergence:
    return divergence(sp.csr_array(a), sp.csr_array(b), binning)


def test_jsd_is_scipys_distance_squared_in_nats(binning: str) -> None:
    h, d = histograms(sp.csr_array(A), sp.csr_array(B), binning), of(A, B, binning)
    for k in range(A.shape[1]):
        own = slice(h.start[k], h.start[k + 1])
        assert d.jsd[k] == pytest.approx(jensenshannon(h.counts_a[own], h.counts_b[own]) ** 2, abs=1e-9)


def test_jsd_closed_forms() -> None:
    """Disjoint sides give ln 2; half of A against none of B is worked out by hand."""
    a, b = np.zeros((40, 2)), np.zeros((60, 2))
    a[:, 0] = 1.0
    a[:20, 1] = 1.0
    d = of(a, b)
    assert d.jsd[0] == pytest.approx(np.log(2), abs=1e-12)
    # p = (1/2, 1/2), q = (1, 0), m = (3/4, 1/4): [1/2 ln(2/3) + 1/2 ln 2 + ln(4/3)] / 2
    assert d.jsd[1] == pytest.approx((0.5 * np.log(2 / 3) + 0.5 * np.log(2) + np.log(4 / 3)) / 2, abs=1e-12)


def test_chain_rule_split() -> None:
    """JSD = JSD(fires or not) + the divergence of the magnitudes given firing, each side weighted by its rate."""
    h, d = histograms(sp.csr_array(A), sp.csr_array(B)), of(A, B)
    for k in range(A.shape[1]):
        p, q = (np.array([c[h.start[k]], c[h.start[k] + 1 : h.start[k + 1]].sum()]) for c in (h.counts_a, h.counts_b))
        assert d.jsd_firing[k] == pytest.approx(jensenshannon(p, q) ** 2, abs=1e-9)
        r_a, r_b = d.rate_a[k], d.rate_b[k]
        magnitude = 0.0
        if r_a + r_b > 0:
            fire_a = h.counts_a[h.start[k] + 1 : h.start[k + 1]] / len(A)
            fire_b = h.counts_b[h.start[k] + 1 : h.start[k + 1]] / len(B)
            mixture = (fire_a + fire_b) / (r_a + r_b)
            for rate, cells in ((r_a, fire_a), (r_b, fire_b)):
                if rate > 0:
                    magnitude += rate / 2 * stats.entropy(cells / rate, mixture)
        assert d.jsd[k] - d.jsd_firing[k] == pytest.approx(magnitude, abs=1e-9)


def test_rates_gaps_and_z_values() -> None:
    d = of(A, B)
    np.testing.assert_array_equal(d.fires_a, (A > 0).sum(0))
    np.testing.assert_allclose(d.rate_b, (B > 0).mean(0))
    np.testing.assert_allclose(d.gap, A.astype(float).mean(0) - B.astype(float).mean(0), atol=1e-12)
    alive = (A > 0).any(0) | (B > 0).any(0)
    welch = stats.ttest_ind(A[:, alive].astype(float), B[:, alive].astype(float), equal_var=False).statistic
    np.testing.assert_allclose(d.gap_z[alive], welch, rtol=1e-9)
    for k in np.flatnonzero(alive):
        table = [[d.fires_a[k], len(A) - d.fires_a[k]], [d.fires_b[k], len(B) - d.fires_b[k]]]
        if np.sum(table, axis=0).min() > 0:
            assert d.firing_z[k] ** 2 == pytest.approx(stats.chi2_contingency(table, correction=False).statistic, rel=1e-9)
            assert np.sign(d.firing_z[k]) == np.sign(d.rate_a[k] - d.rate_b[k])
    assert (d.gap_z[~alive] == 0).all()
    assert (d.p_value[~alive] == 1).all()


def test_swapping_the_sides_turns_the_signs_only(binning: str) -> None:
    one, two = of(A, B, binning), of(B, A, binning)
    for name in ("gap", "gap_z", "firing_z"):
        np.testing.assert_allclose(getattr(one, name), -getattr(two, name), rtol=1e-12)
    for name in ("jsd", "jsd_firing", "bias", "p_value"):
        np.testing.assert_allclose(getattr(one, name), getattr(two, name), rtol=1e-9, atol=1e-12)


@pytest.fixture(scope="module")
def null() -> list[Divergence]:
    """60 pairs of samples of one distribution: 100 concepts each, firing in .1 to 90 % of the images, sides of 240 and 110."""
    rates = np.geomspace(0.001, 0.9, 100)
    return [of(codes(240, rates, 1000 + i), codes(110, rates, 5000 + i)) for i in range(60)]


def test_bias_is_the_mean_jsd_under_the_null() -> None:
    """(cells - 1) / 8 (1/n_a + 1/n_b) over cells that hold anything: the expansion for filled cells, so few and full ones are drawn."""
    rng, size = np.random.default_rng(5), 3000
    a, b = (np.where(rng.random((n, size)) < 0.6, rng.integers(1, 4, (n, size)), 0).astype(float) for n in (240, 110))
    h, d = histograms(sp.csr_array(a), sp.csr_array(b)), of(a, b)
    filled = np.bincount(h.concept, h.counts_a + h.counts_b > 0)
    np.testing.assert_array_equal(filled, 4)
    np.testing.assert_allclose(d.bias, 3 / 8 * (1 / 240 + 1 / 110), rtol=1e-12)
    assert d.jsd.mean() == pytest.approx(d.bias[0], rel=0.05)


@pytest.mark.parametrize("level", [0.05, 0.001])
def test_p_values_keep_their_size_under_the_null(null: list[Divergence], level: float) -> None:
    p = np.stack([x.p_value for x in null])
    assert int((p <= level).sum()) <= stats.binom.ppf(0.999, p.size, level)
    assert int((p <= level).sum()) >= 0.2 * level * p.size


@pytest.mark.parametrize(("n_a", "n_b"), [(100, 1000), (1000, 100), (25, 250)])
def test_p_values_keep_their_size_where_concepts_fire_often_and_sides_are_of_two_sizes(n_a: int, n_b: int) -> None:
    """The chi-squared law of the JSD rejects at .017 in a tenth of these."""
    rates = np.repeat(np.linspace(0.3, 0.9, 25), 20)
    p = np.concatenate([of(codes(n_a, rates, 10 + i), codes(n_b, rates, 90 + i)).p_value for i in range(8)])
    for level in (0.05, 0.017, 0.001):
        assert int((p <= level).sum()) <= stats.binom.ppf(0.999, p.size, level)


def test_p_is_twice_the_smaller_of_fishers_and_pearsons_on_well_filled_cells() -> None:
    rng = np.random.default_rng(8)
    a, b = (np.where(rng.random((n, 30)) < 0.6, rng.integers(1, 4, (n, 30)), 0).astype(float) for n in (240, 110))
    a[:, 0] = np.where(rng.random(240) < 0.4, a[:, 0], 0)
    h, d = histograms(sp.csr_array(a), sp.csr_array(b)), of(a, b)
    for k in range(30):
        own = slice(h.start[k], h.start[k + 1])
        table = np.stack([h.counts_a[own], h.counts_b[own]])
        table = table[:, table.any(0)]
        assert table.min() >= 5
        fires = [[d.fires_a[k], 240 - d.fires_a[k]], [d.fires_b[k], 110 - d.fires_b[k]]]
        want = 2 * min(stats.chi2_contingency(table, correction=False).pvalue, stats.fisher_exact(fires).pvalue)
        assert d.p_value[k] == pytest.approx(min(1.0, want), rel=1e-9)


def test_rare_concepts_get_fishers_exact_p() -> None:
    a, b = np.zeros((200, 3)), np.zeros((90, 3))
    a[:6, 0], b[:1, 1], b[5:9, 2], a[:4, 2] = 1.0, 1.0, 2.0, 2.0
    d = of(a, b)
    for k, (in_a, in_b) in enumerate([(6, 0), (0, 1), (4, 4)]):
        assert d.p_value[k] == pytest.approx(stats.fisher_exact([[in_a, 200 - in_a], [in_b, 90 - in_b]]).pvalue, rel=1e-9)


def test_fisher_equals_scipy_on_every_table() -> None:
    n_a, n_b = 13, 8
    fires_a, fires_b = (x.ravel() for x in np.meshgrid(np.arange(n_a + 1), np.arange(n_b + 1)))
    want = [stats.fisher_exact([[i, n_a - i], [j, n_b - j]]).pvalue for i, j in zip(fires_a, fires_b, strict=True)]
    np.testing.assert_allclose(fisher_exact(fires_a, fires_b, n_a, n_b), want, rtol=1e-9)


def naive_q(p: np.ndarray, factor: float) -> np.ndarray:
    """Step-up by its definition: the smallest level at which a p-value is among the rejected."""
    m = len(p)
    return np.array([min(min(1.0, factor * m * x / np.sum(p <= x)) for x in p if x >= own) for own in p])


@pytest.mark.parametrize("correction", ["bh", "by"])
def test_q_values_equal_scipy_and_the_step_up_rule(correction: str) -> None:
    p = np.random.default_rng(0).beta(0.4, 2.0, 83)
    p[7] = p[20]
    q = q_values(p, correction)
    np.testing.assert_allclose(q, stats.false_discovery_control(p, method=correction), rtol=1e-12)
    factor = 1.0 if correction == "bh" else np.sum(1 / np.arange(1, 84))
    np.testing.assert_allclose(q, naive_q(p, factor), rtol=1e-12)


@pytest.mark.parametrize("correction", ["bh", "by"])
def test_a_larger_family_counts_its_uncomputed_members_as_one(correction: str) -> None:
    p = np.random.default_rng(1).beta(0.3, 2.0, 11)
    want = stats.false_discovery_control(np.concatenate([p, np.ones(489)]), method=correction)[:11]
    np.testing.assert_allclose(q_values(p, correction, tests=500), want, rtol=1e-12)
    assert (q_values(p, correction, tests=500) >= q_values(p, correction)).all()


def test_q_values_of_nothing() -> None:
    assert q_values(np.zeros(0), "bh", tests=10).shape == (0,)


def test_a_planted_concept_has_the_smallest_p_and_its_side() -> None:
    rates = np.full(50, 0.1)
    a, b = codes(260, rates, 3), codes(140, rates, 4)
    a[:90, 17] = 1.5
    d = of(a, b)
    assert d.p_value.argmin() == 17
    assert d.p_value[17] < 1e-6
    assert d.gap[17] > 0
    assert d.firing_z[17] > 4


def test_blocks_of_concepts_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from latentdiff.stats import divergence as module

    rng = np.random.default_rng(5)
    a, b = (sp.csr_array(np.where(rng.random((n, 40)) < 0.2, rng.exponential(size=(n, 40)), 0).astype(np.float32)) for n in (300, 410))
    whole = divergence(a, b)
    monkeypatch.setattr(module, "BLOCK", 500)
    assert len(module._blocks(whole.fires_a + whole.fires_b)) > 5
    parts = divergence(a, b)
    for field in dataclasses.fields(whole):
        np.testing.assert_array_equal(getattr(parts, field.name), getattr(whole, field.name))

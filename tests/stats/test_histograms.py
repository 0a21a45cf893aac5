"""Histograms of all concepts at once against a loop of numpy.histogram over dense columns."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from latentdiff.stats.histograms import MAX_BINS, STURGES_BELOW, histograms


def naive(a: np.ndarray, b: np.ndarray, binning: str) -> tuple[np.ndarray, np.ndarray]:
    """One dense column of each side to its cells, by numpy's own estimators and numpy.histogram."""
    both = np.concatenate([a, b])
    if binning == "paper":
        edges = np.histogram_bin_edges(both, "fd")
        return np.histogram(a, edges)[0], np.histogram(b, edges)[0]
    nonzero = both[both > 0]
    cells = [[np.sum(a == 0)], [np.sum(b == 0)]]
    if len(nonzero):
        q1, q3 = np.percentile(nonzero, [25, 75])
        rule = "sturges" if len(nonzero) < STURGES_BELOW or q1 == q3 else "fd"
        count = len(np.histogram_bin_edges(nonzero, rule)) - 1 if np.ptp(nonzero) else 1
        for side, x in zip(cells, (a, b), strict=True):
            side.extend(np.histogram(x[x > 0], min(count, MAX_BINS), range=(nonzero.min(), nonzero.max()))[0])
    return np.array(cells[0]), np.array(cells[1])


def codes(n: int, k: int, seed: int) -> np.ndarray:
    """Dense activations: firing rates from 0 to 1, gamma, constant, rounded and heavy-tailed magnitudes."""
    rng = np.random.default_rng(seed)
    rate = np.random.default_rng(5).uniform(0, 1, k) ** 2
    rate[:4] = [0.0, 1.0, 1.0, 0.02]
    z = rng.gamma(2.0, 1.0, (n, k)) + 0.01
    z[:, 2] = 1.5
    z[:, 4] = 0.25
    z[:, 5] = np.round(z[:, 5]) + 1
    z[:, 6] = np.exp(3 * rng.standard_normal(n))
    z[:, 7] = np.where(rng.random(n) < 0.9, 2.0, z[:, 7])
    return np.where(rng.random((n, k)) < rate, z, 0).astype(np.float32)


def check(a: np.ndarray, b: np.ndarray, binning: str) -> None:
    h = histograms(sp.csr_array(a), sp.csr_array(b), binning)
    assert (h.start[0], h.start[-1]) == (0, len(h.counts_a))
    for k in range(a.shape[1]):
        want_a, want_b = naive(a[:, k].astype(float), b[:, k].astype(float), binning)
        own = slice(h.start[k], h.start[k + 1])
        np.testing.assert_array_equal(h.counts_a[own], want_a, err_msg=f"concept {k}")
        np.testing.assert_array_equal(h.counts_b[own], want_b, err_msg=f"concept {k}")


@pytest.mark.parametrize("binning", ["sparse", "paper"])
@pytest.mark.parametrize(("n_a", "n_b"), [(23, 41), (400, 150), (31, 900)])
def test_counts_equal_a_loop_of_numpy_histograms(n_a: int, n_b: int, binning: str) -> None:
    check(codes(n_a, 60, 1), codes(n_b, 60, 2), binning)


def test_every_rule_is_met_by_some_concept() -> None:
    """The loop above would prove little if the data never reached a rule."""
    a, b = codes(400, 60, 1), codes(150, 60, 2)
    both = np.concatenate([a, b])
    fires = (both > 0).sum(0)
    cells = np.diff(histograms(sp.csr_array(a), sp.csr_array(b)).start)
    assert fires[0] == 0
    assert cells[0] == 1  # never fires: only the cell of zeros
    assert fires[1] == 550
    assert cells[2] == 2  # always fires, all nonzeros equal: no image is silent, one bin
    assert 0 < fires[3] < STURGES_BELOW
    assert cells[6] == MAX_BINS + 1  # heavy tail: Freedman-Diaconis asks for more than the cap
    assert np.ptp(np.percentile(both[both[:, 7] > 0, 7], [25, 75])) == 0  # quartiles equal, values not: Sturges
    assert cells[7] == np.ceil(np.log2(fires[7])) + 2


def test_values_on_bin_edges_fall_where_numpy_puts_them() -> None:
    """Activations on a grid lie on edges, where rounding decides; numpy's edges must decide alike."""
    rng = np.random.default_rng(3)
    scale = np.linspace(0.1, 0.7, 40)
    a = (rng.integers(0, 12, (333, 40)) * scale).astype(np.float32)
    b = (rng.integers(0, 12, (120, 40)) * scale).astype(np.float32)
    for binning in ("sparse", "paper"):
        check(a, b, binning)


def test_whole_numbers_of_many_ranges_fall_where_numpy_puts_them() -> None:
    """1 / 49 * 49 is less than 1: a value on an edge must not slip into the bin below."""
    rng, high = np.random.default_rng(4), np.arange(6, 306)
    a, b = (rng.integers(1, high, (n, 300)).astype(np.float32) for n in (3000, 1700))
    for binning in ("sparse", "paper"):
        check(a, b, binning)


def test_the_papers_bins_are_blind_to_rare_concepts_and_ours_are_not() -> None:
    a, b = np.zeros((100, 1)), np.zeros((60, 1))
    a[:15, 0] = np.linspace(1, 2, 15)
    paper = histograms(sp.csr_array(a), sp.csr_array(b), "paper")
    assert (paper.counts_a.tolist(), paper.counts_b.tolist()) == ([100], [60])
    ours = histograms(sp.csr_array(a), sp.csr_array(b))
    assert ours.counts_a.tolist() == [85, 3, 3, 3, 3, 3]
    assert ours.counts_b.tolist() == [60, 0, 0, 0, 0, 0]


def test_each_side_is_counted_once_and_cells_know_their_concept() -> None:
    a, b = codes(77, 30, 3), codes(140, 30, 4)
    h = histograms(sp.csr_array(a), sp.csr_array(b))
    assert np.bincount(h.concept, h.counts_a).tolist() == [77] * 30
    assert np.bincount(h.concept, h.counts_b).tolist() == [140] * 30


def test_no_activation_at_all() -> None:
    h = histograms(sp.csr_array((30, 3)), sp.csr_array((21, 3)))
    assert (h.counts_a.tolist(), h.counts_b.tolist(), h.start.tolist()) == ([30] * 3, [21] * 3, [0, 1, 2, 3])

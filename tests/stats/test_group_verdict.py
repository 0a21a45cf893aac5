"""The verdict over many groups: statistics against naive loops, and its size by simulation."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from scipy import stats

from latentdiff.stats.group_verdict import group_verdict, largest_activation_differences, largest_firing_differences
from latentdiff.stats.relabelling import step_down


@pytest.fixture(scope="module")
def codes() -> sp.csr_array:
    rng = np.random.default_rng(0)
    dense = rng.random((120, 15)) * (rng.random((120, 15)) < 0.2)
    return sp.csr_array(dense.astype(np.float32))


def test_firing_differences_are_fishers(codes) -> None:
    rng = np.random.default_rng(1)
    drawn = np.column_stack([rng.permutation(np.repeat([0, 1, 2], (60, 40, 20))) for _ in range(3)])
    found, dense = largest_firing_differences(codes, drawn, 3), codes.toarray() > 0
    for c in range(3):
        for g in range(3):
            tails = []
            for k in range(15):
                own = drawn[:, c] == g
                law = stats.hypergeom(120, int(dense[:, k].sum()), int(own.sum()))
                seen = int(dense[own, k].sum())
                tails.append(min(law.cdf(seen), law.sf(seen - 1)))
            assert found[g, c] == pytest.approx(stats.norm.isf(min(min(tails), 0.5)), abs=1e-4)


def test_activation_differences_are_standardised_by_the_relabellings(codes) -> None:
    rng = np.random.default_rng(2)
    drawn = np.column_stack([rng.permutation(np.repeat([0, 1], (70, 50))) for _ in range(20)])
    square = codes.toarray().astype(float) ** 2
    gap = np.array([square[drawn[:, c] == 0].mean(0) - square[drawn[:, c] == 1].mean(0) for c in range(20)])
    expected = np.abs(gap / np.sqrt((gap**2).mean(0))).max(1)
    assert largest_activation_differences(codes, drawn, 2)[0] == pytest.approx(expected, rel=1e-4)


def test_step_down_by_hand() -> None:
    """Three groups, four labellings: each p counts the largest among the groups not told apart yet, and none is below an earlier one."""
    statistic = np.array([[5.0, 1, 2, 6], [4.0, 9, 1, 2], [0.5, 1, 3, 2]])
    assert step_down(statistic).tolist() == [0.75, 0.75, 1.0]
    assert step_down(np.array([[9.0, 1, 8, 2], [7.0, 1, 2, 3]])).tolist() == [0.25, 0.25]


def test_equal_groups_are_rarely_told_apart_and_a_planted_mode_is() -> None:
    rng, claimed, seen, others = np.random.default_rng(5), 0, 0, 0
    for i in range(40):
        x = rng.standard_normal((120, 6)).astype(np.float32)
        fires = rng.random((120, 30)) < 0.1
        label = np.repeat(np.arange(4), 30)
        claimed += bool((group_verdict(sp.csr_array(fires.astype(np.float32)), x, np.arange(120), label, seed=i).p_value <= 0.05).any())
        if i < 12:
            fires[:12, 0] = True
            p = group_verdict(sp.csr_array(fires.astype(np.float32)), x, np.arange(120), label, seed=i).p_value
            seen, others = seen + (p[0] <= 0.05), others + bool((p[1:] <= 0.05).any())
    assert claimed <= stats.binom.isf(0.001, 40, 0.05) and seen >= 10 and others <= 3

"""Cluster-robust tests against naive sums, and their size."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from scipy import stats

from latentdiff.stats.divergence import divergence, retested
from latentdiff.stats.exemplars import one_a_group
from latentdiff.stats.grouped import Grouping, independent_images

RNG = np.random.default_rng(1)
IN_A = np.arange(90) < 40
GROUPS = np.concatenate([RNG.integers(0, 12, 40), RNG.integers(9, 25, 50)])  # three or so on both sides
DENSE = (RNG.random((90, 7)) < np.linspace(0.05, 0.8, 7)) * RNG.gamma(2, 1, (90, 7))


def naive(values: np.ndarray) -> tuple[float, float]:
    weight = np.where(IN_A, 1 / 40, -1 / 50)
    u = np.array([(weight * (values - values.mean()))[g == GROUPS].sum() for g in np.unique(GROUPS)])
    z = (values[IN_A].mean() - values[~IN_A].mean()) / np.sqrt(np.square(u).sum())
    smaller = min(len(set(GROUPS[IN_A])), len(set(GROUPS[~IN_A])))
    return z, 2 * stats.t.sf(abs(z), smaller - 1)


def test_sparse_and_dense_equal_a_loop_over_groups() -> None:
    grouping = Grouping(IN_A, GROUPS)
    for got in (grouping.sparse(sp.csr_array(DENSE)), grouping.dense(DENSE.T)):
        for k in range(7):
            assert (got.z[k], got.p_value[k]) == pytest.approx(naive(DENSE[:, k]), rel=1e-9)


def test_of_pairs_it_is_the_difference_over_the_root_of_its_squares() -> None:
    a, b = RNG.standard_normal(30) + 0.3, RNG.standard_normal(30)
    got = Grouping(np.arange(60) < 30, np.tile(np.arange(30), 2)).dense(np.concatenate([a, b])[None])
    assert got.z[0] == pytest.approx((a - b).sum() / np.sqrt(np.square(a - b).sum()))


def test_values_that_never_change_say_nothing() -> None:
    got = Grouping(IN_A, GROUPS).dense(np.array([np.zeros(90), np.ones(90)]))
    assert got.z.tolist() == [0, 0]
    assert got.p_value.tolist() == [1, 1]


def test_divergence_by_group_takes_the_smaller_p_of_firing_and_activation() -> None:
    codes = sp.csr_array(DENSE.astype(np.float32))
    d = retested(divergence(codes[:40], codes[40:]), codes, Grouping(IN_A, GROUPS))
    for k in range(7):
        p = min(naive(DENSE[:, k].astype(np.float32))[1], naive((DENSE[:, k] > 0).astype(float))[1])
        assert d.p_value[k] == pytest.approx(min(1.0, 2 * p), rel=1e-4)


def test_five_frames_of_a_scene_count_once() -> None:
    """300 null pairs of 30 scenes: a concept fires in all frames of a scene or in none."""
    scene, p, alone = np.repeat(np.arange(60), 5), [], []
    for seed in range(30):
        dense = (np.random.default_rng(seed).random((60, 10)) < 0.3)[scene].astype(np.float32)
        codes = sp.csr_array(dense)
        d = divergence(codes[:150], codes[150:])
        alone.append(d.p_value)
        p.append(retested(d, codes, Grouping(np.arange(300) < 150, scene)).p_value)
    assert (np.array(alone) <= 0.05).mean() > 0.25
    assert (np.array(p) <= 0.05).sum() <= stats.binom.ppf(0.999, 300, 0.05)


def test_one_row_a_group_in_the_order_given() -> None:
    assert one_a_group(np.array([5, 3, 4, 0]), np.array([0, 1, 1, 2, 2, 2])).tolist() == [5, 0]
    assert one_a_group(np.array([5, 3]), None).tolist() == [5, 3]


def test_independent_images_are_n_over_the_design_effect() -> None:
    """Against the closed form of equal groups, and against the spread of the share over drawn groups."""
    alone = RNG.random(40) < 0.3
    assert independent_images(alone, RNG.permutation(40)) == pytest.approx(40)
    scene = np.repeat(np.arange(30), 5)
    assert independent_images(np.repeat(RNG.random(30) < 0.4, 5), scene) == pytest.approx(30 * (149 / 150) ** -1 * 29 / 30)
    assert independent_images(np.zeros(150, bool), scene) == independent_images(np.ones(150, bool), scene) == pytest.approx(30)
    share, told = [], []
    for _ in range(400):
        shows = RNG.random(150) < np.repeat(RNG.beta(1, 2, 30), 5)  # frames of a scene share its rate
        share.append(shows.mean())
        told.append(np.mean(share[-1:]) * (1 - share[-1]) / independent_images(shows, scene))
    assert np.mean(told) == pytest.approx(np.var(share), rel=0.15)

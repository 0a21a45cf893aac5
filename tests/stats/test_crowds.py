"""Places where one side has more images than chance: p against a naive loop, which findings they stand behind, and their size."""

from __future__ import annotations

import numpy as np
from scipy import stats

from latentdiff.compute.parallel import one_thread
from latentdiff.stats.crowds import KEPT, Crowds, crowds_of, local_crowds
from latentdiff.stats.kernel_test import local_kernel
from latentdiff.stats.relabelling import relabelled, weights


def cloud(n: int, seed: int, width: int = 24) -> np.ndarray:
    x = np.random.default_rng(seed).standard_normal((n, width)).astype(np.float32)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def with_mode(n: int, mode: int, seed: int) -> np.ndarray:
    """The last images lie close to each other."""
    x = cloud(n, seed, 64)
    x[-mode:] = 0.6 * x[-mode:] + 0.8 * x[-1:]
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def test_crowds_equal_a_loop_over_places_and_relabellings() -> None:
    unit, in_a = with_mode(60, 8, 3), np.arange(60) < 30
    labels = relabelled(in_a, None, 40, 1)
    kernel = local_kernel(unit, 0)
    largest, crowds = local_crowds(kernel, weights(labels))
    gap = np.array([[k[a > 0].mean() - k[a == 0].mean() for a in labels.T] for k in kernel])
    standardised = np.abs(gap) / np.sqrt(np.square(gap).mean(1, keepdims=True))
    np.testing.assert_allclose(largest, standardised.max(0), rtol=1e-3)
    order = np.argsort(-standardised[:, 0])
    p = np.maximum.accumulate([np.mean(standardised[order[i:]].max(0) >= standardised[one, 0] * (1 - 1e-5)) for i, one in enumerate(order)])
    p = p[np.argsort(order)]
    np.testing.assert_allclose(np.sort(crowds.p_value), np.sort(p[p <= KEPT]), atol=1e-12)
    assert not crowds.more_in_a.any()  # the mode lies in B
    np.testing.assert_array_equal(crowds.near, (kernel[p <= KEPT] > 0) & ~in_a)
    assert crowds.near[:, -8:].mean() > 0.5


def test_a_crowd_stands_behind_a_finding_of_its_side_that_shows_its_images() -> None:
    near = np.zeros((2, 12), bool)  # of images 0 to 5 in A and 6 to 11 in B
    near[0, [7, 8, 9, 10]], near[1, [0, 1, 2]] = True, True
    crowds = Crowds(np.array([False, True]), np.array([0.004, 0.02]), near)
    assert crowds.behind(np.array([7, 8, 9]), "B") == 0.004
    assert crowds.behind(np.array([7, 8]), "B") == 0.004  # half of the crowd
    assert np.isnan(crowds.behind(np.array([7]), "B"))
    assert crowds.behind(np.array([0, 1, 4]), "A") == 0.02
    assert np.isnan(crowds.behind(np.array([0, 1, 4, 5]), "A"))  # half of what it shows lies elsewhere
    assert np.isnan(crowds.behind(np.array([], int), "A"))


def test_without_a_difference_any_crowd_is_named_as_often_as_its_level_says() -> None:
    """There are modes, and they are in both sides."""
    with one_thread():
        smallest = []
        for seed in range(150):
            mixed = with_mode(120, 24, seed)[np.random.default_rng(seed).permutation(120)]
            found = crowds_of(mixed, np.arange(120) < 60, None, None, 99, seed)
            smallest.append(found.p_value.min(initial=1.0))
    assert (np.array(smallest) <= 0.05).sum() <= stats.binom.ppf(0.999, 150, 0.05)


def test_frames_of_one_scene_are_no_crowd_where_scenes_are_groups() -> None:
    unit, in_a = with_mode(120, 8, 5), np.arange(120) < 60
    scene = np.arange(120)
    scene[-8:] = 112
    assert crowds_of(unit, in_a, None, None, 199, 0).p_value.min(initial=1.0) <= 0.01
    assert crowds_of(unit, in_a, np.unique(scene, return_inverse=True)[1], None, 199, 0).p_value.min(initial=1.0) > 0.05

"""Echoes on scores whose cause is known: correlation with a mode is explained, a mode of its own is not."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from latentdiff.stats.divergence import divergence
from latentdiff.stats.echoes import Gated, find_echoes, shared_images
from latentdiff.stats.grouped import Grouping
from latentdiff.stats.phrases import phrase_evidence

N_A, N_B = 6000, 5000


def world(seed: int, own_mode: bool) -> tuple[np.ndarray, np.ndarray]:
    """Scores of three phrases, and who shows them: a mode in a tenth of A, its echo, and one that is independent or has its own mode."""
    rng = np.random.default_rng(seed)
    mode = np.zeros(N_A + N_B, bool)
    mode[:600] = True
    other = np.zeros(N_A + N_B, bool)
    if own_mode:
        other[rng.choice(N_A, 400, replace=False)] = True
    noise = 0.1 * rng.standard_normal((3, N_A + N_B))
    scores = noise + np.stack([1.0 * mode, 0.1 * mode, 1.0 * other])
    return scores, scores > 0.5


def gated(scores: np.ndarray) -> list[Gated]:
    e = phrase_evidence(scores[:, :N_A], scores[:, N_A:])
    return [Gated("A", False, float(p), 0.0) for p in e.p_more_in_a]


def test_an_echo_is_explained_and_a_mode_of_its_own_is_not() -> None:
    scores, shown = world(0, own_mode=True)
    findings = gated(scores)
    assert max(f.p_value for f in findings) < 1e-6  # all three pass any gate
    found = find_echoes(findings, lambda i: scores[i], sp.csr_array(shown.T), N_A, 0.05)
    assert found.of.tolist()[0] == -1 and found.of[2] == -1 and found.of[1] in (0, 2)
    assert found.p_value[1] > 0.05 and max(found.p_value[0], found.p_value[2]) < 1e-10


def test_p_is_that_of_the_images_that_are_left() -> None:
    scores, shown = world(1, own_mode=False)
    findings = [Gated("A", False, p, 0.0) for p in (1e-200, 1e-30, 1e-20)]
    found = find_echoes(findings, lambda i: scores[i], sp.csr_array(shown.T), N_A, 0.05)
    rest = ~shown[0]
    for i in (1, 2):
        e = phrase_evidence(scores[i][None, :N_A][:, rest[:N_A]], scores[i][None, N_A:][:, rest[N_A:]])
        assert found.p_value[i] == pytest.approx(min(1.0, 3 * e.p_more_in_a[0])) and found.of[i] == 0
    assert found.p_value[0] == 1e-200


def test_concepts_are_tested_by_their_activations() -> None:
    scores, shown = world(2, own_mode=True)
    half = shown[0] | shown[2]  # fires on the mode and on one of its own: more than half of its images show the stronger one
    active = np.where(half, 2.0, 0.0)
    findings = [Gated("A", False, 1e-200, 0.0), Gated("A", True, 1e-50, 0.0)]
    found = find_echoes(findings, lambda i: [scores[0], active][i], sp.csr_array(np.stack([shown[0], half], axis=1)), N_A, 0.05)
    rest = ~shown[0]
    halves = (sp.csr_array(active[:N_A][rest[:N_A], None]), sp.csr_array(active[N_A:][rest[N_A:], None]))
    assert 0 < found.p_value[1] == pytest.approx(2 * divergence(*halves).p_value[0], rel=1e-9) and found.of[1] == -1


def test_an_echo_shares_images_and_side_with_what_it_repeats() -> None:
    """A mode of all of A explains nothing of B; what cannot be tested without it stays, and says what it overlaps with."""
    a, b = 60, 50
    of_a = np.arange(a + b) < a
    part = of_a & (np.arange(a + b) % 3 == 0)
    few = of_a & (np.arange(a + b) < 12)
    values = [1.0 * of_a, 1.0 * ~of_a, 1.0 * part, 1.0 * ~part]
    findings = [Gated("A", True, 1e-20, 0.0), Gated("B", True, 1e-19, 0.0), Gated("A", True, 1e-6, 0.0), Gated("B", True, 1e-5, 0.0)]
    columns = sp.csr_array(np.stack([of_a, ~of_a, part, ~of_a | few], axis=1))
    found = find_echoes(findings, lambda i: values[i], columns, a, 0.05)
    assert found.of.tolist() == [-1, -1, -1, -1] and found.overlaps.tolist() == [-1, -1, 0, 1]
    assert found.p_value.tolist() == [f.p_value for f in findings]


def test_level_of_the_second_test() -> None:
    """Echoes of a mode stand by themselves no more often than alpha."""
    standing = 0
    for seed in range(100):
        scores, shown = world(100 + seed, own_mode=False)
        findings = [Gated("A", False, 1e-200, 0.0), Gated("A", False, 1e-30, 0.0), Gated("A", False, 1e-20, 0.0)]
        found = find_echoes(findings, lambda i, s=scores: s[i], sp.csr_array(shown.T), N_A, 0.05)
        standing += int((found.p_value[1:] <= 0.05).any())
    assert standing <= 11  # 5 expected at most; more than 11 of 100 has a probability below 1 %


def test_few_images_left_and_nothing_found() -> None:
    assert find_echoes([], lambda i: np.zeros(0), sp.csr_array((50, 0), dtype=bool), 25, 0.05).p_value.shape == (0,)
    everything = sp.csr_array(np.ones((50, 2), bool))
    findings = [Gated("A", False, 1e-9, 2.0), Gated("A", False, 1e-9, 1.0)]
    found = find_echoes(findings, lambda i: np.arange(50.0), everything, 25, 0.05)
    assert found.of.tolist() == [-1, -1] and found.overlaps.tolist() == [-1, 0] and found.p_value.tolist() == [1e-9, 1e-9]


def test_groups_are_what_the_second_test_counts() -> None:
    """Frames of scenes: what is left of a finding is tested by scene, and with too few scenes it is not tested."""
    rng = np.random.default_rng(4)
    scene = np.r_[np.repeat(np.arange(40), 5), np.repeat(np.arange(40, 80), 5)]
    n_a = 200
    mode = scene < 10
    own = mode | np.isin(scene, [10, 11, 12, 13, 14, 15, 41])  # half of its scenes show the stronger one
    scores = 0.1 * rng.standard_normal((2, 400)) + np.stack([1.0 * mode, 1.0 * own])
    shown = sp.csr_array(np.stack([mode, own], axis=1))
    rest = ~mode
    for concept in (False, True):
        values = [scores[0], np.where(own, scores[1], 0.0) if concept else scores[1]]
        findings = [Gated("A", False, 1e-30, 0.0), Gated("A", concept, 1e-20, 0.0)]
        found = find_echoes(findings, lambda i, v=values: v[i], shown, n_a, 0.05, groups=scene)
        grouping = Grouping((np.arange(400) < n_a)[rest], scene[rest])
        kept = values[1][rest]
        if concept:
            p = 2 * min(grouping.dense(x[None]).p_value[0] for x in (kept, (kept > 0).astype(float)))
        else:
            p = phrase_evidence(kept[None, :150], kept[None, 150:], grouping).p_more_in_a[0]
        assert found.p_value[1] == pytest.approx(min(1.0, 2 * p), rel=1e-6)
        assert found.p_value[1] > 10 * find_echoes(findings, lambda i, v=values: v[i], shown, n_a, 0.05).p_value[1]
    few = np.minimum(scene, 13)  # without the mode's ten scenes, four are left in A
    found = find_echoes(findings, lambda i: values[i], shown, n_a, 0.05, groups=np.where(np.arange(400) < n_a, few, scene))
    assert found.overlaps.tolist() == [-1, 0]


def test_what_the_same_images_show_is_told_by_its_name() -> None:
    """A guess of a smaller p gives way to a name that fits, where three fifths of the images show both; to none of other images."""
    n, images = 200, np.arange(400)
    breed = images < 30
    for fewer, named in ((0, True), (12, True), (13, False)):
        animal = images < 30 - fewer  # of 30 images 30, 18 and 17 show both: 1, .6 and .57 of them
        values = [1.0 * breed, 1.0 * animal]
        findings = [Gated("A", False, 1e-30, 2.0, guess=True), Gated("A", False, 1e-9, 1.0)]
        found = find_echoes(findings, lambda i, v=values: v[i], sp.csr_array(np.stack([breed, animal], axis=1)), n, 0.05)
        assert (found.of[1] == -1) == named  # the name stands, else it is an echo of the guess
        assert not named or found.p_value[1] == 1e-9
    both = sp.csr_array(np.stack([breed, breed], axis=1))
    for guesses, of in (((True, True), [-1, 0]), ((False, False), [-1, 0]), ((False, True), [-1, 0]), ((True, False), [1, -1])):
        findings = [Gated("A", False, p, 0.0, guess=g) for p, g in zip((1e-30, 1e-9), guesses, strict=True)]
        assert find_echoes(findings, lambda i: 1.0 * breed, both, n, 0.05).of.tolist() == of


def test_shared_images_are_counted_as_sets() -> None:
    shown = np.random.default_rng(3).random((40, 6)) < 0.3
    shown[:, 4] = False
    shows = sp.csr_array(shown)
    alike, within = shared_images(shows)
    sets = [set(np.flatnonzero(column)) for column in shows.toarray().T]
    for i, one in enumerate(sets):
        for j, other in enumerate(sets):
            assert alike[i, j] == len(one & other) / max(len(one | other), 1)
            assert within[i, j] == len(one & other) / max(len(one), 1)

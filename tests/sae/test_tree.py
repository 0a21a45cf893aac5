"""The tree of a Matryoshka SAE against planted hierarchies and naive counts."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from latentdiff import InputError
from latentdiff.sae.cofiring import cofiring, firing_table
from latentdiff.sae.tree import ancestors, children, group_of, parents, tree_order, with_ancestors

VEHICLE, ANIMAL, MOTORCYCLE, CAR, DOG, SCOOTER, OUTDOORS = 0, 1, 3, 4, 5, 7, 2
GROUPS = (3, 4, 2)
PLANTED = {MOTORCYCLE: VEHICLE, CAR: VEHICLE, DOG: ANIMAL, SCOOTER: MOTORCYCLE}


def planted(n: int = 600, seed: int = 0, noise: float = 0.05) -> sp.csr_array:
    """Codes by hand: a scooter is a motorcycle is a vehicle; concept 2 fires nearly everywhere, 6 at random, 8 never."""
    rng = np.random.default_rng(seed)
    z = np.zeros((n, 9))
    kind = rng.choice(["scooter", "motorcycle", "car", "dog", "animal", "nothing"], n, p=[0.05, 0.1, 0.2, 0.15, 0.1, 0.4])
    z[:, VEHICLE] = np.isin(kind, ["scooter", "motorcycle", "car"])
    z[:, MOTORCYCLE] = np.isin(kind, ["scooter", "motorcycle"])
    z[:, SCOOTER], z[:, CAR], z[:, DOG] = kind == "scooter", kind == "car", kind == "dog"
    z[:, ANIMAL] = np.isin(kind, ["dog", "animal"])
    z[:, OUTDOORS] = rng.random(n) < 0.97
    z[:, 6] = rng.random(n) < 0.1
    flip = rng.random(z.shape) < noise
    z[:, :6] = np.where(flip[:, :6] & (z[:, :6] > 0), 0, z[:, :6])  # a concept that should fire and does not, now and then
    return sp.csr_array((z * rng.uniform(0.5, 2, z.shape)).astype(np.float32))


def test_parents_are_the_planted_ones() -> None:
    parent = parents(planted(), GROUPS)
    assert {k: int(parent[k]) for k in PLANTED} == PLANTED
    assert [int(parent[k]) for k in (VEHICLE, ANIMAL, OUTDOORS, 6, 8)] == [-1] * 5


def test_paths_children_and_groups() -> None:
    parent = parents(planted(), GROUPS)
    assert ancestors(parent, SCOOTER) == [VEHICLE, MOTORCYCLE]
    assert ancestors(parent, VEHICLE) == []
    assert children(parent, VEHICLE) == [MOTORCYCLE, CAR]
    assert group_of(GROUPS, np.arange(9)).tolist() == [0, 0, 0, 1, 1, 1, 1, 2, 2]
    assert group_of(None, np.arange(3)).tolist() == [0, 0, 0]
    assert tree_order(parent, np.array([SCOOTER, DOG, CAR, VEHICLE])) == [(DOG, 0), (VEHICLE, 0), (SCOOTER, 1), (CAR, 1)]


def test_some_concepts_with_all_above_them_agree_with_the_whole() -> None:
    codes = planted()
    whole, some = parents(codes, GROUPS), with_ancestors(codes, GROUPS, np.array([SCOOTER, 6]))
    assert ancestors(some, SCOOTER) == ancestors(whole, SCOOTER)
    assert np.flatnonzero(some >= 0).tolist() == [MOTORCYCLE, SCOOTER]


def test_without_groups_there_is_no_tree() -> None:
    for groups in (None, (9,)):
        assert (parents(planted(), groups) == -1).all()


def test_the_first_few_below_each_concept_are_listed() -> None:
    parent = np.array([-1, 0, 0, 0, 3, 3, -1])
    assert tree_order(parent, np.array([0, 3, 1, 2, 5, 4, 6]), 2) == [(0, 0), (3, 1), (5, 2), (4, 2), (1, 1), (6, 0)]
    assert tree_order(parent, np.array([0, 3, 1, 2, 5, 4, 6]), 1) == [(0, 0), (3, 1), (5, 2), (6, 0)]


def test_what_cannot_be_used() -> None:
    with pytest.raises(InputError, match="groups sum to 8, the codes have 9"):
        parents(planted(), (3, 5))
    with pytest.raises(InputError, match="share must be in"):
        parents(planted(), GROUPS, share=0.0)


def test_cofiring_counts_equal_naive_ones() -> None:
    codes = planted(200, seed=3)
    fires = codes.toarray() > 0
    table = firing_table(codes, np.array([MOTORCYCLE, 8, 6]))
    np.testing.assert_array_equal(table.together.toarray(), [[(fires[:, k] & fires[:, j]).sum() for j in range(9)] for k in (3, 8, 6)])
    np.testing.assert_array_equal(table.fires, fires.sum(0))
    others, counts = table.row(0)
    assert MOTORCYCLE not in others
    phi = table.correlation(0, others, counts)
    for j, got in zip(others, phi, strict=True):
        assert got == pytest.approx(np.corrcoef(fires[:, MOTORCYCLE], fires[:, j])[0, 1], abs=1e-9)


def test_companions_come_by_correlation_with_share_and_lift() -> None:
    codes = planted(400, seed=5)
    fires = codes.toarray() > 0
    scooter, dead = cofiring(codes, np.array([SCOOTER, 8]), keep=3)
    assert dead == []
    assert [c.concept for c in scooter[:2]] == [MOTORCYCLE, VEHICLE]  # not the one that always fires
    for c in scooter:
        share = fires[fires[:, SCOOTER], c.concept].mean()
        assert c.share == pytest.approx(share)
        assert c.lift == pytest.approx(share / fires[:, c.concept].mean())


def test_stored_zeros_do_not_fire() -> None:
    codes = planted(100)
    noisy = codes.copy()
    noisy.data[:50] = 0
    assert cofiring(noisy, np.array([MOTORCYCLE])) == cofiring(sp.csr_array(noisy.toarray()), np.array([MOTORCYCLE]))

"""The same images give the same answer, in whatever order and on whichever side they are."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from latentdiff import CompareConfig, Comparison, InputError, SparseAutoencoder, Vocabulary, compare
from latentdiff.comparing.mirroring import mirrored
from latentdiff.embed import ordering
from latentdiff.embed.ordering import content_keys, in_content_order
from latentdiff.embed.sides import Sides

RNG = np.random.default_rng(3)
DIRECTIONS = np.linalg.qr(RNG.standard_normal((16, 16)))[0].astype(np.float32)
SAE = SparseAutoencoder(DIRECTIONS.T, np.zeros(16), DIRECTIONS, np.zeros(16), np.full(16, 0.5))
VOCABULARY = Vocabulary([f"word {i}" for i in range(16)], DIRECTIONS + 0.3)
A, B = (RNG.gamma(0.4, 0.5, (n, 16)).astype(np.float32) @ DIRECTIONS for n in (70, 55))
A[:20] += 1.5 * DIRECTIONS[2]
OF_A, OF_B = RNG.permutation(70), RNG.permutation(55)


def plain(comparison: Comparison) -> dict:
    """All but how long it took, in values that can be compared."""
    c = dataclasses.asdict(comparison)
    c["shows_a"], c["shows_b"] = comparison.shows_a.toarray(), comparison.shows_b.toarray()
    c["info"].pop("seconds")
    return c


def same(one: Comparison, other: Comparison) -> None:
    np.testing.assert_equal(plain(one), plain(other))


@pytest.fixture(scope="module", params=["given", "trained"])
def given(request: pytest.FixtureRequest) -> SparseAutoencoder | None:
    return SAE if request.param == "given" else None


@pytest.fixture(scope="module")
def config() -> CompareConfig:
    return CompareConfig(sae_concepts=24, sae_active=3, sae_seconds=20.0)


@pytest.fixture(scope="module")
def first(given: SparseAutoencoder | None, config: CompareConfig) -> Comparison:
    return compare(A, B, sae=given, vocabulary=VOCABULARY, config=config)


def test_sides_exchanged_mirror_everything(first: Comparison, given: SparseAutoencoder | None, config: CompareConfig) -> None:
    turned = compare(B, A, sae=given, vocabulary=VOCABULARY, config=config)
    same(mirrored(turned), first)
    assert first.differs
    assert {(h.text, h.side) for h in turned.hypotheses} == {(h.text, "B" if h.side == "A" else "A") for h in first.hypotheses}
    np.testing.assert_array_equal(turned.log_ratio_b, -first.log_ratio_a)
    assert (turned.info["n_a"], turned.shows_a.shape[0]) == (55, 55)
    best = first.top("A", 1, gated=False)[0]
    assert (best.rate_a, best.rate_b, best.exemplars) == next((h.rate_b, h.rate_a, h.exemplars) for h in turned.top("B", 1, gated=False))


def test_rows_in_another_order_move_with_their_values(first: Comparison, given: SparseAutoencoder | None, config: CompareConfig) -> None:
    moved = compare(A[OF_A], B[OF_B].astype(np.float64), sae=given, vocabulary=VOCABULARY, config=config)
    np.testing.assert_array_equal(moved.log_ratio_a, first.log_ratio_a[OF_A])
    np.testing.assert_array_equal(moved.log_ratio_b, first.log_ratio_b[OF_B])
    np.testing.assert_array_equal(moved.shows_a.toarray(), first.shows_a.toarray()[OF_A])
    assert moved.two_sample == first.two_sample
    for one, other in zip(first.candidates, moved.candidates, strict=True):
        rows = OF_A if one.side == "A" else OF_B
        assert one.exemplars == tuple(rows[list(other.exemplars)].tolist())
        np.testing.assert_equal(dataclasses.asdict(dataclasses.replace(other, exemplars=one.exemplars)), dataclasses.asdict(one))


def test_beyond_memory_the_order_chooses_and_sums_differ_in_their_last_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordering, "IN_MEMORY", 0)
    one, moved = compare(A, B, sae=SAE, vocabulary=VOCABULARY), compare(B[OF_B], A[OF_A], sae=SAE, vocabulary=VOCABULARY)
    np.testing.assert_allclose(-moved.log_ratio_b, one.log_ratio_a[OF_A], atol=1e-3)
    assert moved.two_sample.p_value == pytest.approx(one.two_sample.p_value, rel=1e-6)
    assert [(h.text, h.rate_a) for h in one.hypotheses] == [(h.text, h.rate_b) for h in moved.hypotheses]


def test_keys_depend_on_values_alone() -> None:
    x = RNG.standard_normal((50, 7)).astype(np.float16)
    y = x[::-1].astype(np.float64)
    y[y == 0] = -0.0
    one = content_keys(Sides(x[:25], x[25:]))
    np.testing.assert_array_equal(one, content_keys(Sides(y[:25], y[25:]))[::-1])
    assert len(set(one.tolist())) == 50
    assert len(set(content_keys(Sides(np.eye(25, 40), 2 * np.eye(25, 40))).tolist())) == 50


def test_sides_in_content_order_are_the_rows_as_given() -> None:
    a = np.insert(A, 5, np.nan, axis=0)
    for one, other, swapped in ((a, B, False), (B, a, True)):
        sides = in_content_order(Sides(one, other, skip_bad=True))
        assert (sides.n_a, sides.n_b, sides.swapped) == (70, 55, swapped)
        np.testing.assert_array_equal(sides[:70], a[sides.keep_a])
        np.testing.assert_array_equal(sides[np.arange(70, 125)], B[sides.keep_b])
        assert sides.dropped == {"A": [5], "B": []}
        assert (np.diff(content_keys(sides)[:70].astype(float)) >= 0).all()


def test_the_same_images_in_another_order_are_refused() -> None:
    with pytest.raises(InputError, match="same images in another order"):
        compare(A, A[OF_A], sae=SAE)


def test_groups_and_pairs_reach_every_part() -> None:
    """Each image five times: as images they differ, as groups they do not; exemplars are of one group each, in any order of rows."""
    a, b = RNG.gamma(0.4, 0.5, (24, 16)).astype(np.float32) @ DIRECTIONS, RNG.gamma(0.4, 0.5, (22, 16)).astype(np.float32) @ DIRECTIONS
    of_a, of_b = np.repeat(np.arange(24), 5), np.repeat(np.arange(22), 5)
    a, b = (x[rows] + 0.01 * RNG.standard_normal((len(rows), 16)).astype(np.float32) for x, rows in ((a, of_a), (b, of_b)))
    labels = {"groups_a": [f"a{i}" for i in of_a], "groups_b": [f"b{i}" for i in of_b]}
    grouped = compare(a, b, sae=SAE, vocabulary=VOCABULARY, **labels)
    assert compare(a, b, sae=SAE, vocabulary=VOCABULARY).two_sample.p_value < 0.05 < grouped.two_sample.p_value
    for h in grouped.candidates:
        own = of_a if h.side == "A" else of_b
        assert len({own[i] for i in h.exemplars}) == len(h.exemplars)
    order = RNG.permutation(110)
    moved = compare(b[order], a, sae=SAE, vocabulary=VOCABULARY, groups_a=np.array(labels["groups_b"])[order], groups_b=labels["groups_a"])
    assert moved.two_sample == grouped.two_sample
    np.testing.assert_array_equal(-moved.log_ratio_b, grouped.log_ratio_a)
    twin = A + 0.1 * DIRECTIONS[5] + 0.05 * RNG.standard_normal(A.shape).astype(np.float32)
    assert compare(A, twin, sae=SAE, paired=True).differs
    assert not compare(A, twin, sae=SAE).differs

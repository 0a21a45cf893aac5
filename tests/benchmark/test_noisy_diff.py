"""Noisy-Diff against brute-force counts and the protocol's own words."""

from __future__ import annotations

import itertools
import json
from math import comb

import numpy as np
import pytest

from latentdiff.benchmark import noisy_diff
from latentdiff.errors import InputError


@pytest.fixture(scope="module")
def coco(shared_data) -> list[list[str]]:
    return [image["labels"] for image in json.loads((shared_data / "coco/images.json").read_text(encoding="utf8"))]


def test_counting_rule_on_coco_for_every_parent(coco) -> None:
    everything = sorted({name for own in coco for name in own})
    assert len(everything) == 80
    for parent in everything:
        own = [image for image in coco if parent in image]
        counts = {other: sum(1 for image in own if other in image) for other in everything if other != parent}
        for minimum in (1, 30, 100):
            expected = [other for other, count in counts.items() if count >= minimum]
            assert noisy_diff.eligible(coco, parent, minimum) == expected, (parent, minimum)


def test_pair_counts_on_coco_for_every_parent(coco) -> None:
    for parent in sorted({name for own in coco for name in own}):
        own = [set(image) for image in coco if parent in image]
        found = {(p.attribute_a, p.attribute_b): p for p in noisy_diff.count_pairs(coco, parent, 30, 30)}
        expected = {}
        for a, b in itertools.combinations(noisy_diff.eligible(coco, parent, 30), 2):
            kinds = [(a in image, b in image) for image in own]
            counts = kinds.count((True, False)), kinds.count((False, True)), kinds.count((True, True)), kinds.count((False, False))
            if min(counts[:2]) >= 30:
                expected[a, b] = counts
        assert {k: (p.mix_a, p.mix_b, p.both, p.plain) for k, p in found.items()} == expected


def test_protocol_on_coco(coco) -> None:
    for parent, a, b in (("dining table", "cell phone", "pizza"), ("car", "bus", "handbag"), ("person", "dog", "tv")):
        pair = noisy_diff.build(coco, parent, a, b, seed=3)
        own = [set(image) for image in coco]
        rows_a, rows_b = set(pair.rows_a.tolist()), set(pair.rows_b.tolist())
        assert not rows_a & rows_b
        assert rows_a | rows_b == {i for i, image in enumerate(own) if parent in image and not {a, b} <= image}
        assert set(pair.planted_a.tolist()) == {i for i, image in enumerate(own) if {parent, a} <= image and b not in image} <= rows_a
        assert set(pair.planted_b.tolist()) == {i for i, image in enumerate(own) if {parent, b} <= image and a not in image} <= rows_b
        assert not any(b in own[i] for i in rows_a) and not any(a in own[i] for i in rows_b)
        plain_a, plain_b = len(rows_a) - len(pair.planted_a), len(rows_b) - len(pair.planted_b)
        assert 0 <= plain_b - plain_a <= 1
        total = sum(parent in image for image in own)
        assert pair.dropped == total - len(rows_a) - len(rows_b)
        assert pair.mass_a == pytest.approx(len(pair.planted_a) / total)


def test_same_seed_same_pair(coco) -> None:
    one, same, other = (noisy_diff.build(coco, "chair", "bed", "cup", seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.rows_a, same.rows_a)
    np.testing.assert_array_equal(one.rows_b, same.rows_b)
    assert one.rows_a.tolist() != other.rows_a.tolist()
    np.testing.assert_array_equal(one.planted_a, other.planted_a)


def test_agrees_with_the_pairs_that_were_made_elsewhere(coco, shared_data) -> None:
    for made in json.loads((shared_data / "coco/pairs.json").read_text()):
        pair = noisy_diff.build(coco, made["parent"], made["attribute_a"], made["attribute_b"])
        assert pair.planted_a.tolist() == sorted(made["planted_a"]) and pair.planted_b.tolist() == sorted(made["planted_b"])
        assert {*pair.rows_a.tolist(), *pair.rows_b.tolist()} == {*made["rows_a"], *made["rows_b"]}


def test_papers_experiments_are_binomials_of_its_attributes() -> None:
    counts = {parent: comb(n, 2) for parent, n in noisy_diff.PAPER_ATTRIBUTES.items()}
    assert counts == {"bicycle": 231, "backpack": 561, "cat": 253, "dog": 325, "tv": 378, "motorcycle": 78}
    assert sum(counts.values()) == 1826


def test_small_labels_by_hand() -> None:
    labels = [{"dog", "ball"}, ["dog", "dog", "hat"], ("dog",), {"dog"}, {"dog", "ball", "hat"}, {"cat", "ball"}, set()]
    assert noisy_diff.eligible(labels, "dog", 2) == ["ball", "hat"]
    (counts,) = noisy_diff.count_pairs(labels, "dog", 1)
    assert (counts.mix_a, counts.mix_b, counts.both, counts.plain) == (1, 1, 1, 2) and counts.mass_a == pytest.approx(0.2)
    pair = noisy_diff.build(labels, "dog", "hat", "ball", 0)
    assert pair.planted_a.tolist() == [1] and pair.planted_b.tolist() == [0] and pair.dropped == 1
    assert sorted([*pair.rows_a, *pair.rows_b]) == [0, 1, 2, 3]
    assert noisy_diff.parents(labels, 3) == {"dog": 5, "ball": 3}


def test_choice_of_pairs() -> None:
    labels = [{"p", x} for x in "abcdefgh" for _ in range(3)]
    pairs = noisy_diff.count_pairs(labels, "p", 3)
    chosen = noisy_diff.choose_pairs(pairs, 5, seed=1)
    assert len(chosen) == 5 == len({(p.attribute_a, p.attribute_b) for p in chosen})
    assert chosen == noisy_diff.choose_pairs(pairs, 5, seed=1) != noisy_diff.choose_pairs(pairs, 5, seed=2)
    assert noisy_diff.choose_pairs(pairs, None) == noisy_diff.choose_pairs(pairs, 99) == pairs and len(pairs) == 28


def test_halves() -> None:
    groups = ["dog"] * 50 + ["boat"] * 30 + ["tree"] * 121
    pair = noisy_diff.build_halves(groups, "dog", "boat", seed=4)
    held_a, held_b = [groups[i] for i in pair.rows_a], [groups[i] for i in pair.rows_b]
    assert "boat" not in held_a and "dog" not in held_b and not set(pair.rows_a) & set(pair.rows_b)
    assert [groups[i] for i in pair.planted_a] == ["dog"] * held_a.count("dog") and len(pair.planted_b) == held_b.count("boat")
    assert held_a.count("tree") + held_b.count("tree") == 121 and pair.dropped == 201 - len(held_a) - len(held_b)
    assert pair.mass_a == pytest.approx(held_a.count("dog") / len(held_a))
    other = noisy_diff.build_halves(groups, "boat", "dog", seed=4)
    trees = [i for i in pair.rows_a if groups[i] == "tree"]
    assert trees == [i for i in other.rows_a if groups[i] == "tree"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: noisy_diff.eligible([{"dog"}], "dig"), "no image has the label 'dig'; near: dog"),
        (lambda: noisy_diff.eligible(["dog"], "dog"), "one list of names per image; image 0 has 'dog'"),
        (lambda: noisy_diff.eligible([{"dog"}, 3], "dog"), "image 1 has 3"),
        (lambda: noisy_diff.eligible([{"dog"}], "dog", 0), "at least 1 image"),
        (lambda: noisy_diff.build([{"dog", "a", "b"}], "dog", "a", "b"), "no image shows 'dog' and 'a' without 'b'"),
        (lambda: noisy_diff.build([{"dog", "a"}], "dog", "a", "a"), "three different labels"),
        (lambda: noisy_diff.build([{"dog", "a"}], "dog", "a", "zebra"), "no image has the label 'zebra'"),
        (lambda: noisy_diff.build_halves(["x", "y"], "x", "x"), "must differ"),
        (lambda: noisy_diff.build_halves(["x", "y"], "x", "z"), "no image has the label 'z'"),
    ],
)
def test_refuses(call, message) -> None:
    with pytest.raises(InputError, match=message):
        call()

"""Groups of rows: who belongs together, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from latentdiff import InputError
from latentdiff.embed.grouping import group_numbers, numbered, renumbered
from latentdiff.embed.ordering import in_content_order
from latentdiff.embed.sides import Sides

RNG = np.random.default_rng(0)


def test_labels_of_any_kind_become_numbers_and_a_label_on_both_sides_is_one_group() -> None:
    got = group_numbers(["x", 3, None, "x"], np.array(["y", "x", "y"]), False, (4, 3))
    assert got is not None
    assert got.tolist() == [0, 1, 2, 0, 3, 0, 3]
    lone = group_numbers([None, float("nan"), "a"], ["a", None], False, (3, 2))
    assert lone is not None
    assert lone.tolist() == [0, 1, 2, 2, 3]
    pairs = group_numbers(None, None, True, (3, 3))
    assert pairs is not None
    assert pairs.tolist() == [0, 1, 2, 0, 1, 2]
    assert group_numbers(None, None, False, (3, 3)) is None
    assert renumbered(np.array([7, 2, 7, 0])).tolist() == [0, 1, 0, 2]
    assert numbered(np.array([7, 2, 7, 0])).tolist() == [2, 1, 2, 0]


@pytest.mark.parametrize(
    ("a", "b", "paired", "said"),
    [
        (["x"] * 4, None, False, "groups_b is missing"),
        (["x"] * 3, ["y"] * 4, False, "4 labels, not 3"),
        ("scene", ["y"] * 4, False, "not 'scene'"),
        (["x"] * 4, ["y"] * 4, True, "leave groups_a and groups_b out"),
        ([["x"]] * 4, ["y"] * 4, False, "texts, numbers or ids"),
    ],
)
def test_labels_that_do_not_fit_are_refused(a: object, b: object, paired: bool, said: str) -> None:
    with pytest.raises(InputError, match=said):
        group_numbers(a, b, paired, (4, 4))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="A has 4 rows and B 5"):
        group_numbers(None, None, True, (4, 5))


def test_few_groups_are_refused() -> None:
    sides = Sides(RNG.standard_normal((30, 4)), RNG.standard_normal((25, 4)))
    with pytest.raises(InputError, match="B has images of 4 groups; at least 5"):
        sides.group(np.arange(30) // 3, [f"b{i % 4}" for i in range(25)], False)
    with pytest.raises(InputError, match="A has images of one group; at least 5"):
        sides.group(np.zeros(30), np.arange(25), False)


def test_groups_stay_with_their_rows_whatever_the_order_and_the_side() -> None:
    a, b = RNG.standard_normal((40, 4)), RNG.standard_normal((30, 4))
    a[3] = np.nan
    labels = np.arange(40) // 4, 100 + np.arange(30) // 3
    for turned in (False, True):
        one, other = (b, a) if turned else (a, b)
        sides = Sides(one, other, skip_bad=True)
        sides.group(*(labels[::-1] if turned else labels), False)
        ordered = in_content_order(sides)
        assert ordered.groups is not None
        own = np.concatenate([labels[0][ordered.keep_a], labels[1][ordered.keep_b]])
        assert len(set(zip(own.tolist(), ordered.groups.tolist(), strict=True))) == len(set(own.tolist())) == ordered.groups.max() + 1
        assert (ordered.groups == renumbered(ordered.groups)).all()

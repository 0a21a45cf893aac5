"""Swapping keeps every image exactly once."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentdiff.errors import InputError
from latentdiff.methods.purity import swap_for_purity


@given(st.integers(0, 60), st.integers(0, 60), st.floats(0, 1), st.integers(0, 5))
def test_every_image_stays_exactly_once_and_sides_keep_their_sizes(n_a: int, n_b: int, purity: float, seed: int) -> None:
    a, b = [f"a{i}" for i in range(n_a)], [f"b{i}" for i in range(n_b)]
    new_a, new_b = swap_for_purity(a, b, purity, seed)
    assert Counter(new_a + new_b) == Counter(a + b)
    assert (len(new_a), len(new_b)) == (n_a, n_b)
    moved = sum(x.startswith("b") for x in new_a)
    assert moved == sum(x.startswith("a") for x in new_b) == round((1 - purity) / 2 * min(n_a, n_b))
    assert all(x == y for x, y in zip(a, new_a, strict=True) if y.startswith("a"))


def test_ends_of_the_scale() -> None:
    a, b = list(range(100)), list(range(100, 200))
    assert swap_for_purity(a, b, 1.0) == (a, b)
    mixed_a, mixed_b = swap_for_purity(a, b, 0.0, seed=3)
    assert sum(x < 100 for x in mixed_a) == sum(x < 100 for x in mixed_b) == 50
    assert swap_for_purity(a, b, 0.4, seed=3) == swap_for_purity(a, b, 0.4, seed=3) != swap_for_purity(a, b, 0.4, seed=4)
    with pytest.raises(InputError, match=r"purity must be in \[0, 1\], not 1.5"):
        swap_for_purity(a, b, 1.5)

"""Noise in image sets: swap some images between the two sides (VisDiff section 5.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from ..errors import InputError

Item = TypeVar("Item")


def swap_for_purity(a: Sequence[Item], b: Sequence[Item], purity: float, seed: int = 0) -> tuple[list[Item], list[Item]]:
    """Exchange as many images of A and B as a purity asks for.

    At purity 1 nothing moves; at purity 0 half of the smaller side moves, so that sides of equal size have the same mixture. The sides
    keep their sizes, and every image stays in exactly one of them, exactly once.

    Args:
        a: images of A, of any kind.
        b: images of B; ``len(a) != len(b)`` is normal.
        purity: in [0, 1]; a share of ``(1 - purity) / 2`` of the smaller side is exchanged, rounded.
        seed: which images move.

    Returns:
        The new A and the new B. An image that stays keeps its place; incomers take the places of those that left.

    Raises:
        InputError: a purity out of range.
    """
    if not 0 <= purity <= 1:
        raise InputError(f"purity must be in [0, 1], not {purity!r}")
    new_a, new_b = list(a), list(b)
    count = round((1 - purity) / 2 * min(len(new_a), len(new_b)))
    rng = np.random.default_rng(seed)
    for i, j in zip(rng.permutation(len(new_a))[:count], rng.permutation(len(new_b))[:count], strict=True):
        new_a[i], new_b[j] = new_b[j], new_a[i]
    return new_a, new_b

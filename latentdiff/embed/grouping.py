"""Which images are no independent evidence: frames of a scene, pictures of a patient, patches of an image, pairs of two sides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..compute.values import is_missing
from ..errors import InputError

FEWEST_GROUPS = 5
"""Groups a side below which no comparison is made: what differs between four scenes and four others may be any of them."""

Groups = Sequence[Any] | np.ndarray | None


def group_numbers(groups_a: Groups, groups_b: Groups, paired: bool, rows: tuple[int, int]) -> np.ndarray | None:
    """(n_a + n_b,) number of each row's group, from 0; None where every row is independent of every other.

    Args:
        groups_a: a label (text, number or id) per row of A; None or NaN: the row is a group of its own. The same label on both sides is the
            same group.
        groups_b: the same for B.
        paired: row i of A and row i of B are one group.
        rows: (rows of A, rows of B), as given.

    Raises:
        InputError: labels of one side alone or of another length, pairs of sides of two lengths, or both labels and pairs.
    """
    if paired:
        if groups_a is not None or groups_b is not None:
            raise InputError("paired=True makes each pair a group; leave groups_a and groups_b out")
        if rows[0] != rows[1]:
            raise InputError(f"paired=True compares row i of A with row i of B, but A has {rows[0]} rows and B {rows[1]}")
        return np.tile(np.arange(rows[0]), 2)
    if groups_a is None and groups_b is None:
        return None
    labels: list[Any] = []
    for side, given, n in (("a", groups_a, rows[0]), ("b", groups_b, rows[1])):
        if given is None:
            raise InputError(f"groups_{side} is missing; give one label per row for both sides")
        if isinstance(given, (str, bytes)) or len(given) != n:
            got = repr(given) if isinstance(given, (str, bytes)) else len(given)
            raise InputError(f"groups_{side} must hold one label per row: {n} labels, not {got}")
        labels += given.tolist() if isinstance(given, np.ndarray) else list(given)
    numbers: dict[Any, int] = {}
    try:
        return np.array([numbers.setdefault(_own(label, i), len(numbers)) for i, label in enumerate(labels)])
    except TypeError as e:
        raise InputError(f"groups must be texts, numbers or ids, one per row: {e}") from e


def check_groups(groups: np.ndarray, n_a: int) -> None:
    """Refuse sides of too few groups.

    Raises:
        InputError: fewer than ``FEWEST_GROUPS`` on a side.
    """
    for side, own in (("A", groups[:n_a]), ("B", groups[n_a:])):
        count = len(np.unique(own))
        if count < FEWEST_GROUPS:
            why = "images of one group say no more than one image does"
            counted = "one group" if count == 1 else f"{count} groups"
            raise InputError(f"{side} has images of {counted}; at least {FEWEST_GROUPS} a side are needed, since {why}")


def numbered(labels: np.ndarray) -> np.ndarray:
    """(n,) the same groups or strata, numbered from 0 without gaps in the order of their values: what some rows of many are left with."""
    return np.asarray(np.unique(labels, return_inverse=True)[1])


def renumbered(groups: np.ndarray) -> np.ndarray:
    """The same groups, numbered in the order in which they come."""
    _, first, number = np.unique(groups, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[number]


def _own(label: Any, row: int) -> Any:
    """The label, or one that no other row has."""
    return ("a row of its own", row) if is_missing(label) else label

"""Coarse to fine: the concepts of a Matryoshka SAE as a tree ("vehicle", "motorcycle", "scooter")."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp

from ..errors import InputError
from .cofiring import TOGETHER_FROM, firing_table

PARENT_SHARE = 0.5
"""A parent fires on at least this share of its child's images."""
BLOCK = 1024
"""Concepts whose table of common firing is held at once."""


def group_of(groups: Sequence[int] | None, concepts: np.ndarray) -> np.ndarray:
    """Matryoshka group of each concept.

    Args:
        groups: group sizes, coarse first; None: one group.
        concepts: (m,) rows of the dictionary.

    Returns:
        (m,) int, 0 for the coarsest group.
    """
    if groups is None:
        return np.zeros(len(concepts), int)
    return np.searchsorted(np.cumsum(groups), np.asarray(concepts, int), side="right")


def parents(
    codes: sp.csr_array, groups: Sequence[int] | None, concepts: np.ndarray | None = None, *, share: float = PARENT_SHARE
) -> np.ndarray:
    """The parent of each concept: a concept of a coarser group that fires where it fires, and elsewhere too.

    Among the concepts of coarser groups that fire on more images than it, on at least ``share`` of its images, and more often there than
    independence would give, the parent is the one whose firing correlates best with it: the most specific of those that contain it.

    Args:
        codes: (n, K) activations of a reference set.
        groups: Matryoshka group sizes, coarse first, summing to K; None: no groups, no parents.
        concepts: (m,) rows of the dictionary whose parents are wanted, or None for all; the others' entries are -1.
        share: least share of its images on which the parent fires, in (0, 1].

    Returns:
        (K,) int: the parent's row of the dictionary, -1 for a root, a concept without a parent, or one that never fires.

    Raises:
        InputError: groups that do not sum to K, or a share outside (0, 1].
    """
    k = codes.shape[1]
    if not 0 < share <= 1:
        raise InputError(f"share must be in (0, 1], not {share}")
    if groups is not None and sum(groups) != k:
        raise InputError(f"the groups sum to {sum(groups)}, the codes have {k} concepts")
    out = np.full(k, -1)
    if groups is None or len(groups) < 2:
        return out
    coarseness = group_of(groups, np.arange(k))
    wanted = np.arange(k) if concepts is None else np.unique(concepts)
    wanted = wanted[coarseness[wanted] > 0]
    for start in range(0, len(wanted), BLOCK):
        table = firing_table(codes, wanted[start : start + BLOCK])
        for i, child in enumerate(table.concepts.tolist()):
            others, counts = table.row(i)
            fits = (coarseness[others] < coarseness[child]) & (table.fires[others] > table.fires[child])
            fits &= (counts >= TOGETHER_FROM) & (counts >= share * table.fires[child])
            others, counts = others[fits], counts[fits]
            phi = table.correlation(i, others, counts)
            # A chance correlation over n images has spread 1/sqrt(n): what fires nearly everywhere contains all, and says nothing.
            sure = phi > 3 / np.sqrt(table.images)
            if sure.any():
                out[child] = others[np.argmax(np.where(sure, phi, -1.0))]
    return out


def with_ancestors(codes: sp.csr_array, groups: Sequence[int] | None, concepts: np.ndarray, *, share: float = PARENT_SHARE) -> np.ndarray:
    """Parents of some concepts, of those parents, and so on up to the roots: :func:`parents` without a look at the whole dictionary."""
    out = np.full(codes.shape[1], -1)
    level = np.unique(np.asarray(concepts, int))
    while len(level):
        found = parents(codes, groups, level, share=share)[level]
        out[level] = found
        level = np.unique(found[found >= 0])
        level = level[out[level] < 0]
    return out


def ancestors(parent: np.ndarray, concept: int) -> list[int]:
    """Concepts above one in the tree, the coarsest first.

    Args:
        parent: (K,) of :func:`parents`. Groups get strictly coarser upwards, so there are no loops.
        concept: row of the dictionary.
    """
    path: list[int] = []
    while parent[concept] >= 0:
        concept = int(parent[concept])
        path.insert(0, concept)
    return path


def children(parent: np.ndarray, concept: int) -> list[int]:
    """Concepts directly below one in the tree, ascending."""
    return np.flatnonzero(parent == concept).tolist()


def tree_order(parent: np.ndarray, concepts: np.ndarray, most: int | None = None) -> list[tuple[int, int]]:
    """Some concepts as an indented list: each below its nearest listed ancestor, otherwise in the order given.

    Args:
        parent: (K,) of :func:`parents`.
        concepts: (m,) distinct rows of the dictionary, in the order in which siblings are to appear.
        most: the first so many below each concept are listed; None for all.

    Returns:
        (concept, depth) pairs; depth 0 for those without a listed ancestor.
    """
    listed = dict.fromkeys(int(k) for k in concepts)
    below: dict[int, list[int]] = {}
    for k in listed:
        above = next((a for a in reversed(ancestors(parent, k)) if a in listed), -1)
        below.setdefault(above, []).append(k)
    out: list[tuple[int, int]] = []
    stack = [(k, 0) for k in reversed(below.get(-1, []))]
    while stack:
        k, depth = stack.pop()
        out.append((k, depth))
        stack += [(child, depth + 1) for child in reversed(below.get(k, [])[:most])]
    return out

"""Places where one side has more images than chance: a mode of few images that lie close to each other, known before it has a name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .kernel_test import local_kernel
from .relabelling import relabelled, standardised, step_down, weights

SHOWN = 0.5
"""Share of a crowd's images, of the side that has more, that have to show a finding."""
WITHIN = 2 / 3
"""Share of the images of that side that show the finding that have to be of the crowd."""
KEPT = 0.1
"""Largest p of a crowd that is remembered."""


@dataclass(frozen=True, eq=False)
class Crowds:
    """Crowds around k of n images."""

    more_in_a: np.ndarray
    """(k,) True where A has more than chance, False where B has."""
    p_value: np.ndarray
    """(k,) in (0, 1]: share of relabellings in which the largest difference of any place, but for those with a larger one, reaches this
    one's (Westfall and Young 1993, step-down): any place where the sides do not differ is named with this probability at most."""
    near: np.ndarray
    """(k, n) bool: the images of that side that belong to each."""

    @cached_property
    def size(self) -> np.ndarray:
        """(k,) images of each."""
        return self.near.sum(1)

    def behind(self, rows: np.ndarray, side: str) -> float:
        """Smallest p of a crowd that is what a finding shows; NaN where there is none.

        Args:
            rows: images of ``side`` that show the finding.
            side: "A" or "B", of which the finding is more true.
        """
        of_side = np.flatnonzero(self.more_in_a == (side == "A"))
        both = self.near[np.ix_(of_side, rows)].sum(1)
        same = (both >= SHOWN * self.size[of_side]) & (both >= WITHIN * len(rows)) & (both > 0)
        return float(self.p_value[of_side[same]].min()) if same.any() else float("nan")


def local_crowds(kernel: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, Crowds]:
    """The largest local difference of the mean embeddings under each labelling, and the crowds that make it.

    Args:
        kernel: (k, n) of :func:`~latentdiff.stats.kernel_test.local_kernel`.
        weight: (n, c) of labellings, the one seen first.

    Returns:
        (c,) each place's difference standardised by its own spread, the largest of all; and the crowds with p <= ``KEPT``.
    """
    difference = kernel @ weight
    z = standardised(difference, kernel.mean(1))
    p = step_down(z)
    kept = np.flatnonzero(p <= KEPT)
    more_in_a = difference[kept, 0] > 0
    of_side = np.where(more_in_a[:, None], weight[:, 0] > 0, weight[:, 0] < 0)
    return z.max(0, initial=0.0), Crowds(more_in_a, p[kept], (kernel[kept] > 0) & of_side)


def crowds_of(unit: np.ndarray, in_a: np.ndarray, groups: np.ndarray | None, strata: np.ndarray | None, count: int, seed: int) -> Crowds:
    """The crowds of some images, as the verdict finds those of all.

    Args:
        unit: (n, d) centred unit vectors.
        in_a: (n,) True for A.
        groups: (n,) group of each, integers from 0; None: each is one of its own.
        strata: (n,) stratum of each, or None.
        count: relabellings.
        seed: of these, and of the places.
    """
    return local_crowds(local_kernel(unit, seed), weights(relabelled(in_a, groups, count, seed, strata), strata))[1]

"""Images that repeat others: as evidence they count once, but a test of images counts each."""

from __future__ import annotations

import numpy as np

from ..embed.sides import Sides, centred

TWIN = 0.96
"""Centred cosine from which two images are near-duplicates. Of CLIP's ucf101, sides of whole runs of clips, so that clips of one video are
on one side: 6 % of 200 images and 4 % of 1,000 have such a neighbour, and it is said in 16 of 16 comparisons (at .98 in 4). Of images
without frames (imagenet, sun397, pets, caltech101, food101) at most .3 % do, and it is said in none of 80; at .95 up to .6 %. Most clips of
a video lie no closer than different images of a class, so the share says that there are such images, not how many."""
LOOKED_AT = 1_000
"""Images whose nearest neighbours are looked for."""
AMONG = 20_000
"""Images among which they are looked for; equal vectors are found among all."""
AT_ONCE = 128
"""Of the first, images whose cosines are held at once."""


def repeats(sides: Sides) -> dict[str, float]:
    """How many images have a near-duplicate, of another group where images come in groups.

    Args:
        sides: in content order.

    Returns:
        Shares in [0, 1]: ``"A"`` and ``"B"``, of a side's images with a near-duplicate on the same side; ``"shared_a"`` and ``"shared_b"``,
        of a side's images with one on the other side.
    """
    rows, among = sides.by_content(LOOKED_AT), sides.by_content(AMONG)
    unit, some = (centred(sides[x], sides.mean_direction) for x in (among, rows))
    of_a = rows < sides.n_a
    within, across = np.zeros(len(rows), bool), np.zeros(len(rows), bool)
    for start in range(0, len(rows), AT_ONCE):
        i, j = np.nonzero(some[start : start + AT_ONCE] @ unit.T > TWIN)  # few: only these pairs are looked at
        one, other = rows[start + i], among[j]
        apart = one != other if sides.groups is None else sides.groups[one] != sides.groups[other]
        same = (one < sides.n_a) == (other < sides.n_a)
        within[start + i[apart & same]] = True
        across[start + i[apart & ~same]] = True
    found = {
        "A": float(within[of_a].mean()),
        "B": float(within[~of_a].mean()),
        "shared_a": float(across[of_a].mean()),
        "shared_b": float(across[~of_a].mean()),
    }
    if sides.groups is not None or len(among) == len(sides):
        return found
    return {name: max(share, equal) for (name, share), equal in zip(found.items(), _equal(sides), strict=True)}


def _equal(sides: Sides) -> tuple[float, float, float, float]:
    """The same of equal vectors among all, by their keys."""
    a, b = sides.keys[: sides.n_a], sides.keys[sides.n_a :]
    within = []
    for own in (a, b):
        _, number, count = np.unique(own, return_inverse=True, return_counts=True)
        within.append(float((count[number] > 1).mean()))
    return within[0], within[1], float(np.isin(a, b).mean()), float(np.isin(b, a).mean())

"""Lengths of vectors: sides that an encoder cannot have given in one scale, and rows of length 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compute.arrays import float32
from .sides import Sides
from .vocabulary import unit_rows

LOOKED_AT = 1_000
"""Vectors of a side whose lengths are looked at."""
CONSTANT = 0.01
"""Spread of a side's lengths (from the 5th of 100 to the 95th, over the median) below which all are of one length: float16 leaves .001."""
VARIED = 0.03
"""The same from which they are not."""
UNLIKE = 1.25
"""Times as long in the median as the other side's, from which sides of varied lengths are unlike, where 95 of 100 of the one are longer
than 95 of 100 of the other as well. CLIP's lengths vary by 5 % about 10; of random halves the latter has a probability below 1e-6."""
ONE_LENGTH = 1.01
"""The same of sides that have one length each."""


def lengths_of(sides: Sides) -> dict[str, Any]:
    """How long the vectors of both sides are, and whether no encoder gives two sets of images such lengths.

    Returns:
        ``"A"`` and ``"B"``: median length; ``"unlike"``: one side alone is normalised, or one was multiplied by something.
    """
    starts, counts = (0, sides.n_a), (sides.n_a, sides.n_b)
    rows = [start + np.unique(np.linspace(0, n - 1, min(n, LOOKED_AT)).astype(int)) for start, n in zip(starts, counts, strict=True)]
    low, median, high = np.transpose([np.percentile(np.linalg.norm(sides[some], axis=1), (5, 50, 95)) for some in rows])
    spread, short = (high - low) / median, int(median.argmin())
    times = float(median[1 - short] / median[short])
    if spread.max() < CONSTANT:
        unlike = times > ONE_LENGTH
    elif spread.min() < CONSTANT:
        unlike = spread.max() > VARIED
    else:
        unlike = times > UNLIKE and low[1 - short] > high[short]
    return {"A": float(median[0]), "B": float(median[1]), "unlike": bool(unlike)}


class UnitRows:
    """Rows of an array, each divided by its length as it is read."""

    dtype = None
    """Of no array: what reads rows takes them by ``[]``."""

    def __init__(self, rows: Any) -> None:
        self._rows, self.shape = rows, rows.shape

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, rows: Any) -> np.ndarray:
        return unit_rows(float32(self._rows[rows]))

"""Cosines of directions with all rows, centred on what the rows share, without a centred copy of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property

import numpy as np

from ..compute.arrays import tensor
from ..compute.parallel import map_rows
from .usable import ROWS
from .vocabulary import row_norms

MEAN_ROWS = 1 << 10
"""Rows that are summed in float32 before the sum goes on in float64."""
CLOSE = 0.01
"""Squared distance of a unit vector to the mean direction below which it is not read off their product."""


class Scored(ABC):
    """Rows that are read in chunks, with the direction that they share."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """(n, d)."""

    def __len__(self) -> int:
        return self.shape[0]

    @cached_property
    def mean_direction(self) -> np.ndarray:
        """(d,) mean of the unit vectors of both sides: what all these images share."""

        def total(_: int, x: np.ndarray) -> np.ndarray:
            return np.asarray((1 / np.maximum(row_norms(x), 1e-12)) @ x, np.float64)

        return np.asarray(sum(map_rows(self, total, MEAN_ROWS)) / len(self), np.float32)

    def cosines(self, directions: np.ndarray) -> np.ndarray:
        """(m, n) float32 cosines of (m, d) unit directions with all images, minus their mean direction (:func:`centred`)."""
        offset = (directions @ self.mean_direction)[:, None]
        wanted = tensor(np.ascontiguousarray(directions, np.float32))

        def score(_: int, x: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> np.ndarray:
            part = (wanted @ tensor(x).T).numpy()
            part *= scale
            part -= offset * shift
            return part

        out, start = np.empty((len(directions), len(self)), np.float32), 0
        for part in map_rows(self, score, ROWS, self._centring):
            out[:, start : start + part.shape[1]] = part
            start += part.shape[1]
        return out

    @cached_property
    def _centring(self) -> tuple[np.ndarray, np.ndarray]:
        """cos(w, unit(x) - m) = (w.x / |x| - w.m) / |unit(x) - m|: two factors a row, in place of a centred copy of all images."""

        mean = self.mean_direction

        def factors(_: int, x: np.ndarray) -> np.ndarray:
            length = row_norms(x)
            norm = np.maximum(length, 1e-12)
            square = np.square(length / norm) - 2 * (x @ mean) / norm + mean @ mean
            close = np.flatnonzero(square < CLOSE)  # nothing is left of their difference but rounding
            square[close] = np.square(x[close] / norm[close, None] - mean).sum(1)
            length = np.maximum(np.sqrt(square), 1e-12)
            return np.stack([1 / (norm * length), 1 / length]).astype(np.float32)

        scale, shift = np.concatenate(list(map_rows(self, factors, ROWS)), axis=1)
        return scale, shift

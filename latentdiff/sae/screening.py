"""Which activations an int8 product cannot rule out: half the time of a bf16 product on processors whose units multiply bytes."""

from __future__ import annotations

import threading
from functools import cache

import numpy as np

from ..compute.arrays import kept, tensor

DEVIATIONS = 6.0
"""Standard deviations of the product's rounding by which an activation may seem below the threshold and is looked at all the same."""
MOST = 1 / 32
"""Share of activations from which looking again costs more than the product saves."""
COLUMNS = 4_096
"""Weights' columns that are made bytes at once."""
LARGE = 1 << 20
"""Weights from which int8 is worth its own copy of them."""


@cache
def has_int8() -> bool:
    """Whether this processor multiplies bytes faster than bf16 (AVX512-VNNI), and torch knows how."""
    import torch

    known = getattr(torch.cpu, "_is_vnni_supported", None)
    return bool(known is not None and known() and hasattr(torch, "_int_mm"))


class Screen:
    """Weights as bytes, and how far their product with rounded rows may be off.

    With ``u = h / s`` and ``v = s w`` (s a number for each input, so that neither has columns that drown the others), r the step of u and
    t_k that of v's column k, the product of the rounded is off by the sum of ``(u - u') v + u' (v - v')``: rounding errors that are
    independent and uniform, whose variance is ``r^2 / 12 sum v^2 + t^2 / 12 sum u'^2``.

    Args:
        weights: (d, K) float32.
        lowest: (K,) float32: what a product has to exceed for its activation to be above the threshold.
    """

    def __init__(self, weights: np.ndarray, lowest: np.ndarray) -> None:
        self.weights, self.lowest = weights, lowest
        self._lock = threading.Lock()
        self._scale: np.ndarray | None = None

    def positions(self, h: np.ndarray) -> np.ndarray | None:
        """Flat positions of what may be above the threshold.

        Args:
            h: (rows, d) float32 minus the decoder bias.

        Returns:
            Ascending; None where it is too much to be looked at again.
        """
        import torch

        u = np.multiply(h, self._prepare(h), out=kept("scaled", *h.shape))
        r = max(float(np.abs(u).max(initial=0)), 1e-30) / 127
        u *= 1 / r
        np.rint(u, out=u)
        length = float(np.einsum("ij,ij->i", u, u).max(initial=0)) * r * r
        slack = DEVIATIONS * np.sqrt(r * r / 12 * self._squares + self._steps**2 / 12 * length)
        limit = np.clip(np.floor((self.lowest - slack) / (r * self._steps)) - 1, -(2.0**31), 2.0**31 - 1).astype(np.int32)
        product = kept("bytes", len(h), len(limit), np.int32)
        torch._int_mm(tensor(u).to(torch.int8), self._bytes, out=tensor(product))
        found = np.flatnonzero(np.greater(product, limit, out=kept("active", len(h), len(limit), bool)))
        return found if len(found) <= MOST * product.size else None

    def _prepare(self, h: np.ndarray) -> np.ndarray:
        """1 / s, chosen by the first rows that come; it decides what is looked at again, not what is found."""
        import torch

        with self._lock:
            if self._scale is not None:
                return self._scale
            spread = np.sqrt(np.square(h, dtype=np.float64).mean(0))
            size = np.sqrt([np.square(row, dtype=np.float64).mean() for row in self.weights])
            both = np.maximum(spread, 1e-6 * max(spread.max(), 1e-30)), np.maximum(size, 1e-6 * max(size.max(), 1e-30))
            s = np.sqrt(both[0] / both[1]).astype(np.float32)
            self._squares, self._steps = np.empty((2, self.weights.shape[1]))
            as_bytes = np.empty(self.weights.shape, np.int8)
            for start in range(0, self.weights.shape[1], COLUMNS):  # in float64 all of them would be several times the weights
                some = slice(start, start + COLUMNS)
                v = self.weights[:, some] * s[:, None]
                self._squares[some] = np.square(v, dtype=np.float64).sum(0)
                self._steps[some] = np.maximum(np.abs(v).max(0), 1e-30).astype(np.float64) / 127
                as_bytes[:, some] = np.rint(v / self._steps[some])
            self._bytes = torch.from_numpy(as_bytes)
            self._scale = scale = np.asarray(1 / s)
            return scale

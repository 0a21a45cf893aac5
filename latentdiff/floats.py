"""Vectors of any float type to float32, at the speed of memory."""

from __future__ import annotations

from typing import Any

import numpy as np

SMALL = 1 << 16
"""Values below which numpy has converted them before torch has begun."""


def float32(x: np.ndarray) -> np.ndarray:
    """``x`` as float32, in C order; no copy where it is that already.

    float16 goes through torch, which converts it six times as fast as numpy, and every pass over a store of vectors begins with it.
    Values too large for float32 become infinite, without a warning.

    Args:
        x: array of numbers.
    """
    if x.dtype != np.float16 or x.size < SMALL:
        with np.errstate(over="ignore"):
            return np.ascontiguousarray(x, np.float32)
    return np.asarray(tensor(x).float().numpy())


def tensor(x: np.ndarray) -> Any:
    """``x`` as a torch tensor on the CPU: the same memory, or a copy where torch might not write to it (a mapped file's)."""
    import torch

    return torch.from_numpy(x if x.flags.writeable and x.flags.c_contiguous else np.array(x, order="C"))

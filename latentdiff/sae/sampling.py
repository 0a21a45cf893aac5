"""Which of many vectors stand for all: those with the smallest hashes, whatever came when."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..embed.ordering import content_keys

MOST_ROWS = 20_000
"""Vectors that a kept SAE is trained on, and keys that an SAE carries of what it was trained on."""
CHUNK = 8192


def spread_sample(rows: Any) -> np.ndarray:
    """(m, d) float32: of (n, d) vectors the ``MOST_ROWS`` different ones with the smallest hashes, in that order."""
    n, d = rows.shape
    best, keys = np.empty((0, d), np.float32), np.empty(0, np.uint64)
    for start in range(0, n, CHUNK):
        chunk = np.asarray(rows[start : start + CHUNK], np.float32)
        best, keys = _smallest(np.concatenate([best, chunk]), np.concatenate([keys, content_keys(chunk)]))
    return best


def together(seen: np.ndarray, pooled: Any) -> tuple[np.ndarray, int]:
    """The sample of what was seen before and is seen now, and how many different vectors that is a sample of.

    Args:
        seen: (m, d) sample of earlier ones.
        pooled: (n, d) vectors in the order of their hashes.
    """
    now = np.asarray(pooled[0 : min(MOST_ROWS, pooled.shape[0])], np.float32)
    both = np.concatenate([seen, now])
    rows, keys = _smallest(both, content_keys(both))
    if len(keys) < MOST_ROWS:
        return rows, len(keys)
    return rows, int((len(keys) - 1) / (float(keys[-1]) / 2.0**64))  # as many would leave so small hashes (Bar-Yossef et al. 2002)


def smallest_keys(keys: np.ndarray, more: np.ndarray) -> np.ndarray:
    """Of two sets of uint64 keys together the ``MOST_ROWS`` smallest, ascending, each once."""
    return np.unique(np.concatenate([keys, more]))[:MOST_ROWS]


def _smallest(rows: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    keys, first = np.unique(keys, return_index=True)
    return rows[first[:MOST_ROWS]], keys[:MOST_ROWS]

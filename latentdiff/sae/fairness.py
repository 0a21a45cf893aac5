"""An SAE knows the vectors that it was trained on: it is fair to two sides where it was trained on the same share of both."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .model import SparseAutoencoder

UNLIKE = 0.05
"""Difference of the shares of two sides that an SAE was trained on up to which it is fair to them."""
CHANCE = 0.01
"""p of Fisher's exact test from which a larger one may be chance."""


def known_counts(sae: SparseAutoencoder, keys: np.ndarray, side: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """How many vectors of each side an SAE was trained on.

    Args:
        sae: of which it is known, see ``SparseAutoencoder.trained_on``.
        keys: (n,) uint64 content keys of the vectors.
        side: (n,) side of each, integers from 0.

    Returns:
        By side, how many it was trained on, and of how many that can be told: all of them, or, where it carries only some of its keys,
        those whose own would be among these. None where nothing is known of its training.
    """
    known = sae.trained_on
    if known is None:
        return None
    if int((sae.info.get("training") or {}).get("vectors") or 0) > len(known):
        told = keys <= known[-1]
        keys, side = keys[told], side[told]
    at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    sides = int(side.max()) + 1 if len(side) else 0
    return np.bincount(side[known[at] == keys], minlength=sides), np.bincount(side, minlength=sides)


def knows_one_better(known: np.ndarray, total: np.ndarray) -> tuple[int, int] | None:
    """The sides of which an SAE knows most and least, where their shares differ by more than ``UNLIKE`` and beyond chance; else None.

    Args:
        known: by side, vectors that it was trained on.
        total: by side, all of which that can be told.
    """
    told = np.flatnonzero(total)
    if len(told) < 2:
        return None
    share = known[told] / total[told]
    most, least = int(told[share.argmax()]), int(told[share.argmin()])
    if known[most] / total[most] - known[least] / total[least] <= UNLIKE:
        return None
    from scipy.stats import fisher_exact

    pairs = math.comb(len(told), 2)
    two = [[int(known[i]), int(total[i] - known[i])] for i in (most, least)]
    return (most, least) if fisher_exact(two).pvalue * pairs < CHANCE else None


def one_sided(sae: SparseAutoencoder, keys: np.ndarray, side: np.ndarray) -> bool:
    """Whether an SAE knows one side better than another; arguments as :func:`known_counts`."""
    counts = known_counts(sae, keys, side)
    return counts is not None and knows_one_better(*counts) is not None


def one_sided_remarks(sae: SparseAutoencoder, keys: np.ndarray, side: np.ndarray, names: Sequence[str]) -> tuple[str, ...]:
    """A sentence where an SAE knows one side better than another, with the remedy.

    Args:
        sae, keys, side: as :func:`known_counts`.
        names: what the sides are called.
    """
    counts = known_counts(sae, keys, side)
    found = knows_one_better(*counts) if counts is not None else None
    if counts is None or found is None:
        return ()
    remedy = "leave it out (one is then trained on all of them alike), or train one on images of both, or of neither"
    return (f"{said_of_known(*counts, *found, names)}; {remedy}",)


def said_of_known(known: np.ndarray, total: np.ndarray, most: int, least: int, names: Sequence[str]) -> str:
    """What an SAE knows of two sides, and what that does."""
    more, less = (f"{known[i] / total[i]:.0%} of {names[i]}" for i in (most, least))
    return f"the SAE was trained on {more} and {less}: it knows the one by heart, and differences may be no more than that"

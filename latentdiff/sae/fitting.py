"""Do vectors look like those that an SAE was trained on: by how many concepts fire, and by how much comes back."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from ..embed.sides import Sides
from ..errors import InputError
from .model import SparseAutoencoder

ROWS = 1_000
"""Vectors that are looked at."""
REFUSED_FROM = 5.0
"""Times as many active concepts as in training from which vectors are refused, or as few where next to nothing comes back either. Of seven
sets of real CLIP vectors none fires more than 1.4 times as many or as few; times two they fire twenty times as many, times .3 a tenth."""
REFUSED_BELOW = 0.25
"""Share of the explained variance of training below which next to nothing comes back."""
SAID_FROM = 2.5
SAID_BELOW = 0.5
"""The same from which it is said."""


def fit_of_sides(sae: SparseAutoencoder, codes: sp.csr_array, sides: Sides) -> dict[str, Any]:
    """How an SAE fits each of two sides: one that it does not fit is not hidden by the other.

    Args:
        sae: see :func:`fit_of`.
        codes: (n, K) codes of all vectors.
        sides: in content order.

    Returns:
        ``"A"`` and ``"B"``: what :func:`fit_of` says of each.

    Raises:
        InputError: vectors of a side of another scale or space than those of the training.
    """
    found, order, names = {}, sides.order, "BA" if sides.swapped else "AB"  # as they were given
    if order is None:
        raise ValueError("these sides are in no order")
    for side, name, own in zip("AB", names, (order[: sides.n_a], order[sides.n_a :]), strict=True):
        some = np.sort(own[:: -(-len(own) // ROWS)])
        found[side] = fit_of(sae, codes[some], sides[some], f"the vectors of {name}")
    return found


def fit_of(sae: SparseAutoencoder, codes: sp.csr_array, vectors: np.ndarray, what: str = "these vectors") -> dict[str, Any]:
    """How an SAE fits vectors, against what it records of its training.

    Args:
        sae: ``info["training"]`` holds ``mean_active`` and ``explained_variance`` where it was trained here.
        codes: (m, K) codes of the vectors.
        vectors: (m, d) vectors, at least two different ones.
        what: they are, in a message's words.

    Returns:
        ``active`` (mean concepts a vector), ``explained`` (variance that comes back, at most 1), the same of the training as
        ``usual_active`` and ``usual_explained`` (None where unknown), and ``poor``: True where it should be said.

    Raises:
        InputError: vectors of another scale or space than those of the training.
    """
    told = sae.info.get("training") or {}
    usual, before = told.get("mean_active"), told.get("explained_variance")
    active = codes.nnz / codes.shape[0]
    spread = float(np.square(vectors - vectors.mean(0), dtype=np.float64).sum())
    error = float(np.square(vectors - sae.decode(codes, vectors), dtype=np.float64).sum())
    explained = 1 - error / spread if spread > 0 else 1.0
    times = max(active, 1e-9) / usual if usual else 1.0
    share = explained / before if before and before > 0 else 1.0
    if times > REFUSED_FROM or (times < 1 / REFUSED_FROM and share < REFUSED_BELOW):
        raise InputError(
            f"{what} do not fit the SAE: {active:,.1f} concepts fire an image where {usual:.1f} did in its training, and "
            f"{max(explained, 0):.0%} of the variance comes back where {before:.0%} did. Are they scaled, normalised or of another layer? "
            "Use vectors as the encoder gives them, or train an SAE on these"
        )
    fewer = times < 1 / SAID_FROM and share < 1  # fewer that bring back as much: a small SAE knows its own training vectors by heart
    poor = times > SAID_FROM or fewer or share < SAID_BELOW
    return {"active": active, "explained": explained, "usual_active": usual, "usual_explained": before, "poor": bool(poor)}

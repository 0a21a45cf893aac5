"""Vectors in two dimensions, to be looked at: by their principal components, or by UMAP where it is installed."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np

from ..embed.vocabulary import unit_rows
from ..errors import InputError, MissingPackageError

PCA, UMAP = "pca", "umap"


def ways() -> tuple[str, ...]:
    """Which projections can be had here."""
    return (PCA, UMAP) if find_spec("umap") is not None else (PCA,)


def plane(vectors: np.ndarray, way: str = PCA, seed: int = 0) -> np.ndarray:
    """Vectors in two dimensions.

    Args:
        vectors: (n, d) raw vectors, n >= 2, finite; what counts is their direction.
        way: "pca": the two principal components of the centred unit vectors, each with its largest entry positive; "umap": UMAP by cosine
            distance (McInnes, Healy and Melville 2018).
        seed: of UMAP.

    Returns:
        (n, 2) float32.

    Raises:
        InputError: another way, or fewer than two vectors. MissingPackageError: UMAP is not installed.
    """
    if len(vectors) < 2:
        raise InputError(f"a map needs at least two vectors, not {len(vectors)}")
    unit = unit_rows(np.asarray(vectors, np.float32))
    if way == UMAP:
        if find_spec("umap") is None:
            raise MissingPackageError("UMAP is not installed; pip install umap-learn", name="umap")
        from umap import UMAP as Umap

        return np.asarray(Umap(metric="cosine", random_state=seed, n_neighbors=min(15, len(unit) - 1)).fit_transform(unit), np.float32)
    if way != PCA:
        raise InputError(f'a map is made by "{PCA}" or "{UMAP}", not {way!r}')
    centred = (unit - unit.mean(0)).astype(np.float64)
    _, directions = np.linalg.eigh(centred.T @ centred)
    axes = directions[:, :-3:-1] if directions.shape[1] > 1 else np.repeat(directions, 2, 1)
    largest = np.abs(axes).argmax(0)
    return np.asarray(centred @ (axes * np.sign(axes[largest, np.arange(axes.shape[1])])), np.float32)

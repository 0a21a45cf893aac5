"""Monosemanticity of concepts: are the images that fire a concept alike? (Pach et al. 2025; method section 2)"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..errors import InputError
from ..progress import Progress, silent
from .model import SparseAutoencoder

ROWS = 4096
"""Images whose judge vectors are held as float64 at once (25 MB at width 768)."""
SUM_VALUES = 1 << 25
"""Weighted sums held at once (256 MB of float64): with more concepts than that, the vectors are read once per block of concepts."""


def monosemanticity(codes: sp.sparray | np.ndarray, vectors: Any, *, progress: Progress = silent) -> np.ndarray:
    """How alike the images are that fire each concept: their mean pairwise cosine, weighted by both activations.

    ``MS = sum_{i != j} a_i a_j <e_i, e_j> / sum_{i != j} a_i a_j``, a the activations min-max scaled per concept over these images, e the
    unit vectors; computed as ``(|sum_i a_i e_i|^2 - sum_i a_i^2) / ((sum_i a_i)^2 - sum_i a_i^2)`` in one pass over the vectors. A concept
    that is silent on any image has minimum zero, and the scale cancels; only one that fires on every image is shifted.

    Args:
        codes: (n, K) activations >= 0, sparse (any format) or dense, of a reference set of images.
        vectors: (n, d2) vectors of the same images by the judging encoder, the SAE's own or a second: an array, a memmap, or anything
            with a shape whose row slices are arrays.
        progress: ``progress(fraction, label)``.

    Returns:
        (K,) float64 in [-1, 1]; NaN for a concept without a pair of images to compare: dead, firing once, or constant on all images.

    Raises:
        InputError: codes and vectors of different images, negative or non-finite activations, or non-finite vectors.

    Source: Pach et al. 2025, section 4; the identity in method section 2.
    """
    columns = _columns(codes, vectors)
    n, k = columns.shape
    width = vectors.shape[1]
    block = max(1, min(k, SUM_VALUES // max(width, 1)))
    numerator, pairs = np.zeros(k), np.zeros(k)
    blocks = list(range(0, k, block))
    for b, first in enumerate(blocks):
        some = slice(first, min(first + block, k))
        a = sp.csr_array(columns[:, some])
        sums, own = np.zeros((a.shape[1], width)), np.zeros(a.shape[1])
        squared = a.power(2)
        for stop, rows, e in _unit_chunks(vectors, np.diff(a.indptr) > 0):
            sums += a[rows].T @ e
            own += squared[rows].T @ np.square(e).sum(1)  # 1 for every image but one whose vector is zero
            progress((b + min(1.0, stop / n)) / len(blocks), "monosemanticity")
        numerator[some] = np.square(sums).sum(1) - own
        pairs[some] = np.square(a.sum(0)) - squared.sum(0)
    return np.divide(numerator, pairs, out=np.full(k, np.nan), where=_images(columns) >= 2)


def with_monosemanticity(
    sae: SparseAutoencoder, vectors: np.ndarray, *, judge: np.ndarray | None = None, progress: Progress = silent
) -> SparseAutoencoder:
    """The SAE with its concepts' monosemanticity, kept when it is saved.

    Args:
        sae: the SAE.
        vectors: (n, d) raw vectors of a reference set.
        judge: (n, d2) vectors of the same images by a second encoder; None judges by ``vectors``.
        progress: ``progress(fraction, label)``.

    Raises:
        InputError: as :func:`monosemanticity` and :meth:`SparseAutoencoder.encode`.
    """
    values = monosemanticity(sae.encode(vectors), vectors if judge is None else judge, progress=progress)
    return dataclasses.replace(sae, monosemanticity=values.astype(np.float32))


def purest(values: np.ndarray, alive: np.ndarray, share: float) -> np.ndarray:
    """Which concepts stay when the least monosemantic share of the alive ones is pruned.

    Args:
        values: (K,) monosemanticity; NaN (nothing to compare) ranks lowest.
        alive: (K,) bool: concepts that may stay.
        share: share of them to prune, in [0, 1).

    Returns:
        (K,) bool, a subset of ``alive`` with at least ``1 - share`` of it; ties stay.
    """
    if not share or not alive.any():
        return alive.copy()
    known = np.where(np.isnan(values), -np.inf, values)
    lowest = np.sort(known[alive])[int(share * alive.sum())]
    return alive & (known >= lowest)


def _columns(codes: sp.sparray | np.ndarray, vectors: Any) -> sp.csc_array:
    """Activations by concept, float64, those of concepts that fire on every image taken minus their minimum."""
    if codes.ndim != 2 or len(vectors.shape) != 2 or codes.shape[0] != vectors.shape[0] or codes.shape[0] == 0:
        raise InputError(f"monosemanticity needs (n, K) codes and (n, d) vectors of the same images, got {codes.shape}, {vectors.shape}")
    columns = sp.csc_array(codes, dtype=np.float64, copy=True)
    columns.sum_duplicates()
    columns.eliminate_zeros()
    if not np.isfinite(columns.data).all() or (columns.data < 0).any():
        raise InputError("activations must be finite and not negative; pass what SparseAutoencoder.encode returns")
    for k in np.flatnonzero(np.diff(columns.indptr) == columns.shape[0]):
        values = columns.data[columns.indptr[k] : columns.indptr[k + 1]]
        values -= values.min()
    return columns


def _images(columns: sp.csc_array) -> np.ndarray:
    """(K,) images with weight in each concept."""
    running = np.concatenate([[0], np.cumsum(columns.data > 0)])
    return running[columns.indptr[1:]] - running[columns.indptr[:-1]]


def _unit_chunks(vectors: Any, wanted: np.ndarray) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Rows read so far, those of the last chunk among them that are wanted, (n,) bool, and their unit vectors; all are checked."""
    for start in range(0, vectors.shape[0], ROWS):
        chunk = np.asarray(vectors[start : start + ROWS])
        finite = np.isfinite(chunk)
        if not finite.all():
            bad = start + int(np.flatnonzero(~finite.all(1))[0])
            raise InputError(f"vector {bad} holds NaN or infinite values; leave that image out")
        rows = start + np.flatnonzero(wanted[start : start + ROWS])
        x = np.asarray(chunk[rows - start], np.float64)
        yield start + len(chunk), rows, x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-300)

"""How far apart the mean embeddings of A and B lie (maximum mean discrepancy, Gretton et al. 2012), as a whole and in any one place."""

from __future__ import annotations

import numpy as np

LANDMARKS = 256
"""Images whose kernels span the features (Nystroem): on COCO captions 128 lose nothing against all 1,200."""
NARROW = 4.0
"""The narrow kernel falls off so many times as fast (COCO captions: 1 and 4 alike; real CLIP, 10 planted in 200: .23 and .50)."""

ANCHORS = 512
"""Images round which the embeddings are looked at each by itself: of 20,000 images with a mode of 1 % in one side, two or three lie in
it. In real CLIP with 2 x 500 and 2 x 2,000 images 1,024 saw no more."""
LOCAL = 6.0
"""Its kernel falls off so many times as fast as the wide one: chosen on UCF-101 in real CLIP (10 planted in 200, 60 pairs; .27 differ
without this statistic, and at 4, 5, 6, 7, 8, 10 .68, .82, .82, .75, .73, .60)."""

NEAR = 0.05
"""Weight of the local kernel below which it is 0: beyond a squared distance of half the median. Without an end far images, of which one
side may have more, made places of few images certain; the cut costs nothing (UCF-101 as above .75 and .75, ImageNet .60 and .65)."""


def mean_embedding_distances(unit: np.ndarray, weight: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Squared distances of the mean embeddings of A and B with two Gaussian kernels, ``exp(-f |x - y|^2 / median)``, f = 1 and ``NARROW``.

    Args:
        unit: (n, d) vectors.
        weight: (n, c) ``1 / n_A`` for A, ``-1 / n_B`` for B, one labelling a column.
        seed: of the choice of landmarks.

    Returns:
        (c,) and (c,) float64.
    """
    n = len(unit)
    marks = unit[np.sort(np.random.default_rng(seed).choice(n, min(n, LANDMARKS), replace=False))]
    squared = _squared_distances(unit, marks)
    median = float(np.median(squared)) or 1.0
    return _distance(squared, marks, median, weight), _distance(squared, marks, median / NARROW, weight)


def local_kernel(unit: np.ndarray, seed: int) -> np.ndarray:
    """A narrow Gaussian kernel with an end, at single images: its product with ``weight`` is the difference of the mean embeddings there.

    That is the witness function (Gretton et al. 2012), for modes of few images. Each image counts among those around it, with the largest
    weight: the standardised difference of one that has no others near is then 1 or so under every labelling, and the largest of all is
    that of an image in a crowd.

    Args:
        unit: (n, d) vectors.
        seed: of the choice of the images.

    Returns:
        (min(n, ``ANCHORS``), n) float32: 0, or in [``NEAR``, 1].
    """
    n = len(unit)
    anchors = unit[np.sort(np.random.default_rng(seed).choice(n, min(n, ANCHORS), replace=False))]
    squared = _squared_distances(anchors, unit)
    squared *= np.float32(-LOCAL / (float(np.median(squared)) or 1.0))
    kernel = np.exp(squared, out=squared)
    kernel[kernel < NEAR] = 0
    return kernel


def _squared_distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(n, m) of (n, d) and (m, d) rows."""
    squared = x @ y.T
    squared *= -2
    squared += np.einsum("ij,ij->i", x, x)[:, None]
    squared += np.einsum("ij,ij->i", y, y)
    return np.maximum(squared, 0, out=squared)


def _distance(squared: np.ndarray, marks: np.ndarray, width: float, weight: np.ndarray) -> np.ndarray:
    between = np.exp(-_squared_distances(marks, marks).astype(np.float64) / width)
    spectrum, basis = np.linalg.eigh(between)
    kept = spectrum > 1e-6 * spectrum.max()
    features = np.exp(-squared / np.float32(width)) @ (basis[:, kept] / np.sqrt(spectrum[kept])).astype(np.float32)
    return np.square(features.T @ weight, dtype=np.float64).sum(0)

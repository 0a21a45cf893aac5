"""Per-image log density ratio, out of fold, and the two-sample test on it (paper section 4.2, method section 5)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy import stats

from ..progress import Progress, silent
from .logistic import LogisticProblem

SELECTION_ROWS = 4_000
"""Rows on which the penalty is chosen: enough to order four penalties, cheap at any size."""
SELECTION_ITERATIONS = 10
EVIDENCE_Z = 2.5
"""Concepts below this |firing z| add nothing to an image's evidence (COCO pairs: flat between 2 and 2.5)."""


@dataclass(frozen=True, eq=False)
class DensityRatio:
    """Result of :func:`cross_fit`."""

    log_ratio: np.ndarray
    """(n,) float32 out-of-fold log p_A/p_B, rows of A first."""
    fold: np.ndarray
    """(n,) int8: the fold that held each row out."""
    penalties: tuple[float, ...]
    """The C chosen in each fold."""


def cross_fit(
    x: np.ndarray,
    y: np.ndarray,
    codes: sp.csr_array | None,
    penalties: tuple[float, ...],
    folds: int,
    seed: int,
    progress: Progress = silent,
) -> DensityRatio:
    """Out-of-fold log density ratios of a logistic head on the vectors and on the evidence of sparse concepts.

    Every row is scored by a head that saw neither the row nor, in the choice of its penalty, the row's fold.

    Args:
        x: (n, d) raw vectors, A's rows and B's in any order.
        y: (n,) 1 for A, 0 for B.
        codes: (n, K) concept activations of the same rows, or None for the plain head.
        penalties: grid of C.
        folds: number of folds, each with both sides in it.
        seed: seed of the folds.
        progress: ``progress(fraction, label)``.
    """
    y = np.asarray(y, bool)
    fold = stratified_folds(y, folds, seed)
    problem = LogisticProblem(x, y, seed)
    fires = None if codes is None else sp.csr_array((np.ones(codes.nnz, np.float32), codes.indices, codes.indptr), shape=codes.shape)
    log_ratio, chosen = np.zeros(len(y), np.float32), []
    for f in range(folds):
        train = fold != f
        penalty = penalties[0] if len(penalties) == 1 else _choose_penalty(x, y, train, penalties, seed + 1 + f)
        evidence = None if fires is None else concept_evidence(fires, y, train)
        head = problem.fit(penalty, train, evidence)
        log_ratio[~train] = head.log_ratio(problem, evidence)[~train]
        chosen.append(penalty)
        progress((f + 1) / folds, "density ratio")
    return DensityRatio(log_ratio, fold, tuple(chosen))


def stratified_folds(y: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """(n,) fold of each row; each side is dealt out evenly after a seeded shuffle."""
    fold = np.empty(len(y), np.int8)
    rng = np.random.default_rng(seed)
    for side in (True, False):
        rows = rng.permutation(np.flatnonzero(y == side))
        fold[rows] = np.arange(len(rows)) % folds
    return fold


def _choose_penalty(x: np.ndarray, y: np.ndarray, train: np.ndarray, penalties: tuple[float, ...], seed: int) -> float:
    """The C with the smallest held-out log loss in a 3-fold cross-validation inside the training rows."""
    rng = np.random.default_rng(seed)
    rows = np.flatnonzero(train)
    if len(rows) > SELECTION_ROWS:
        rows = np.sort(rng.choice(rows, SELECTION_ROWS, replace=False))
    labels = y[rows]
    inner = stratified_folds(labels, 3, seed)
    problem = LogisticProblem(np.asarray(x[rows], np.float32), labels)
    loss = np.zeros(len(penalties))
    for i, c in enumerate(penalties):
        for f in range(3):
            held = inner == f
            head = problem.fit(c, ~held, iterations=SELECTION_ITERATIONS)
            logit = problem.scores(head.w, head.bias)[held]
            loss[i] += np.sum(np.logaddexp(0, logit) - labels[held] * logit)
    return penalties[int(loss.argmin())]


def concept_evidence(fires: sp.csr_array, y: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Sum over an image's firing concepts of the log ratio of their firing rates in A and B (sparse naive Bayes).

    A linear head spreads a mode of a few images over all of a vector's entries; the concept that fires in just those images keeps it
    in one number. Only concepts with ``|firing z| >= EVIDENCE_Z`` over the training rows count. A training row's own firing is
    taken out of the counts before it is scored (leave-one-out), so the head can learn how far to trust the evidence.

    Args:
        fires: (n, K) 1.0 where a concept fires.
        y: (n,) True for A.
        train: (n,) True for the rows that may be counted.

    Returns:
        (n,) float64.
    """
    in_a, in_b = (train & y).astype(np.float32), (train & ~y).astype(np.float32)
    n_a, n_b = in_a.sum(), in_b.sum()
    a, b = fires.T @ in_a, fires.T @ in_b
    pooled = (a + b) / (n_a + n_b)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n_a + 1 / n_b))
    counts = np.abs(a / n_a - b / n_b) >= EVIDENCE_Z * np.maximum(error, 1e-12)

    def weights(a: np.ndarray, b: np.ndarray, n_a: float, n_b: float) -> np.ndarray:
        # Half an image is added to each count (Jeffreys' prior): no infinite ratios.
        return np.where(counts, np.log((a + 0.5) / (n_a + 1)) - np.log((b + 0.5) / (n_b + 1)), 0.0)

    score = fires @ weights(a, b, n_a, n_b)
    own_a = fires @ weights(np.maximum(a - 1, 0), b, n_a - 1, n_b)
    own_b = fires @ weights(a, np.maximum(b - 1, 0), n_a, n_b - 1)
    return np.where(in_a > 0, own_a, np.where(in_b > 0, own_b, score))


def two_sample(log_ratio: np.ndarray, y: np.ndarray, fold: np.ndarray) -> tuple[float, float]:
    """Do A and B differ: fold-stratified, one-sided Mann-Whitney test of out-of-fold scores.

    Scores are ranked within a fold only, since each fold's head has its own offset.

    Returns:
        Mean within-fold AUC (weighted by pairs) and its p-value, normal approximation with tie correction.
    """
    u = pairs = variance = 0.0
    for f in np.unique(fold):
        a, b = log_ratio[(fold == f) & y], log_ratio[(fold == f) & ~y]
        n_a, n_b = len(a), len(b)
        ranks = stats.rankdata(np.concatenate([a, b]))
        ties = np.unique(ranks, return_counts=True)[1].astype(float)
        n = n_a + n_b
        u += ranks[:n_a].sum() - n_a * (n_a + 1) / 2
        pairs += n_a * n_b
        variance += n_a * n_b / 12 * (n + 1 - (ties**3 - ties).sum() / (n * max(n - 1, 1)))
    z = (u - pairs / 2) / np.sqrt(variance) if variance > 0 else 0.0
    return float(u / pairs), float(stats.norm.sf(z))



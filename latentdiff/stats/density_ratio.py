"""Per-image log density ratio, out of fold and calibrated, and its AUC (paper section 4.2, method sections 5 and 10)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from ..compute.parallel import one_thread, ordered_map
from ..compute.sparse import row_views
from ..embed.grouping import numbered
from ..progress import Progress, silent
from .calibration import calibration
from .logistic import LogisticProblem, Rows
from .phrases import auroc
from .strata import balanced

SELECTION_ROWS = 4_000
"""Rows on which the penalty is chosen: enough to order four penalties, cheap at any size."""
SELECTION_ITERATIONS = 10
TOGETHER = 1_600
"""Training rows of a fold up to which the penalties of all folds are chosen in one go: starting five times would take longer than rows that
a fold leaves out."""
EVIDENCE_Z = 2.5
"""Concepts below this |firing z| add nothing to an image's evidence (COCO pairs: flat between 2 and 2.5)."""

PRIME = 7_919
"""Step between the seeds of two cross-fittings, well above those of a cross-fitting's folds."""


@dataclass(frozen=True, eq=False)
class DensityRatio:
    """Result of :func:`cross_fit`."""

    log_ratio: np.ndarray
    """(n,) float32 out-of-fold log p_A/p_B, mean of the cross-fittings, calibrated."""
    in_sample: np.ndarray
    """(n,) float32 log ratio of one head fitted on all rows: ranks exemplars, means nothing as evidence. On 53 Corel photographs a side
    with 3 planted it puts twice as many of them on top as the out-of-fold scores."""
    scores: np.ndarray
    """(n, repeats) float32 out-of-fold scores of each cross-fitting, as they came from the heads."""
    fold: np.ndarray
    """(n, repeats) int8: the fold that held each row out."""
    penalties: tuple[float, ...]
    """The C chosen in each fold of the first cross-fitting."""
    slope: float = 1.0
    """What the mean score was multiplied by to be a log density ratio."""


def cross_fit(
    x: Rows,
    y: np.ndarray,
    codes: sp.csr_array | None,
    penalties: tuple[float, ...],
    folds: int,
    seed: int,
    progress: Progress = silent,
    *,
    repeats: int = 1,
    groups: np.ndarray | None = None,
    order: np.ndarray | None = None,
    strata: np.ndarray | None = None,
) -> DensityRatio:
    """Out-of-fold log density ratios of a logistic head on the vectors and on the evidence of sparse concepts.

    Every row is scored by heads that did not see the row. One cross-fitting is to a good part noise of how its folds fell, so scores are
    the mean of several. In the first one the penalty of a fold's head is chosen without the fold too; the others take its middle one.

    Args:
        x: (n, d) raw vectors, A's rows and B's in any order.
        y: (n,) 1 for A, 0 for B.
        codes: (n, K) concept activations of the same rows, or None for the plain head.
        penalties: grid of C.
        folds: number of folds, each with both sides in it.
        seed: seed of the folds.
        progress: ``progress(fraction, label)``.
        repeats: cross-fittings, >= 1; all heads are fitted in one go.
        groups: (n,) group of each row, integers: rows of a group are held out together; None: each row by itself.
        order: (n,) rows in the order in which folds are dealt out; None for the order in which they lie.
        strata: (n,) stratum of each row: every head learns from rows of which each stratum has the sides in one proportion, drawn anew
            for each head, so that what tells the strata apart tells it nothing.
    """
    y = np.asarray(y, bool)
    order = np.arange(len(y)) if order is None else order
    fold = _dealt(y, order, groups, folds, [seed + PRIME * r for r in range(repeats)])
    train = (fold[:, :, None] != np.arange(folds)).reshape(len(y), -1)
    train = np.column_stack([train, np.ones(len(y), bool)])  # the last column holds nothing out: the in-sample head
    if strata is not None:
        train &= np.column_stack([balanced(y, strata, seed + PRIME * c) for c in range(train.shape[1])])
    with one_thread():  # all work on many rows is spread over threads already; others would only wait beside them
        problem = LogisticProblem(x, y, seed=seed)
        chosen = [penalties[0]] * folds
        if len(penalties) > 1:
            used = [order[train[order, f]] for f in range(folds)]
            chosen = _choose_penalties(problem, y, used, penalties, seed + 1, groups)
        progress(0.5, "density ratio")
        evidence = None if codes is None else concept_evidence(codes, y, train)
        middle = float(np.median(chosen))
        heads = problem.fit(np.array([*chosen, *[middle] * ((repeats - 1) * folds + 1)]), train, evidence)
        columns = np.column_stack([fold + folds * np.arange(repeats), np.full(len(y), folds * repeats)])
        scores = (problem.logits(heads, evidence, columns) - heads.prior[columns]).astype(np.float32)
    mean = scores[:, :-1].mean(1, dtype=np.float64)
    fair = np.ones(len(y), bool) if strata is None else balanced(y, strata, seed)
    slope, offset = calibration(mean[fair], y[fair])
    progress(1.0, "density ratio")
    calibrated = (slope * mean + offset).astype(np.float32)
    return DensityRatio(calibrated, scores[:, -1].copy(), scores[:, :-1].copy(), fold, tuple(chosen), slope)


def stratified_folds(y: np.ndarray, folds: int, seed: int, groups: np.ndarray | None = None) -> np.ndarray:
    """(n,) fold of each row; each side is dealt out evenly after a seeded shuffle, groups as a whole, the large ones first."""
    rng = np.random.default_rng(seed)
    if groups is None:
        fold = np.empty(len(y), np.int8)
        for side in (True, False):
            rows = rng.permutation(np.flatnonzero(y == side))
            fold[rows] = np.arange(len(rows)) % folds
        return fold
    groups = numbered(groups)
    sizes = np.column_stack([np.bincount(groups, y), np.bincount(groups, ~y)])
    load, of_group = np.zeros((folds, 2)), np.empty(len(sizes), np.int8)
    shuffled = rng.permutation(len(sizes))
    for g in shuffled[np.argsort(-sizes.max(1)[shuffled], kind="stable")]:
        # Where it leaves the fullest fold least full, by the share of each side.
        of_group[g] = f = int(((load + sizes[g]) / sizes.sum(0) * (sizes[g] > 0)).sum(1).argmin())
        load[f] += sizes[g]
    return of_group[groups]


def _dealt(y: np.ndarray, order: np.ndarray, groups: np.ndarray | None, folds: int, seeds: list[int]) -> np.ndarray:
    """(n, r) fold of each row in each cross-fitting, dealt out in an order."""
    fold = np.empty((len(y), len(seeds)), np.int8)
    fold[order] = np.column_stack([stratified_folds(y[order], folds, s, None if groups is None else groups[order]) for s in seeds])
    return fold


def _choose_penalties(
    problem: LogisticProblem, y: np.ndarray, used: list[np.ndarray], penalties: tuple[float, ...], seed: int, groups: np.ndarray | None
) -> list[float]:
    """For each fold's training rows the C with the smallest held-out log loss in a 3-fold cross-validation inside them."""
    inner = []
    for f, rows in enumerate(used):
        if len(rows) > SELECTION_ROWS:
            rows = rows[np.sort(np.random.default_rng(seed + f).choice(len(rows), SELECTION_ROWS, replace=False))]
        inner.append((rows, stratified_folds(y[rows], 3, seed + f, None if groups is None else groups[rows])))
    batches = [inner] if max(map(len, used)) <= TOGETHER else [[one] for one in inner]
    return [c for batch in ordered_map(lambda batch: _least_loss(problem, y, batch, penalties), batches) for c in batch]


def _least_loss(
    problem: LogisticProblem, y: np.ndarray, inner: list[tuple[np.ndarray, np.ndarray]], penalties: tuple[float, ...]
) -> list[float]:
    """The C of each of some pairs of rows and their inner folds; all heads are fitted in one go."""
    all_rows = np.unique(np.concatenate([rows for rows, _ in inner]))
    of = np.full((len(all_rows), len(inner)), -1, np.int8)
    for f, (rows, folds) in enumerate(inner):
        of[np.searchsorted(all_rows, rows), f] = folds
    held = (of[:, :, None, None] == np.arange(3)[:, None]).repeat(len(penalties), 3).reshape(len(all_rows), -1)
    use = (of >= 0).repeat(3 * len(penalties), 1) & ~held
    labels = y[all_rows]
    small = LogisticProblem(problem.x[all_rows], labels, like=problem)
    logit = small.logits(small.fit(np.tile(penalties, 3 * len(inner)), use, iterations=SELECTION_ITERATIONS))
    loss = (held * (np.logaddexp(0, logit) - labels[:, None] * logit)).sum(0)
    return [penalties[i] for i in loss.reshape(len(inner), 3, -1).sum(1).argmin(1).tolist()]


def concept_evidence(codes: sp.csr_array, y: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Sum over an image's firing concepts of the log ratio of their firing rates in A and B (sparse naive Bayes).

    A linear head spreads a mode of a few images over all of a vector's entries; the concept that fires in just those images keeps it
    in one number. Only concepts with ``|firing z| >= EVIDENCE_Z`` over the training rows count. A training row's own firing is
    taken out of the counts before it is scored (leave-one-out), so the head can learn how far to trust the evidence.

    Args:
        codes: (n, K) activations: a concept fires where there is one.
        y: (n,) True for A.
        train: (n, c) True for the rows that may be counted, for each of c heads.

    Returns:
        (n, c) float64.
    """
    in_a, in_b = train & y[:, None], train & ~y[:, None]
    n_a, n_b = in_a.sum(0), in_b.sum(0)

    def count(part: tuple[int, sp.csr_array]) -> np.ndarray:
        rows = slice(part[0], part[0] + part[1].shape[0])
        return np.asarray(_fires(part[1]).T @ np.concatenate([in_a[rows], in_b[rows]], axis=1).astype(np.float32), np.float64)

    a, b = np.split(np.asarray(sum(ordered_map(count, row_views(codes)))), 2, axis=1)
    pooled = (a + b) / (n_a + n_b)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n_a + 1 / n_b))
    counts = np.abs(a / n_a - b / n_b) >= EVIDENCE_Z * np.maximum(error, 1e-12)

    def weights(a: np.ndarray, b: np.ndarray, n_a: np.ndarray, n_b: np.ndarray) -> np.ndarray:
        # Half an image is added to each count (Jeffreys' prior): no infinite ratios.
        return np.where(counts, np.log((a + 0.5) / (n_a + 1)) - np.log((b + 0.5) / (n_b + 1)), 0.0)

    others = weights(np.maximum(a - 1, 0), b, n_a - 1, n_b), weights(a, np.maximum(b - 1, 0), n_a, n_b - 1)
    weight = np.concatenate([weights(a, b, n_a, n_b), *others], axis=1)

    def score(part: tuple[int, sp.csr_array]) -> np.ndarray:
        rows = slice(part[0], part[0] + part[1].shape[0])
        held_out, of_a, of_b = np.split(np.asarray(_fires(part[1]) @ weight), 3, axis=1)
        return np.where(in_a[rows], of_a, np.where(in_b[rows], of_b, held_out))

    return np.concatenate(list(ordered_map(score, row_views(codes))))


def _fires(codes: sp.csr_array) -> sp.csr_array:
    return sp.csr_array((np.ones(codes.nnz, np.float32), codes.indices, codes.indptr), shape=codes.shape)


def out_of_fold_auc(scores: np.ndarray, y: np.ndarray, fold: np.ndarray) -> float:
    """Mean AUC of out-of-fold scores, in [0, 1]; within a fold only, since each fold's head has its own offset.

    Args:
        scores: (n, r) scores of r cross-fittings.
        y: (n,) True for A.
        fold: (n, r) the folds of each.

    Returns:
        The mean over folds, weighted by pairs of an image of A and one of B.
    """
    u = pairs = 0.0
    for score, held in zip(scores.T, fold.T, strict=True):
        for f in np.unique(held):
            here = held == f
            n_a, n_b = int((here & y).sum()), int((here & ~y).sum())
            if n_a and n_b:
                u += auroc(score[here & y], score[here & ~y]) * n_a * n_b
                pairs += n_a * n_b
    return u / pairs if pairs else 0.5

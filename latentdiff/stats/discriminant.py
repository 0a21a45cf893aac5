"""Linear discriminants of many groups at once: out-of-fold scores of every image for every group (Hastie et al. 2009, section 4.3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..compute.parallel import map_rows
from .calibration import calibration
from .density_ratio import PRIME, out_of_fold_auc
from .logistic import Rows, Standardiser
from .phrases import auroc

RIDGES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Grid of ridges, in mean eigenvalues of the covariance of standardised features."""
CHOSEN_ON = 4_000
"""Images on which the ridge is chosen."""
CHUNK = 1 << 12


@dataclass(frozen=True, eq=False)
class Discriminants:
    """Discriminants of k groups, and what makes their scores log density ratios."""

    standard: Standardiser
    weights: np.ndarray
    """(k, d + 1) of standardised features, and intercepts."""
    slope: np.ndarray
    offset: np.ndarray

    def log_ratio(self, x: Rows) -> np.ndarray:
        """(n, k) log density ratios of each group to the rest, of raw vectors that took no part."""

        def part(_: int, rows: np.ndarray) -> np.ndarray:
            return self.standard.apply(rows) @ self.weights[:, :-1].T + self.weights[:, -1]

        return np.concatenate(list(map_rows(x, part, CHUNK))) * self.slope + self.offset


@dataclass(frozen=True, eq=False)
class GroupScores:
    """Result of :func:`group_scores`."""

    log_ratio: np.ndarray
    """(n, k) float32 out-of-fold log density ratio of each group to the rest, calibrated."""
    in_sample: np.ndarray
    """(n, k) float32 scores of discriminants of all rows: they rank exemplars."""
    auc: np.ndarray
    """(k,) out-of-fold AUC of each group against the rest."""
    distances: np.ndarray
    """(k, k) out-of-fold AUC of every pair of groups, 0.5 on the diagonal."""
    ridge: float
    """Median of the ridges chosen in the folds."""
    discriminants: Discriminants
    """Those of all rows, for images that none of this has seen."""


def group_scores(x: Rows, label: np.ndarray, groups: int, *, folds: int = 5, repeats: int = 1, seed: int = 0) -> GroupScores:
    """Score every image for every group by a ridge discriminant that did not see the image's label.

    The discriminant of a group is ``(C + r I)^-1 (mean_g - mean)``, C the covariance of all standardised rows: it knows no labels, so one
    eigendecomposition serves all groups, all pairs (the difference of two discriminants tells two groups apart) and all folds. Each
    fold's ridge has the least squared error of group membership in an inner cross-validation without that fold.

    Args:
        x: (n, d) raw vectors.
        label: (n,) group of each row, integers from 0.
        groups: their number k; each has at least ``folds`` rows.
        folds: of a cross-fitting.
        repeats: cross-fittings, of which scores are the mean.
        seed: of the folds.

    Returns:
        Scores, AUCs and distances.
    """
    standard = Standardiser.fit(x)
    d = x.shape[1]

    def gram(_: int, rows: np.ndarray) -> np.ndarray:
        z = standard.apply(rows)
        return np.asarray(z.T @ z, np.float64)

    spectrum, basis = np.linalg.eigh(sum(map_rows(x, gram, CHUNK), np.zeros((d, d))) / len(x))
    problem = _Problem(x, label, groups, standard, np.maximum(spectrum, 0.0), basis.astype(np.float32))
    dealt = np.column_stack([deal(label, groups, folds, seed + PRIME * r) for r in range(repeats)])
    total, auc, distances = np.zeros((len(x), groups)), np.zeros(groups), np.zeros((groups, groups))
    ridges: list[float] = []
    for fold in dealt.T:
        sums = problem.sums(fold, folds)
        ridges = ridges or [problem.choose(sums, fold, f, seed) for f in range(folds)]
        scores = problem.scores(np.stack([problem.discriminants(sums, [f], ridges[f]) for f in range(folds)]), fold)
        total += scores / repeats
        distances += pairwise_auc(scores, label, fold, groups) / repeats
        auc += [out_of_fold_auc(scores[:, [g]], label == g, fold[:, None]) / repeats for g in range(groups)]
    middle = float(np.median(ridges))
    whole = problem.discriminants(problem.sums(np.zeros(len(x), np.int8), 1), [], middle)
    slope, offset = np.array([calibration(total[:, g], label == g) for g in range(groups)]).T
    log_ratio = (slope * total + offset).astype(np.float32)
    in_sample = problem.scores(whole[None], np.zeros(len(x), np.int8))
    return GroupScores(log_ratio, in_sample, auc, distances, middle, Discriminants(standard, whole, slope, offset))


def deal(label: np.ndarray, groups: int, folds: int, seed: int) -> np.ndarray:
    """(n,) fold of each row; each group is dealt out evenly after a seeded shuffle."""
    rng, fold = np.random.default_rng(seed), np.empty(len(label), np.int8)
    for g in range(groups):
        rows = rng.permutation(np.flatnonzero(label == g))
        fold[rows] = (np.arange(len(rows)) + g) % folds
    return fold


def pairwise_auc(scores: np.ndarray, label: np.ndarray, fold: np.ndarray, groups: int) -> np.ndarray:
    """(k, k) mean within-fold AUC of the difference of two groups' scores, on the rows of the two; symmetric, 0.5 on the diagonal.

    Args:
        scores: (n, k) out-of-fold scores.
        label: (n,) group of each row.
        fold: (n,) the fold that held each row out.
        groups: k.
    """
    u, pairs = np.zeros((groups, groups)), np.zeros((groups, groups))
    for f in np.unique(fold):
        own = [scores[(fold == f) & (label == g)] for g in range(groups)]
        for i in range(groups):
            for j in range(i):
                count = len(own[i]) * len(own[j])
                if count:
                    u[i, j] += count * auroc(own[i][:, i] - own[i][:, j], own[j][:, i] - own[j][:, j])
                    pairs[i, j] += count
    auc = np.divide(u, pairs, out=np.full_like(u, 0.5), where=pairs > 0)
    lower = np.tril(auc, -1)
    return lower + lower.T + 0.5 * np.eye(groups)


@dataclass(frozen=True, eq=False)
class _Problem:
    """Rows, their labels, and the spectrum of their covariance."""

    x: Rows
    label: np.ndarray
    groups: int
    standard: Standardiser
    spectrum: np.ndarray
    basis: np.ndarray

    def sums(self, fold: np.ndarray, folds: int) -> tuple[np.ndarray, np.ndarray]:
        """(folds, k, d) sums of standardised rows by fold and group, and (folds, k) their numbers."""
        cell = fold.astype(np.int64) * self.groups + self.label

        def part(_: int, rows: np.ndarray, cell: np.ndarray) -> np.ndarray:
            chosen = np.zeros((folds * self.groups, len(rows)), np.float32)
            chosen[cell, np.arange(len(rows))] = 1
            return np.asarray(chosen @ self.standard.apply(rows), np.float64)

        total = sum(map_rows(self.x, part, CHUNK, (cell,)), np.zeros((folds * self.groups, self.x.shape[1])))
        count = np.bincount(cell, minlength=folds * self.groups)
        return total.reshape(folds, self.groups, -1), count.reshape(folds, self.groups)

    def discriminants(self, sums: tuple[np.ndarray, np.ndarray], without: list[int], ridge: float) -> np.ndarray:
        """(k, d + 1) weights of standardised features, and intercepts that put the mean of all rows at 0, of rows outside some folds."""
        kept = np.delete(np.arange(len(sums[0])), without)
        total, count = sums[0][kept].sum(0), sums[1][kept].sum(0)
        mean = total.sum(0) / count.sum()
        away = total / count[:, None] - mean
        shrunk = (away @ self.basis) / (self.spectrum + ridge * max(float(self.spectrum.mean()), 1e-12))
        weight = shrunk @ self.basis.T
        return np.column_stack([weight, -(weight @ mean)]).astype(np.float32)

    def scores(self, weights: np.ndarray, fold: np.ndarray) -> np.ndarray:
        """(n, k) float32 scores of each row by the discriminants of its fold, of (folds, k, d + 1)."""

        def part(_: int, rows: np.ndarray, fold: np.ndarray) -> np.ndarray:
            z, out = self.standard.apply(rows), np.empty((len(rows), self.groups), np.float32)
            for f in np.unique(fold):
                out[fold == f] = z[fold == f] @ weights[f, :, :-1].T + weights[f, :, -1]
            return out

        return np.concatenate(list(map_rows(self.x, part, CHUNK, (fold,))))

    def choose(self, sums: tuple[np.ndarray, np.ndarray], fold: np.ndarray, held_out: int, seed: int) -> float:
        """The ridge with the least squared error on inner folds, all of them without the fold that is held out."""
        rows = np.flatnonzero(fold != held_out)
        if len(rows) > CHOSEN_ON:
            rows = np.sort(np.random.default_rng(seed).choice(rows, CHOSEN_ON, replace=False))
        z, share = self.standard.apply(self.x[rows]), sums[1].sum(0) / sums[1].sum()
        error = np.zeros(len(RIDGES))
        for inner in np.unique(fold[rows]):
            here = fold[rows] == inner
            member = self.label[rows[here], None] == np.arange(self.groups)
            for i, ridge in enumerate(RIDGES):
                weight = self.discriminants(sums, [held_out, int(inner)], ridge)
                expected = share * (1 + z[here] @ weight[:, :-1].T + weight[:, -1])
                error[i] += np.square(member - expected).sum()
        return RIDGES[int(error.argmin())]

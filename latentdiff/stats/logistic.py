"""L2-regularised logistic regression on standardised features, many weightings at once, streamed over rows (method section 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..compute.arrays import float32, kept, tensor
from ..compute.parallel import map_rows
from .lbfgs import minimise

ROWS = 1 << 9
"""Rows per pass of a product: about what stays in the cache between the two products of one gradient."""
SUM_ROWS = 1 << 10
"""Rows that are summed in float32 before the sum goes on in float64."""
LAW_ROWS = 1 << 16
"""Rows of the extra feature that are summed at once."""
GRAM_ROWS = 10_000
"""Rows behind the preconditioner; it only steers the speed, so a sample does."""
WARM_ROWS = 50_000
"""With four times as many rows, the heads are fitted on so many first and on all from there: fewer passes over all."""
GAIN = 10.0
"""Scale of the extra feature: the larger, the less the L2 penalty holds it back."""
CERTAIN = 40.0
"""Logits above which log(1 + e^x) is x to the last digit."""
TOLERANCE = 1e-4
"""Root mean square error of the logits at which a fit is done; the largest of 100,000 is then below 1e-3."""


class Rows(Protocol):
    """(n, d) rows that come out by slice or by integer array: an ndarray, a memmap, :class:`~latentdiff.embed.sides.Sides`."""

    @property
    def shape(self) -> tuple[int, int]: ...
    def __len__(self) -> int: ...
    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True, eq=False)
class Standardiser:
    """Column means and standard deviations; constant columns get an infinite one, so they become zero and are harmless."""

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def fit(cls, x: Rows) -> Standardiser:
        """One pass over the (n, d) rows: sums, of chunks in float32, about the first row (no cancellation for columns far from 0)."""
        origin = np.asarray(x[:1], np.float32)[0]

        def sums(_: int, rows: np.ndarray) -> np.ndarray:
            chunk = np.asarray(rows, np.float32) - origin
            one = np.ones(len(chunk), np.float32)
            return np.stack([one @ chunk, one @ np.square(chunk, out=chunk)])

        total, square = sum(map_rows(x, sums, SUM_ROWS), np.zeros((2, len(origin))))
        mean = total / len(x)
        deviation = np.sqrt(np.maximum(square / len(x) - mean**2, 0))
        # Rounding leaves a constant column a tiny deviation, not 0: measured against its own size and against the other columns'.
        usual = np.median(deviation[deviation > 0]) if deviation.any() else 1.0
        constant = deviation <= 1e-6 * np.maximum(np.abs(mean + origin), usual)
        return cls((mean + origin).astype(np.float32), np.where(constant, np.inf, deviation))

    def apply(self, x: np.ndarray) -> np.ndarray:
        """(m, d) standardised float32 rows."""
        return np.asarray((x - self.mean) / self.scale, np.float32)


@dataclass(frozen=True, eq=False)
class LogisticHeads:
    """c fitted heads: ``logit = w . standardised(h) + bias + extra_weight (extra - extra_centre)``; arrays end in c."""

    w: np.ndarray
    bias: np.ndarray
    extra_weight: np.ndarray
    extra_centre: np.ndarray
    prior: np.ndarray
    """``log(n_A / n_B)`` of the training rows: the logit minus it is the log density ratio."""


class LogisticProblem:
    """All rows of both sides, standardised on the fly, and a preconditioner.

    Args:
        x: (n, d) features, float16/32/64.
        y: (n,) 1 for A, 0 for B.
        like: another problem whose standardisation and preconditioner to use (for a subset of its rows, which is held in memory).
        seed: seed of the preconditioner's row sample.
    """

    def __init__(self, x: Rows, y: np.ndarray, *, like: LogisticProblem | None = None, seed: int = 0) -> None:
        self.x, self.y, self.seed = x, np.asarray(y, np.float64), seed
        self.standard: Standardiser
        self.spectrum: np.ndarray
        self.basis: np.ndarray
        if like is not None:  # of few rows: their mean is taken off once, not in every pass
            mean = like.standard.mean
            self.x = np.subtract(float32(np.asarray(x)), mean)
            self.standard, self.spectrum, self.basis = Standardiser(np.zeros_like(mean), like.standard.scale), like.spectrum, like.basis
            return
        self.standard = Standardiser.fit(x)
        rows = np.arange(len(x))
        if len(x) > GRAM_ROWS:
            rows = np.sort(np.random.default_rng(seed).choice(len(x), GRAM_ROWS, replace=False))
        sample = self.standard.apply(x[rows])
        self.spectrum, basis = np.linalg.eigh(np.asarray(sample.T @ sample, np.float64) / len(rows))
        self.basis = basis.astype(np.float32)  # coordinates, of which any will do: rows are multiplied with rounded weights too

    def fit(self, penalties: np.ndarray, use: np.ndarray, extra: np.ndarray | None = None, *, iterations: int = 100) -> LogisticHeads:
        """For each column minimise ``C sum_i loss_i + |w|^2 / 2`` over its rows in use, intercept unpenalised (scikit-learn's objective).

        Args:
            penalties: (c,) inverse strengths C of the L2 penalty, > 0.
            use: (n, c) bool, the training rows of each column.
            extra: (n, c) one more feature, standardised over the rows in use and multiplied by ``GAIN``.
            iterations: at most so many L-BFGS iterations.
        """
        strength = np.asarray(penalties, np.float64)
        count, extra_law = use.sum(0), _extra_law(extra, use)
        positive = use[self.y > 0].sum(0) / count
        curvature = positive * (1 - positive) * strength * count
        d = len(self.spectrum)
        root = np.sqrt(curvature * np.maximum(self.spectrum, 0)[:, None] + 1)
        root_bias, root_extra = np.sqrt(curvature), np.sqrt(curvature * GAIN**2 + 1)

        def along(basis: np.ndarray, x: np.ndarray) -> np.ndarray:
            return (basis @ x.astype(np.float32)).astype(np.float64)

        def unpack(v: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            return along(self.basis, v[:d] / root), v[d] / root_bias, v[d + 1] / root_extra

        def objective(v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            w, bias, share = unpack(v)
            loss, grad_w, grad_bias, grad_extra = self._pass(w, bias, share, strength, use, extra, extra_law)
            loss += 0.5 * ((w * w).sum(0) + share**2)
            gradient = [along(self.basis.T, grad_w + w) / root, (grad_bias / root_bias)[None], ((grad_extra + share) / root_extra)[None]]
            return loss, np.concatenate(gradient)

        start = np.zeros((d + 2, use.shape[1]))
        start[d] = np.log(positive / (1 - positive)) * root_bias
        if len(self.x) >= 4 * WARM_ROWS:
            near = self._fit_some(penalties, use, extra, iterations)
            offset = near.bias + near.extra_weight * (extra_law.centre - near.extra_centre)
            extra_start = near.extra_weight * extra_law.spread / GAIN * root_extra
            start = np.concatenate(
                [along(self.basis.T, near.w) * root, (offset * root_bias)[None], extra_start[None]]
            )
        # In these coordinates the Hessian is near the identity, so the gradient is the distance to the minimum, and a row's logit moves by
        # at most |distance| / sqrt(curvature) in the root mean square.
        w, bias, share = unpack(minimise(objective, start, TOLERANCE * np.sqrt(np.maximum(curvature, 1.0)), iterations))
        return LogisticHeads(w, bias, share * GAIN / extra_law.spread, extra_law.centre, np.log(positive / (1 - positive)))

    def _fit_some(self, penalties: np.ndarray, use: np.ndarray, extra: np.ndarray | None, iterations: int) -> LogisticHeads:
        """Heads of ``WARM_ROWS`` random rows, their loss scaled to that of all."""
        rows = np.sort(np.random.default_rng(self.seed).choice(len(self.x), WARM_ROWS, replace=False))
        small = LogisticProblem(self.x[rows], self.y[rows], like=self)
        scaled = np.asarray(penalties, np.float64) * len(self.x) / WARM_ROWS
        return small.fit(scaled, use[rows], None if extra is None else extra[rows], iterations=iterations)

    def _pass(
        self, w: np.ndarray, bias: np.ndarray, share: np.ndarray, strength: np.ndarray, use: np.ndarray, extra: np.ndarray | None, law: _Law
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Loss and gradients of all columns in one pass over the rows: each chunk is read once for both products."""
        import torch
        from torch.nn.functional import softplus

        mean = self.standard.mean
        # Weights first here, rows first in the gradient: so both products take a quarter of the time.
        weights = tensor((w / self.standard.scale[:, None]).T.astype(np.float32))
        shift, share = tensor(bias), tensor(share)
        none = torch.zeros(w.shape[1])

        def sums(_: int, x: np.ndarray, label: np.ndarray, use: np.ndarray, extra: Any = None) -> tuple[np.ndarray, ...]:
            rows, y, weight = tensor(_centred(x, mean)), tensor(label[:, None]), tensor(use * strength)
            logit = (weights @ rows.T).T.double() + shift
            column = None if extra is None else tensor((extra - law.centre) / law.spread * GAIN)
            if column is not None:
                logit += share * column
            residual = weight * (logit.sigmoid() - y)
            loss = (weight * (softplus(logit, threshold=CERTAIN) - y * logit)).sum(0)
            change = none if column is None else (residual * column).sum(0)
            return tuple(part.numpy() for part in (loss, residual.sum(0), change, (residual.float().T @ rows).T))

        loss = residual_sum = extra_sum = np.zeros(w.shape[1])
        product = np.zeros(w.shape)
        along = (self.y, use) if extra is None else (self.y, use, extra)
        for parts in map_rows(self.x, sums, ROWS, along):
            loss, residual_sum, extra_sum, product = (s + t for s, t in zip((loss, residual_sum, extra_sum, product), parts, strict=True))
        gradient = product / self.standard.scale[:, None]
        return loss, gradient, residual_sum, extra_sum

    def logits(self, heads: LogisticHeads, extra: np.ndarray | None = None, columns: np.ndarray | None = None) -> np.ndarray:
        """Logits of all rows.

        Args:
            heads: c heads fitted by :meth:`fit`.
            extra: (n, c) where they were fitted with one.
            columns: (n, m) integers: only these columns of each row.

        Returns:
            (n, c) or (n, m) float64.
        """
        mean = self.standard.mean
        weights = (heads.w / self.standard.scale[:, None]).T.astype(np.float32)
        has_extra, picks = extra is not None, columns is not None

        def scores(_: int, x: np.ndarray, *along: np.ndarray) -> np.ndarray:
            logit = (weights @ _centred(x, mean).T).T + heads.bias
            if has_extra:
                logit += heads.extra_weight * (along[0] - heads.extra_centre)
            return np.take_along_axis(logit, along[-1].astype(np.intp), 1) if picks else logit

        along = [other for other in (extra, columns) if other is not None]
        return np.concatenate(list(map_rows(self.x, scores, ROWS, along)))


def _centred(x: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """(m, d) rows minus the mean, in the thread's own memory; where they lie if there is none to take off."""
    rows = float32(np.asarray(x))
    return np.subtract(rows, mean, out=kept("centred", *rows.shape)) if mean.any() else rows


@dataclass(frozen=True, eq=False)
class _Law:
    """(c,) means and standard deviations of the extra feature over the rows in use; 0 and 1 where there is none."""

    centre: np.ndarray
    spread: np.ndarray


def _extra_law(extra: np.ndarray | None, use: np.ndarray) -> _Law:
    c, count = use.shape[1], use.sum(0)
    if extra is None:
        return _Law(np.zeros(c), np.ones(c))
    blocks = [slice(start, start + LAW_ROWS) for start in range(0, len(use), LAW_ROWS)]
    centre = sum((extra[b] * use[b]).sum(0) for b in blocks) / count
    spread = np.sqrt(sum((np.square(extra[b] - centre) * use[b]).sum(0) for b in blocks) / count)
    return _Law(centre, np.where(spread > 0, spread, 1.0))

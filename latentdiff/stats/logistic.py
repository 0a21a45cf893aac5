"""L2-regularised logistic regression on standardised features, many weightings at once, streamed over rows (method section 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..floats import tensor
from ..parallel import map_rows
from .lbfgs import minimise

ROWS = 1 << 11
"""Rows per pass of a product: about what stays in the cache between the two products of one gradient."""
SUM_ROWS = 1 << 10
"""Rows that are summed in float32 before the sum goes on in float64."""
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
        like: another problem whose standardisation and preconditioner to use (for a subset of its rows).
        seed: seed of the preconditioner's row sample.
    """

    def __init__(self, x: Rows, y: np.ndarray, *, like: LogisticProblem | None = None, seed: int = 0) -> None:
        self.x, self.y, self.seed = x, np.asarray(y, np.float64), seed
        self.standard: Standardiser
        self.spectrum: np.ndarray
        self.basis: np.ndarray
        if like is not None:
            self.standard, self.spectrum, self.basis = like.standard, like.spectrum, like.basis
            return
        self.standard = Standardiser.fit(x)
        rows = np.arange(len(x))
        if len(x) > GRAM_ROWS:
            rows = np.sort(np.random.default_rng(seed).choice(len(x), GRAM_ROWS, replace=False))
        sample = self.standard.apply(x[rows])
        self.spectrum, self.basis = np.linalg.eigh(np.asarray(sample.T @ sample, np.float64) / len(rows))

    def fit(self, penalties: np.ndarray, use: np.ndarray, extra: np.ndarray | None = None, *, iterations: int = 100) -> LogisticHeads:
        """For each column minimise ``C sum_i loss_i + |w|^2 / 2`` over its rows in use, intercept unpenalised (scikit-learn's objective).

        Args:
            penalties: (c,) inverse strengths C of the L2 penalty, > 0.
            use: (n, c) bool, the training rows of each column.
            extra: (n, c) one more feature, standardised over the rows in use and multiplied by ``GAIN``.
            iterations: at most so many L-BFGS iterations.
        """
        weight = use * np.asarray(penalties, np.float64)
        positive = (weight * self.y[:, None]).sum(0) / weight.sum(0)
        column, centre, spread = _standard_extra(extra, use)
        curvature = positive * (1 - positive) * weight.sum(0)
        d = len(self.spectrum)
        root = np.sqrt(curvature * np.maximum(self.spectrum, 0)[:, None] + 1)
        root_bias, root_extra = np.sqrt(curvature), np.sqrt(curvature * GAIN**2 + 1)

        def unpack(v: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            return self.basis @ (v[:d] / root), v[d] / root_bias, v[d + 1] / root_extra

        def objective(v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            w, bias, share = unpack(v)
            loss, grad_w, grad_bias, grad_extra = self._pass(w, bias, share, weight, column)
            loss += 0.5 * ((w * w).sum(0) + share**2)
            gradient = [self.basis.T @ (grad_w + w) / root, (grad_bias / root_bias)[None], ((grad_extra + share) / root_extra)[None]]
            return loss, np.concatenate(gradient)

        start = np.zeros((d + 2, use.shape[1]))
        start[d] = np.log(positive / (1 - positive)) * root_bias
        if len(self.x) >= 4 * WARM_ROWS:
            near = self._fit_some(penalties, use, extra, iterations)
            offset = near.bias + near.extra_weight * (centre - near.extra_centre)
            start = np.concatenate(
                [self.basis.T @ near.w * root, (offset * root_bias)[None], (near.extra_weight * spread / GAIN * root_extra)[None]]
            )
        # In these coordinates the Hessian is near the identity, so the gradient is the distance to the minimum, and a row's logit moves by
        # at most |distance| / sqrt(curvature) in the root mean square.
        w, bias, share = unpack(minimise(objective, start, TOLERANCE * np.sqrt(np.maximum(curvature, 1.0)), iterations))
        return LogisticHeads(w, bias, share * GAIN / spread, centre, np.log(positive / (1 - positive)))

    def _fit_some(self, penalties: np.ndarray, use: np.ndarray, extra: np.ndarray | None, iterations: int) -> LogisticHeads:
        """Heads of ``WARM_ROWS`` random rows, their loss scaled to that of all."""
        rows = np.sort(np.random.default_rng(self.seed).choice(len(self.x), WARM_ROWS, replace=False))
        small = LogisticProblem(self.x[rows], self.y[rows], like=self)
        scaled = np.asarray(penalties, np.float64) * len(self.x) / WARM_ROWS
        return small.fit(scaled, use[rows], None if extra is None else extra[rows], iterations=iterations)

    def _pass(
        self, w: np.ndarray, bias: np.ndarray, share: np.ndarray, weight: np.ndarray, column: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Loss and gradients of all columns in one pass over the rows: each chunk is read once for both products."""
        import torch
        from torch.nn.functional import softplus

        weights, mean = tensor((w / self.standard.scale[:, None]).astype(np.float32)), tensor(self.standard.mean)
        shift, share = tensor(bias), tensor(share)
        none = torch.zeros(w.shape[1])

        def sums(
            _: int, x: np.ndarray, label: np.ndarray, weight: Any, column: Any = None
        ) -> tuple[np.ndarray, ...]:
            rows, y, weight = tensor(np.asarray(x, np.float32)) - mean, tensor(label[:, None]), tensor(weight)
            logit = (rows @ weights).double() + shift
            if column is not None:
                column = tensor(column)
                logit += share * column
            residual = weight * (logit.sigmoid() - y)
            loss = (weight * (softplus(logit, threshold=CERTAIN) - y * logit)).sum(0)
            extra = none if column is None else (residual * column).sum(0)
            # Rows first: so the product takes a third of the time.
            return tuple(part.numpy() for part in (loss, residual.sum(0), extra, (residual.float().T @ rows).T))

        loss = residual_sum = extra_sum = np.zeros(w.shape[1])
        product = np.zeros(w.shape)
        along = (self.y, weight) if column is None else (self.y, weight, column)
        for parts in map_rows(self.x, sums, ROWS, along):
            loss, residual_sum, extra_sum, product = (s + t for s, t in zip((loss, residual_sum, extra_sum, product), parts, strict=True))
        gradient = product / self.standard.scale[:, None]
        return loss, gradient, residual_sum, extra_sum

    def logits(self, heads: LogisticHeads, extra: np.ndarray | None = None) -> np.ndarray:
        """(n, c) float64 logits of all rows; ``extra`` is (n, c) where the heads were fitted with one."""
        v, mean = (heads.w / self.standard.scale[:, None]).astype(np.float32), self.standard.mean
        logit = np.concatenate(list(map_rows(self.x, lambda _, x: (np.asarray(x, np.float32) - mean) @ v, ROWS))) + heads.bias
        return logit if extra is None else logit + heads.extra_weight * (extra - heads.extra_centre)


def _standard_extra(extra: np.ndarray | None, use: np.ndarray) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
    """The extra feature standardised over the rows in use, its centre and its spread, per column."""
    c = use.shape[1]
    if extra is None:
        return None, np.zeros(c), np.ones(c)
    count = use.sum(0)
    centre = (extra * use).sum(0) / count
    spread = np.sqrt((np.square(extra - centre) * use).sum(0) / count)
    spread = np.where(spread > 0, spread, 1.0)
    return (extra - centre) / spread * GAIN, centre, spread

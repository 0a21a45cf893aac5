"""BatchTopK training of a sparse autoencoder (Bussmann et al. 2024) on image vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..progress import Progress, silent
from .model import SparseAutoencoder

if TYPE_CHECKING:
    import torch

BATCH = 1024
LEARNING_RATE = 1e-3
AUX_WEIGHT = 1 / 32
"""Weight of the loss that lets dead units explain the residual (Gao et al. 2025)."""
AUX_UNITS = 256
"""Dead units used per row by that loss."""
DEAD_AFTER = 10_000
"""A unit that stayed silent for this many vectors counts as dead."""
CALIBRATION_ROWS = 8192


def train_sae(
    vectors: np.ndarray,
    *,
    concepts: int | None = None,
    active: int = 16,
    seed: int = 0,
    steps: int | None = None,
    progress: Progress = silent,
) -> SparseAutoencoder:
    """Train a BatchTopK sparse autoencoder.

    Args:
        vectors: (n, d) raw image vectors, n >= 20, finite, not all equal.
        concepts: dictionary size K; None takes 4 d, at most n.
        active: mean number of active concepts per image, in [1, concepts].
        seed: seed of initialisation and batch order; same seed, same SAE.
        steps: optimiser steps of up to 1,024 vectors; None chooses from n (at least 600).
        progress: ``progress(fraction, label)``.

    Returns:
        The SAE; ``info["training"]`` holds explained variance, mean active and dead units on the vectors.

    Raises:
        InputError: vectors or sizes that cannot be trained on.
    """
    x, concepts = _checked(vectors, concepts, active)
    scale = float(np.sqrt(x.shape[1] / np.square(x - x.mean(0), dtype=np.float64).sum(1).mean()))
    trainer = _Trainer(x * scale, concepts, active, seed)
    total = steps or int(np.clip(30 * len(x) / BATCH, 600, 3000))
    for step in range(total):
        trainer.step(step, total)
        if step % 10 == 0:
            progress(step / total, "training the SAE")
    sae = trainer.finish(scale, {"concepts": concepts, "active": active, "seed": seed, "steps": total, "vectors": len(x)})
    progress(1.0, "training the SAE")
    return sae


def _checked(vectors: np.ndarray, concepts: int | None, active: int) -> tuple[np.ndarray, int]:
    x = np.asarray(vectors)
    if x.ndim != 2 or len(x) < 20:
        raise InputError(f"train_sae needs (n, d) vectors with n >= 20, got shape {x.shape}")
    x = x.astype(np.float32)
    if not np.isfinite(x).all():
        raise InputError(f"{int((~np.isfinite(x)).any(1).sum())} of {len(x)} vectors hold NaN or infinite values; drop them first")
    if not np.ptp(x, axis=0).any():
        raise InputError("all vectors are equal; there is nothing to learn")
    k = min(4 * x.shape[1], len(x)) if concepts is None else concepts
    if not 1 <= active <= k:
        raise InputError(f"active must be between 1 and the number of concepts ({k}), not {active}")
    return x, k


class _Trainer:
    """State of one training run: parameters, Adam, and how long each unit has been silent."""

    def __init__(self, x: np.ndarray, concepts: int, active: int, seed: int) -> None:
        import torch

        self.rng = np.random.default_rng(seed)
        self.x = torch.from_numpy(x)
        self.active = active
        self.batch = min(BATCH, len(x))
        # Dictionary seeds are data points: on clustered image vectors fewer units die than with Gaussian seeds.
        seeds = x[self.rng.choice(len(x), concepts, replace=concepts > len(x))] - x.mean(0)
        seeds = seeds + self.rng.normal(0, 0.3, seeds.shape)
        w = torch.from_numpy((seeds / np.linalg.norm(seeds, axis=1, keepdims=True)).astype(np.float32))
        self.w_dec = w.clone().requires_grad_()
        self.w_enc = w.T.contiguous().clone().requires_grad_()
        self.b_enc = torch.zeros(concepts, requires_grad=True)
        self.b_dec = torch.from_numpy(x.mean(0)).requires_grad_()
        self.parameters = [self.w_enc, self.b_enc, self.w_dec, self.b_dec]
        self.adam = torch.optim.Adam(self.parameters, lr=LEARNING_RATE, betas=(0.9, 0.99))
        self.silent_for = torch.zeros(concepts)
        self.order = np.empty(0, int)

    def step(self, step: int, total: int) -> None:
        import torch

        for group in self.adam.param_groups:
            group["lr"] = LEARNING_RATE * min(1.0, (step + 1) / 20, 5 * (total - step) / total)
        x = self.x[self._next_rows()]
        pre = torch.addmm(self.b_enc - self.b_dec @ self.w_enc, x, self.w_enc)
        a = torch.relu(pre)
        with torch.no_grad():
            # The batch's active * n largest activations survive; kthvalue by partition is faster than a full top-k here.
            flat = a.detach().ravel().numpy()
            cut = np.partition(flat, flat.size - self.active * len(x))[flat.size - self.active * len(x)]
            keep = a > max(float(cut), 1e-9)
        z = a * keep
        error = z @ self.w_dec + self.b_dec - x
        loss = error.square().sum(1).mean() / x.shape[1]
        dead = self.silent_for >= min(DEAD_AFTER, 2 * len(self.x))
        if dead.any():
            loss = loss + AUX_WEIGHT * self._auxiliary(pre, dead, -error.detach())
        self.adam.zero_grad()
        loss.backward()
        self._constrained_step()
        with torch.no_grad():
            self.silent_for += len(keep)
            self.silent_for[keep.any(0)] = 0

    def _next_rows(self) -> np.ndarray:
        if len(self.order) < self.batch:
            self.order = self.rng.permutation(len(self.x))
        rows, self.order = self.order[: self.batch], self.order[self.batch :]
        return rows

    def _auxiliary(self, pre: torch.Tensor, dead: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        """Squared error of the residual's reconstruction by each row's strongest dead units, relative to its variance."""
        ids = dead.nonzero().ravel()
        top = pre[:, ids].topk(min(AUX_UNITS, len(ids)), dim=1)
        z = pre.new_zeros(len(pre), len(ids)).scatter(1, top.indices, top.values.relu())
        error = z @ self.w_dec[ids] - residual
        return error.square().sum() / (residual - residual.mean(0)).square().sum().clamp_min(1e-12)

    def _constrained_step(self) -> None:
        """Adam under the constraint of unit-norm dictionary rows: drop the radial gradient, step, renormalise."""
        import torch

        with torch.no_grad():
            assert self.w_dec.grad is not None
            self.w_dec.grad -= (self.w_dec.grad * self.w_dec).sum(1, keepdim=True) * self.w_dec
            torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
            self.adam.step()
            self.w_dec /= self.w_dec.norm(dim=1, keepdim=True).clamp_min(1e-12)

    def _threshold(self) -> float:
        """The activation above which ``active`` concepts fire per image in the mean, over up to 8,192 training rows.

        Measured once at the end: a running minimum over batches lags behind the weights and left 16 active where 20 were asked for.
        """
        import torch

        with torch.no_grad():
            rows = self.rng.permutation(len(self.x))[:CALIBRATION_ROWS]
            highest = []
            for part in np.array_split(rows, max(1, len(rows) // BATCH)):
                a = torch.addmm(self.b_enc - self.b_dec @ self.w_enc, self.x[part], self.w_enc).numpy().ravel()
                # A batch's share of the largest activations is at most a few times the mean: keep enough, not all.
                highest.append(np.partition(a, max(0, a.size - 4 * self.active * len(part)))[-4 * self.active * len(part) :])
            pool = np.concatenate(highest)
            wanted = min(self.active * len(rows), pool.size)
            return max(float(np.partition(pool, pool.size - wanted)[pool.size - wanted]), 0.0)

    def finish(self, scale: float, options: dict[str, int]) -> SparseAutoencoder:
        """Fold the input scale back, so that the SAE takes raw vectors; measure it on the training vectors."""
        w_enc, b_enc, w_dec, b_dec = (p.detach().numpy() for p in self.parameters)
        threshold = np.full(len(b_enc), self._threshold() / scale)
        sae = SparseAutoencoder(w_enc, b_enc / scale, w_dec, b_dec / scale, threshold, {})
        raw = self.x.numpy() / scale
        codes = sae.encode(raw)
        fired = np.bincount(codes.indices, minlength=sae.concepts) > 0
        scores = {
            "explained_variance": sae.explained_variance(raw),
            "mean_active": codes.nnz / len(raw),
            "dead": int((~fired).sum()),
        }
        return SparseAutoencoder(sae.w_enc, sae.b_enc, sae.w_dec, sae.b_dec, sae.threshold, {"training": {**options, **scores}})

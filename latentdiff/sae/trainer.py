"""One optimisation step of a BatchTopK or Matryoshka BatchTopK sparse autoencoder, its gradients written out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

LEARNING_RATE = 4e-3
"""Of Adam on vectors of unit variance per dimension; 1e-3, 2e-3 and 4e-3 explained .835, .879 and .894 of held-out COCO captions after
500 steps (K = 3,072, 32 active)."""
BETAS = (0.9, 0.99)
EPSILON = 1e-8
AUX_WEIGHT = 1 / 32
"""Weight of the loss that lets dead units explain the residual (Gao et al. 2025, section 2.4)."""
AUX_UNITS = 256
"""Dead units used per row by that loss."""
DEAD_AFTER = 10_000
"""A unit that stayed silent for this many vectors counts as dead."""


@dataclass(frozen=True)
class Codes:
    """The activations that survive BatchTopK: (m,) rows, columns (sorted within a row) and values."""

    rows: torch.Tensor
    columns: torch.Tensor
    values: torch.Tensor


class Trainer:
    """Parameters, Adam's state, and how long each unit has been silent.

    With m = active * b of b * K activations kept, only the encoding is a dense product; decoding and all gradients are sums over
    the m kept pairs (``embedding_bag``), 1/150 of the dense work at K = 3,072 and 20 active. Matrix products run in bf16 where the
    hardware is faster in it; parameters, sums and Adam stay float32.

    Args:
        dictionary: (K, d) float32 start of the decoder rows, unit norm; the encoder starts as its transpose.
        centre: (d,) float32 start of the decoder bias.
        active: mean number of activations kept per row.
        groups: sizes of the nested groups, coarse first, that sum to K; a single group is plain BatchTopK.
        device: torch device.
    """

    def __init__(self, dictionary: np.ndarray, centre: np.ndarray, active: int, groups: tuple[int, ...], device: Any) -> None:
        import torch

        from ..embed.gains import bf16_pays

        self.active, self.groups, self.device = active, groups, torch.device(device)
        self.dtype = torch.bfloat16 if bf16_pays(self.device) else torch.float32
        w = torch.from_numpy(dictionary).to(self.device)
        self.w_enc, self.w_dec = w.clone(), w.clone()  # both (K, d): gradients of a unit are then one contiguous row
        self.b_enc = torch.zeros(len(w), device=self.device)
        self.b_dec = torch.from_numpy(centre).to(self.device)
        self.parameters = [self.w_enc, self.b_enc, self.w_dec, self.b_dec]
        self._first = [torch.zeros_like(p) for p in self.parameters]
        self._second = [torch.zeros_like(p) for p in self.parameters]
        self._steps = [torch.zeros((), device=self.device) for _ in self.parameters]
        self.silent_for = torch.zeros(len(w), device=self.device)
        self._starts = torch.tensor(np.cumsum((0, *groups[:-1])), device=self.device)
        self._floor = 0.0

    def moments(self, number: int) -> dict[str, torch.Tensor]:
        """Adam's state of a parameter by its number, as it is, not a copy."""
        return {"step": self._steps[number], "exp_avg": self._first[number], "exp_avg_sq": self._second[number]}

    def step(self, x: torch.Tensor, rate: float) -> None:
        """One step of Adam on (b, d) scaled vectors, at ``rate`` times the learning rate."""
        import torch

        with torch.no_grad():
            pre = self._activations(x)
            codes = self._select(pre)
            errors = self._errors(x, codes)
            gradients = self._gradients(x, codes, errors)
            fired = torch.zeros_like(self.silent_for, dtype=torch.bool).index_fill_(0, codes.columns, True)
            dead = (self.silent_for >= DEAD_AFTER).nonzero().ravel()
            if len(dead):
                self._add_auxiliary(gradients, x, pre, dead, -errors[:, -1])
            self._update(gradients, rate)
            self.silent_for += len(x)
            self.silent_for.masked_fill_(fired, 0)

    def explained(self, x: torch.Tensor, centre: torch.Tensor) -> tuple[float, float]:
        """Squared error of (b, d) scaled vectors at ``active`` activations a row in the mean; squared distance from ``centre``."""
        import torch

        with torch.no_grad():
            errors = self._errors(x, self._select(self._activations(x)))[:, -1]
            return float(errors.square().sum()), float((x - centre).square().sum())

    def _product(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return a.to(self.dtype) @ b.to(self.dtype)

    def _activations(self, x: torch.Tensor) -> torch.Tensor:
        """(b, K) activations before the selection, in the fast dtype."""
        return self._product(x - self.b_dec, self.w_enc.T).add_(self.b_enc)

    def _select(self, pre: torch.Tensor) -> Codes:
        """The ``active * b`` largest positive activations of the batch, exactly.

        A floor a little under the last batch's cut leaves few candidates to choose from; where it left too few, all are looked at.
        """
        wanted = self.active * len(pre)
        rows, columns = (pre > self._floor).nonzero(as_tuple=True)
        if len(rows) < wanted and self._floor > 0:
            rows, columns = (pre > 0).nonzero(as_tuple=True)
        values = pre[rows, columns].float()
        if len(values) > wanted:
            cut = values.kthvalue(len(values) - wanted + 1).values
            keep = values >= cut
            rows, columns, values = rows[keep], columns[keep], values[keep]
            self._floor = 0.9 * float(cut)
        return Codes(rows, columns, values)

    def _errors(self, x: torch.Tensor, codes: Codes) -> torch.Tensor:
        """(b, groups, d): reconstruction by the first 1, 2, ... groups, minus the vectors."""
        import torch

        group = torch.bucketize(codes.columns, self._starts, right=True) - 1
        bag = codes.rows * len(self.groups) + group
        parts = self._bags(bag, len(x) * len(self.groups), codes.columns, codes.values, self.w_dec)
        return parts.view(len(x), len(self.groups), -1).cumsum(1) + (self.b_dec - x)[:, None]

    def _gradients(self, x: torch.Tensor, codes: Codes, errors: torch.Tensor) -> list[torch.Tensor]:
        """Of the mean over rows, groups and dimensions of the squared error, for each parameter in turn."""
        import torch

        pull = errors * (2 / errors.numel())
        later = pull.flip(1).cumsum(1).flip(1)  # a unit takes part in its own group's reconstruction and all finer ones
        back = torch.cat([self._product(g, w.T) for g, w in zip(later.unbind(1), self.w_dec.split(self.groups), strict=True)], 1)
        d_values = back[codes.rows, codes.columns].float()
        order = torch.argsort(codes.columns, stable=True)
        rows, columns = codes.rows[order], codes.columns[order]
        units = len(self.w_dec)
        group = torch.bucketize(columns, self._starts, right=True) - 1
        pulls = later.reshape(-1, later.shape[-1])
        d_dec = self._bags(columns, units, rows * len(self.groups) + group, codes.values[order], pulls)
        d_enc = self._bags(columns, units, rows, d_values[order], x - self.b_dec)
        d_bias = self._bags(columns, units, torch.arange(len(rows), device=self.device), torch.ones_like(d_values), d_values[order, None])
        d_bias = d_bias.ravel()  # not index_add_: on a GPU its order of summation, and so the result, would change from run to run
        return [d_enc, d_bias, d_dec, pull.sum((0, 1)) - d_bias @ self.w_enc]

    def _bags(self, bag: torch.Tensor, bags: int, index: torch.Tensor, weight: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
        """(bags, d): per bag the weighted sum of table rows; ``bag`` is sorted."""
        import torch

        starts = torch.searchsorted(bag, torch.arange(bags, device=bag.device))
        return torch.nn.functional.embedding_bag(index, table, starts, mode="sum", per_sample_weights=weight)

    def _add_auxiliary(
        self, gradients: list[torch.Tensor], x: torch.Tensor, pre: torch.Tensor, dead: torch.Tensor, residual: torch.Tensor
    ) -> None:
        """Add the gradient of the residual's squared error when each row's strongest dead units rebuild it, over its variance."""
        import torch

        top = pre[:, dead].topk(min(AUX_UNITS, len(dead)), dim=1, sorted=False)
        z = torch.zeros(len(x), len(dead), dtype=pre.dtype, device=x.device).scatter_(1, top.indices, top.values.relu())
        error = self._product(z, self.w_dec[dead]) - residual
        scale = 2 * AUX_WEIGHT / (residual - residual.mean(0)).square().sum().clamp_min(1e-12)
        pull = error * scale
        back = self._product(pull, self.w_dec[dead].T).float() * (z > 0)
        gradients[0].index_add_(0, dead, self._product(back.T, x - self.b_dec).float())
        gradients[1].index_add_(0, dead, back.sum(0))
        gradients[2].index_add_(0, dead, self._product(z.T, pull).float())

    def _update(self, gradients: list[torch.Tensor], rate: float) -> None:
        """Adam under the constraint of unit-norm dictionary rows: drop the radial gradient, step, renormalise."""
        from torch.nn.utils import get_total_norm
        from torch.optim.adam import adam  # the function: the class imports torch's compiler, 1 to 2 s of every first run

        gradients[2] -= (gradients[2] * self.w_dec).sum(1, keepdim=True) * self.w_dec
        norm = float(get_total_norm(gradients))
        if norm > 1:
            for g in gradients:
                g /= norm
        adam(
            self.parameters, gradients, self._first, self._second, [], self._steps, foreach=False, fused=True, amsgrad=False,
            beta1=BETAS[0], beta2=BETAS[1], lr=rate * LEARNING_RATE, weight_decay=0.0, eps=EPSILON, maximize=False,
        )  # fmt: skip
        self.w_dec /= self.w_dec.norm(dim=1, keepdim=True).clamp_min(1e-12)

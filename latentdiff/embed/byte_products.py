"""Products of bytes for image towers: up to six times as fast as in bf16 (measured on AVX512-VNNI beside AVX512-BF16)."""

from __future__ import annotations

from typing import Any

ROWS = 512
"""Rows that go through one product: what comes out of it stays near the cache for bias and activation."""
FINER = 254
"""Steps of the second byte in one of the first: it reaches half a step either way."""


class ByteLinear:
    """x W' + b in float32, of weights in a byte with a step for each output, and inputs in one byte or two with a step for each row.

    A row's step is its own, so that a vector depends on no other image of the batch, and outliers of one token are no other token's.

    Args:
        weight: (outputs, inputs) float32.
        bias: (outputs,) or None.
        parts: bytes of each input, 1 or 2: with two what is lost is that of the weights, about a hundredth of a product.
    """

    def __init__(self, weight: Any, bias: Any, parts: int) -> None:
        import torch

        self._steps = weight.abs().amax(1).clamp(min=1e-30) / 127
        self._weight = (weight / self._steps[:, None]).round().to(torch.int8).T.contiguous()
        self._bias = torch.zeros(len(weight)) if bias is None else bias.float().clone()
        self._parts = parts

    def __call__(self, x: Any, activation: str = "none", algorithm: str = "", plus: Any = None) -> Any:
        """(..., inputs) float32 -> (..., outputs), activated ("gelu", "swish" or "none"), or with ``plus`` added."""
        import torch

        rows, inputs = x.numel() // x.shape[-1], x.shape[-1]
        out = torch.empty(rows, len(self._bias))
        for start in range(0, rows, ROWS):
            some = slice(start, start + ROWS)
            y = self._product(x.reshape(rows, inputs)[some], out[some])
            if activation == "gelu":
                torch.ops.aten.gelu_(y, approximate=algorithm)
            elif activation == "swish":
                torch.nn.functional.silu(y, inplace=True)
            if plus is not None:
                y += plus.reshape(out.shape)[some]
        return out.view(*x.shape[:-1], -1)

    def _product(self, x: Any, out: Any) -> Any:
        import torch

        step = x.abs().amax(1, keepdim=True).clamp_(min=1e-30) / 127
        u = x / step
        first = u.round()
        out.copy_(torch._int_mm(first.to(torch.int8), self._weight)).mul_(step)  # integers times floats in one go take twice as long
        if self._parts == 2:
            second = u.sub_(first).mul_(FINER).round_().to(torch.int8)
            out += torch._int_mm(second, self._weight) * (step / FINER)
        return torch.addcmul(self._bias, out, self._steps, out=out)

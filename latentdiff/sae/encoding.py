"""Vectors to sparse codes: one product and one scan a chunk, on all cores or on a GPU."""

from __future__ import annotations

import threading
import warnings
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import numpy as np

from ..compute.arrays import kept, tensor
from ..errors import InputError
from .screening import LARGE, Screen, has_int8

CHUNK_VALUES = 1 << 23
"""Dense activations that a worker holds at once (16 MB in bf16): they stay near the cache between product and scan."""
FEWEST_ROWS = 256
"""Rows a product needs to keep the processor's matrix units busy."""
DEVICE_VALUES = 1 << 27
"""The same on a GPU, where one chunk is worked on at a time."""
GATHERED = 1 << 14
"""Products of a row and a column that a GPU gathers at once (50 MB each at width 768)."""
SLACK = 6 * 2.0**-9 * (2 / 3) ** 0.5
"""Standard deviations (6) of a bf16 product of a row h and a column w, each rounded to 8 bits, over ``(sum h^4 sum w^4)^(1/4)``."""
FAST_FROM = 1e12
"""Multiplications from which bf16 pays and float32 costs seconds."""

PRECISIONS = ("float32", "bfloat16")

_kept = threading.local()


@dataclass(frozen=True, eq=False)
class Codes:
    """Codes of one chunk."""

    counts: np.ndarray
    """(rows,) active concepts of each row."""
    columns: np.ndarray
    """(nnz,) int32, ascending within a row."""
    values: np.ndarray
    """(nnz,) float32."""


class Weights(Protocol):
    """What encoding needs of a :class:`~latentdiff.sae.model.SparseAutoencoder`; its fields and their shapes are told there."""

    @property
    def w_enc(self) -> np.ndarray: ...
    @property
    def b_enc(self) -> np.ndarray: ...
    @property
    def b_dec(self) -> np.ndarray: ...
    @property
    def threshold(self) -> np.ndarray: ...
    @property
    def folded_bias(self) -> np.ndarray: ...
    @property
    def top_k(self) -> int | None: ...
    @property
    def normalise(self) -> str: ...
    @property
    def width(self) -> int: ...
    @property
    def concepts(self) -> int: ...
    def normalised(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]: ...


class Kernel:
    """An SAE's weights in the number format and on the device of the products.

    In bf16 (and in int8, where the processor has it and the dictionary is large) the product only finds what may be active: every
    activation that is above its threshold, or below it by no more than rounding explains. Those few are computed again in float32 and then
    held against the threshold, so codes are those of float32 products.

    Args:
        sae: the sparse autoencoder.
        precision: "float32" or "bfloat16", of the large product.
        device: torch device; None for CUDA where the process that works has it, else the CPU.

    Raises:
        InputError: another precision.
    """

    def __init__(self, sae: Weights, precision: str = "float32", device: Any = None) -> None:
        import torch

        if precision not in PRECISIONS:
            raise InputError(f'precision must be "float32" or "bfloat16", not {precision!r}')
        self.sae, self.precision, self._given = sae, precision, device
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.on_cpu = self.device.type == "cpu"
        # TopK SAEs compare activations of one row with each other: ties of rounded ones would let more than k through.
        self.half = precision == "bfloat16" and sae.top_k is None
        self.rows = max(FEWEST_ROWS, (CHUNK_VALUES if self.on_cpu else DEVICE_VALUES) // sae.concepts)
        self.turn: AbstractContextManager[Any] = nullcontext() if self.on_cpu else threading.Lock()
        self.floor = np.maximum(sae.threshold, 0.0)
        self.screen: Screen | None = None
        weights = torch.from_numpy(sae.w_enc).to(self.device)
        if self.half:
            _hear_out_torch()
            self.weights, self.columns = weights.bfloat16(), weights.T.contiguous()
            self.bias, self.slack = torch.from_numpy(sae.b_enc - self.floor).to(self.device), SLACK * weights.pow(4).sum(0).pow(0.25)
            self.centre = torch.from_numpy(sae.b_dec).to(self.device)
            if _screened(sae, self.device):
                self.screen = Screen(sae.w_enc, self.floor - sae.b_enc)
                self.rows = max(FEWEST_ROWS, self.rows // 2)  # an int32 product takes twice the memory of a bf16 one
        else:
            self.weights, self.bias = weights, torch.from_numpy(sae.folded_bias).to(self.device)
            self.limit = torch.from_numpy(self.floor).to(self.device)

    def __reduce__(self) -> tuple[Any, ...]:
        """A worker elsewhere gets the SAE, and builds what its own device takes."""
        return Kernel, (self.sae, self.precision, self._given)

    def __call__(self, _: int, x: np.ndarray) -> Codes:
        """Codes of (rows, d) raw vectors of any float type, wherever among all rows they stand."""
        with self.turn:
            return self._encode(x)

    def _encode(self, x: np.ndarray) -> Codes:
        import torch

        h = tensor(x).to(self.device)
        if self.sae.normalise != "none":
            h = torch.from_numpy(self.sae.normalised(h.float().cpu().numpy())[0]).to(self.device)
        if self.half:
            return self._found_in_half(torch.sub(h.float(), self.centre, out=tensor(kept("centred", *h.shape)) if self.on_cpu else None))
        a = self._activations(h.float(), self.bias)
        active = a > self.limit
        if self.sae.top_k is not None:
            largest = a.topk(self.sae.top_k, dim=1, sorted=False).indices
            active &= torch.zeros_like(active).scatter_(1, largest, True)
        where = self._positions(active)
        row, column = np.divmod(where.cpu().numpy(), self.sae.concepts)
        return Codes(np.bincount(row, minlength=len(x)), column.astype(np.int32), a.reshape(-1)[where].cpu().numpy())

    def _found_in_half(self, h: Any) -> Codes:
        """Codes of float32 rows minus ``b_dec``: what a rounded product cannot rule out, in float32."""
        positions = self.screen.positions(h.numpy()) if self.screen is not None else None
        if positions is None:
            positions = self._not_ruled_out(h)
        row, column = np.divmod(positions, self.sae.concepts)
        values = self._products(h, row, column) + self.sae.b_enc[column]
        above = values > self.floor[column]
        return Codes(np.bincount(row[above], minlength=len(h)), column[above].astype(np.int32), values[above])

    def _not_ruled_out(self, h: Any) -> np.ndarray:
        """Flat positions of the activations that a bf16 product finds above the threshold, or so little below that it may be rounding."""
        import torch

        square = torch.square(h, out=tensor(kept("square", *h.shape)) if self.on_cpu else None)
        reach = torch.einsum("ij,ij->i", square, square).max().pow(0.25)
        # Rounded to bf16, the bias must not fall; of a sum, rounding changes no sign.
        bias = (self.bias + self.slack * reach + 2.0**-8 * self.bias.abs()).bfloat16()
        bits = self._activations(h.bfloat16(), bias).view(torch.int16)  # a positive number's bits are a positive integer's
        # Comparing takes torch four times as long as numpy on a CPU, a third of the product.
        active = np.greater(bits.numpy(), 0, out=kept("active", len(bits), bits.shape[1], bool)) if self.on_cpu else bits > 0
        return np.asarray(self._positions(active).cpu().numpy())

    def _products(self, h: Any, row: np.ndarray, column: np.ndarray) -> np.ndarray:
        """(m,) float32 products of some rows with some columns of the weights; rows ascend."""
        import torch

        if not self.on_cpu:
            pieces = [torch.from_numpy(np.stack([row[i : i + GATHERED], column[i : i + GATHERED]])) for i in range(0, len(row), GATHERED)]
            found = [(h[some[0]] * self.columns[some[1]]).sum(1) for some in (piece.to(self.device) for piece in pieces)]
            return np.asarray(torch.cat([h.new_zeros(0), *found]).cpu().numpy())
        edges = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(h)))])
        wanted = torch.sparse_csr_tensor(
            torch.from_numpy(edges), torch.from_numpy(column), torch.zeros(len(row)), (len(h), len(self.columns)), check_invariants=False
        )
        return np.asarray(torch.sparse.sampled_addmm(wanted, h, self.columns.T, beta=0.0).values().numpy())

    def _activations(self, h: Any, bias: Any) -> Any:
        """``h weights + bias``; on a CPU in memory that the thread keeps, since fresh pages take as long as a third of the product."""
        import torch

        if not self.on_cpu:
            return torch.addmm(bias, h, self.weights)
        kept = getattr(_kept, "activations", None)
        if kept is None or kept.dtype != h.dtype or len(kept) < len(h) or kept.shape[1] != self.weights.shape[1]:
            kept = _kept.activations = torch.empty(max(len(h), self.rows), self.weights.shape[1], dtype=h.dtype)
        return torch.addmm(bias, h, self.weights, out=kept[: len(h)])

    def _positions(self, active: Any) -> Any:
        """Flat positions of what is active; numpy's scan of a mask is several times as fast as torch's on a CPU."""
        import torch

        if self.on_cpu:
            return torch.from_numpy(np.flatnonzero(np.asarray(active)))
        return active.view(-1).nonzero().view(-1)


@cache
def _hear_out_torch() -> None:
    """The first sparse tensor of a process has torch say that they are new; nobody who compares images wants to know."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.sparse_csr_tensor(torch.zeros(2, dtype=torch.int64), torch.zeros(0, dtype=torch.int64), torch.zeros(0), (1, 1))


def fast_precision(rows: int, sae: Weights) -> str:
    """ "bfloat16" where the hardware is faster in rounded products (bytes, or bf16) and the work is long enough to care, else "float32"."""
    import torch

    from ..embed.gains import bf16_pays

    if rows * float(sae.width) * sae.concepts < FAST_FROM:
        return "float32"
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return "bfloat16" if _screened(sae, device) or bf16_pays(device) else "float32"


def _screened(sae: Weights, device: Any) -> bool:
    """Whether products of bytes find what may be active."""
    return device.type == "cpu" and sae.top_k is None and sae.w_enc.size >= LARGE and has_int8()

"""How fast a machine multiplies and reads memory."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Any

from ..compute.parallel import cores
from ..errors import InputError


@dataclass(frozen=True)
class Machine:
    """How fast one machine is; :func:`measure` finds out, or say it for one that is not here."""

    cores: int
    float32_gflops: float
    """Of a product of matrices on all cores."""
    bf16_gflops: float
    """The same in bf16; equal to float32 where the hardware has none."""
    memory_gb_per_s: float
    """Reading, all cores."""
    memory_gb: float = 0.0

    def __post_init__(self) -> None:
        for name in ("cores", "float32_gflops", "bf16_gflops", "memory_gb_per_s"):
            if not getattr(self, name) > 0:
                raise InputError(f"a machine's {name} must be positive, not {getattr(self, name)!r}")


def measure(seconds: float = 1.5) -> Machine:
    """How fast this machine is: bare products and reading memory on all cores, for about ``seconds``."""
    import torch

    from ..embed.gains import has_bf16

    x = torch.randn(2048, 768)
    w = torch.randn(768, 4096)

    def gflops(dtype: Any, budget: float) -> float:
        a, b = x.to(dtype), w.to(dtype)
        out = torch.empty(len(a), b.shape[1], dtype=dtype)
        torch.mm(a, b, out=out)
        best, start = float("inf"), time.perf_counter()
        while time.perf_counter() - start < budget:
            began = time.perf_counter()
            torch.mm(a, b, out=out)
            best = min(best, time.perf_counter() - began)
        return 2 * x.shape[0] * x.shape[1] * w.shape[1] / best / 1e9

    float32 = gflops(torch.float32, seconds / 3)
    bf16 = gflops(torch.bfloat16, seconds / 3) if has_bf16(torch.device("cpu")) else float32
    big = torch.zeros(1 << 26)
    big.sum()
    best, start = float("inf"), time.perf_counter()
    while time.perf_counter() - start < seconds / 3:
        began = time.perf_counter()
        big.sum()
        best = min(best, time.perf_counter() - began)
    return Machine(cores(), float32, max(bf16, float32), big.numel() * 4 / best / 1e9, _memory_gb())


def _memory_gb() -> float:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    except (AttributeError, ValueError, OSError):  # not on Windows
        return 0.0

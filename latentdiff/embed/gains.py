"""How fast this processor multiplies in other number formats than float32: measured, since what it claims to have says little."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from ..compute.cache import recall, remember
from ..compute.parallel import one_thread
from .byte_products import ByteLinear

TRIED = (512, 768)
"""Rows and inputs of the products that are timed against each other."""
WORTH = 1.1
"""How many times as fast another number format must be to be taken."""
BF16_FLAGS = ("amx_bf16", "avx512_bf16")
BYTE_FLAGS = ("amx_int8", "avx512_vnni", "avx_vnni")
"""Without one of these sums of products of bytes may overflow."""


@cache
def flags() -> frozenset[str]:
    """What Linux says that this processor has; nothing elsewhere."""
    try:
        return frozenset(Path("/proc/cpuinfo").read_text(encoding="utf8").split())
    except OSError:
        return frozenset()


def processor() -> str:
    """What tells this processor from those that choose other number formats, for caches on disks that machines share."""
    import torch

    return " ".join([torch.backends.cpu.get_cpu_capability(), *sorted(flags() & {*BF16_FLAGS, *BYTE_FLAGS})])


def has_bf16(device: Any) -> bool:
    """Whether bf16 matrix products are in hardware: tensor cores, AMX or AVX512-BF16."""
    import torch

    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return device.type == "cpu" and not flags().isdisjoint(BF16_FLAGS)


def bf16_pays(device: Any) -> bool:
    """Whether products are to be in bf16 rather than in float32."""
    return bf16_gain(device) >= WORTH


def bf16_gain(device: Any) -> float:
    """How many times as fast in bf16 as in float32: 0 without hardware for it, no limit on GPUs, measured on CPUs.

    What was measured is remembered for a processor and a torch, so that the same processor computes in the same format every time.
    """
    if not has_bf16(device):
        return 0.0
    return _remembered_gain() if device.type == "cpu" else math.inf


@cache
def _remembered_gain() -> float:
    import torch

    key = "-".join(["bf16", torch.__version__, *processor().split()])
    fact = recall("gain", key)
    if fact is None or not isinstance(fact.get("gain"), float):
        fact = {"gain": gain(0)}
        remember("gain", key, fact)
    return float(fact["gain"])


def has_bytes(device: Any) -> bool:
    """Whether a CPU has products of bytes in hardware."""
    return device.type == "cpu" and not flags().isdisjoint(BYTE_FLAGS)


@cache
def gain(parts: int) -> float:
    """How many times as fast as in float32 the largest product of a block is, with all that is done around it.

    Args:
        parts: in so many bytes, 1 or 2; 0: in bf16, which takes twice as long where there is AVX512-BF16 and no AMX (torch 2.14).
    """
    import torch

    rows, width = TRIED
    weight, bias, x = torch.ones(4 * width, width), torch.zeros(4 * width), torch.ones(rows, width)

    def plain(x: Any, weight: Any, bias: Any) -> Any:
        return torch.nn.functional.gelu(torch.nn.functional.linear(x, weight, bias))

    half = [x.bfloat16(), weight.bfloat16(), bias.bfloat16()]
    try:
        linear = ByteLinear(weight, bias, parts) if parts else None
    except (AttributeError, RuntimeError):  # another torch, or a build without oneDNN
        return 0.0
    ways: dict[str, Callable[[], Any]] = {
        "float32": lambda: plain(x, weight, bias),
        "other": (lambda: plain(*half)) if linear is None else (lambda: linear(x, "gelu", "none")),
    }
    took = dict.fromkeys(ways, math.inf)
    with one_thread(), torch.inference_mode():  # threads that wait for each other take processor time too
        for _ in range(6):  # the first call chooses a kernel
            for name, way in ways.items():
                start = time.process_time()  # others on the machine do not count
                way()
                took[name] = min(took[name], time.process_time() - start)
    return took["float32"] / took["other"]

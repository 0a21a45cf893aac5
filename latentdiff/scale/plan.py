"""What a comparison will cost: time, memory and disk per stage, from its size and a second's measurement of the machine."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..compute.sparse import IN_MEMORY
from ..errors import InputError
from ..stats.image_scores import BLOCK, FEWEST_WORDS
from .costs import ACTIVE, Job
from .machine import Machine

LIBRARIES_GB = 0.6
"""Memory that torch, scipy and 20,000 words take."""
FLOPS_AN_IMAGE = {"ViT-B-32": 8.8e9, "ViT-B-16": 35e9, "ViT-L-14": 162e9, "ViT-L-14-336": 382e9, "paper": 382e9, "fast": 8.8e9}
"""Multiplications and additions of one forward pass (twice the published multiply-accumulates)."""
OVERHEAD = 0.05
"""Share that a cluster's tasks cost on top."""

STAGES = ("embedding", "encoding", "divergence", "density ratio", "naming and ranking", "evidence")


@dataclass(frozen=True)
class Stage:
    """What one stage costs."""

    name: str
    """As in ``comparison.info["seconds"]``; "embedding" comes before."""
    seconds: float
    memory_gb: float
    """At its peak, on the machine that leads."""
    disk_gb: float
    """What it leaves or needs on disk."""


@dataclass(frozen=True)
class Plan:
    """The cost of a comparison before it starts."""

    images: int
    width: int
    concepts: int
    machines: int
    machine: Machine
    stages: tuple[Stage, ...]
    assumptions: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """Of all stages."""
        return sum(s.seconds for s in self.stages)

    @property
    def memory_gb(self) -> float:
        """The highest peak."""
        return max(s.memory_gb for s in self.stages)

    @property
    def disk_gb(self) -> float:
        """Of all stages."""
        return sum(s.disk_gb for s in self.stages)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**dataclasses.asdict(self), "seconds": self.seconds, "memory_gb": self.memory_gb, "disk_gb": self.disk_gb}


def plan(
    images: int,
    width: int = 768,
    concepts: int = 8192,
    *,
    machine: Machine,
    machines: int = 1,
    encoder: str | None = None,
    images_per_second: float | None = None,
    active: int = ACTIVE,
) -> Plan:
    """Time, memory and disk of a comparison.

    Args:
        images: n of both sides together, >= 40.
        width: d, >= 1.
        concepts: K, >= 1.
        machine: from :func:`latentdiff.scale.machine.measure`, or as known.
        machines: of that kind, as a cluster, >= 1.
        encoder: a name in ``FLOPS_AN_IMAGE``: adds the stage "embedding".
        images_per_second: of one machine's encoder, where it was measured; in place of the estimate.
        active: active concepts an image.

    Raises:
        InputError: sizes below those, or an encoder of unknown cost.
    """
    for name, value, least in (("images", images, 40), ("width", width, 1), ("concepts", concepts, 1), ("machines", machines, 1)):
        if value < least:
            raise InputError(f"{name} must be at least {least}, not {value}")
    job = Job(images, width, concepts, active, machine)
    base_gb = LIBRARIES_GB + 14 * width * concepts / 1e9
    memory, disk = job.memory_gb(), job.disk_gb()
    share = 1.0 if machines == 1 else (1 + OVERHEAD) / machines
    # What stays on the machine that leads, however many there are: codes are counted and words tested there.
    led = {"divergence": 1.0, "naming and ranking": 0.5, "evidence": 0.5}
    stages = [
        Stage(name, s * (led.get(name, 0.0) + (1 - led.get(name, 0.0)) * share), base_gb + memory[name], disk.get(name, 0.0))
        for name, s in job.seconds().items()
    ]
    if encoder is not None or images_per_second is not None:
        stages.insert(0, _embedding(images, job.vectors_gb, encoder, images_per_second, machine, machines))
    assumed = _assumptions(job.bf16, active, machines, encoder, images_per_second)
    return Plan(images, width, concepts, machines, machine, tuple(stages), assumed)


def _embedding(n: int, vectors_gb: float, encoder: str | None, measured: float | None, machine: Machine, machines: int) -> Stage:
    if measured is None:
        if encoder not in FLOPS_AN_IMAGE:
            known = ", ".join(FLOPS_AN_IMAGE)
            raise InputError(f"the cost of encoder {encoder!r} is not known (only of {known}); give its images per second on one machine")
        measured = 0.5 * 1e9 * machine.bf16_gflops / FLOPS_AN_IMAGE[encoder]
    if measured <= 0:
        raise InputError(f"images_per_second must be positive, not {measured!r}")
    return Stage("embedding", n / measured / machines, LIBRARIES_GB + 2.0, vectors_gb)


def _assumptions(bf16: bool, active: int, machines: int, encoder: str | None, measured: float | None) -> tuple[str, ...]:
    said = [
        "vectors are float16 and stay in the page cache or the cluster's object stores; else each of about 25 passes waits for the disk "
        f"(more above {BLOCK // FEWEST_WORDS:,} images: {FEWEST_WORDS} words are tested a pass)",
        "Parquet that is compared by the engine local takes as much disk again while it runs",
        f"{active} active concepts an image, 5 folds, about 20,000 words",
        f"the SAE's products are {'bf16' if bf16 else 'float32'} and reach the measured rate; the SAE is given, not trained",
        "time per image stays what it was measured to be up to 1,000,000 images; nothing else runs on the machine",
        f"codes lie with the machine that leads: in memory, beyond {IN_MEMORY / 1e9:.1f} GB on its disk; it holds some 200 bytes an image",
    ]
    if machines > 1:
        said.append(f"{machines} equal machines share passes evenly, at {OVERHEAD:.0%} overhead; divergence and tests of words stay on one")
    if encoder is not None and measured is None:
        said.append("the encoder reaches half the rate of a bare product, and decoding keeps up with it")
    return tuple(said)


def check(results: dict[str, Any]) -> list[dict[str, Any]]:
    """The plan beside runs of ``benchmarks/scale.py``, each with the speed of the machine measured in the same run.

    Args:
        results: content of ``benchmarks/results/scale.json``.

    Returns:
        One row a run: ``rows``, ``concepts``, measured and planned ``seconds`` and ``memory_gb``, their ratio, and both by stage.
    """
    rows = []
    for run in results["runs"]:
        product = 2 * run["rows"] * results["width"] * run["concepts"] / 1e9
        machine = Machine(
            int(results["machine"].split()[-2]),
            product / max(run["bare_float32_seconds"], 1e-3),
            product / max(run["bare_bf16_seconds"], 1e-3),
            run["memory_gb_per_s"],
        )
        planned = plan(run["rows"], results["width"], run["concepts"], machine=machine)
        rows.append(
            {
                "rows": run["rows"],
                "concepts": run["concepts"],
                "seconds": run["seconds"],
                "planned_seconds": planned.seconds,
                "planned_over_measured": planned.seconds / run["seconds"],
                "memory_gb": run["peak_anonymous_gb"],
                "planned_memory_gb": planned.memory_gb,
                "stages": {s.name: [float(np.round(s.seconds, 3)), run["stages"].get(s.name)] for s in planned.stages},
            }
        )
    return rows

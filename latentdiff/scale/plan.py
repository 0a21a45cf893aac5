"""What a comparison will cost: time, memory and disk per stage, from its size and a second's measurement of the machine.

Times per image below were fitted on runs of ``benchmarks/scale.py`` (10,000 to 1,000,000 images, width 768, K = 8,192 and 49,152, 20,000
words, 20 active concepts an image). The rest follows from n, d, K and the machine: passes over the vectors, products, work per image.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..compute.sparse import IN_MEMORY
from ..errors import InputError
from ..stats.image_scores import BLOCK, FEWEST_WORDS, words_at_once
from .machine import Machine

ACTIVE = 20
"""Active concepts an image (method section 9)."""
NAMES = 400
"""Words that name promising concepts, whose tails are compared on all images."""
TESTED_PHRASES = 150
"""Words of the most telling images, tested on all images."""
TESTED = NAMES + TESTED_PHRASES
PHRASES = 100
"""Of these, phrases whose AUROC over all images is computed."""
HEAD_PASSES = 20
"""Passes of the logistic head over all rows: standardising, gradients of five folds and the in-sample head, logits."""
OTHER_PASSES = 4
"""Further passes: checking, the mean direction, centring, the concepts' mean images."""
HEADS = 6
FIXED = {"density ratio": 1.3, "naming and ranking": 2.0, "evidence": 1.0}
"""Core seconds at width 768 that do not grow with images: penalties and first heads on a sample, words of concepts, cards, echoes."""

CONVERTED = 0.4
"""Nanoseconds a core spends to read one number of a vector as float32."""
PRODUCT = 0.9
"""Nanoseconds a core spends on one number of a vector in centring and the two thin products of a head's pass."""
EXPONENTIAL = 60
"""Nanoseconds a core spends on one head's loss and residual of one image."""
SELECTED = 7
"""Nanoseconds a core spends on one score of a name: the tail of all scores."""
SORTED = 40
"""Nanoseconds a core spends on one score of a phrase's tests: sorting."""
RANKED = 100
"""Nanoseconds a core spends on one score of a phrase's AUROC: sorting both sides."""
SCANNED = 1.0
"""Nanoseconds a core spends to see whether one dense activation is active."""
MEASURED = 750
"""Nanoseconds a core spends at width 768 to measure in float32 what bf16 found active: one concept of one image."""
COUNTED = 170
"""Nanoseconds a core spends on one active concept of one image in the divergence: grouping, binning, tests."""
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
    job = _Job(images, width, concepts, active, machine)
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


@dataclass(frozen=True)
class _Job:
    """A comparison on one machine, by its stages."""

    images: int
    width: int
    concepts: int
    active: int
    machine: Machine

    @property
    def vectors_gb(self) -> float:
        """In float16."""
        return 2 * self.images * self.width / 1e9

    @property
    def codes_gb(self) -> float:
        return 8 * self.images * self.active / 1e9

    @property
    def on_disk(self) -> bool:
        """Whether codes are kept there rather than in memory."""
        return 1e9 * self.codes_gb > IN_MEMORY

    @property
    def bf16(self) -> bool:
        """Whether candidates are found in bf16 products, then measured."""
        return self.images * self.width * self.concepts >= 1e12

    def seconds(self) -> dict[str, float]:
        n, d, m = self.images, self.width, self.machine
        core = 1e-9 / m.cores
        # A pass reads float16 from memory and turns it into float32 on the cores: whichever is slower.
        reading = max(self.vectors_gb / m.memory_gb_per_s, n * d * CONVERTED * core)
        product = 2 * n * d / 1e9  # of one column, in Gflop
        rate = m.bf16_gflops if self.bf16 else m.float32_gflops
        measured = self.active * MEASURED * d / 768 if self.bf16 else 0.0

        def readings(words: int) -> int:
            """Passes in which the scores of so many words come out: few words of many images fit into memory at once."""
            return -(-words // words_at_once(n))

        found = {
            "encoding": reading + self.concepts * product / rate + n * (self.concepts * SCANNED + measured) * core,
            "divergence": n * self.active * COUNTED * core,
            "density ratio": HEAD_PASSES * (reading + n * (d * PRODUCT + HEADS * EXPONENTIAL) * core),
            "naming and ranking": (OTHER_PASSES + readings(NAMES) + readings(TESTED_PHRASES)) * reading
            + OTHER_PASSES * n * d * PRODUCT * core
            + TESTED * product / m.float32_gflops
            + n * (NAMES * SELECTED + TESTED_PHRASES * SORTED) * core,
            "evidence": (1 + readings(PHRASES)) * reading + PHRASES * (product / m.float32_gflops + n * RANKED * core),
        }
        return {name: s + FIXED.get(name, 0.0) * d / 768 / m.cores for name, s in found.items()}

    def memory_gb(self) -> dict[str, float]:
        """Beyond libraries and SAE."""
        n, cores = self.images, self.machine.cores
        held = 0.0 if self.on_disk else self.codes_gb
        scored = held + 2 * 4 * min(words_at_once(n), TESTED) * n / 1e9 + 40 * n / 1e9
        return {
            "encoding": 2 * held + 0.05 * cores,
            "divergence": 2 * held + 0.03 * cores,
            "density ratio": held + n * 20 * HEADS / 1e9,
            "naming and ranking": scored,
            "evidence": scored,
        }

    def disk_gb(self) -> dict[str, float]:
        return {"encoding": self.codes_gb, "divergence": self.codes_gb} if self.on_disk else {}


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

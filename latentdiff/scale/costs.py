"""What a comparison costs on one machine, stage by stage: passes over the vectors, products, and work per image.

Times per image below were fitted on runs of ``benchmarks/scale.py`` (10,000 to 1,000,000 images, width 768, K = 8,192 and 49,152, 20,000
words, 20 active concepts an image). The rest follows from n, d, K and the machine.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..compute.sparse import IN_MEMORY
from ..stats.image_scores import words_at_once
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


@dataclass(frozen=True)
class Job:
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

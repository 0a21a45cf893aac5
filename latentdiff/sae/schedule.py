"""How large, how long: dictionary size, sparsity and number of steps from the data, the learning rate, and when to stop."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

BATCH = 1024
"""Most vectors of a step."""
MANY = 25_600
"""Vectors from which every step takes ``BATCH`` of them."""
FEW_BATCH = 256
"""Most vectors of a step below that."""
EPOCHS = 30
MOST_STEPS = 3000
WARM_UP = 20
"""Steps over which the learning rate rises."""
DECAY = 0.2
"""Share of the steps over which it falls to zero at the end."""
CHECKS = 20
"""Looks at the held-out vectors during a run of full length."""
PATIENCE = 5
"""Looks in a row without a gain before the run winds down."""
LARGE_FROM = 64
"""Vectors per dimension from which the larger dictionary explains more."""
GAIN = 1e-3
"""Explained variance that counts as a gain."""


def default_concepts(n: int, d: int, seconds: float | None = None) -> int:
    """Dictionary size K: 4 d, or 8 d from 64 vectors per dimension on where ``seconds`` pay for all steps, and at most n.

    Of 4,952 vectors of COCO's captions (d = 384; 2 d, 4 d, 8 d) 600 steps explain .860, .869, .862 of held-out ones at equal active
    concepts: a large dictionary learns few vectors by heart. Of 24,774 (4 d, 8 d, 16 d; 32 active) 725 steps explain .893, .899, .901.
    Names do not decide: they hit what was planted with .804, .787, .783, but five seeds of 4 d spread from .784 to .802. A budget is
    better spent on steps: 4 d after 500 explain .882, 8 d after 250 .854.
    """
    small, large = min(4 * d, n), min(8 * d, n)
    affordable = seconds is None or steps_within(seconds, d, large, default_active(large), default_batch(n)) >= default_steps(n)
    return large if n >= LARGE_FROM * d and affordable else small


def default_active(concepts: int) -> int:
    """Mean number of active concepts k: one in 48, at least 16 and at most 32, and never more than a quarter of a small dictionary.

    32 of 3,072 explain .90 of held-out COCO captions. With only 200 vectors and as many concepts, 4, 8, 16 and 32 active explain .63,
    .66, .68 and .68 of fresh ones.
    """
    return max(1, min(32, max(concepts // 48, 16), concepts // 4))


def default_batch(n: int) -> int:
    """Vectors a step: 1,024 of many; of few 32 to 256, about 3 sqrt(n), since small steps learn more for the same work.

    Of real CLIP ViT-B/32 vectors, explained variance of held-out ones, concepts active on them, and processor seconds, default sizes:

    ======  =====================  ====================  =====================
    n       600 steps of 1,024     this batch and steps  twice the batch
    ======  =====================  ====================  =====================
    400     .53, 86, 4.0           64 x 250: .51, 70, 1.0   128 x 150: .42, 60, .7
    1,000   .57, 110, 15           64 x 400: .66, 72, 2.6   128 x 300: .58, 82, 2.1
    4,000   .67, 82, 27            128 x 400: .73, 56, 5.5  256 x 400: .71, 66, 7.5
    18,000  .815, 39, 35           256 x 600: .812, 36, 14  512 x 400: .801, 37, 14
    ======  =====================  ====================  =====================
    """
    if n >= MANY:
        return BATCH
    return min(FEW_BATCH, 32 * 2 ** max(0, round(math.log2(max(n, 1) / 128) / 2)))


def default_steps(n: int) -> int:
    """Thirty epochs of many vectors, at most 3,000 steps; of few ``55 n^(1/4)``: 309 of 1,000 (see :func:`default_batch`)."""
    return min(EPOCHS * n // BATCH, MOST_STEPS) if n >= MANY else max(1, round(55 * n**0.25))


def step_seconds(d: int, concepts: int, active: int, batch: int) -> float:
    """Seconds that one step takes on the reference machine: two cores with bf16 matrix products (Sapphire Rapids, 2.6 GHz).

    A formula, not a stopwatch: a time budget then means the same number of steps, and so the same SAE, on every machine. Its terms are
    the passes over the activations, the sums over the kept pairs, and Adam, each timed alone (16 ms in all at d = 384, K = 3,072).
    """
    return 1e-3 + batch * (concepts * (1.9e-9 + 3e-12 * d) + active * d * 3e-10) + concepts * d * 2.5e-9


def steps_within(seconds: float, d: int, concepts: int, active: int, batch: int) -> int:
    """Steps that a budget pays for, at least 1."""
    return max(1, int(seconds / step_seconds(d, concepts, active, batch)))


def training_seconds(n: int, d: int, concepts: int | None = None, active: int | None = None, seconds: float | None = None) -> float:
    """Seconds on the reference machine that all steps of :func:`~latentdiff.sae.training.train_sae` take, where none is saved.

    Args:
        n: vectors that it is trained on.
        d: their width.
        concepts, active, seconds: as :func:`~latentdiff.sae.training.train_sae` takes them.
    """
    size = default_concepts(n, d, seconds) if concepts is None else concepts
    kept, batch = default_active(size) if active is None else active, default_batch(n)
    affordable = steps_within(seconds, d, size, kept, batch) if seconds else default_steps(n)
    return min(default_steps(n), affordable) * step_seconds(d, size, kept, batch)


@dataclass
class Schedule:
    """Learning rate: up over 20 steps, level, then down to zero, from four fifths of the way or from where nothing more is gained."""

    steps: int
    """Steps of a run of full length."""
    winding_down: int | None = None
    """Step at which the learning rate began to fall early."""
    stopped: str = "steps"
    """Why the run ends: "steps", "plateau" or "time"."""
    history: list[float] = field(default_factory=list)
    """Explained variance of held-out vectors at each look."""

    @property
    def every(self) -> int:
        """Steps between two looks."""
        return max(1, self.steps // CHECKS)

    @property
    def end(self) -> int:
        """First step that is not made."""
        if self.winding_down is None:
            return self.steps
        return min(self.steps, self.winding_down + max(1, int(self.winding_down * DECAY / (1 - DECAY))))

    def rate(self, step: int) -> float:
        """Learning rate at a step, relative to its highest."""
        down = max(1, round(DECAY * self.end))
        return min(1.0, (step + 1) / WARM_UP, (self.end - step) / down)

    def look(self, step: int, explained: float) -> None:
        """Take note of the held-out explained variance; wind down where the last looks brought no gain."""
        self.history.append(explained)
        if self.winding_down is None and len(self.history) > PATIENCE:
            before, lately = max(self.history[:-PATIENCE]), max(self.history[-PATIENCE:])
            if lately < before + GAIN:
                self.wind_down(step, "plateau")

    def wind_down(self, step: int, reason: str) -> None:
        """Let the learning rate fall from here on."""
        if self.winding_down is None and step < (1 - DECAY) * self.steps:
            self.winding_down, self.stopped = step, reason

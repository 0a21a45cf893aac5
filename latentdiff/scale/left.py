"""What a comparison of images is doing, in words, and how many seconds are left: by its own pace, and by the plan of what is to come."""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable, Sequence

from ..progress import Progress, duration
from .machine import Machine, measure
from .plan import FLOPS_AN_IMAGE, plan

READING, EMBEDDING, WORDS, COMPARING, NAMING = "reading pictures", "embedding pictures", "embedding words", "comparing", "naming"
PHASES = (READING, EMBEDDING, WORDS, COMPARING, NAMING)
COUNTED = re.compile(r"([\d,]+) of ([\d,]+) (images|texts)$")
LABELS = (
    (READING, re.compile(r"looking for images|unpacking|reading")),
    (NAMING, re.compile(r"describing|naming|evidence|phrases|captions|waiting for|ranking|proposing")),
)
"""How labels of phases begin that count nothing; the others compare."""
COMPARED = 0.925
"""Fraction at which the density ratio is done, and names are sought."""
TRAINING, TRAINED = "training the SAE", (0.5, 0.65)
"""Between which fractions of :meth:`latentdiff.CompareRequest.run` an SAE is trained, which the plan leaves out."""
LEAST = 3.0
"""Seconds below which nothing is said of time: it is over before it is read."""


@functools.cache
def _here() -> Machine:
    return measure(0.3)


class Left:
    """A progress callback of :meth:`latentdiff.CompareRequest.run` that tells ``progress`` what is being done and how long it takes.

    Args:
        images: n of each side.
        width: d of their vectors.
        progress: told the same fraction, and a label such as "embedding pictures: 64 of 400 images, about 12 s left".
        encoder: its name; of those in the plan, the time that pictures take is known before the first are embedded.
        machine: how fast it is; None: measured once, within a second.
        clock: seconds.
    """

    def __init__(
        self,
        images: Sequence[int],
        width: int,
        progress: Progress,
        encoder: str | None = None,
        machine: Machine | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.progress, self.images, self.clock = progress, list(images), clock
        known = encoder if encoder in FLOPS_AN_IMAGE else None
        stages = plan(max(sum(images), 40), max(width, 1), machine=machine or _here(), encoder=known).stages
        seconds = {stage.name: stage.seconds for stage in stages}
        naming = seconds["naming and ranking"] + seconds["evidence"]
        embedding = seconds.get("embedding", 0.0)
        self.planned = {EMBEDDING: embedding, COMPARING: sum(seconds.values()) - naming - embedding, NAMING: naming}
        self._phase, self._sides = READING, 0
        self._began = self._reported = clock()
        self._done = 0

    def __call__(self, fraction: float, label: str) -> None:
        """As a progress callback."""
        phase, now = self._phase_of(fraction, label), self.clock()
        if phase != self._phase:
            self._phase, self._began, self._done = phase, self._reported, 0  # a batch is told when it is done
        self._reported = now
        counted = COUNTED.search(label)
        said = f": {label}" if counted else ""
        left = self._of_phase(fraction, label, now - self._began) + sum(self.planned.get(p, 0.0) for p in PHASES[PHASES.index(phase) + 1 :])
        self.progress(fraction, f"{phase}{said}, {duration(left)} left" if left >= LEAST else f"{phase}{said}")

    def _phase_of(self, fraction: float, label: str) -> str:
        counted = COUNTED.search(label)
        if counted:
            return EMBEDDING if counted[3] == "images" else WORDS
        named = NAMING if fraction >= COMPARED else next((phase for phase, how in LABELS if how.match(label)), COMPARING)
        return max(named, self._phase, key=PHASES.index)  # no phase comes back

    def _of_phase(self, fraction: float, label: str, passed: float) -> float:
        """Seconds that the phase under way still takes."""
        counted = COUNTED.search(label)
        if counted:
            done, total = (int(text.replace(",", "")) for text in counted.groups()[:2])
            if counted[3] == "images":
                self._sides += done < self._done  # the other side begins
                self._done = done
                done, total = done + sum(self.images[: self._sides]), sum(self.images)
            return passed * (total - done) / done if done else 0.0
        if label == TRAINING and TRAINED[0] < fraction < TRAINED[1]:
            share = (fraction - TRAINED[0]) / (TRAINED[1] - TRAINED[0])
            return passed * (1 - share) / share + self.planned[COMPARING]
        return max(self.planned.get(self._phase, 0.0) - passed, 0.0)

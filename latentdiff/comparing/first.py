"""A first answer while an SAE is trained: the whole comparison, by the concepts that a few steps of training bring."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

from ..config import CompareConfig
from ..embed.ordering import Pooled
from ..errors import InputError
from ..progress import Begun, nobody
from ..results.comparison import FIRST, FOLLOWS, Comparison
from ..results.known import concept_of
from ..sae.schedule import default_steps, training_seconds
from ..sae.training import train_sae
from .stages import Stages

STEPS = 60
"""Of training."""
ROWS = 2_000
"""Images of both sides, of each the same share, that it learns from."""
LEAST = 0.6
"""Seconds of training below which nobody waits: they are those of a fast machine, three to five times as many on a slow one."""
FIXED, EACH = 0.15, 2.5e-7
"""Seconds, of the same, that a comparison takes without training: always, and for each number in its vectors."""
REMARK = (
    "This is a first answer, by concepts of a short training. Where the final one did not take its place: Finish in the panel, "
    "finish_comparison for a stored comparison, or compare again."
)
TIMES = 2.0
"""Times as long as the rest from which training is not waited for: the first answer then comes in a third of the time or less."""


def worth(vectors: int, shape: tuple[int, int], config: CompareConfig) -> float:
    """Seconds on the reference machine that training is going to take; 0 where a first answer is not worth the time that it takes itself.

    A formula, not a stopwatch, so that whether there is one does not hang on the machine.

    Args:
        vectors: that the SAE is going to be trained on.
        shape: (n, d) of the images that are compared.
        config: of the comparison.
    """
    seconds = training_seconds(vectors, shape[1], config.sae_concepts, config.sae_active, config.sae_seconds)
    return seconds if seconds >= max(LEAST, TIMES * (FIXED + EACH * shape[0] * shape[1])) else 0.0


def first_answer(stages: Stages, first: Callable[[Comparison], None]) -> Begun:
    """What is to be told when an SAE is trained, and gives a first answer then.

    Captions are left to the final one: nothing is sent twice.

    Args:
        stages: of the final answer, which are not changed.
        first: is given the comparison.
    """

    def begun(vectors: int) -> None:
        seconds = worth(vectors, stages.sides.shape, stages.config)
        if not seconds or any(isinstance(one, str) and concept_of(one) is not None for one in stages.given):  # of the final answer's SAE
            return
        try:
            early = _early(stages, seconds)
        except InputError:  # a finding that is known is a concept of the other SAE, too; what is wrong with both is said by the final one
            return
        first(early)
        stages._done("first answer", 0.0)

    return begun


def _early(stages: Stages, seconds: float) -> Comparison:
    """The first answer; ``seconds`` of :func:`worth`."""
    config, reached = stages.config, [(0.0, time.perf_counter())]

    def report(fraction: float, label: str) -> None:
        reached.append((fraction, time.perf_counter()))
        stages.progress(0.0, "first answer")

    some = (pooled := Pooled(stages.sides))[0 : min(ROWS, len(pooled))]
    options = {name: getattr(config, f"sae_{name}") for name in ("trainer", "concepts", "active")}
    sae = train_sae(some, **options, steps=STEPS, seed=config.seed, progress=report)
    pace, began = _pace(some.shape, config, reached), time.perf_counter()
    fresh: dict[str, Any] = {"described": {}, "seconds": {}, "remarks": [*stages.remarks], "_clock": began}
    early = dataclasses.replace(stages, progress=report, describer=None, begun=nobody, **fresh).run(sae)
    early.info[FIRST] = {"steps": STEPS, "vectors": len(some), "seconds": round(seconds, 1)}
    early.info["remarks"] = [REMARK, *early.info["remarks"]]
    early.info["seconds"][FOLLOWS] = round(seconds * pace + time.perf_counter() - began, 1)
    return early


def _pace(shape: tuple[int, int], config: CompareConfig, reached: list[tuple[float, float]]) -> float:
    """Times as long as on the reference machine that steps take here: between the first and the last report of all but the last tenth."""
    (start, at), (end, now) = reached[1], max(mark for mark in reached if mark[0] < 0.9)
    usual = training_seconds(*shape, config.sae_concepts, config.sae_active) / default_steps(shape[0])
    return (now - at) / ((end - start) * STEPS * usual) if end > start else 1.0

"""The demo's images on disk: one set of drawn scenes, split in two ways with a known difference each."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..progress import Progress, silent
from .settings import SETTINGS
from .shapes import KINDS
from .world import Rules, Scene, draw

PLANTED, PLANTED_RATE = "kite", 0.05
"""The kind that only today's scenes show, and in what share of them."""
SHIFTED, SHIFTED_RATES = "snow", (0.3, 0.1)
"""The setting that winter has more of than summer, and its shares in both."""

Views = tuple[str, str]


@dataclass(frozen=True)
class DemoComparison:
    """One way of splitting the demo's scenes in two, by the names of its sides as views."""

    run: str
    view_a: str
    view_b: str
    truth: str
    """The word that tells A from B."""
    rates: tuple[float, float]
    """Share of the scenes of A and of B that show it, before rounding to whole scenes."""


@dataclass(frozen=True)
class DrawnImage:
    """One drawn file."""

    path: Path
    views: Views
    """Its view in each of :data:`COMPARISONS`."""
    scene: Scene


COMPARISONS = (
    DemoComparison("today_vs_yesterday", "today", "yesterday", PLANTED, (PLANTED_RATE, 0.0)),
    DemoComparison("winter_vs_summer", "winter", "summer", SHIFTED, SHIFTED_RATES),
)
"""Both split all scenes in halves, and each split is balanced in what the other is about."""


def plan(n: int = 3000, seed: int = 0) -> list[tuple[Views, Rules]]:
    """Which scenes the demo draws: a quarter for each pairing of the views, in random order.

    Args:
        n: scenes in all, a multiple of 4, at least 400 (fewer show too little of what is in 5 % of one side).
        seed: of the order.

    Returns:
        n times the views of a scene and what it must show. Kites are only in settings where they occur by nature; yesterday has as many
        scenes of those settings without one, so that settings tell nothing about the day.

    Raises:
        InputError: for another n.
    """
    if n < 400 or n % 4:
        raise InputError(f"the demo draws a multiple of 4 scenes, at least 400, not {n}")
    quarter, home = n // 4, KINDS[PLANTED].at_home
    elsewhere = Rules(settings=tuple(s for s in SETTINGS if s != SHIFTED), forbid=(PLANTED,))
    scenes: list[tuple[Views, Rules]] = []
    for day in ("today", "yesterday"):
        planted = Rules(settings=home, require=(PLANTED,)) if day == "today" else Rules(settings=home, forbid=(PLANTED,))
        for season, rate in zip(("winter", "summer"), SHIFTED_RATES, strict=True):
            shifted, kites = round(rate * quarter), round(PLANTED_RATE * quarter)
            rules = [Rules(settings=(SHIFTED,), forbid=(PLANTED,))] * shifted + [planted] * kites
            scenes += [((day, season), r) for r in rules + [elsewhere] * (quarter - len(rules))]
    order = np.random.default_rng([seed, n]).permutation(n)
    return [scenes[i] for i in order]


def draw_images(folder: Path, n: int = 3000, seed: int = 0, *, progress: Progress = silent) -> list[DrawnImage]:
    """Draw the scenes of :func:`plan` as JPEG files of 256 x 256 pixels, with ``labels.json`` beside them.

    Args:
        folder: made if missing; files of the same names are replaced.
        n: scenes in all, a multiple of 4, >= 400.
        seed: same seed, same scenes.
        progress: ``progress(fraction, label)``.

    Returns:
        One entry per file, in the order of the plan.

    Raises:
        InputError: for another n.
    """
    planned = plan(n, seed)
    folder.mkdir(parents=True, exist_ok=True)
    drawn: list[DrawnImage] = []
    for (views, _), (image, scene) in zip(planned, draw(n, seed, rules=[rules for _, rules in planned]), strict=True):
        path = folder / f"scene_{len(drawn):04d}.jpg"
        image.save(path, quality=92, subsampling=0)
        drawn.append(DrawnImage(path, views, scene))
        if len(drawn) % 50 == 0:
            progress(len(drawn) / n, f"{len(drawn):,} of {n:,} scenes drawn")
    labels = [{"file": d.path.name, "views": list(d.views), **dataclasses.asdict(d.scene)} for d in drawn]
    (folder / "labels.json").write_text(json.dumps(labels, indent=1) + "\n", encoding="utf8")
    return drawn

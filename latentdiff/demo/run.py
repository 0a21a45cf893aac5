"""The demo's images on disk: two pairs of drawn sets with a known difference, ready for a dataset."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..progress import Progress, silent
from .pairs import DemoPair, planted_object_pair, setting_shift_pair
from .world import Scene


@dataclass(frozen=True)
class DemoComparison:
    """One pair of the demo, by the names that its two sides have as views."""

    run: str
    view_a: str
    view_b: str
    pair: DemoPair


@dataclass(frozen=True)
class DrawnImage:
    """One drawn file."""

    path: Path
    view: str
    scene: Scene


def comparisons(n: int = 3000, seed: int = 0) -> tuple[DemoComparison, DemoComparison]:
    """The demo's two comparisons, n / 4 scenes a side.

    Args:
        n: scenes in all, a multiple of 4, at least 400 (fewer show too little of what is in 5 % of one side).
        seed: of the scenes.

    Returns:
        ``today_vs_yesterday``: a kite in 5 % of the one, never in the other; ``winter_vs_summer``: snow in 30 % and in 10 %.
    """
    if n < 400 or n % 4:
        raise InputError(f"the demo draws a multiple of 4 scenes, at least 400, not {n}")
    return (
        DemoComparison("today_vs_yesterday", "today", "yesterday", planted_object_pair(n // 4, 2 * seed, kind="kite")),
        DemoComparison("winter_vs_summer", "winter", "summer", setting_shift_pair(n // 4, 2 * seed + 1, setting="snow")),
    )


def draw_images(folder: Path, n: int = 3000, seed: int = 0, *, progress: Progress = silent) -> list[DrawnImage]:
    """Draw the scenes of both comparisons as JPEG files of 256 x 256 pixels, with ``labels.json`` beside them.

    Args:
        folder: made if missing; files of the same names are replaced.
        n: scenes in all, a multiple of 4, >= 400.
        seed: same seed, same scenes.
        progress: ``progress(fraction, label)``.

    Returns:
        One entry per file, side by side of both comparisons in turn.

    Raises:
        InputError: for another n.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawn: list[DrawnImage] = []
    for comparison in comparisons(n, seed):
        for side, view in (("A", comparison.view_a), ("B", comparison.view_b)):
            for i, (image, scene) in enumerate(comparison.pair.draw(side)):
                path = folder / f"{view}_{i:04d}.jpg"
                image.save(path, quality=92, subsampling=0)
                drawn.append(DrawnImage(path, view, scene))
                if len(drawn) % 50 == 0:
                    progress(len(drawn) / n, f"{len(drawn):,} of {n:,} scenes drawn")
    labels = [{"file": d.path.name, "view": d.view, **dataclasses.asdict(d.scene)} for d in drawn]
    (folder / "labels.json").write_text(json.dumps(labels, indent=1) + "\n", encoding="utf8")
    return drawn

"""``style``: photographs, some of which are made over as a painting, a sketch, at night, close up or tilted; measures find and name it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from ...comparing.fields import field_differences
from ...compute.temporary import temporary_folder
from ...config import CompareConfig
from ...embed.measures import measure_images
from ...embed.styles import name_styles
from ...errors import InputError
from ...inputs.columns import check_fields, read_columns
from ...inputs.folders import image_files
from ...progress import Progress, part
from ...results.fields import FieldDifference
from ...stats.fields import together
from ..restyle import STYLES
from ..suite import Record, Report, Suite, Table, Task
from .caption_space import DATA

FEWEST = 100
"""Photographs that are needed."""
SIDE, POOL = 200, 80
"""Photographs a side, at most half of all; and those that are made over, of which each draw takes some."""
SHARE = 0.2
RUNS = 20
QUALITY = 92
"""Of JPEG, at which all photographs are saved anew, so that nothing but the style differs."""
NOTHING = "nothing"
NAMED = {"painting": "painted", "sketch": "sketch", "night": "night", "close-up": "close-up, enlarged", "tilted": "tilted"}
"""Style → what it is called where pictures are measured."""
SECONDS = 0.05

Fields = dict[str, np.ndarray]


class Style(Suite):
    """Each style in draws of its own, and draws in which nothing differs."""

    name = "style"
    own_options = frozenset({"data", "runs"})
    help = "Photographs of any folder (--data), a fifth of one side painted, sketched, at night, close up or tilted: is it found and named?"

    @cached_property
    def files(self) -> list[Path]:
        """The photographs."""
        try:
            return list(image_files(self.folder))
        except InputError:  # there is no folder, or nothing in it
            return []

    @property
    def folder(self) -> Path:
        """Where they lie."""
        return self.options.data or DATA / "coco" / "photos"

    def missing(self) -> list[str]:
        if len(self.files) >= FEWEST:
            return []
        there = f"{self.folder} (it holds {len(self.files)})"
        return [f"put {FEWEST} photographs or more, of anything, into {there}, or name a folder of them with --data"]

    def images(self) -> int:
        return len(self.files) + len(STYLES) * POOL

    def preparation(self, images: int) -> list[tuple[str, int, float]]:
        return [("measuring of photographs", self.images(), SECONDS * self.images())]

    def tasks(self) -> list[Task]:
        runs = range(self.options.runs or RUNS)
        return [Task(f"{style} {i}", style, SECONDS, (style, i)) for style in (*STYLES, NOTHING) for i in runs]

    def prepare(self, progress: Progress) -> dict[str, float]:
        rng = np.random.default_rng(self.options.seed)
        self.pool = np.sort(rng.choice(len(self.files), min(POOL, len(self.files) // 3), replace=False))
        made: list[tuple[str, list[Path], Callable[[Image.Image], Image.Image]]] = [(NOTHING, self.files, lambda image: image)]
        made += [(name, [self.files[i] for i in self.pool], change) for name, change in STYLES.items()]
        self.measured = {
            name: _measured(files, change, part(progress, i / len(made), (i + 1) / len(made)))
            for i, (name, files, change) in enumerate(made)
        }
        return {}

    def run(self, task: Task) -> Record:
        style, draw = task.payload
        rng = np.random.default_rng([self.options.seed, draw, list(NAMED).index(style) if style in NAMED else len(NAMED)])
        plain, side = self.measured[NOTHING], min(SIDE, len(self.files) // 2)
        few = 0 if style == NOTHING else min(round(SHARE * side), len(self.pool))
        some = rng.choice(len(self.pool), few, replace=False)
        rest = rng.permutation(np.setdiff1d(np.arange(len(self.files)), self.pool[some]))[: 2 * side - few]
        a = {name: values[rest[:side]] for name, values in plain.items()}
        b = {name: values[rest[side:]] for name, values in plain.items()}
        if few:
            b = {name: np.concatenate([values, self.measured[style][name][some]]) for name, values in b.items()}
        found = claimed(a, b)
        named = [d.value for d in found if d.field == "style" and d.side == "B"]
        return {"style": style, "named": named[0] if named else "", "first": found[0].name if found else "", "seconds": {}}

    def report(self, records: Sequence[Record]) -> Report:
        body, figures = [], dict[str, float]()
        for style in (*STYLES, NOTHING):
            own = [r for r in records if r["style"] == style]
            if not own:
                continue
            right = float(np.mean([r["named"] == NAMED.get(style, "") for r in own]))
            others = sorted({r["named"] for r in own} - {NAMED.get(style, ""), ""})
            found = float(np.mean([bool(r["first"]) for r in own]))
            body.append((style, len(own), found, right, ", ".join(others)))
            figures |= {f"{style}: found": found, f"{style}: named": right}
        note = (
            f"A fifth of one side of at most {SIDE} is made over. Found: any measure or style passes, at the level that fields have where "
            "the pictures say nothing. Named: the first style that passes is the right one; of nothing, none."
        )
        header = ("style", "draws", "found", "named", "named otherwise")
        table = Table("Style and composition, by what is measured", header, tuple(body), note)
        said = "Vectors and phrases play no part here: measures and the styles that they name are compared, as fields of the photographs."
        return Report((table,), {}, (said,), figures)


def claimed(a: Fields, b: Fields) -> list[FieldDifference]:
    """Measures and styles that differ, best first."""
    n_a, n = len(a["pixels"]), len(a["pixels"]) + len(b["pixels"])
    both = [{**side, "style": name_styles(side)} for side in (a, b)]
    held = check_fields(both[0], both[1], (n_a, n - n_a))
    assert held is not None
    config = CompareConfig()
    found = field_differences(read_columns(held, np.arange(n)), np.arange(n) < n_a, config)
    floor = together(1.0, found[0].q_value)[1] if found else 1.0
    return [d for d in found if max(d.q_value, floor) <= config.alpha]


def _measured(files: Sequence[Path], change: Callable[[Image.Image], Image.Image], progress: Progress) -> Fields:
    """Measures of changed photographs, saved and read again."""
    with temporary_folder() as folder:
        saved = []
        for i, path in enumerate(files):
            saved.append(folder / f"{i}.jpg")
            with Image.open(path) as image:
                change(image.convert("RGB")).save(saved[-1], quality=QUALITY)
        return measure_images(saved, progress=progress)

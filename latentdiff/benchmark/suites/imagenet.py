"""``noisy-diff-imagenet``: two halves of ImageNet's training set, each without one group of classes (paper section 6.6, appendix E)."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...progress import Progress
from .. import noisy_diff
from ..case_suite import CaseSuite, curve
from ..cases import Case, Space
from ..imagenet_files import GroupedImages, grouped_images
from ..spaces import embedded_space
from ..suite import Curves, Published, Record, Report, Table, Task
from ..wordnet import WHY_NO_DOG

DATA = Path("imagenet")
SIZES = (200_000, 400_000, 600_000, 800_000, 1_000_000)
PAIRS = 15
MASSES = (0.0085, 0.05)
"""Least and greatest share of a half that a group may make up: the paper's modes (1 to 4.6 %), widened to its own examples, of which
establishment has 9 of the 1,000 classes and clothing 47."""
IMAGES_PER_SECOND = 3_000
"""Rough pace of a comparison at this size, for the plan."""


class NoisyDiffImageNet(CaseSuite):
    """15 pairs of groups at every subset size."""

    name = "noisy-diff-imagenet"
    own_options = frozenset({"sizes"})
    help = "Noisy-Diff on ImageNet's training set: halves that lack one WordNet group each, at 200,000 to 1,000,000 images."
    group_name = "images"
    photographs = True
    published_images = 1_281_167
    default_methods = ("latentdiff", "paper", "gsclip", "mean")

    @cached_property
    def found(self) -> GroupedImages:
        """The images that are here."""
        return grouped_images(self.options.data or DATA)

    def missing(self) -> list[str]:
        root = self.options.data or DATA
        if not self.found.files:
            return [f"ImageNet's training set (ILSVRC 2012): fetch it from image-net.org (needs an account) and unpack it, so that "
                    f"{root}/train/n01440764/*.JPEG exist, a folder per class, or let FiftyOne's zoo write {root}/train/labels.json and "
                    f"{root}/train/data/000001.jpg (or name the folder with --data)"]
        return []

    @cached_property
    def files(self) -> tuple[list[str], list[str]]:
        """(files, group of each)."""
        return self.found.files, self.found.groups

    def sizes(self) -> list[int]:
        """Subset sizes that the images suffice for; all images where none does."""
        total = len(self.files[0])
        return [s for s in self.options.sizes or SIZES if s <= total] or [total]

    def unused(self) -> list[str]:
        idle, total = super().unused(), len(self.files[0])
        if any(s > total for s in self.options.sizes):
            taken = ", ".join(f"{s:,}" for s in self.sizes())
            idle.append(f"Of --sizes, what is above the {total:,} images that are here is left out: {taken} taken.")
        return idle

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "images": len(self.files[0])}

    def about(self) -> list[Table]:
        files, groups = self.files
        counts = Counter(groups)
        eligible = self._eligible()
        rows = [(g, n, n / len(files), "yes" if g in eligible else "no") for g, n in counts.most_common()]
        note = f"Groups of {MASSES[0]:.2%} to {MASSES[1]:.0%} of the images can be removed; {len(eligible)} of {len(counts)} here. "
        if self.found.unclear:
            note += f"{self.found.unclear} images are left out: their class name stands for two classes, and nothing tells which. "
        return [Table("Groups", ("group", "images", "share", "eligible"), tuple(rows), note + WHY_NO_DOG)]

    def _eligible(self) -> list[str]:
        files, groups = self.files
        return sorted(g for g, n in Counter(groups).items() if MASSES[0] <= n / len(files) <= MASSES[1])

    def make_cases(self) -> list[Case]:
        _, groups = self.files
        eligible = self._eligible()
        pairs = list(combinations(eligible, 2))
        if not pairs:
            raise InputError(f"fewer than two groups make up {MASSES[0]:.2%} to {MASSES[1]:.0%} of the {len(groups)} images; add classes")
        rng = np.random.default_rng(self.options.seed)
        chosen = rng.choice(len(pairs), min(self.options.pairs or PAIRS, len(pairs)), replace=False)
        # Of its own seed: the subsets do not hang on the number of pairs, so records of fewer pairs stay true.
        order, out = np.random.default_rng([self.options.seed, 1]).permutation(len(groups)), []
        for size in self.sizes():
            subset = np.sort(order[:size])  # each subset holds the smaller ones
            own = [groups[i] for i in subset]
            for i in sorted(chosen.tolist()):
                p = noisy_diff.build_halves(own, pairs[i][0], pairs[i][1], self.options.seed)
                rows = {name: subset[getattr(p, name)] for name in ("rows_a", "rows_b", "planted_a", "planted_b")}
                out.append(Case.of_pair(dataclasses.replace(p, **rows), f"{size:,}", f"{size}"))
        return out

    def published(self) -> Published:
        count, methods = self.options.pairs or PAIRS, len(self.methods)
        sizes = [s for s in self.options.sizes or SIZES if s <= self.published_images]
        return Published({f"{s:,}": (count * methods, count * methods * s / IMAGES_PER_SECOND) for s in sizes}, self.published_images)

    def images(self) -> int:
        return len(self.files[0])

    def tasks(self) -> list[Task]:
        pace = {c.key: (len(c.rows_a) + len(c.rows_b)) / IMAGES_PER_SECOND for c in self.cases}
        return [dataclasses.replace(t, seconds=pace[t.payload[0].key]) for t in super().tasks()]

    def make_space(self, progress: Progress) -> Space:
        return embedded_space(self.files[0], self.options, progress)

    def report(self, records: Sequence[Record]) -> Report:
        base, rows = super().report(records), self.scored(records)
        curves = {row: curve(sides, {f"{size:,}": float(size) for size in self.sizes()}) for row, sides in rows.items()}
        plot = Curves("Cosine by number of images", curves, "images", "cosine")
        return dataclasses.replace(base, plots={"sizes": plot, **base.plots})

"""``corel``: real CLIP ViT-B/32 vectors of photographs, a few of one class planted in another."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from ...embed.vocabulary import Vocabulary
from ...errors import InputError
from ...progress import Progress
from ..case_suite import FIRST, CaseSuite, Scored
from ..cases import Case, Space
from ..spaces import described_by, kept_sae, missing_files
from ..suite import Report, Table
from .caption_space import DATA

FILES = ("corel/labels.json", "corel/clip_vit_b_32_images.npy", "corel/clip_vit_b_32_lvis_words.npy", "corel/lvis_words.txt")
NAMES = {
    "bus": {"bus (vehicle)", "school bus"},
    "elephant": {"elephant"},
    "horse": {"horse", "pony"},
    "flower": {"flower arrangement", "carnation", "sunflower", "bouquet"},
}
"""LVIS names that count as naming a Corel class."""
PLANTED = (3, 5, 10)
HALF = 50


class Corel(CaseSuite):
    """Half of a class a side, and 3, 5 or 10 photographs of another class planted in each."""

    name = "corel"
    own_options = frozenset({"sizes"})
    help = "Corel photographs with CLIP ViT-B/32 vectors: 50 of a class a side, and 3, 5 or 10 of another class planted in each."
    group_name = "planted"

    @property
    def folder(self) -> Path:
        """The data's folder."""
        return self.options.data or DATA

    def missing(self) -> list[str]:
        return missing_files(self.folder, FILES, "Corel-1000 with CLIP vectors")

    def published_pairs(self) -> dict[str, int]:
        return {f"{m} of {HALF + m}": min(96, self.options.pairs or 96) for m in self.options.sizes or PLANTED}

    def make_cases(self) -> list[Case]:
        label = np.array([r["label"] for r in json.loads((self.folder / "corel/labels.json").read_text(encoding="utf8"))])
        rng, out = np.random.default_rng(self.options.seed + 1), []
        fewest = min(int((label == k).sum()) for k in NAMES)
        for m in self.options.sizes or PLANTED:
            if m > fewest:
                raise InputError(f"{m} photographs cannot be planted: some classes have {fewest} (--sizes)")
            pairs = [(p, i, j) for p in sorted(set(label)) for i in NAMES for j in NAMES if i != j and p not in (i, j)]
            for place, (parent, a, b) in enumerate(pairs):
                rows = rng.permutation(np.flatnonzero(label == parent))
                planted = [rng.choice(np.flatnonzero(label == k), m, replace=False) for k in (a, b)]
                sides = np.r_[rows[:HALF], planted[0]], np.r_[rows[HALF:], planted[1]]
                mass = m / (HALF + m)
                if self.options.pairs is not None and place >= self.options.pairs:
                    continue  # drawn all the same: fewer pairs are the first of all, with the same photographs
                out.append(Case(f"{m}/{parent}/{a}/{b}", f"{m} of {HALF + m}", *sides, a, b, mass, mass, *planted))
        return out

    def make_space(self, progress: Progress) -> Space:
        start = time.perf_counter()
        corel = self.folder / "corel"
        words = (corel / "lvis_words.txt").read_text(encoding="utf8").splitlines()
        vocabulary = Vocabulary(words, np.load(corel / "clip_vit_b_32_lvis_words.npy"))
        vectors = np.load(corel / "clip_vit_b_32_images.npy")
        sae = kept_sae(vectors, concepts=1024, active=16, progress=progress)
        paths = [str(corel / "photos" / f"{i}.jpg") for i in range(len(vectors))]
        seconds = {"SAE": round(time.perf_counter() - start, 3)}
        return Space(vectors, vocabulary, sae, paths=paths, seconds=seconds, **described_by(self.options, paths))

    def report(self, records: Any) -> Report:
        base = super().report(records)
        rows = self.scored(records)
        groups = list(dict.fromkeys(s.group for sides in rows.values() for s in sides))
        named = {row: {g: _named([s for s in sides if s.group == g]) for g in groups} for row, sides in rows.items()}
        body = tuple((row, *values.values()) for row, values in named.items())
        table = Table("Planted class named among five", ("method", *groups), body, "By the LVIS names of the class.")
        figures = {f"{row}: named, {g}": value for row, values in named.items() for g, value in values.items()}
        return Report((table, *base.tables), base.plots, base.notes, {**base.figures, **figures})


def _named(sides: list[Scored]) -> float:
    """Share of sides whose planted class is named among the first five findings."""
    return float(np.mean([not NAMES[s.label].isdisjoint(s.first[:FIRST]) for s in sides])) if sides else float("nan")

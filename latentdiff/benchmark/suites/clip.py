"""``clip``: real CLIP ViT-B/32 vectors of known pictures, a few of one class planted among 200 or 2,000 others."""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np

from ...config import CompareConfig
from ...embed.vocabulary import Vocabulary
from ...errors import InputError
from ...progress import Progress
from .. import evaluation as ev
from ..case_suite import FIRST, CaseSuite, Scored
from ..cases import Case, Space
from ..methods import compared
from ..spaces import kept_sae, language_model, missing_files
from ..suite import Published, Record, Report, Table, Task
from .caption_space import DATA
from .planted_truth import equal_populations

SETS = ("imagenet", "ucf101", "caltech101", "food101", "sun397", "oxford_flowers", "oxford_pets")
LABELLED = ("caltech101", "food101", "sun397", "oxford_flowers")
"""Sets whose classes are planted."""
NAMES = "pairs.json", "words.json", "words.npy", *(f"{s}.npy" for s in SETS), *(f"{s}.json" for s in LABELLED)
FILES = tuple(f"clip_b32/{name}" for name in NAMES)
SIDE, LARGE = 200, 2_000
PLANTED = (4, 10, 20)
DOUBLE = 40
"""Pictures planted among ``LARGE`` beside the 20: 2 %, of classes that have so many."""
PAIRS = 130
"""Pairs of each number planted, half of them on each background."""
DOUBLES = 40
"""Pairs of ``DOUBLE`` planted."""
BACKGROUNDS = SETS[:2]
NULLS, NOTHING = 100, "nothing planted"
"""Pairs of ``SIDE`` images of one background each, in which nothing differs, and their group."""
TRAINED_ON, CONCEPTS, ACTIVE = 18_000, 1024, 16


class Clip(CaseSuite):
    """A and B are images of one background; B has a few of one class instead, whose exact name is asked for, or nothing but that."""

    name = "clip"
    own_options = frozenset({"sizes"})
    help = "CLIP ViT-B/32 vectors of known pictures: 4, 10 or 20 of a class among 200, 20 or 40 among 2,000, or none: is it named exactly?"
    group_name = "planted"

    @property
    def folder(self) -> Any:
        """The data's folder."""
        return self.options.data or DATA

    def missing(self) -> list[str]:
        return missing_files(self.folder, FILES, "CLIP vectors of known pictures")

    def uses(self) -> frozenset[str]:
        return super().uses() - {"captions", "captioner"}  # it has vectors, and no images

    def published_pairs(self) -> dict[str, int]:
        sizes, limit = self.options.sizes or PLANTED, self.options.pairs or PAIRS
        planned = {f"{m} of {SIDE}": min(PAIRS, limit) for m in sizes}
        large = {f"{max(PLANTED)} of {LARGE}": min(PAIRS // 2, limit), f"{DOUBLE} of {LARGE}": min(DOUBLES, limit)}
        return planned | (large if max(PLANTED) in sizes else {})

    def published(self) -> Published:
        of_pairs = super().published()
        if not self._ours():
            return of_pairs
        count = min(NULLS, self.options.pairs or NULLS)
        return Published({**of_pairs.groups, NOTHING: (count, float(count))}, of_pairs.images)

    def make_cases(self) -> list[Case]:
        pairs = json.loads((self.folder / "clip_b32/pairs.json").read_text(encoding="utf8"))
        known = sorted({p["m"] for p in pairs})
        strange = [m for m in self.options.sizes if m not in known]
        if strange:
            raise InputError(f"there are pairs with {', '.join(map(str, known))} pictures planted, none with {strange[0]} (--sizes)")
        start, end = self._places()
        rng, out = np.random.default_rng(self.options.seed), []
        for m in self.options.sizes or PLANTED:
            for i, p in enumerate([p for p in pairs if p["m"] == m][: self.options.pairs]):
                background, planted = start[p["background"]], start[p["planted_set"]] + np.array(p["b_planted"])
                a, b = background + np.array(p["a"]), background + np.array(p["b"])
                key = f"{m}/{p['background']}/{p['word']}/{i}"
                out.append(Case(key, f"{m} of {SIDE}", a, np.r_[b, planted], "", p["word"], mass_b=m / SIDE, planted_b=planted))
                if m == max(PLANTED) and p["background"] == SETS[0]:
                    rows = rng.permutation(np.arange(background, end[p["background"]]))[: 2 * LARGE - m]
                    sides = rows[:LARGE], np.r_[rows[LARGE:], planted]
                    mass = m / LARGE
                    out.append(Case(f"{m} large/{p['word']}/{i}", f"{m} of {LARGE}", *sides, "", p["word"], mass_b=mass, planted_b=planted))
        return out + self._doubled([c for c in out if len(c.rows_a) == LARGE])

    def _doubled(self, cases: list[Case]) -> list[Case]:
        """Pairs of ``LARGE`` with as many pictures of the class again, where there are so many."""
        start, out = self._places()[0], []
        labels = {s: np.array(json.loads((self.folder / f"clip_b32/{s}.json").read_text(encoding="utf8"))["label"]) for s in LABELLED}
        for case in cases:
            there = np.asarray(case.planted_b)
            own = next(s for s in reversed(SETS) if start[s] <= there[0])
            same = np.flatnonzero(labels[own] == labels[own][there[0] - start[own]]) + start[own]
            further = np.setdiff1d(same, there)[: DOUBLE - len(there)]
            planted = np.r_[there, further]
            if len(planted) == DOUBLE:
                rows_b = np.r_[case.rows_b[: LARGE - DOUBLE], planted]
                key, group = case.key.replace("large", "doubled"), f"{DOUBLE} of {LARGE}"
                out.append(Case(key, group, case.rows_a, rows_b, "", case.label_b, mass_b=DOUBLE / LARGE, planted_b=planted))
        return out

    def _places(self) -> tuple[dict[str, int], dict[str, int]]:
        """First row and row after the last of each set among all vectors."""
        ends = np.cumsum([len(np.load(self.folder / f"clip_b32/{s}.npy", mmap_mode="r")) for s in SETS]).tolist()
        return dict(zip(SETS, [0, *ends[:-1]], strict=True)), dict(zip(SETS, ends, strict=True))

    def _nulls(self) -> list[Case]:
        """Random halves of a background, where it has enough images; every second is of the other one."""
        start, end = self._places()
        rng, out = np.random.default_rng([self.options.seed, NULLS]), []
        for i in range(min(NULLS, self.options.pairs or NULLS)):
            own = BACKGROUNDS[i % len(BACKGROUNDS)]
            rows = start[own] + rng.permutation(end[own] - start[own])[: 2 * SIDE]
            if len(rows) == 2 * SIDE:
                out.append(Case(f"{NOTHING}/{own}/{i}", NOTHING, rows[:SIDE], rows[SIDE:], "", ""))
        return out

    def tasks(self) -> list[Task]:
        own = [Task(f"{c.key} | verdict", NOTHING, 1.0, (c, None)) for c in self._nulls()] if self._ours() else []
        return super().tasks() + own

    def _ours(self) -> bool:
        """Whether our own comparison runs, whose verdict is asked where nothing differs."""
        return any(m.name == "latentdiff" for m in self.methods)

    def run(self, task: Task) -> Record:
        case, method = task.payload
        if method is not None:
            return super().run(task)
        start = time.perf_counter()
        c = compared(self.space, case, CompareConfig(seed=self.options.seed))
        found = {"kind": "null", "reported": len(c.hypotheses), "differs": bool(c.differs), "p_value": c.two_sample.p_value}
        return {**found, "seconds": {"latentdiff": round(time.perf_counter() - start, 3)}}

    def make_space(self, progress: Progress) -> Space:
        start = time.perf_counter()
        folder = self.folder / "clip_b32"
        vectors = np.concatenate([np.load(folder / f"{s}.npy") for s in SETS]).astype(np.float32)
        names = [name.lower() for name in json.loads((folder / "words.json").read_text(encoding="utf8"))["names"]]
        rows = list({name: i for i, name in reversed(list(enumerate(names)))}.values())  # each name once, where it stands first
        vocabulary = Vocabulary([names[i] for i in rows], np.load(folder / "words.npy")[rows])
        some = np.random.default_rng(0).permutation(len(vectors))[:TRAINED_ON]
        sae = kept_sae(vectors[some], concepts=CONCEPTS, active=ACTIVE, progress=progress)
        asked = {"language_model": language_model(self.options), "described": self.options.endpoint is not None}
        return Space(vectors, vocabulary, sae, trained_on=vectors[some], seconds={"SAE": round(time.perf_counter() - start, 3)}, **asked)

    def report(self, records: Any) -> Report:
        nulls = [r for r in records if r.get("kind") == "null"]
        records = [r for r in records if r.get("kind") != "null"]
        base = super().report(records)
        rows = self.scored(records)
        groups = list(dict.fromkeys(s.group for sides in rows.values() for s in sides))
        tables: list[Table] = []
        figures: dict[str, float] = {}
        for title, count in (("first", 1), ("among five", FIRST)):
            named = {row: {g: _named([s for s in sides if s.group == g], count) for g in groups} for row, sides in rows.items()}
            body = tuple((row, *values.values()) for row, values in named.items())
            note = "Names as the word list has them, in lower case."
            tables.append(Table(f"Planted class named exactly, {title}", ("method", *groups), body, note))
            figures |= {f"{row}: {title}, {g}": value for row, values in named.items() for g, value in values.items()}
        if nulls:
            table, plot, shares = equal_populations(nulls, CompareConfig().alpha)
            return Report((*tables, table, *base.tables), {**base.plots, **plot}, base.notes, {**base.figures, **figures, **shares})
        return Report((*tables, *base.tables), base.plots, base.notes, {**base.figures, **figures})


def _named(sides: list[Scored], count: int) -> float:
    """Share of sides whose planted class is the exact text of one of the first findings."""
    return float(np.mean([ev.exact_match(s.label, s.first[:count]) for s in sides])) if sides else float("nan")

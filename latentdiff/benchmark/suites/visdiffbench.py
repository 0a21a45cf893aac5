"""``visdiffbench`` and ``purity``: VisDiff's benchmark of 187 pairs, and its hard pairs with images swapped between the sides."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ...compute.cache import JUDGEMENTS, array_digest, recall, remember
from ...progress import Progress
from ..case_suite import FIRST, CaseSuite, curve
from ..cases import Case, Space
from ..spaces import embedded_space, endpoint_of
from ..suite import Curves, Record, Report, Table
from ..visdiffbench_files import PairedSet, read_benchmark

DATA = Path("data")
PUBLISHED = {"PIS easy": 50, "PIS medium": 50, "PIS hard": 50, "ImageNet-R": 14, "ImageNet*": 23}
"""Pairs of each part (VisDiff's table 1)."""
PURITIES, RUNS = (1.0, 0.8, 0.6, 0.4, 0.2, 0.0), 3
Judged = dict[str, dict[str, list[list[int | None]]]]
"""By row of the table and group: the judgements of each pair's findings."""


class VisDiffBench(CaseSuite):
    """PairedImageSets easy, medium and hard, ImageNet-R and ImageNet*."""

    name = "visdiffbench"
    own_options = frozenset({"endpoint", "calls"})  # for the judge, whatever the methods
    help = "VisDiffBench: PairedImageSets easy, medium, hard (150 pairs), ImageNet-R (14) and ImageNet* (23)."
    group_name = "subset"
    photographs = True
    published_images = 49_500

    @cached_property
    def listed(self) -> list[PairedSet]:
        """The pairs that the files name."""
        return read_benchmark(self.options.data or DATA)

    @cached_property
    def left_out(self) -> list[PairedSet]:
        """Pairs of one side, and those of ImageNet-R and ImageNet* without images in the archive: ``ImageNetR.csv`` lists misc."""
        cut = [p for p in self.listed if bool(p.files_a) != bool(p.files_b)]
        lost = [p for p in self.listed if p not in cut and not p.name_b and not Path(p.files_a[0]).is_file()]
        whole = {p.group for p in self.listed if p not in lost}
        return cut + [p for p in lost if p.group in whole]

    @cached_property
    def pairs(self) -> list[PairedSet]:
        """The pairs that are there."""
        return [p for p in self.listed if p not in self.left_out]

    def missing(self) -> list[str]:
        root = self.options.data or DATA
        where = f"unpack it into {root} (or name the folder with --data)"
        if not self.pairs:
            return [f"VisDiffBench: fetch the archive that the README of Understanding-Visual-Datasets/VisDiff links to, {where}, so that "
                    f"{root}/VisDiffBench/easy.jsonl and {root}/VisDiffBench/easy/0_1/000001.jpg exist; its data/*.csv belong into {root}"]
        lost = [f for f in self.files if not Path(f).is_file()]
        lacking = f"{lost[0]} is not there ({len(lost):,} of {len(self.files):,} are not)" if lost else ""
        return [f"images of VisDiffBench: {lacking}; fetch the archive, {where}"] if lost else []

    def published_pairs(self) -> dict[str, int]:
        return {group: min(n, self.options.pairs or n) for group, n in PUBLISHED.items()}

    def about(self) -> list[Table]:
        counts = Counter(p.group for p in self.pairs)
        rows = tuple((group, n, counts.get(group, 0)) for group, n in PUBLISHED.items())
        note = "A part whose file is not here is left out."
        if self.left_out:
            named = ", ".join(f"{p.group} {p.name_a or p.name_b}" for p in self.left_out)
            note += f" So are pairs of which one side has no images: {named}."
        return [Table("Pairs", ("subset", "published", "here"), rows, note)]

    @cached_property
    def files(self) -> list[str]:
        """All images, each once."""
        return list(dict.fromkeys(f for p in self.pairs for f in (*p.files_a, *p.files_b)))

    def images(self) -> int:
        return len(self.files)

    def make_cases(self) -> list[Case]:
        row = {f: i for i, f in enumerate(self.files)}
        out, per_group = [], dict.fromkeys((p.group for p in self.pairs), 0)
        for p in self.pairs:
            per_group[p.group] += 1
            if self.options.pairs is not None and per_group[p.group] > self.options.pairs:
                continue
            a, b = (np.array([row[f] for f in files]) for files in (p.files_a, p.files_b))
            out.append(Case(f"{p.group}/{per_group[p.group]} {p.name_a}", p.group, a, b, p.name_a, p.name_b))
        return out

    def make_space(self, progress: Progress) -> Space:
        return embedded_space(self.files, self.options, progress)

    def report(self, records: Sequence[Record]) -> Report:
        base = super().report(records)
        if self.options.endpoint is None:
            note = "Acc@k needs a judge: --endpoint URL,MODEL (VisDiff took GPT-4)."
            return dataclasses.replace(base, notes=(*base.notes, note))
        judged = self.judgements(records)
        lost = sum(j is None for own in judged.values() for group in own.values() for pair in group for j in pair)
        notes = (*base.notes, f"{lost} judgements of {self.options.endpoint} could not be read; each counts 0.") if lost else base.notes
        return dataclasses.replace(base, tables=(self._accuracy(judged), *base.tables), notes=notes)

    def _accuracy(self, judged: Judged) -> Table:
        """Acc@1 and Acc@5 of set A's description by group, judged as VisDiff does."""
        from ..judge import accuracies

        groups = list(dict.fromkeys(group for own in judged.values() for group in own))
        header = ("method", *(f"{g} Acc@{k}" for g in groups for k in (1, FIRST)))
        body = [(row, *(value for g in groups for value in accuracies(own[g]).values())) for row, own in judged.items()]
        return Table("Acc@k", header, tuple(body), f"Judged 2, 1 or 0 by {self.options.endpoint}; the best of k, halved.")

    def judgements(self, records: Sequence[Record]) -> Judged:
        """By row and group: the language model's judgements of the first five findings of every set A; kept, since they cost money."""
        from ..judge import judge

        made = None if self._space is None else self._space.language_model
        endpoint = endpoint_of(self.options) if made is None else made.endpoint  # one budget for all that is asked
        cases = {f"{c.key} | {m.name}": c for c in self.cases for m in self.methods}
        out: Judged = {}
        for record in records:
            case = cases[record["task"]]
            for row, found in record["rows"].items():
                phrases = [f[0] for f in found["A"][:FIRST]]
                other = case.label_b or "ordinary photographs of the same things"
                key = array_digest(np.zeros(0), self.options.endpoint or "", case.label_a, other, *phrases)
                kept = recall(JUDGEMENTS, key)
                if kept is None:
                    kept = {"scores": judge(endpoint, case.label_a, other, phrases)}
                    if None not in kept["scores"]:  # what could not be read is asked for again
                        remember(JUDGEMENTS, key, kept)
                out.setdefault(row, {}).setdefault(case.group, []).append(kept["scores"])
        return out


class Purity(VisDiffBench):
    """The hard pairs with images swapped between the sides, three times each."""

    name = "purity"
    own_options = frozenset({"runs"})
    help = "PairedImageSets-Hard with images swapped between the sides, from 100 % purity down to 0 (VisDiff section 5.4)."
    group_name = "purity"
    published_images = 10_000

    def published_pairs(self) -> dict[str, int]:
        hard, runs = super().published_pairs()["PIS hard"], self.options.runs or RUNS
        return {f"{100 * p:.0f} %": hard * (runs if p < 1 else 1) for p in PURITIES}

    def about(self) -> list[Table]:
        return [Table("Pairs", ("subset", "published", "here"), (("PIS hard", PUBLISHED["PIS hard"], len(self.pairs)),))]

    @cached_property
    def listed(self) -> list[PairedSet]:
        return [p for p in read_benchmark(self.options.data or DATA) if p.group == "PIS hard"]

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "purities": PURITIES}

    def make_cases(self) -> list[Case]:
        from ...methods.purity import swap_for_purity

        out = []
        for case in super().make_cases():
            for purity in PURITIES:
                # Without a swap there is nothing to draw, so nothing to repeat.
                for run in range(self.options.runs or RUNS if purity < 1 else 1):
                    a, b = swap_for_purity(case.rows_a.tolist(), case.rows_b.tolist(), purity, self.options.seed + run)
                    key, group = f"{case.key}/{purity:g}/{run}", f"{100 * purity:.0f} %"
                    out.append(dataclasses.replace(case, key=key, group=group, rows_a=np.array(a), rows_b=np.array(b)))
        return out

    def report(self, records: Sequence[Record]) -> Report:
        base, rows = super().report(records), self.scored(records)
        groups = {f"{100 * p:.0f} %": 100 * p for p in PURITIES}
        curves = {row: curve(sides, groups) for row, sides in rows.items()}
        plot = Curves("Cosine by purity", curves, "purity (%)", "cosine")
        return dataclasses.replace(base, plots={"purity": plot, **base.plots})

"""A suite of pairs with known labels: runs methods on them and scores what they find."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import InputError
from ..progress import Progress, silent
from . import evaluation as ev
from .cases import SIDES, Case, Findings, Space
from .choices import file_mark
from .methods import Method, chosen, run_method
from .suite import Bars, Curves, Options, Points, Published, Record, Report, Suite, Table, Task
from .weights import embedding_seconds, missing_captioner, missing_judge, missing_weights

FIRST = 5
"""Findings that are scored."""


class Scored:
    """One side of one pair by one row of the table."""

    def __init__(self, case: Case, side: str, found: Findings) -> None:
        self.case, self.group, self.label, self.mass = case.key, case.group, case.label(side), case.mass(side)
        self.in_side = case.key, side
        self.findings = found.of(side)
        self.first = [f[0] for f in self.findings]
        self.planted = found.planted_a if side == "A" else found.planted_b
        self.cosines: list[float] = []
        self.words_cosine = 0.0

    def judge(self, judge: ev.SentenceJudge) -> None:
        """Score the phrases by the sentence model."""
        self.cosines = judge.cosines(self.label, self.first).tolist()
        self.words_cosine = ev.label_cosine(judge, self.label, [w for f in self.findings[:FIRST] for w in f])

    @property
    def cosine(self) -> float:
        """Largest cosine among the first five; 0 where nothing was found."""
        return max(self.cosines[:FIRST], default=0.0)


class CaseSuite(Suite):
    """Subclasses say which cases there are and in which space they lie."""

    default_methods: tuple[str, ...] = ("latentdiff", "paper", "visdiff", "gsclip", "mean")
    group_name = "parent"
    photographs = False
    """Whether its images are embedded by an encoder of the user's choice."""
    judged = True
    """Whether phrases are scored by the sentence model."""
    published_images = 0
    """Photographs of the published data, about."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.methods = self.make_methods()
        self._space: Space | None = None

    def make_methods(self) -> list[Method]:
        """The methods that were asked for."""
        return chosen(self.options.methods, self.default_methods)

    @cached_property
    def cases(self) -> list[Case]:
        """All pairs."""
        return self.make_cases()

    def make_cases(self) -> list[Case]:
        """Read the labels and make the pairs."""
        raise NotImplementedError

    def make_space(self, progress: Progress) -> Space:
        """Vectors, vocabulary and SAE of all images."""
        raise NotImplementedError

    @property
    def space(self) -> Space:
        """The space, made when first needed."""
        if self._space is None:
            self._space = self.make_space(silent)
        return self._space

    def uses(self) -> frozenset[str]:
        out = super().uses() | {"data", "pairs", "methods"}
        if self.judged:
            out |= {"judge"}
        if self.photographs:
            out |= {"encoder", "pretrained", "sae", "vocabulary"}
        if any(m.reads_captions for m in self.methods):
            out |= {"captions", "captioner", "endpoint", "calls"}
        return out

    def sends(self) -> str:
        what = super().sends()
        return what.replace(" and ", ", ") + " and images" if what and any(m.shows_images for m in self.methods) else what

    def downloads(self) -> list[str]:
        out = missing_weights(self.options) if self.photographs else []
        out += missing_judge(self.options.judge) if self.judged else []
        return out + (missing_captioner(self.options.captioner) if "captioner" in self.uses() else [])

    def preparation(self, images: int) -> list[tuple[str, int, float]]:
        seconds = embedding_seconds(images, self.options)
        pace = f", {images / seconds:.2g} a second here" if seconds > 0 else ""  # NaN where the encoder's cost is unknown
        return [(f"embedding of images{pace}", images, seconds)] if images else []

    def published_pairs(self) -> Mapping[str, int]:
        """Pairs of the published data by group, of those that are asked for."""
        return {}

    def published(self) -> Published:
        a_pair = sum(m.seconds for m in self.methods)
        groups = {group: (n * len(self.methods), n * a_pair) for group, n in self.published_pairs().items()}
        return Published(groups, self.published_images)

    def settings(self) -> dict[str, Any]:
        """Everything but the methods: a method that is added later joins the records."""
        o = self.options
        return {"seed": o.seed, "encoder": [o.encoder, o.pretrained], "sae": o.sae, "vocabulary": file_mark(o.vocabulary),
                "captions": file_mark(o.captions), "captioner": o.captioner, "endpoint": o.endpoint}

    def tasks(self) -> list[Task]:
        return [Task(f"{c.key} | {m.name}", c.group, m.seconds, (c, m)) for c in self.cases for m in self.methods]

    def prepare(self, progress: Progress) -> dict[str, float]:
        if self.judged:  # before hours of work, not after them
            self.judge.vectors(["a word"])
        self._space = self.make_space(progress)
        for method in self.methods:
            lacking = method.needs(self._space)
            if lacking:
                raise InputError(f"{method.name} cannot run on {self.name}: {lacking}")
        return self._space.seconds

    def run(self, task: Task) -> Record:
        case, method = task.payload
        start = time.perf_counter()
        rows = run_method(method, self.space, case, self.options.seed)
        return {"rows": rows, "seconds": {method.name: round(time.perf_counter() - start, 3)}}

    @cached_property
    def judge(self) -> ev.SentenceJudge:
        """The sentence model that scores phrases."""
        return ev.load_sentence_judge(self.options.judge)

    def scored(self, records: Sequence[Record]) -> dict[str, list[Scored]]:
        """By row of the table: every side that has a label, judged."""
        cases = {f"{c.key} | {m.name}": c for c in self.cases for m in self.methods}
        out: dict[str, list[Scored]] = {}
        for record in records:
            case = cases[record["task"]]
            for row, found in record["rows"].items():
                parsed = Findings.from_dict(found)
                out.setdefault(row, []).extend(Scored(case, side, parsed) for side in SIDES if case.label(side))
        for sides in out.values():
            for s in sides:
                s.judge(self.judge)
        return out

    def report(self, records: Sequence[Record]) -> Report:
        rows = self.scored(records)
        floors = self.floors(next(iter(rows.values()), []))
        tables = (self._overall(rows, floors), self._by_group(rows))
        figures = {f"{row}: cosine": float(np.mean([s.cosine for s in sides])) for row, sides in rows.items()}
        notes = [f"Phrases are judged by {self.judge.name}.", *self._of_paper_mode(rows)]
        if self.options.endpoint is None and any(m.name == "visdiff" for m in self.methods):
            notes.append("VisDiff proposes by word statistics: no --endpoint was given. What its t-test drops is no finding.")
        return Report(tables, self._plots(rows, floors), tuple(notes), {**figures, **floors})

    def _of_paper_mode(self, rows: Mapping[str, Any]) -> list[str]:
        if not any(row.startswith("paper mode") for row in rows):
            return []
        said = ["Paper mode takes the paper's bins to the letter: a concept that fires in less than a quarter of the images lies in one "
                "bin, and its divergence is 0. Where no concept is left, its row has exemplar phrases alone, or nothing."]
        if self.options.endpoint is None:
            said.append("Paper mode's exemplars are described by word statistics: no --endpoint was given.")
        return said

    def floors(self, sides: Sequence[Scored]) -> dict[str, float]:
        """What 5 and 25 random words of the vocabulary score on the same labels; a vocabulary of fewer words has no such floor."""
        labels, words = [s.label for s in sides], self.floor_words()
        return {f"{k} random words": ev.random_floor(self.judge, labels, words, k) for k in (5, 25) if labels and k <= len(words)}

    def floor_words(self) -> Sequence[str]:
        """Words that a floor draws from."""
        return self.space.vocabulary.words

    def _overall(self, rows: dict[str, list[Scored]], floors: dict[str, float]) -> Table:
        header = ("method", "sides", "cosine", "std", "best of 5 words each", "ρ(scarcity)", "exact@1", "exact@5", "synonym@1", "synonym@5",
                  "planted among 10")
        body: list[tuple[Any, ...]] = []
        for row, sides in rows.items():
            cosine = [s.cosine for s in sides]
            match = [np.mean([m(s.label, s.first[:k]) for s in sides]) for m in (ev.exact_match, ev.synonym_match) for k in (1, FIRST)]
            planted = [s.planted for s in sides if np.isfinite(s.planted)]
            body.append((row, len(sides), float(np.mean(cosine)), float(np.std(cosine)), float(np.mean([s.words_cosine for s in sides])),
                         self._scarcity(sides), *map(float, match), float(np.mean(planted)) if planted else float("nan")))
        blank = (float("nan"),) * (len(header) - 3)
        body += [(name, "", value, *blank) for name, value in floors.items()]
        note = "Cosine: best of five findings, one phrase each, with the label. ρ: Pearson with -log10(mass), groups pooled by Fisher's z."
        return Table("All pairs", header, tuple(body), note)

    def _scarcity(self, sides: Sequence[Scored]) -> float:
        per_group = []
        for group in dict.fromkeys(s.group for s in sides):
            own = [s for s in sides if s.group == group and np.isfinite(s.mass)]
            if len(own) >= 5:  # a correlation of fewer says nothing, and its z is unbounded
                per_group.append(ev.scarcity_correlation([s.cosine for s in own], [s.mass for s in own]))
        return ev.fisher_pool(per_group)

    def _by_group(self, rows: dict[str, list[Scored]]) -> Table:
        groups = list(dict.fromkeys(s.group for sides in rows.values() for s in sides))
        body = []
        for group in groups:
            own = [[s.cosine for s in sides if s.group == group] for sides in rows.values()]
            pairs = len({s.case for sides in rows.values() for s in sides if s.group == group})
            body.append((group, pairs, *(float(np.mean(v)) if v else float("nan") for v in own)))
        return Table(f"Cosine by {self.group_name}", (self.group_name, "pairs", *rows), tuple(body))

    def _plots(self, rows: dict[str, list[Scored]], floors: dict[str, float]) -> dict[str, Any]:
        groups = tuple(dict.fromkeys(s.group for sides in rows.values() for s in sides))
        by = {row: [[s.cosine for s in sides if s.group == g] for g in groups] for row, sides in rows.items()}
        means = {row: [float(np.mean(v)) if v else 0.0 for v in values] for row, values in by.items()}
        errors = {row: [float(np.std(v)) if v else 0.0 for v in values] for row, values in by.items()}
        plots: dict[str, Any] = {"cosine": Bars(f"Cosine with the label, by {self.group_name}", groups, means, errors, "cosine", floors)}
        points = {row: _finite([-np.log10(s.mass) for s in sides], [s.cosine for s in sides]) for row, sides in rows.items()}
        if any(len(x) for x, _ in points.values()):
            plots["scarcity"] = Points("Cosine against scarcity of the mode", points, "-log10(mass)", "cosine")
        covered = {row: ev.joint_coverage([s.cosines[:FIRST] for s in sides]) for row, sides in rows.items()}
        curves = {row: (c.thresholds.tolist(), c.aligned.tolist()) for row, c in covered.items()}
        plots["coverage"] = Curves("Aligned findings among five, by threshold", curves, "cosine threshold", "findings of a side")
        return plots


def curve(sides: Sequence[Scored], groups: Mapping[str, float]) -> tuple[list[float], list[float]]:
    """Mean cosine of each group that is done, over the number that the group stands for."""
    found = {x: [s.cosine for s in sides if s.group == group] for group, x in groups.items()}
    return [x for x, own in found.items() if own], [float(np.mean(own)) for own in found.values() if own]


def _finite(x: Sequence[float], y: Sequence[float]) -> tuple[list[float], list[float]]:
    kept = [(float(a), float(b)) for a, b in zip(x, y, strict=True) if np.isfinite(a)]
    return [a for a, _ in kept], [b for _, b in kept]

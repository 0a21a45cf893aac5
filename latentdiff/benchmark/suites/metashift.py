"""``metashift``: which of a closed set of labels tells two subsets of one class apart (GSCLIP's task, paper appendix C)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from ...config import CompareConfig
from ...embed.words import read_phrases
from ...errors import InputError
from ...progress import Progress
from ...results.comparison import Comparison
from ..case_suite import CaseSuite
from ..cases import Case, Findings, Space
from ..evaluation import closed_set_hit
from ..methods import Method, Run, compared, present_names
from ..spaces import embedded_space
from ..suite import Bars, Record, Report, Table

DATA = Path("MetaShift/MetaDataset-full")
LABELS, PAIRS, FEWEST = 66, 100, 25
"""Size of GSCLIP's answer space, its number of pairs, and MetaShift's own least number of images a subset."""
KS = (1, 3, 5)
IMAGES = (".jpg", ".jpeg", ".png")
_SUBSET = re.compile(r"^(.+)\((.+)\)$")


def read_subsets(root: Path) -> dict[tuple[str, str], list[Path]]:
    """Files by (class, context) of the folder that MetaShift's ``generate_full_MetaShift.py`` makes: ``cat/cat(sofa)/<id>.jpg``."""
    out = {}
    for folder in sorted(root.glob("*/*(*)")):
        match = _SUBSET.match(folder.name)
        if match and folder.is_dir():
            out[match[1].strip(), match[2].strip()] = sorted(f for f in folder.iterdir() if f.suffix.lower() in IMAGES)
    return out


class MetaShift(CaseSuite):
    """100 random pairs of subsets of one class; right is a label of either side."""

    name = "metashift"
    own_options = frozenset({"sizes"})
    help = "MetaShift: the label, of 66, that tells two subsets of a class apart; 100 random pairs, either side's label counts."
    group_name = "class"
    photographs, judged = True, False

    def make_methods(self) -> list[Method]:
        known = {
            "latentdiff": Method("latentdiff", "LatentDiff", _labels("LatentDiff", lambda seed: CompareConfig(seed=seed, compounds=False))),
            "paper": Method("paper", "paper mode", _labels("paper mode", lambda seed: CompareConfig.paper(seed=seed, compounds=False))),
            "gsclip": Method("gsclip", "GSCLIP", _gsclip),
            "gsclip-pairs": Method("gsclip-pairs", "GSCLIP as published: all pairs of phrases made of class and label", _gsclip_pairs),
        }
        wanted = present_names(self.options.methods)
        wrong = [name for name in wanted if name not in known]
        if wrong:
            raise InputError(f"metashift has the methods {', '.join(known)}, not {wrong[0]!r}")
        return [m for name, m in known.items() if not wanted or name in wanted]

    @cached_property
    def subsets(self) -> dict[tuple[str, str], list[Path]]:
        """Subsets with enough images."""
        if len(self.options.sizes) > 1:
            raise InputError(f"metashift takes one number, the fewest images of a subset, not {self.options.sizes} (--sizes)")
        (fewest,) = self.options.sizes or (FEWEST,)
        return {key: files for key, files in read_subsets(self.options.data or DATA).items() if len(files) >= fewest}

    def missing(self) -> list[str]:
        root = self.options.data or DATA
        if self.subsets:
            return []
        return [
            f"MetaShift: run dataset/generate_full_MetaShift.py of Weixin-Liang/MetaShift on the GQA images (its README says how), so that "
            f"{root}/cat/cat(sofa)/<id>.jpg exist, at least {FEWEST} images a subset (or name the folder with --data)"
        ]

    def published_pairs(self) -> dict[str, int]:
        return {"random pairs": min(PAIRS, self.options.pairs or PAIRS)}

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "labels": list(self.labels)}

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The answer space: the words of ``--vocabulary``, else the contexts with most images, 66 of them."""
        if self.options.vocabulary is not None:
            return read_phrases(self.options.vocabulary)
        images: dict[str, int] = {}
        for (_, context), files in self.subsets.items():
            images[context] = images.get(context, 0) + len(files)
        return tuple(sorted(sorted(images, key=lambda c: (-images[c], c))[:LABELS]))

    @cached_property
    def files(self) -> list[Path]:
        """All images, each once (an image of two subsets lies in both folders)."""
        by_name: dict[str, Path] = {}
        for files in self.subsets.values():
            for f in files:
                by_name.setdefault(f.name, f)
        return list(by_name.values())

    def make_cases(self) -> list[Case]:
        row = {f.name: i for i, f in enumerate(self.files)}
        allowed = set(self.labels)
        pairs = [
            (one, other)
            for one, other in combinations(sorted(self.subsets), 2)
            if one[0] == other[0] and {one[1], other[1]} <= allowed and self._apart(one, other)
        ]
        count = min(self.options.pairs or PAIRS, len(pairs))
        chosen = np.random.default_rng(self.options.seed).permutation(len(pairs))[:count]
        out = []
        for i in sorted(chosen.tolist()):
            one, other = pairs[i]
            a, b = ({row[f.name] for f in self.subsets[key]} for key in (one, other))
            rows = np.array(sorted(a - b)), np.array(sorted(b - a))
            out.append(Case(f"{one[0]}/{one[1]}/{other[1]}", one[0], *rows, one[1], other[1]))
        return out

    def _apart(self, one: tuple[str, str], other: tuple[str, str]) -> bool:
        """Whether enough images are left once those of both subsets are dropped."""
        a, b = ({f.name for f in self.subsets[key]} for key in (one, other))
        return min(len(a - b), len(b - a)) >= 20

    def images(self) -> int:
        return len(self.files)

    def make_space(self, progress: Progress) -> Space:
        return embedded_space([str(f) for f in self.files], self.options, progress, words=self.labels)

    def report(self, records: Sequence[Record]) -> Report:
        cases = {f"{c.key} | {m.name}": c for c in self.cases for m in self.methods}
        hits: dict[str, list[list[bool]]] = {}
        for record in records:
            case = cases[record["task"]]
            for row, found in record["rows"].items():
                ranked = [f[0] for f in found["A"]]
                hits.setdefault(row, []).append([closed_set_hit(ranked, (case.label_a, case.label_b), k) for k in KS])
        share = {row: np.mean(own, axis=0).tolist() for row, own in hits.items()}
        body = tuple((row, len(hits[row]), *values) for row, values in share.items())
        table = Table(f"Right label among {len(self.labels)}", ("method", "pairs", *(f"top-{k}" for k in KS)), body, "Either side counts.")
        plot = Bars("Right label among the first k", tuple(f"top-{k}" for k in KS), share, {}, "share of pairs")
        figures = {f"{row}: top-{k}": v for row, values in share.items() for k, v in zip(KS, values, strict=True)}
        return Report((table,), {"metashift": plot}, (), figures)


def _row(name: str, c: Comparison) -> dict[str, Findings]:
    """One ranked list over both sides, each label once."""
    ranked = dict.fromkeys(h.text for h in sorted(c.candidates, key=lambda h: -h.score))
    return {name: Findings(tuple((label,) for label in ranked), ())}


def _labels(name: str, config: Callable[[int], CompareConfig]) -> Run:
    """Our comparison with the labels as its vocabulary; compounds of labels are no labels."""
    return lambda space, case, seed: _row(name, compared(space, case, config(seed)))


def _gsclip_pairs(space: Space, case: Case, seed: int) -> Mapping[str, Findings]:
    """Every pair of "a photo of a cat and a sofa" and "a photo of a cat and a dog": GSCLIP's rule-based generator and pairwise form."""
    from ...embed.vocabulary import Vocabulary
    from ...methods.generators import rule_bank
    from ...methods.gsclip import gsclip

    label, encode = rule_bank(case.group, space.vocabulary.words), space.encode_texts
    if encode is None:
        raise InputError("phrases made of class and label need a text encoder; leave gsclip-pairs out (--methods)")
    a, b = space.vectors[case.rows_a], space.vectors[case.rows_b]
    found = gsclip(a, b, Vocabulary(list(label), encode(list(label))), form="pairs", config=CompareConfig(seed=seed))
    ranked = dict.fromkeys(label[h.text] for h in sorted(found.candidates, key=lambda h: -h.score))
    return {"GSCLIP, pairs": Findings(tuple((name,) for name in ranked), ())}


def _gsclip(space: Space, case: Case, seed: int) -> Mapping[str, Findings]:
    from ...methods.gsclip import gsclip

    labels = space.vocabulary.words
    a, b = space.vectors[case.rows_a], space.vectors[case.rows_b]
    return _row("GSCLIP", gsclip(a, b, space.vocabulary, negations=space.negations(), candidates=labels, config=CompareConfig(seed=seed)))

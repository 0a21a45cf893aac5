"""``visdiff-parts``: VisDiff's table of proposers and rankers, its ranking metrics, and no ranker, on VisDiffBench."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from ...errors import InputError
from ...methods.visdiff import VisDiffConfig
from ..cases import Case, Findings, Space
from ..methods import Method, Run
from ..suite import Record, Report, Table, Task
from ..visdiff_rows import METRICS, answering_ranker, caption_proposer, clip_ranker, feature_proposer, grid_proposer, visdiff_rows
from ..weights import captioner_kind
from .visdiffbench import VisDiffBench

NEEDS = {"caption-qa": "endpoint", "image-vqa": "endpoint", "grid": "endpoint", "feature": "captioner"}
"""Method → the option without which there is none."""


class VisDiffParts(VisDiffBench):
    """One row per pair of proposer and ranker, to the letter, and what the phrases found tell of single images."""

    name = "visdiff-parts"
    help = "VisDiff's proposers and rankers (its tables 2 and 8, appendices C.5 and D.5) on VisDiffBench."

    def make_methods(self) -> list[Method]:
        known = {m.name: m for m in self.variants()}
        wrong = [name for name in self.options.methods if name not in known]
        if wrong:
            raise InputError(f"{self.name} compares {', '.join(known)}, not {wrong[0]!r}")
        asked = self.options.methods or [name for name in known if name not in self.lacking]
        refused = next((name for name in asked if name in self.lacking), None)
        if refused:
            raise InputError(f"{refused} needs --{NEEDS[refused]}" + (" with a BLIP-2 model" if refused == "feature" else " URL,MODEL"))
        return [m for name, m in known.items() if name in asked]

    @property
    def lacking(self) -> list[str]:
        """Methods for which an option is not given, or is of no use: the feature proposer needs a BLIP-2."""
        out = [name for name, option in NEEDS.items() if getattr(self.options, option) is None]
        captioner = self.options.captioner
        return [*out, *(["feature"] if captioner is not None and captioner_kind(captioner) not in (None, "blip-2") else [])]

    def variants(self) -> list[Method]:
        """What is compared."""
        titles = {
            "caption": "captions and a language model; CLIP, in five ways",
            "caption-qa": "captions and a language model; a language model asked about every caption",
            "image-vqa": "captions and a language model; a vision model asked about every image",
            "grid": "a vision model shown 4 x 10 images; CLIP",
            "feature": "BLIP-2's difference of embeddings; CLIP",
        }
        runs = {"caption": _captions, "caption-qa": _answers("caption-qa"), "image-vqa": _answers("image-vqa"), "grid": _grid,
                "feature": _feature}  # fmt: skip
        shown = ("image-vqa", "grid")
        out = [Method(name, titles[name], run, reads_captions=True, shows_images=name in shown) for name, run in runs.items()]
        return [dataclasses.replace(m, needs=_lacks_blip2) if m.name == "feature" else m for m in out]

    def run(self, task: Task) -> Record:
        record = super().run(task)
        case, _ = task.payload
        record["classified"] = {row: self._classified(case, Findings.from_dict(found)) for row, found in record["rows"].items()}
        return record

    def _classified(self, case: Case, found: Findings) -> float | None:
        """Share of images nearest to a phrase of their own side; None where a side has none, or phrases have no vectors."""
        from ...methods.classification import classification_accuracy

        encode, phrases = self.space.encode_texts, [[f[0] for f in own] for own in (found.a, found.b)]
        if encode is None or not all(phrases):
            return None
        x = self.space.vectors
        return classification_accuracy(x[case.rows_a], x[case.rows_b], phrases[0], phrases[1], encode)

    def report(self, records: Sequence[Record]) -> Report:
        base = super().report(records)
        notes = list(base.notes)
        if self.lacking and not self.options.methods:
            missing = ", ".join(f"{name} (--{NEEDS[name]})" for name in self.lacking)
            notes.append(f"Left out, because their option was not given, or names a captioner that is no BLIP-2: {missing}.")
        return dataclasses.replace(base, tables=(*base.tables, self._told_apart(records)), notes=tuple(notes))

    def _told_apart(self, records: Sequence[Record]) -> Table:
        found: dict[str, list[float]] = {}
        for record in records:
            for row, share in record["classified"].items():
                found.setdefault(row, []).extend([] if share is None else [share])
        body = tuple((row, len(own), float(np.mean(own)) if own else float("nan")) for row, own in found.items())
        note = "Share of images nearest to a phrase of their own side, ten phrases a side at most; .5 is chance (VisDiff, appendix D.5)."
        return Table("Images told apart by the phrases found", ("method", "pairs", "share"), body, note)


def _lacks_blip2(space: Space) -> str:
    kind = space.captioner.model.model.config.model_type
    return "" if kind == "blip-2" else f"the captioner is a {kind} model, not a BLIP-2; leave feature out (--methods)"


def _captions(space: Space, case: Case, seed: int) -> Mapping[str, Findings]:
    plain = clip_ranker(space, False)
    rankings = {
        "caption, CLIP": (plain, VisDiffConfig.paper()),
        "caption, CLIP, centred": (clip_ranker(space, True), VisDiffConfig.paper(cosine="centred")),
        **{f"caption, CLIP, {name}": (plain, VisDiffConfig.paper(rank_by=by)) for name, by in METRICS.items()},
    }
    return visdiff_rows(space, case, seed, caption_proposer(space, case), rankings)


def _answers(kind: str) -> Run:
    def run(space: Space, case: Case, seed: int) -> Mapping[str, Findings]:
        ranking = {f"caption, {kind}": (answering_ranker(space, case, kind), VisDiffConfig.paper())}
        return visdiff_rows(space, case, seed, caption_proposer(space, case), ranking)

    return run


def _grid(space: Space, case: Case, seed: int) -> Mapping[str, Findings]:
    return visdiff_rows(space, case, seed, grid_proposer(space), {"image grid, CLIP": (clip_ranker(space, False), VisDiffConfig.paper())})


def _feature(space: Space, case: Case, seed: int) -> Mapping[str, Findings]:
    return visdiff_rows(space, case, seed, feature_proposer(space), {"feature, CLIP": (clip_ranker(space, False), VisDiffConfig.paper())})

"""``mixes``, ``exemplars``, ``sensitivity``: the paper's ablations, on COCO's photographs or (``--split caption-space``) captions."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ...config import CompareConfig
from ...describe.config import DescribeConfig
from ...embed.sides import Sides
from ...errors import InputError
from ...progress import Progress
from ..case_suite import CaseSuite
from ..cases import SIDES, Case, Findings, Space, planted_share
from ..describing import described_phrases, describer_of
from ..methods import METHODS, Method, compared, findings_of, latentdiff_rows, paper_mode, present_names
from ..spaces import kept_sae
from ..suite import Curves, Published, Record, Report, Table
from .caption_space import CaptionSpace
from .coco import NoisyDiffCoco

MIXES = {f"{p} + {5 - p}": (p, 5 - p) for p in range(5, -1, -1)}
EXEMPLARS = (3, 5, 10, 20, 50, 100)
EXPANSIONS, ACTIVE = (2, 4, 8, 16, 64), (5, 20, 30, 50)
MONOSEMANTIC, PRUNED, WORDS = (0.25, 0.5, 0.75, 1.0), (0.05, 0.1, 0.15, 0.2), (3, 5, 7, 10)
PAPER_ACTIVE = 20


class Ablation(CaseSuite):
    """Takes its pairs and vectors from COCO's photographs or from caption space."""

    def make_methods(self) -> list[Method]:
        known = {m.name: m for m in self.variants()}
        wanted = present_names(self.options.methods)
        unknown = [name for name in wanted if name not in known]
        if unknown:
            raise InputError(f"{self.name} compares {', '.join(known)}, not {unknown[0]!r}")
        return [m for name, m in known.items() if not wanted or name in wanted]

    def variants(self) -> list[Method]:
        """What is compared."""
        raise NotImplementedError

    @cached_property
    def source(self) -> CaseSuite:
        """Where pairs and vectors come from."""
        options = dataclasses.replace(self.options, methods=())
        return CaptionSpace(options) if options.split == "caption-space" else NoisyDiffCoco(options)

    own_options = frozenset({"split"})

    @property
    def photographs(self) -> bool:  # type: ignore[override]
        """As its source."""
        return self.source.photographs

    def uses(self) -> frozenset[str]:
        own = super().uses()
        return own - {"captions", "captioner"} if isinstance(self.source, CaptionSpace) else own

    def missing(self) -> list[str]:
        return self.source.missing()

    def images(self) -> int:
        return self.source.images()

    def about(self) -> list[Table]:
        return self.source.about()

    def published_pairs(self) -> Mapping[str, int]:
        return self.source.published_pairs()

    def published(self) -> Published:
        return dataclasses.replace(super().published(), images=self.source.published_images)

    def preparation(self, images: int) -> list[tuple[str, int, float]]:
        return self.source.preparation(images)

    def settings(self) -> dict[str, Any]:
        return {**self.source.settings(), "source": self.source.name}

    def make_cases(self) -> list[Case]:
        return self.source.cases

    def make_space(self, progress: Progress) -> Space:
        return self.source.make_space(progress)

    def floor_words(self) -> Sequence[str]:
        return self.source.floor_words() if self.options.split == "caption-space" else super().floor_words()


class Mixes(Ablation):
    """Five findings, of which 5 to 0 are concepts (paper appendix D)."""

    name = "mixes"
    help = "Concepts and exemplar phrases among five findings, from 5 + 0 to 0 + 5 (paper appendix D)."

    def variants(self) -> list[Method]:
        mine = latentdiff_rows("LatentDiff", lambda seed: CompareConfig(seed=seed), MIXES)
        literal = Method("paper", "LatentDiff, the paper's literal choices", paper_mode("paper mode", MIXES), reads_captions=True)
        return [Method("latentdiff", "LatentDiff", mine, reads_captions=True), literal]


class Exemplars(Ablation):
    """Phrases from the captions of 3 to 100 exemplars a side (paper figure 4)."""

    name = "exemplars"
    own_options = frozenset({"split", "sizes"})
    help = "Captions of 3 to 100 exemplars a side, aggregated to phrases; VisDiff, which samples at random, beside them (paper figure 4)."

    def variants(self) -> list[Method]:
        return [Method("described", "phrases from exemplars", self._described, reads_captions=True), METHODS["visdiff"]]

    @property
    def counts(self) -> tuple[int, ...]:
        """Exemplars a side."""
        return self.options.sizes or EXEMPLARS

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "exemplars": self.counts}

    def _described(self, space: Space, case: Case, seed: int) -> Mapping[str, Findings]:
        from ...stats.density_ratio import cross_fit

        config, sides = CompareConfig(seed=seed), Sides(space.vectors[case.rows_a], space.vectors[case.rows_b])
        codes = space.sae.encode(np.concatenate([space.vectors[case.rows_a], space.vectors[case.rows_b]]))
        ratio = cross_fit(sides, sides.in_a, codes, config.penalties, config.folds, seed).in_sample
        planted = [planted_share(case, s, t) for s, t in zip(SIDES, (ratio[: sides.n_a], -ratio[sides.n_a :]), strict=True)]
        out = {}
        for k in self.counts:
            describer = describer_of(space, case, DescribeConfig(exemplars=k))
            describer.check(sides, space.vocabulary)
            phrases = described_phrases(describer.describe(sides, ratio, space.vocabulary, seed).info, case)
            a, b = (tuple((p,) for p in phrases[s]) for s in SIDES)
            out[f"{k} exemplars"] = Findings(a, b, *planted)
        return out

    def report(self, records: Sequence[Record]) -> Report:
        base, rows = super().report(records), self.scored(records)
        curves: dict[str, tuple[list[float], list[float]]] = {}
        for name, k in (("the first phrase", 1), ("the best of five", 5)):
            if f"{self.counts[0]} exemplars" not in rows:  # VisDiff alone
                break
            means = [float(np.mean([max(s.cosines[:k], default=0.0) for s in rows[f"{c} exemplars"]])) for c in self.counts]
            curves[name] = ([float(c) for c in self.counts], means)
        lines = {}
        if "VisDiff" in rows:
            lines["VisDiff, the first phrase"] = float(np.mean([max(s.cosines[:1], default=0.0) for s in rows["VisDiff"]]))
        plot = Curves("Cosine by number of exemplars", curves, "exemplars a side", "cosine", log_x=True, lines=lines)
        return dataclasses.replace(base, plots={"exemplars": plot, **base.plots})


class Sensitivity(Ablation):
    """Every row of the paper's appendix F: words per concept, monosemanticity, dominance, SAE size and sparsity."""

    name = "sensitivity"
    help = "The paper's appendix F: words per concept, monosemanticity kept, dominant concepts pruned, expansion and sparsity of the SAE."
    binning = "sparse"
    """The paper's own bins, taken literally, see no concept that fires in fewer than a quarter of the images (method section 4): every row
    would be 0. Its ranking and pruning are kept."""

    def variants(self) -> list[Method]:
        out = [self._variant(f"words {k}", words=k) for k in WORDS]
        out += [self._variant(f"monosemanticity {share:g}", monosemantic=share) for share in MONOSEMANTIC]
        out += [self._variant(f"dominance {share:g}", dominant=share) for share in PRUNED]
        out += [self._variant(f"expansion ×{e}", expansion=e) for e in EXPANSIONS]
        return out + [self._variant(f"active {a}", active=a) for a in ACTIVE]

    def _variant(
        self,
        name: str,
        words: int = 5,
        monosemantic: float = 0.5,
        dominant: float = 0.1,
        expansion: int | None = None,
        active: int = PAPER_ACTIVE,
    ) -> Method:
        def run(space: Space, case: Case, seed: int) -> Mapping[str, Findings]:
            config = CompareConfig.paper(seed=seed, binning=self.binning, prune_monosemanticity=1 - monosemantic, prune_dominant=dominant)
            if expansion is not None or active != PAPER_ACTIVE:
                concepts = None if expansion is None else expansion * space.vectors.shape[1]
                trained_on = space.trained_on if space.trained_on is not None else space.vectors
                space = dataclasses.replace(space, sae=kept_sae(trained_on, concepts=concepts or space.sae.concepts, active=active))
            return {name: with_decoder_words(compared(space, case, config), case, space, words)}

        return Method(name, name, run)

    def report(self, records: Sequence[Record]) -> Report:
        base, rows = super().report(records), self.scored(records)
        scores = {row: [s.words_cosine for s in own] for row, own in rows.items()}
        body = tuple((row, float(np.mean(v)), float(np.std(v))) for row, v in scores.items())
        note = (
            "The paper's score: the best of five concepts' words with the label; concepts alone, ranked and pruned as the paper does, on "
            "bins that see sparse concepts (its literal bins find none)."
        )
        return dataclasses.replace(base, tables=(Table("Appendix F", ("setting", "average", "std"), body, note), *base.tables))


def with_decoder_words(c: Any, case: Case, space: Space, words: int) -> Findings:
    """The five best concepts of each side, each with the words nearest to its decoder direction (paper section 6.2)."""
    named = findings_of(c, case, (1, 0), 5)
    sides: list[tuple[tuple[str, ...], ...]] = []
    for side in SIDES:
        ids = [h.concept for h in c.candidates if h.side == side and h.source == "sae"][:5]
        cosine = space.sae.w_dec[ids] @ space.vocabulary.centred.T if ids else np.zeros((0, 1))
        sides.append(tuple(tuple(space.vocabulary.words[w] for w in np.argsort(-row, kind="stable")[:words]) for row in cosine))
    return Findings(sides[0], sides[1], named.planted_a, named.planted_b)

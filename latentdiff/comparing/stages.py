"""One comparison in progress, stage by stage: codes, divergence, density ratio, drafts of the branches, one ranked list."""

from __future__ import annotations

import dataclasses
import platform
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..config import CompareConfig
from ..describe.describer import Describer
from ..embed.ordering import Pooled
from ..embed.sides import Sides
from ..embed.vocabulary import Vocabulary
from ..errors import InputError
from ..inputs.columns import Columns
from ..progress import Begun, Progress, nobody, part
from ..results.comparison import Comparison
from ..results.hypothesis import ConceptTable, Hypothesis, TwoSampleTest
from ..sae.encoding import fast_precision
from ..sae.fairness import one_sided_remarks
from ..sae.fitting import fit_of_sides
from ..sae.loading import check_encoder
from ..sae.model import SparseAutoencoder
from ..sae.monosemanticity import monosemanticity
from ..sae.naming import Name
from ..sae.spaces import KEPT, Space, open_sae, trained_sae
from ..stats.density_ratio import DensityRatio, out_of_fold_auc
from ..stats.divergence import Divergence, one_bin
from ..stats.image_scores import ImageScores
from ..stats.power import smallest_detectable
from ..stats.repeats import repeats
from ..stats.two_sample import Verdict
from ..version import __version__
from .candidates import (
    FAMILIES,
    Draft,
    concept_drafts,
    concept_q_values,
    head_agreement,
    name_promising,
    phrase_drafts,
    promising_concepts,
)
from .concept_cards import with_cards
from .crowding import with_crowds
from .differing import density_ratio_of, divergence_of, verdict_of
from .echoes import settle_echoes
from .evidence import assemble, telling_images
from .fields import beside, told, with_fields
from .folding import fold_wordings
from .held import Among, Given, effective, hold
from .merging import distinct, link, names_trusted, sink, with_words
from .placing import by_given_row, concept_table
from .refits import largest_passing, with_refits
from .renaming import rename_guesses
from .word_candidates import tail_words


@dataclass(eq=False)
class Stages:
    """Inputs of one comparison, what its stages found so far, and their seconds."""

    sides: Sides
    config: CompareConfig
    vocabulary: Vocabulary | None
    progress: Progress
    describer: Describer | None = None
    columns: Columns | None = None
    given: Given = ()
    begun: Begun = nobody
    described: dict[str, Any] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    _clock: float = field(default_factory=time.perf_counter)

    def run(self, sae: SparseAutoencoder | str | Path | Space | None) -> Comparison:
        """Codes, divergence, density ratio, drafts of both branches, one ranked list."""
        sae, trained = self._sae(sae)
        called = "BA" if self.sides.swapped else "AB"  # as they were given
        self.remarks += one_sided_remarks(sae, self.sides.keys, 1 - self.sides.in_a, called)
        codes = self._codes(sae)
        fit = None if trained else fit_of_sides(sae, codes, self.sides)
        held: dict[str, Any] = {}
        if len(self.given):
            known = hold(self.given, Among(self.sides, codes, sae, self.columns, self.vocabulary, self.config))
            self.sides, codes, self.columns, held = known.sides, known.codes, known.columns, {"given": known.info}
            self.remarks += known.remarks
        d = divergence_of(self.sides, codes, self.config)
        self._done("divergence", 0.55)
        ratio = density_ratio_of(self.sides, codes, self.config, part(self.progress, 0.55, 0.82))
        found, fields = with_fields(verdict_of(self.sides, codes, self.vocabulary, self.config), self.columns, self.sides, self.config)
        self._done("density ratio", 0.85)
        drafts, scores, names = self._drafts(d, codes, sae, ratio.in_sample)
        levels = self._levels(int((concept_q_values(d, self.config)[0]).sum()))
        passing = largest_passing(drafts, levels, self.config.alpha)
        for draft in drafts:  # a finding is one only where the sides differ at all
            draft.q_value = max(draft.q_value, found.p_value)
        self._done("naming and ranking", 0.95)
        candidates, shows = assemble(drafts, self.sides, codes, scores, ratio.in_sample, self.config)
        extended = scores.vocabulary if scores else None
        candidates = with_crowds(candidates, shows, self.sides, found, self.config)
        candidates = settle_echoes(candidates, drafts, shows, self.sides, codes, scores, self.config)
        candidates = rename_guesses(candidates, drafts, shows, self.sides, extended, names, self.config)
        candidates = fold_wordings(candidates, drafts, shows, self.sides, extended, self.config)
        candidates = beside(candidates, shows, fields, self.columns, self.sides, self.config)
        candidates = with_refits(candidates, drafts, shows, passing, self.sides, codes, scores, self.config)
        candidates, cards = with_cards(candidates, sae, codes, self.sides, self.vocabulary, names, self.config)
        info = {
            **self._used(sae, trained, ratio, found),
            "fit": fit,
            "levels": levels,
            "one_bin": one_bin(d),
            "exemplars": telling_images(self.sides, ratio.in_sample, self.config),
            "cards": cards,
            **self.described,
            **told(self.columns),
            **held,
        }
        self._done("evidence", 1.0)
        concepts = concept_table(d, names, self.vocabulary, found.p_value, self.config)
        return dataclasses.replace(self._comparison(candidates, ratio, shows, found, concepts, info), tested_fields=fields)

    def _comparison(
        self,
        candidates: tuple[Hypothesis, ...],
        ratio: DensityRatio,
        shows: np.ndarray,
        found: Verdict,
        concepts: ConceptTable,
        info: dict[str, Any],
    ) -> Comparison:
        """What was found, with a value for every row as it was given, dropped ones among them."""
        sides = self.sides
        auc = out_of_fold_auc(ratio.scores, sides.in_a, ratio.fold)
        return Comparison(
            candidates=candidates,
            **by_given_row(sides, ratio.log_ratio, shows),
            two_sample=TwoSampleTest(auc, found.p_value),
            differs=found.p_value <= self.config.alpha,
            smallest_detectable=smallest_detectable(*effective(sides), info["levels"]["concept"]),
            concepts=concepts,
            config=self.config,
            info=info,
        )

    def _sae(self, sae: SparseAutoencoder | str | Path | Space | None) -> tuple[SparseAutoencoder, bool]:
        """The SAE to use and whether it was trained here; its width and the vocabulary's must be the vectors'."""
        width = self.sides.shape[1]
        if self.vocabulary is not None and self.vocabulary.width != width:
            theirs = self.vocabulary.width
            raise InputError(f"the vocabulary has vectors of width {theirs}, the images of {width}; encode it with the images' encoder")
        given = open_sae(sae)
        if isinstance(given, SparseAutoencoder):
            check_encoder(given, None, width, "the images")
            return given, False
        if given == KEPT:
            raise InputError('nothing says of which encoder or field these vectors are; sae="kept" is for folders, datasets and Parquet')
        if isinstance(given, Space) and not given.takes(len(self.sides)):
            given = None
        return self._trained(given), not isinstance(given, Space)

    def _trained(self, wanted: Space | str | None) -> SparseAutoencoder:
        """The SAE that is kept for the space or these very sides, or one that is trained now."""
        options = {name: getattr(self.config, f"sae_{name}") for name in ("trainer", "concepts", "active", "seconds")}
        options["seed"] = self.config.seed
        sae = trained_sae(wanted, Pooled(self.sides), self.sides, options, part(self.progress, 0.0, 0.3), self.begun)
        self._done("training the SAE", 0.3)
        return sae

    def _codes(self, sae: SparseAutoencoder) -> sp.csr_array:
        precision = fast_precision(len(self.sides), sae) if self.config.precision == "auto" else self.config.precision
        codes = sae.encode(self.sides, precision=precision, progress=part(self.progress, 0.3, 0.5))
        self._done("encoding", 0.5)
        return codes

    def _drafts(
        self, d: Divergence, codes: sp.csr_array, sae: SparseAutoencoder, ranking: np.ndarray
    ) -> tuple[list[Draft], ImageScores | None, dict[int, Name]]:
        """Ranked drafts of both branches, the word scores behind the phrases, and the names of concepts."""
        promising = promising_concepts(d, self.config, self._purity(sae, codes))
        agreement = head_agreement(self.sides, ranking, sae)
        if self.vocabulary is None:
            drafts = concept_drafts(d, promising, {}, None, None, agreement, self.config)
            return distinct(drafts, None, self.config.max_candidates), None, {}
        names = name_promising(promising, codes, self.sides, sae, self.vocabulary, self.config.naming)
        words = np.array([n.words[0] for n in names.values()], int)
        by_name = ImageScores.tails(self.sides, words, self.vocabulary) if len(words) else None
        limit = self.config.max_candidates
        concepts = distinct(concept_drafts(d, promising, names, by_name, self.vocabulary, agreement, self.config), self.vocabulary, limit)
        extended, described = self._describe(ranking, self.vocabulary)
        tails = tail_words(self.sides, self.vocabulary) if self.config.tails else {}
        ranked, scores = phrase_drafts(self.sides, ranking, extended, self.config, described, tails, concepts)
        by_tails = [x for x in ranked if x.source == "word"]
        phrases = distinct([x for x in ranked if x.source == "dre"], extended, limit)
        link(concepts, phrases, extended)
        link(concepts + phrases, by_tails, extended)
        trusted = names_trusted(concepts, self.vocabulary)
        ranked = with_words(concepts + phrases, by_tails, tails, trusted, self.config.mix, extended.words)
        return sink(ranked, self.config.rejected), scores, names

    def _purity(self, sae: SparseAutoencoder, codes: sp.csr_array) -> np.ndarray | None:
        """Monosemanticity of all concepts, where concepts are pruned by it: the SAE's own, or measured on both sides together."""
        if not self.config.prune_monosemanticity:
            return None
        return monosemanticity(codes, self.sides) if sae.monosemanticity is None else sae.monosemanticity

    def _describe(self, ranking: np.ndarray, vocabulary: Vocabulary) -> tuple[Vocabulary, dict[str, np.ndarray]]:
        """The vocabulary with the describer's phrases, and their rows by side; as given where there is no describer."""
        if self.describer is None:
            return vocabulary, {}
        found = self.describer.describe(self.sides, ranking, vocabulary, self.config.seed, part(self.progress, 0.86, 0.94))
        self.described = {"describe": found.info}
        self._done("describing exemplars", 0.94)
        return found.proposals.vocabulary, found.proposals.rows

    def _levels(self, tested: int) -> dict[str, float]:
        """Level of one test of each family, as if it were the only one to pass."""
        counts = {"concept": tested, "phrase": len(self.vocabulary) if self.vocabulary is not None else 0}
        return {family: self.config.alpha / (FAMILIES * max(count, 1)) for family, count in counts.items()}

    def _used(self, sae: SparseAutoencoder, trained: bool, ratio: DensityRatio, found: Verdict) -> dict[str, Any]:
        return {
            "n_a": self.sides.n_a,
            "n_b": self.sides.n_b,
            "dropped_rows": self.sides.dropped,
            "left_out": self.sides.left_out,
            "equal_rows": self.sides.equal_rows,
            "sae": {"concepts": sae.concepts, "width": sae.width, "trained_here": trained, **sae.info, "key": sae.key},
            "words": self.vocabulary.given if self.vocabulary is not None else 0,
            "remarks": [*(self.vocabulary.remarks if self.vocabulary is not None else []), *self.remarks],
            "penalties": list(ratio.penalties),
            "repeats": repeats(self.sides),
            "verdict": {"relabellings": found.relabellings, "p": found.parts},
            "seconds": self.seconds,
            "versions": {"latentdiff": __version__, "numpy": np.__version__, "python": platform.python_version()},
        }

    def _done(self, stage: str, fraction: float) -> None:
        now = time.perf_counter()
        self.seconds[stage] = round(now - self._clock, 3)
        self._clock = now
        self.progress(fraction, stage)

"""What was found: a hypothesis with its evidence, the test of both sides, and the table of concepts."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .fields import FieldShare
from .schema import Column, Index, Indices, Rates, Share, Side, Text


@dataclass(frozen=True)
class Hypothesis:
    """One phrase that is more true of one side than of the other, with its evidence."""

    text: Text
    """The phrase, or ``"concept 17"`` where there is no vocabulary."""
    side: Side
    """``"A"`` or ``"B"``: the side of which it is more true."""
    source: Text
    """``"sae"`` (a concept of the sparse autoencoder), ``"dre"`` (found on density-ratio exemplars) or ``"word"`` (the tail of a word's own
    scores); baselines: ``"visdiff"``, ``"gsclip"`` or ``"mean"``."""
    effect: float
    """Rate on its own side minus rate on the other, in [-1, 1]."""
    rate_a: Share
    """Share of A's images that show what ``text`` names, in [0, 1]; where the words do not fit, of those on which the concept fires."""
    rate_b: Share
    """The same share of B's images."""
    p_value: Share
    """p of its test (concept: divergence; phrase: Welch t), or of the crowd by which it passes, in [0, 1]."""
    q_value: Share
    """False-discovery-adjusted p over everything its branch tested, or three times ``crowd_p`` where that is smaller; never below the p of
    the verdict, in [0, 1]; it passes the gate at q <= alpha."""
    auroc: Share
    """Probability that a random image of its side scores above a random one of the other, in [0, 1]."""
    name_strength: float
    """How well the words fit (cosine scale; NaN without a vocabulary). See ``weak``."""
    score: float
    """Ranking score: evidence times strength of the name; comparable within one comparison only."""
    concept: Index | None = None
    """Row of the SAE's dictionary (``sae_key``), or None for a phrase of the density-ratio branch."""
    exemplars: tuple[Index, ...] = ()
    """Row numbers, within its side, of the images that show it best, best first."""
    also: tuple[str, ...] = ()
    """Other wordings for the same thing (synonyms among the candidates), best first."""
    words: tuple[str, ...] = ()
    """Further words that fit the concept, best first ("looks like: ..." where the name is weak)."""
    interval: tuple[float, float] = (math.nan, math.nan)
    """95 % interval of ``effect``; NaN where the images that show it cannot be told from the others (not measurable)."""
    name_margin: float = math.nan
    """Concepts: strength of the name minus that of the next word; NaN for phrases and without a vocabulary."""
    weak: bool = False
    """True where the name is a guess ("looks like: ..."): the words hardly fit the concept, or the images that are said to show it do not
    fit them in the mean."""
    group: Index | None = None
    """Matryoshka group of the concept, 0 the coarsest; None for phrases and SAEs without groups."""
    path: tuple[str, ...] = ()
    """What the coarser concepts above it are called, coarsest first: ("vehicle", "motorcycle") for "scooter"."""
    echoes: tuple[str, ...] = ()
    """Findings that differ only along with this one: without its images they no longer do, so they do not pass the gate."""
    overlaps: tuple[Text, ...] = ()
    """Stronger findings of its side that share half of its images or more, and leave too few for a test without them."""
    folded: tuple[Text, ...] = ()
    """Findings of its side on the same images whose names are near or guesses: told here, and no findings of their own."""
    slight: bool = False
    """True where the scores shift but (next to) no image crosses over: a slight shift, no finding of its own."""
    fires_a: Share = math.nan
    """Concepts: share of A's images on which the concept fires; NaN for phrases."""
    fires_b: Share = math.nan
    """The same of B's images."""
    fields: tuple[FieldShare, ...] = ()
    """Fields that it goes along with, those that leave least of it first."""
    refits: Index | None = None
    """Findings: in how many of five refits, each without another fifth of the images of both sides, its test passes again at the level
    that it passed; None where that was not asked (candidates that do not pass the gate, methods of others, results of 0.1.0)."""
    crowd_p: Share = math.nan
    """p of the crowd that the images showing it are, held to all places where images lie close to each other: share of relabellings in
    which one side has as much more in any place; NaN where they are no crowd beyond chance, and in results of 0.2.0 and earlier."""
    sae_key: str = ""
    """Key of the SAE that ``concept`` is of; empty for phrases, and for findings of earlier versions."""


@dataclass(frozen=True)
class TwoSampleTest:
    """Do A and B differ at all."""

    auc: Share
    """Mean within-fold AUC of the density-ratio head, out of fold, in [0, 1]; 0.5 is chance."""
    p_value: Share
    """p under relabelling of the images, over the concepts' firing, the vectors' mean embeddings, and the words of a short list together;
    what each says alone is ``Comparison.info["verdict"]["p"]``."""


UNKNOWN: Any = None
"""Default of a further column: NaN for every concept."""


@dataclass(frozen=True, eq=False)
class ConceptTable:
    """Every tested concept, one row each (arrays of equal length): what a volcano plot draws.

    A further figure is a field ``Column`` with the default :data:`UNKNOWN` (what was stored before there was one has NaN in its place) and
    the metadata ``title`` and ``meaning``, by which cards show it. It is stored and read by itself.
    """

    concept: Indices
    """Row of the SAE's dictionary (int32)."""
    rate_a: Rates
    """Firing rate in A."""
    rate_b: Rates
    """Firing rate in B."""
    gap: Column
    """Mean activation in A minus mean activation in B."""
    jsd: Column
    """Jensen-Shannon divergence in nats, not corrected for bias."""
    jsd_firing: Column
    """The part of it that lies in firing or not; the rest lies in the magnitudes (chain rule)."""
    p_value: Column
    q_value: Column
    name: tuple[str, ...] = ()
    """Best name of each concept; empty without a vocabulary."""

    def __post_init__(self) -> None:
        for one in dataclasses.fields(self):
            if getattr(self, one.name) is None:
                object.__setattr__(self, one.name, np.full(len(self.concept), np.nan))

    @classmethod
    def empty(cls) -> ConceptTable:
        """A table without concepts, of a method that has none."""
        needed: dict[str, Any] = {f.name: np.zeros(0) for f in dataclasses.fields(cls) if f.default is dataclasses.MISSING}
        return cls(**{**needed, "concept": np.zeros(0, np.int32)})

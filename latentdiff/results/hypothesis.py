"""What was found: a hypothesis with its evidence, the test of both sides, and the table of concepts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Hypothesis:
    """One phrase that is more true of one side than of the other, with its evidence."""

    text: str
    """The phrase, or ``"concept 17"`` where there is no vocabulary."""
    side: str
    """``"A"`` or ``"B"``: the side of which it is more true."""
    source: str
    """``"sae"`` (a concept of the sparse autoencoder) or ``"dre"`` (found on density-ratio exemplars); baselines: ``"visdiff"``,
    ``"gsclip"`` or ``"mean"``."""
    effect: float
    """Rate on its own side minus rate on the other, in [-1, 1]."""
    rate_a: float
    """Share of A's images that show it, in [0, 1]."""
    rate_b: float
    """Share of B's images that show it, in [0, 1]."""
    p_value: float
    """p of its test (concept: divergence; phrase: Welch t), in [0, 1]."""
    q_value: float
    """False-discovery-adjusted p over everything its branch tested, never below the p of the verdict, in [0, 1]; it passes the gate at
    q <= alpha."""
    auroc: float
    """Probability that a random image of its side scores above a random one of the other, in [0, 1]."""
    name_strength: float
    """How well the words fit (cosine scale; NaN without a vocabulary). See ``weak``."""
    score: float
    """Ranking score: evidence times strength of the name; comparable within one comparison only."""
    concept: int | None = None
    """Row of the SAE's dictionary, or None for a phrase of the density-ratio branch."""
    exemplars: tuple[int, ...] = ()
    """Row numbers, within its side, of the images that show it best, best first."""
    also: tuple[str, ...] = ()
    """Other wordings for the same thing (synonyms among the candidates), best first."""
    words: tuple[str, ...] = ()
    """Further words that fit the concept, best first ("looks like: ..." where the name is weak)."""
    interval: tuple[float, float] = (float("nan"), float("nan"))
    """95 % bootstrap interval of ``effect``."""
    name_margin: float = float("nan")
    """Concepts: strength of the name minus that of the next word; NaN for phrases and without a vocabulary."""
    weak: bool = False
    """True where the name is a guess ("looks like: ...")."""
    group: int | None = None
    """Matryoshka group of the concept, 0 the coarsest; None for phrases and SAEs without groups."""
    path: tuple[str, ...] = ()
    """What the coarser concepts above it are called, coarsest first: ("vehicle", "motorcycle") for "scooter"."""
    echoes: tuple[str, ...] = ()
    """Findings that differ only along with this one: without its images they no longer do, so they do not pass the gate."""


@dataclass(frozen=True)
class TwoSampleTest:
    """Do A and B differ at all."""

    auc: float
    """Mean within-fold AUC of the density-ratio head, out of fold, in [0, 1]; 0.5 is chance."""
    p_value: float
    """p under relabelling of the images, over the concepts' firing, the vectors' mean embeddings, and the words of a short list together;
    what each says alone is ``Comparison.info["verdict"]["p"]``."""


@dataclass(frozen=True, eq=False)
class ConceptTable:
    """Every tested concept, one row each (arrays of equal length): what a volcano plot draws."""

    concept: np.ndarray
    """Row of the SAE's dictionary (int32)."""
    rate_a: np.ndarray
    """Firing rate in A."""
    rate_b: np.ndarray
    """Firing rate in B."""
    gap: np.ndarray
    """Mean activation in A minus mean activation in B."""
    jsd: np.ndarray
    """Jensen-Shannon divergence in nats, not corrected for bias."""
    jsd_firing: np.ndarray
    """The part of it that lies in firing or not; the rest lies in the magnitudes (chain rule)."""
    p_value: np.ndarray
    q_value: np.ndarray
    name: tuple[str, ...] = ()
    """Best name of each concept; empty without a vocabulary."""

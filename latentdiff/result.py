"""What a comparison returns: hypotheses, scores and a verdict; saved as JSON + npz without pickles."""

from __future__ import annotations

import dataclasses
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from .config import CompareConfig
from .embed.cache import write_together
from .errors import CheckpointError, InputError
from .stored import checked, read_json, read_npz

FORMAT = 1


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
    """False-discovery-adjusted p over everything its branch tested, in [0, 1]; it passes the gate at q <= alpha."""
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
    """Do A and B differ at all: out-of-fold AUC of the density-ratio head (method section 5)."""

    auc: float
    """Mean within-fold AUC in [0, 1]; 0.5 is chance."""
    p_value: float
    """One-sided p of the fold-stratified Mann-Whitney test."""


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


@dataclass(frozen=True, eq=False)
class Comparison:
    """Result of :func:`latentdiff.compare`."""

    candidates: tuple[Hypothesis, ...]
    """All ranked candidates of both sides, best first, whether they pass the gate or not."""
    log_ratio_a: np.ndarray
    """(n_a,) float32 out-of-fold log p_A/p_B of A's images; high = typical of A; NaN where a row was dropped."""
    log_ratio_b: np.ndarray
    """(n_b,) float32, the same for B's images."""
    shows_a: sp.csr_array
    """(n_a, len(candidates)) bool: which images of A show which candidate."""
    shows_b: sp.csr_array
    """(n_b, len(candidates)) bool: the same for B."""
    two_sample: TwoSampleTest
    differs: bool
    """Verdict at level alpha, both branches together."""
    smallest_detectable: float
    """Smallest rate difference that this many images would have shown with 80 % power, in [0, 1]."""
    concepts: ConceptTable
    config: CompareConfig
    info: dict[str, Any] = field(default_factory=dict)
    """n_a, n_b, dropped rows, SAE and vocabulary in use, seconds per stage, versions; ``exemplars``: by side, the ``rows`` of its most
    telling, diverse images and the ``modes`` they fall into. Plain JSON values."""

    @property
    def hypotheses(self) -> tuple[Hypothesis, ...]:
        """Candidates that pass the gate (q <= alpha), best first, both sides; what two branches say alike is listed once."""
        from .stats.ranking import fold

        return fold(h for h in self.candidates if h.q_value <= self.config.alpha)

    def top(self, side: str, k: int = 5, *, gated: bool = True) -> tuple[Hypothesis, ...]:
        """The k best of one side, concepts and exemplar phrases mixed as ``config.mix`` says.

        Args:
            side: "A" or "B".
            k: how many; when one branch runs short the other fills up.
            gated: only those that pass the gate (q <= alpha).

        Raises:
            InputError: for another side than "A" or "B", or k < 1.
        """
        from .stats.ranking import mix

        if side not in ("A", "B"):
            raise InputError(f'side is "A" or "B", not {side!r}')
        if k < 1:
            raise InputError(f"k must be at least 1, not {k}")
        pool = self.hypotheses if gated else self.candidates
        return mix([h for h in pool if h.side == side], k, self.config.mix)

    def rows_showing(self, hypothesis: Hypothesis, side: str) -> np.ndarray:
        """Row numbers of one side's images that show a hypothesis, ascending."""
        # By what identifies it: a NaN (no name, no interval) is unequal to itself once it comes from another copy of this comparison.
        column = next((i for i, h in enumerate(self.candidates) if _identity(h) == _identity(hypothesis)), None)
        if column is None:
            raise InputError(f"{hypothesis.text!r} is not one of this comparison's candidates")
        shows = {"A": self.shows_a, "B": self.shows_b}.get(side)
        if shows is None:
            raise InputError(f'side is "A" or "B", not {side!r}')
        return np.flatnonzero(shows[:, [column]].toarray().ravel())

    def save(self, folder: str | Path) -> Path:
        """Write ``comparison.json`` and ``arrays.npz`` into a folder (made if missing) and return it.

        Raises:
            OSError: the folder cannot be written; what was in it is as it was.
        """
        folder, arrays = Path(folder), io.BytesIO()
        np.savez_compressed(arrays, allow_pickle=False, **_arrays(self))
        head = {
            "format": FORMAT,
            "candidates": [dataclasses.asdict(h) for h in self.candidates],
            "two_sample": dataclasses.asdict(self.two_sample),
            "differs": self.differs,
            "smallest_detectable": self.smallest_detectable,
            "concept_names": list(self.concepts.name),
            "config": self.config.to_dict(),
            "info": self.info,
        }
        text = json.dumps(head, indent=1)
        write_together({folder / "arrays.npz": arrays.getvalue(), folder / "comparison.json": text.encode("utf8")})
        return folder

    @classmethod
    def load(cls, folder: str | Path) -> Comparison:
        """Read what :meth:`save` wrote.

        Raises:
            CheckpointError: where a file is missing, damaged, or of a newer format.
        """
        folder = Path(folder)
        try:
            head = read_json(folder / "comparison.json")
            if head["format"] == FORMAT:
                return checked(_rebuild(head, read_npz(folder / "arrays.npz")))
        except Exception as e:
            raise CheckpointError(f"{folder} does not hold a saved comparison: {type(e).__name__}: {e}") from e
        raise CheckpointError(f"{folder} has format {head['format']!r}; this version reads {FORMAT}. Update latentdiff.")


def _identity(h: Hypothesis) -> tuple[str, str, int | None, str]:
    return h.side, h.source, h.concept, h.text


_CONCEPT_ARRAYS = ("concept", "rate_a", "rate_b", "gap", "jsd", "jsd_firing", "p_value", "q_value")


def _arrays(c: Comparison) -> dict[str, np.ndarray]:
    out = {"log_ratio_a": c.log_ratio_a, "log_ratio_b": c.log_ratio_b}
    for name, m in (("shows_a", c.shows_a), ("shows_b", c.shows_b)):
        out |= {f"{name}_indices": m.indices, f"{name}_indptr": m.indptr}
    return out | {f"concepts_{name}": getattr(c.concepts, name) for name in _CONCEPT_ARRAYS}


def _rebuild(head: dict[str, Any], arrays: dict[str, np.ndarray]) -> Comparison:
    tuples = {"echoes", "exemplars", "also", "words", "interval", "path"}
    plain: list[dict[str, Any]] = [{k: tuple(v) if k in tuples else v for k, v in h.items()} for h in head["candidates"]]
    candidates = tuple(Hypothesis(**h) for h in plain)

    def shows(name: str) -> sp.csr_array:
        indices, indptr = arrays[f"{name}_indices"], arrays[f"{name}_indptr"]
        return sp.csr_array((np.ones(len(indices), bool), indices, indptr), shape=(len(indptr) - 1, len(candidates)))

    return Comparison(
        candidates=candidates,
        log_ratio_a=arrays["log_ratio_a"],
        log_ratio_b=arrays["log_ratio_b"],
        shows_a=shows("shows_a"),
        shows_b=shows("shows_b"),
        two_sample=TwoSampleTest(**head["two_sample"]),
        differs=head["differs"],
        smallest_detectable=head["smallest_detectable"],
        concepts=ConceptTable(**{name: arrays[f"concepts_{name}"] for name in _CONCEPT_ARRAYS}, name=tuple(head["concept_names"])),
        config=CompareConfig(**head["config"]),
        info=head["info"],
    )

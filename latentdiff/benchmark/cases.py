"""Pairs of image sets whose difference is known, the vectors that they are rows of, and what a method finds in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..embed.vocabulary import Vocabulary
from ..sae.model import SparseAutoencoder
from .noisy_diff import NoisyPair

SIDES = ("A", "B")


@dataclass(frozen=True, eq=False)
class Case:
    """One pair of image sets and the labels of their difference."""

    key: str
    """Names it within its suite."""
    group: str
    """What tables and bars are split by: the parent, or the difficulty."""
    rows_a: np.ndarray
    """Rows of the space's vectors."""
    rows_b: np.ndarray
    label_a: str
    """What is true of A and not of B; "" where that side is not scored."""
    label_b: str
    mass_a: float = float("nan")
    """Share of images that make up the mode, in (0, 1]; NaN where that is not known."""
    mass_b: float = float("nan")
    planted_a: np.ndarray | None = None
    """Rows that show the label, where that is known."""
    planted_b: np.ndarray | None = None

    @classmethod
    def of_pair(cls, pair: NoisyPair, group: str, prefix: str = "") -> Case:
        """A Noisy-Diff pair as a case; ``prefix`` keeps keys apart where a suite has several of the same pair."""
        key = "/".join(p for p in (prefix, pair.parent, pair.attribute_a, pair.attribute_b) if p)
        rows = pair.rows_a, pair.rows_b, pair.attribute_a, pair.attribute_b
        return cls(key, group, *rows, pair.mass_a, pair.mass_b, pair.planted_a, pair.planted_b)

    def label(self, side: str) -> str:
        """Label of "A" or "B"."""
        return self.label_a if side == "A" else self.label_b

    def mass(self, side: str) -> float:
        """Mass of the mode of "A" or "B"."""
        return self.mass_a if side == "A" else self.mass_b

    def rows(self, side: str) -> np.ndarray:
        """Rows of "A" or "B"."""
        return self.rows_a if side == "A" else self.rows_b

    def planted(self, side: str) -> np.ndarray | None:
        """Planted rows of "A" or "B"."""
        return self.planted_a if side == "A" else self.planted_b


@dataclass(eq=False)
class Space:
    """Vectors of all images of a suite and what belongs to them."""

    vectors: np.ndarray
    """(n, d) raw vectors."""
    vocabulary: Vocabulary
    sae: SparseAutoencoder
    captions: Sequence[Sequence[str]] | None = None
    """Captions of every image, for the methods that read captions."""
    paths: Sequence[str] | None = None
    """Files of every image, for the methods that look at images."""
    captioner: Any = None
    """A :class:`latentdiff.describe.captions.Captioner` of ``paths``; None: ``captions``, or words of the vocabulary."""
    encode_texts: Callable[[Sequence[str]], np.ndarray] | None = None
    """Free phrases → (m, d) raw text vectors in the same space; None where there is no text encoder."""
    language_model: Any = None
    """A :class:`latentdiff.describe.language.LanguageModel`; None: word statistics."""
    described: bool = False
    """Whether captions, a captioner or a server were asked for, so that our own comparison describes its exemplars too."""
    trained_on: np.ndarray | None = None
    """(m, d) vectors for training further SAEs; None: ``vectors``."""
    seconds: dict[str, float] = field(default_factory=dict)
    """What it took to make it, by stage."""
    _negations: np.ndarray | None = None

    def negations(self) -> np.ndarray | None:
        """(v, d) text vectors of "not a <word>" for every word, encoded once and kept; None where free phrases have no vectors here."""
        if self._negations is None and self.encode_texts is not None:
            from ..methods.gsclip import negated

            self._negations = negated(self.vocabulary, self.encode_texts)
        return self._negations


@dataclass(frozen=True)
class Findings:
    """What one method says of one pair."""

    a: tuple[tuple[str, ...], ...]
    """More true of A, best first: each finding is its phrase, then further words for the same thing."""
    b: tuple[tuple[str, ...], ...]
    planted_a: float = float("nan")
    """Share of planted images among the ten that the method finds most typical of A; NaN where it ranks no images."""
    planted_b: float = float("nan")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"A": [list(f) for f in self.a], "B": [list(f) for f in self.b], "planted": [self.planted_a, self.planted_b]}

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> Findings:
        """What :meth:`to_dict` gave."""
        return cls(tuple(map(tuple, d["A"])), tuple(map(tuple, d["B"])), *(float("nan") if v is None else v for v in d["planted"]))

    def of(self, side: str) -> tuple[tuple[str, ...], ...]:
        """Findings of "A" or "B"."""
        return self.a if side == "A" else self.b


def planted_share(case: Case, side: str, typical: np.ndarray, count: int = 10) -> float:
    """Share of planted images among the ``count`` of a side with the highest ``typical`` scores (one per row of the side)."""
    planted = case.planted(side)
    if planted is None:
        return float("nan")
    first = np.argsort(-typical, kind="stable")[:count]
    return float(np.isin(case.rows(side)[first], planted).mean())

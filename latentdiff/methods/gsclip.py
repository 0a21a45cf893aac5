"""GSCLIP: every phrase of a bank against its negation, selected by how well the two tell A from B (Zhu, Liang and Zou 2022)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from ..compute.cache import kept_array
from ..config import CompareConfig
from ..describe.proposals import TextEncoder
from ..embed.sides import Sides
from ..embed.vocabulary import Vocabulary, unit_rows
from ..errors import InputError
from ..progress import Progress, silent
from ..results.comparison import Comparison
from ..stats.divergence import q_values
from ..stats.image_scores import words_at_once
from ..stats.phrases import ROUNDING, constant_test, phrase_evidence, welch
from ..stats.verification import PhraseScores
from .claims import Claim, comparison_of, narrowed

FORMS = ("negation", "pairs")
MOST_PAIRED = 1_000
"""Phrases of which all pairs are tested: a million tests."""


def gsclip(
    a: np.ndarray,
    b: np.ndarray,
    vocabulary: Vocabulary,
    *,
    negations: np.ndarray | None = None,
    candidates: Sequence[str] | None = None,
    form: str = "negation",
    config: CompareConfig | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Select the explanations of a shift from a bank of phrases.

    A pair (phrase, its negation) explains a shift towards A where A's images prefer the phrase to its negation more than B's do: the
    score of an image is its cosine with ``unit(phrase) - unit(negation)``, the evidence of the pair Welch's t of that score. This is
    the negation form, linear in the bank. The published form takes every pair of two phrases alike (A rather the one, B rather the other)
    and is quadratic, out of reach for 20,000 words (LatentDiff, appendix C): it is for banks of some hundred phrases.

    Args:
        a: (n_a, d) raw image vectors, n_a >= 20.
        b: (n_b, d) raw image vectors of the other side.
        vocabulary: the bank: phrases with text vectors in the images' space.
        negations: (v, d) text vectors of the negated phrases ("not a dog", see :func:`negated`); None takes the bank's mean direction as
            the negation of each phrase, which needs no text encoder.
        candidates: closed set: only these phrases of the bank are ranked (LatentDiff, appendix C, "MetaShift"); the selection is
            ``top(side, k, gated=False)``, since one of them is known to be right.
        form: ``"negation"``, or ``"pairs"``: every phrase against every other, each told with its best partner (``info["partners"]``).
        config: ``alpha``, ``seed``, ``correction``, ``max_candidates``, ``skip_bad`` and the exemplars' choices count.
        progress: ``progress(fraction, label)``; raise :class:`~latentdiff.errors.Cancelled` in it to stop.

    Returns:
        Hypotheses ranked by ``|t|``; q is over all phrases that were tested.

    Raises:
        InputError: sides, vectors, widths, negations or candidates that cannot be used.
    """
    config, report = config or CompareConfig(), progress or silent
    sides = narrowed(a, b, config)
    rows = _bank_rows(vocabulary, candidates)
    if form not in FORMS:
        raise InputError(f"form must be one of {', '.join(FORMS)}, not {form!r}")
    if form == "pairs":
        return _all_pairs(sides, vocabulary, rows, (len(a), len(b)), candidates is not None, config, report)
    directions = _pair_directions(vocabulary, negations)[rows]
    words = [vocabulary.words[i] for i in rows]
    scores = PhraseScores(sides, directions)
    t, p = _tests(scores, report)
    q = q_values(p, config.correction)
    claims: list[Claim] = []
    for side, sign in (("A", 1), ("B", -1)):
        best = np.argsort(-sign * t, kind="stable")[: 2 * config.max_candidates]
        best = best[sign * t[best] > 0]
        values = scores.of(best)
        threshold = phrase_evidence(values[:, : sides.n_a], values[:, sides.n_a :]).threshold
        claims += [
            Claim(words[w], side, float(sign * t[w]), float(p[w]), float(q[w]), values[i], float(threshold[i])) for i, w in enumerate(best)
        ]
    report(1.0, "selecting explanations")
    return comparison_of(claims, sides, (len(a), len(b)), "gsclip", config, {"words": len(words), "closed_set": candidates is not None})


def _all_pairs(
    sides: Sides,
    vocabulary: Vocabulary,
    rows: np.ndarray,
    lengths: tuple[int, int],
    closed: bool,
    config: CompareConfig,
    progress: Progress,
) -> Comparison:
    """Each phrase against its best partner, on the side towards which the pair tells more; p counts all partners (Bonferroni)."""
    if not 2 <= len(rows) <= MOST_PAIRED:
        raise InputError(f"all pairs need 2 to {MOST_PAIRED:,} phrases, not {len(rows):,}; name a closed set, or use the negation form")
    words = [vocabulary.words[i] for i in rows]
    scores = PhraseScores(sides, unit_rows(vocabulary.vectors)[rows]).block(0, len(rows))
    progress(0.5, "testing all pairs")
    t, p = pair_tests(scores[:, : sides.n_a], scores[:, sides.n_a :])
    towards_a, towards_b = t.max(1) >= (-t).max(1), t.max(1) < (-t).max(1)
    partner = np.where(towards_a, t.argmax(1), t.argmin(1))
    every = np.arange(len(rows))
    best, p_best = t[every, partner], np.minimum(1.0, (len(rows) - 1) * p[every, partner])
    q = q_values(p_best, config.correction)
    claims: list[Claim] = []
    for side, own, sign in (("A", towards_a, 1), ("B", towards_b, -1)):
        ranked = [i for i in np.argsort(-sign * best, kind="stable").tolist() if own[i] and sign * best[i] > 0]
        for i in ranked[: 2 * config.max_candidates]:
            values = scores[i] - scores[partner[i]]
            threshold = phrase_evidence(values[None, : sides.n_a], values[None, sides.n_a :]).threshold[0]
            claims.append(Claim(words[i], side, float(sign * best[i]), float(p_best[i]), float(q[i]), values, float(threshold)))
    progress(1.0, "selecting explanations")
    told = {c.text: words[partner[words.index(c.text)]] for c in claims}
    info = {"words": len(words), "closed_set": closed, "form": "pairs", "partners": told}
    return comparison_of(claims, sides, lengths, "gsclip", config, info)


def pair_tests(scores_a: np.ndarray, scores_b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Welch's t and p of the difference of every two phrases' scores, from their covariances: no pair is formed.

    Args:
        scores_a: (m, n_a) scores of A's images.
        scores_b: (m, n_b) scores of B's images.

    Returns:
        (m, m) t, positive where A prefers the row's phrase to the column's, and (m, m) two-sided p; 0 and 1 on the diagonal. Where the
        difference is one value on each side, both are those of :func:`~latentdiff.stats.phrases.constant_test`.
    """
    mean, error, freedom = [], [], []
    constant = np.ones((len(scores_a), len(scores_a)), bool)
    for scores in (scores_a, scores_b):
        covariance, n = np.cov(scores.astype(np.float64)), scores.shape[1]
        own = np.diag(covariance)
        variance = np.maximum(own[:, None] + own[None] - 2 * covariance, 0.0)
        constant &= np.sqrt(variance) < ROUNDING
        error.append(variance / n)
        mean.append(scores.mean(1, dtype=np.float64))
        freedom.append(np.square(error[-1]) / (n - 1))
    total, down = error[0] + error[1], freedom[0] + freedom[1]
    own_gap = mean[0] - mean[1]
    gap = own_gap[:, None] - own_gap[None]
    t = np.divide(gap, np.sqrt(total), out=np.zeros_like(total), where=~constant)
    degrees = np.divide(np.square(total), down, out=np.ones_like(total), where=~constant)
    p = np.where(t == 0, 1.0, 2 * stats.t.sf(np.abs(t), degrees))
    alone = constant_test(gap, scores_a.shape[1], scores_b.shape[1])
    return np.where(constant, alone[0], t), np.where(constant, alone[1], p)


def negated(vocabulary: Vocabulary, encode_texts: TextEncoder) -> np.ndarray:
    """(v, d) float32 text vectors of "not a <word>" for every word of a bank, encoded once and kept in the cache folder.

    Args:
        vocabulary: the bank.
        encode_texts: its text encoder.
    """
    texts = [f"not a {word}" for word in vocabulary.words]
    # The words' own vectors stand for the encoder in the name of the file.
    return kept_array(lambda: encode_texts(texts), vocabulary.vectors, *texts)


def _tests(scores: PhraseScores, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
    """(m,) Welch's t and p of every phrase, in blocks."""
    n_a, size = scores.sides.n_a, words_at_once(len(scores.sides))
    parts = []
    for start in range(0, len(scores), size):
        block = scores.block(start, start + size)
        parts.append(welch(block[:, :n_a], block[:, n_a:]))
        progress(min(0.95, (start + size) / len(scores)), "testing the bank")
    t, p = (np.concatenate(x) for x in zip(*parts, strict=True))
    return t, p


def _pair_directions(vocabulary: Vocabulary, negations: np.ndarray | None) -> np.ndarray:
    """(v, d) float32: each phrase minus its negation, both of unit length."""
    if negations is None:
        return vocabulary.centred
    negations = np.asarray(negations, np.float32)
    if negations.shape != vocabulary.vectors.shape or not np.isfinite(negations).all():
        raise InputError(f"negations must be finite vectors of shape {vocabulary.vectors.shape}, one per phrase, not {negations.shape}")
    pair = unit_rows(vocabulary.vectors) - unit_rows(negations)
    same = np.flatnonzero(~(np.linalg.norm(pair, axis=1) > 1e-6))
    if len(same):
        raise InputError(f"the negation of {vocabulary.words[same[0]]!r} has the vector of the phrase itself; negate it in words")
    return pair


def _bank_rows(vocabulary: Vocabulary, candidates: Sequence[str] | None) -> np.ndarray:
    if candidates is None:
        return np.arange(len(vocabulary))
    row = {w: i for i, w in enumerate(vocabulary.words)}
    unknown = [c for c in candidates if c not in row]
    if unknown or not len(candidates):
        raise InputError(f"the bank has no vectors for {unknown[:3]}" if unknown else "a closed set needs at least one candidate")
    return np.array(list(dict.fromkeys(row[c] for c in candidates)))

"""GSCLIP: every phrase of a bank against its negation, selected by how well the two tell A from B (Zhu, Liang and Zou 2022)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..compute.cache import kept_array
from ..config import CompareConfig
from ..describe.proposals import TextEncoder
from ..embed.vocabulary import Vocabulary, unit_rows
from ..errors import InputError
from ..progress import Progress, silent
from ..results.comparison import Comparison
from ..stats.divergence import q_values
from ..stats.image_scores import words_at_once
from ..stats.phrases import phrase_evidence, welch
from ..stats.verification import PhraseScores
from .claims import Claim, comparison_of, narrowed


def gsclip(
    a: np.ndarray,
    b: np.ndarray,
    vocabulary: Vocabulary,
    *,
    negations: np.ndarray | None = None,
    candidates: Sequence[str] | None = None,
    config: CompareConfig | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Select the explanations of a shift from a bank of phrases.

    A pair (phrase, its negation) explains a shift towards A where A's images prefer the phrase to its negation more than B's do: the
    score of an image is its cosine with ``unit(phrase) - unit(negation)``, the evidence of the pair Welch's t of that score. This is
    the negation form, linear in the bank; the form over all pairs of phrases is quadratic and out of reach for 20,000 words
    (LatentDiff, appendix C).

    Args:
        a: (n_a, d) raw image vectors, n_a >= 20.
        b: (n_b, d) raw image vectors of the other side.
        vocabulary: the bank: phrases with text vectors in the images' space.
        negations: (v, d) text vectors of the negated phrases ("not a dog", see :func:`negated`); None takes the bank's mean direction as
            the negation of each phrase, which needs no text encoder.
        candidates: closed set: only these phrases of the bank are ranked (LatentDiff, appendix C, "MetaShift"); the selection is
            ``top(side, k, gated=False)``, since one of them is known to be right.
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

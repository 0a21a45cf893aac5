"""Any phrase, from anywhere, tested on all images of both sides (VisDiff section 4.2, method section 7)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ..embed.grouping import Groups
from ..embed.sides import Sides
from ..embed.vocabulary import Vocabulary, unit_rows
from ..errors import InputError
from ..progress import Progress, silent
from .divergence import q_values
from .exemplars import one_a_group
from .grouped import Grouping
from .image_scores import words_at_once
from .phrases import mean_test, shows_threshold


@dataclass(frozen=True)
class Verification:
    """Evidence for one phrase on all images of both sides."""

    text: str
    """The phrase as given."""
    auroc: float
    """Probability that a random image of A fits it better than a random one of B, ties counting half, in [0, 1]."""
    t: float
    """Welch's t of the scores; positive means more in A. Where images come in groups, a cluster-robust one."""
    p_value: float
    """Two-sided p that the mean scores differ: under random exchange of images, of 2,000 a side and more Welch's; in [0, 1]."""
    q_value: float
    """False-discovery-adjusted p over all phrases of the call, in [0, 1]."""
    rate_a: float
    """Estimated share of A's images that show it, in [0, 1]."""
    rate_b: float
    """Estimated share of B's images that show it, in [0, 1]."""
    threshold: float
    """An image shows the phrase when its score exceeds this."""
    rows_a: tuple[int, ...] = ()
    """Rows of A's images that show it best, best first; empty unless asked for."""
    rows_b: tuple[int, ...] = ()
    """Rows of B's images that show it best, best first."""


class PhraseScores:
    """Scores of all images of both sides with any phrases: cosines of centred vectors, as in a comparison.

    Image vectors are normalised, the mean direction of both sides is subtracted, and they are normalised again. Text vectors are
    normalised; where a vocabulary is known, its mean direction is subtracted and they are normalised again.

    Args:
        sides: images of A and B.
        vectors: (m, d) raw text vectors in the images' space.
        vocabulary: what to centre the text vectors on; None leaves them uncentred.

    Raises:
        InputError: text vectors that do not fit the images, or that are zero or not finite.
    """

    def __init__(self, sides: Sides, vectors: np.ndarray, vocabulary: Vocabulary | None = None) -> None:
        self.sides, self._unit = sides, _text_directions(vectors, sides.shape[1], vocabulary)

    def __len__(self) -> int:
        return len(self._unit)

    def block(self, start: int, end: int) -> np.ndarray:
        """(end - start, n) float32 scores of consecutive phrases, A's images first."""
        return self.of(slice(start, end))

    def of(self, phrases: slice | np.ndarray) -> np.ndarray:
        """(m, n) float32 scores of some phrases, A's images first."""
        return self.sides.cosines(self._unit[phrases])


def verify(
    a: np.ndarray,
    b: np.ndarray,
    texts: Sequence[str],
    vectors: np.ndarray,
    *,
    vocabulary: Vocabulary | None = None,
    correction: str = "bh",
    rows: int = 0,
    groups_a: Groups = None,
    groups_b: Groups = None,
    paired: bool = False,
    progress: Progress | None = None,
) -> list[Verification]:
    """Is each phrase more true of A than of B? Tested on every image (VisDiff section 4.2: AUROC of the cosine, Welch's t).

    The score of an image and a phrase is the cosine of their centred vectors, see :class:`PhraseScores`. Memory does not grow with the
    number of phrases: they are taken in blocks.

    Args:
        a: (n_a, d) raw image vectors, n_a >= 20.
        b: (n_b, d) raw image vectors of the other side.
        texts: m phrases.
        vectors: (m, d) their raw text vectors, in the images' space.
        vocabulary: words of the same text encoder, on whose mean direction the phrases are centred; without one they are only normalised.
        correction: "bh" Benjamini-Hochberg, or "by" Benjamini-Yekutieli, over the m phrases.
        rows: how many rows of the images that show a phrase best to list, per side; of images in groups one a group.
        groups_a: a label per row of A where images are not independent of each other, as :func:`compare` takes them: t and p count groups.
        groups_b: the same for B.
        paired: row i of A and row i of B are one thing seen twice.
        progress: ``progress(fraction, label)``; raise :class:`~latentdiff.errors.Cancelled` in it to stop.

    Returns:
        One :class:`Verification` per phrase, in the order given.

    Raises:
        InputError: sides, texts or vectors that cannot be used.
    """
    texts = _checked_texts(texts, vectors)
    if correction not in ("bh", "by"):
        raise InputError(f'correction is "bh" or "by", not {correction!r}')
    sides = Sides(a, b)
    sides.group(groups_a, groups_b, paired)
    return verify_sides(sides, texts, vectors, vocabulary=vocabulary, correction=correction, rows=rows, progress=progress)


def verify_sides(
    sides: Sides,
    texts: Sequence[str],
    vectors: np.ndarray,
    *,
    vocabulary: Vocabulary | None = None,
    correction: str = "bh",
    rows: int = 0,
    progress: Progress | None = None,
) -> list[Verification]:
    """:func:`verify` for sides that are checked already."""
    report = progress or silent
    if not len(texts):
        return []
    scores, n_a = PhraseScores(sides, vectors, vocabulary), sides.n_a
    size, groups = words_at_once(len(sides)), sides.groups
    grouping = None if groups is None else Grouping(sides.in_a, groups)
    measured: list[_Measured] = []
    moments = []
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:  # numpy's sort lets go of the interpreter
        for start in range(0, len(texts), size):
            block = scores.block(start, start + size)
            measured += pool.map(lambda row: _measure(row, n_a, rows, groups), block)
            if grouping is None:
                moments.append(mean_test(block[:, :n_a], block[:, n_a:]))
            else:
                test = grouping.dense(block)
                moments.append((test.z, test.p_value))
            report(min(1.0, (start + size) / len(texts)), "verifying phrases")
    t, p = (np.concatenate(part) for part in zip(*moments, strict=True))
    q = q_values(p, correction)
    return [
        Verification(
            str(text), m.auroc, float(t[i]), float(p[i]), float(q[i]), m.rate_a, m.rate_b, m.threshold,
            tuple(sides.keep_a[m.best_a].tolist()), tuple(sides.keep_b[m.best_b].tolist()),
        )
        for i, (text, m) in enumerate(zip(texts, measured, strict=True))
    ]  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Measured:
    auroc: float
    threshold: float
    rate_a: float
    rate_b: float
    best_a: np.ndarray
    best_b: np.ndarray


def _measure(scores: np.ndarray, n_a: int, rows: int, groups: np.ndarray | None = None) -> _Measured:
    """Everything about one phrase that comes from the order of its (n,) scores: one sort gives it all."""
    n_b = len(scores) - n_a
    # A float32 leaves the low bits of its float64 empty: the lowest one takes the side through the sort, and no two scores change order.
    key = scores.astype(np.float64)
    key.view(np.int64)[n_a:] |= 1
    key.sort()
    from_b = np.cumsum(key.view(np.int64) & 1)
    ordered = key.astype(np.float32)
    end = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    # Of each run of equal scores: images of both sides up to it, then in it.
    upto, upto_b = end + 1, from_b[end]
    count, b = np.diff(upto, prepend=0), np.diff(upto_b, prepend=0)
    twice_u = int(((count - b) * (2 * upto_b - b)).sum())
    threshold = shows_threshold(ordered)
    first = int(np.searchsorted(ordered, np.float32(threshold), "right"))
    above_b = n_b - int(from_b[first - 1]) if first else n_b
    rate_a, rate_b = (len(ordered) - first - above_b) / n_a, above_b / n_b
    sides = slice(None, n_a), slice(n_a, None)
    best_a, best_b = (_best(scores[s], rows, threshold, None if groups is None else groups[s]) for s in sides)
    return _Measured(twice_u / (2 * n_a * n_b), threshold, rate_a, rate_b, best_a, best_b)


def _best(scores: np.ndarray, count: int, threshold: float, groups: np.ndarray | None) -> np.ndarray:
    """Positions of at most ``count`` scores above the threshold, highest first, ties by position; one a group."""
    if not count:
        return np.zeros(0, int)
    shown = np.flatnonzero(scores > threshold)
    return one_a_group(shown[np.argsort(-scores[shown], kind="stable")], groups)[:count]


def _checked_texts(texts: Sequence[str], vectors: np.ndarray) -> list[str]:
    if isinstance(texts, str):
        raise InputError(f"texts is the single text {texts!r}; pass a list of phrases")
    texts = list(texts)
    if len(texts) != len(vectors):
        raise InputError(f"{len(texts)} phrases need {len(texts)} text vectors, got {len(vectors)}")
    return texts


def _text_directions(vectors: np.ndarray, width: int, vocabulary: Vocabulary | None) -> np.ndarray:
    """(m, d) float32 unit directions of phrases, centred where a vocabulary is known."""
    vectors = np.asarray(vectors, np.float32)
    if vectors.ndim != 2 or vectors.shape[1] != width:
        raise InputError(f"text vectors have shape {vectors.shape}; the images need (m, {width}), from the text half of their encoder")
    bad = np.flatnonzero(~np.isfinite(vectors).all(1) | ~vectors.any(1))
    if len(bad):
        raise InputError(f"the text vector of phrase {bad[0]} is zero or not finite ({len(bad)} such phrases); encode it again")
    unit = unit_rows(vectors)
    if vocabulary is None:
        return unit
    if vocabulary.width != width:
        raise InputError(f"the vocabulary has vectors of width {vocabulary.width}, the images of {width}; use the images' encoder")
    return unit_rows(unit - unit_rows(vocabulary.vectors).mean(0))

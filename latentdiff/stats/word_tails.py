"""How much better the best images of one side fit each word than the best of the other: words as candidates of their own.

A linear head misses a mode of four images and an SAE may hold no concept for it; the tail of the word's own scores shows it. The contrast
of the best k images of both sides is taken for several k, since nobody knows the size of a mode. Of the best three, those count for more
that stand apart from the other side: few images that fit a word better are mostly chance, a mode is images alike that the other side lacks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from ..embed.sides import Sides, centred
from ..embed.vocabulary import Vocabulary
from .image_scores import words_at_once

SIZES = (3, 5, 10, 20, 50)
"""Best images of the smaller side whose mean score is taken; of the other side the same share."""
LARGEST_SHARE = 0.1
"""No size is more than this share of a side, but for the smallest: larger modes are seen by the other branches."""
NEAREST = 3
"""Nearest images of the smaller side whose mean cosine says how alike its own side, and the other, are to an image."""
APART = 1.0
"""Scores, in the smallest size, count times the exponential of so many times the difference of the two. CLIP pairs not reported, words
alone: of 4 of 200 first .49 without and .55 with, among five .68 and .81; of 10 alike. Where all images come from one set, 309 draws of
4 of a class: first .21 and .25, among five .48 and .50; 2 names more first and costs .01 among five at 10 of 200."""
SOFTNESS = 8
"""Sizes are put together by a power mean of this exponent, nearly the largest (CLIP pairs of 4 of 200, those not reported: among five
.64 by the largest, .68 by 8 or 4; of 10 and of 20 alike)."""
BLOCKS = 400
"""Of a side of many images the best are chosen among the best of so many interleaved blocks: two of the best seldom share one, and choosing
among all of them would take longer than scoring them."""
AT_ONCE = 1_024
"""Words scored at once: their scores stay near the cache."""
SAMPLE = 3_000
"""Images, evenly spaced, on which all words are scored; the winners are then tested on all."""


@dataclass(frozen=True, eq=False)
class WordTails:
    """Evidence per word given; arrays of length v, by side."""

    score: dict[str, np.ndarray]
    """Contrast of the best images towards the side, in spreads over words, those that stand apart first; at least 0."""
    plain: dict[str, np.ndarray]
    """The same whether they stand apart or not: which of several words for the same images fits them."""
    strength: dict[str, np.ndarray]
    """Mean cosine of the three images of the side that show it best."""


def word_tails(sides: Sides, vocabulary: Vocabulary, most: int = SAMPLE) -> WordTails:
    """Score every word that has a vector of its own (no composed ones) by the tails of both sides.

    Args:
        sides: images of A and B; where they come in groups, the best groups count, by the mean of their images on a side.
        vocabulary: words in the images' space.
        most: images that are looked at.
    """
    rows = sides.spaced(most)
    unit, n_a = centred(sides[rows], sides.mean_direction), int(np.searchsorted(rows, sides.n_a))
    if sides.groups is not None:
        of_a, of_b = (_group_means(unit[some], sides.groups[rows[some]]) for some in (slice(None, n_a), slice(n_a, None)))
        unit, n_a = np.concatenate([of_a, of_b]), len(of_a)
    counts = (n_a, len(unit) - n_a)
    fewest = min(counts)
    sizes = [k for k in SIZES if k == SIZES[0] or k <= LARGEST_SHARE * fewest]
    weight = np.exp(APART * standing_apart(unit, n_a))
    best: dict[str, list[np.ndarray]] = {"A": [], "B": []}
    step = min(words_at_once(len(unit)), AT_ONCE)
    memory = np.empty((step, len(unit)), np.float32)
    for start in range(0, vocabulary.given, step):
        words = vocabulary.centred[start : min(start + step, vocabulary.given)]
        scores = np.matmul(words, unit.T, out=memory[: len(words)])
        for side, own, n in (("A", slice(None, n_a), counts[0]), ("B", slice(n_a, None), counts[1])):
            of_side, of_words = [round(k * n / fewest) for k in sizes], scores[:, own]
            plain = _best_means(of_words, of_side)
            of_words *= weight[own]
            best[side].append(np.concatenate([plain, _best_means(of_words, of_side[:1])], axis=1))
    a, b = np.concatenate(best["A"]), np.concatenate(best["B"])
    contrast = a - b
    spread = contrast.std(0)
    z = np.divide(contrast - np.median(contrast, axis=0), spread, out=np.zeros_like(contrast), where=spread > 0)
    plain, score = z[:, :-1], np.concatenate([z[:, -1:], z[:, 1:-1]], axis=1)
    told, as_it_is = ({"A": _together(x), "B": _together(-x)} for x in (score, plain))
    return WordTails(told, as_it_is, {"A": a[:, 0], "B": b[:, 0]})


def standing_apart(unit: np.ndarray, n_a: int) -> np.ndarray:
    """(n,) how much nearer, in cosine, the nearest images of its own side are to each image than those of the other side.

    Args:
        unit: (n, d) unit vectors, A's images first.
        n_a: images of A; of the larger side as large a share counts as near as ``NEAREST`` are of the smaller.
    """
    out, counts = np.zeros(len(unit), np.float32), (n_a, len(unit) - n_a)
    fewest = min(counts)
    if fewest < 2:
        return out
    of_a, of_b = (min(n - 1, round(NEAREST * n / fewest)) for n in counts)
    for start in range(0, len(unit), AT_ONCE):
        rows = np.arange(start, min(start + AT_ONCE, len(unit)))
        cosine = unit[rows] @ unit.T
        cosine[np.arange(len(rows)), rows] = -np.inf  # no image is near itself
        to_a, to_b = _mean_of_highest(cosine[:, :n_a], of_a), _mean_of_highest(cosine[:, n_a:], of_b)
        out[rows] = np.where(rows < n_a, to_a - to_b, to_b - to_a)
    return out


def _mean_of_highest(values: np.ndarray, k: int) -> np.ndarray:
    """(m,) means of the k highest of each row."""
    highest = np.sort(np.partition(values, values.shape[1] - k, axis=1)[:, -k:], axis=1)
    return np.asarray(highest.mean(1, dtype=np.float64))


def _group_means(unit: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """(g, d) means of the vectors of each group: their scores are the means of their images' scores."""
    number, count = np.unique(groups, return_inverse=True, return_counts=True)[1:]
    return np.asarray(sp.csr_array((1 / count[number], (number, np.arange(len(unit)))), dtype=np.float32) @ unit)


def _best_means(scores: np.ndarray, sizes: list[int]) -> np.ndarray:
    """(m, len(sizes)) means of the highest scores of each row."""
    most = min(max(sizes), scores.shape[1])
    if 4 * most <= BLOCKS < scores.shape[1] // 2:
        scores = _best_of_blocks(scores)
    best = np.sort(np.partition(scores, scores.shape[1] - most, axis=1)[:, -most:], axis=1)[:, ::-1]
    sums = np.cumsum(best, axis=1, dtype=np.float64)
    return np.stack([sums[:, min(k, most) - 1] / min(k, most) for k in sizes], axis=1)


def _best_of_blocks(scores: np.ndarray) -> np.ndarray:
    """(m, BLOCKS) highest score of each block; every ``BLOCKS``-th image is in one, so that neighbours are not."""
    whole = scores.shape[1] // BLOCKS * BLOCKS
    best = scores[:, :BLOCKS].copy()
    for start in range(BLOCKS, whole, BLOCKS):
        np.maximum(best, scores[:, start : start + BLOCKS], out=best)
    rest = scores.shape[1] - whole
    np.maximum(best[:, :rest], scores[:, whole:], out=best[:, :rest])
    return best


def _together(z: np.ndarray) -> np.ndarray:
    """(m,) power mean over sizes of what points to the side."""
    return np.asarray(np.power(np.power(np.maximum(z, 0.0), SOFTNESS).mean(1), 1 / SOFTNESS))

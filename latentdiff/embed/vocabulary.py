"""Words and phrases with their text vectors, centred for naming (method section 3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ..compute.files import is_text
from ..errors import InputError
from .word_forms import singular, unqualified
from .word_lists import look_alikes

SHOWN = 5
"""Words that a remark lists."""
SAME_MEANING = 0.6
"""Cosine of centred text vectors from which a plural is told by its singular ("glasses" need not be more than one glass)."""
COMPOSED_HANDICAP = 0.05
"""A composed phrase lies nearer to any mixture than its words do: it must fit better by this (COCO pairs: .03 to .05 alike, 0 worse)."""


class Vocabulary:
    """Words or phrases with text vectors in the images' space.

    Args:
        words: v >= 2 non-empty words or phrases; of one that is there again (class lists repeat names) the first counts.
        vectors: (v, d) finite, non-zero text vectors; need not be normalised.
        composed: so many of the last entries have vectors that were composed of other entries' (:meth:`with_phrases`), not encoded.

    Raises:
        InputError: fewer than two different words, empty words, or vectors that do not fit them.

    Attributes:
        remarks: what is to be said of the words: that some are there again, or look alike.
    """

    def __init__(self, words: Sequence[str], vectors: np.ndarray, *, composed: int = 0) -> None:
        self.words = tuple(str(w) for w in words)
        self.vectors = _floats(vectors)
        self.given = len(self.words) - composed
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.words):
            raise InputError(f"{len(self.words)} words need vectors of shape ({len(self.words)}, d), got {self.vectors.shape}")
        broken = next((w for w in self.words if not is_text(w)), None)
        if broken is not None:
            raise InputError(f"the vocabulary holds {broken!r}, which is no valid text: it can be neither stored nor shown; remove it")
        blank = [i for i, w in enumerate(self.words) if not w.strip()]
        if blank:
            raise InputError(f"word {blank[0]} of the vocabulary is empty; remove it")
        self._keep_first()
        if len(self.words) < 2:
            raise InputError(f"a vocabulary needs at least two words, got {len(self.words)}")
        bad = np.flatnonzero(~np.isfinite(self.vectors).all(1) | ~self.vectors.any(1))
        if len(bad):
            raise InputError(f"the vector of {self.words[bad[0]]!r} is zero or not finite ({len(bad)} such words); encode it again")

    def _keep_first(self) -> None:
        """Leave out words that are there again, and note what is to be said."""
        first: dict[str, int] = {}
        for i, word in enumerate(self.words):
            first.setdefault(word, i)
        remarks = []
        again = len(self.words) - len(first)
        if again:
            rows = list(first.values())
            repeated = [word for word, count in Counter(self.words).items() if count > 1]
            remarks.append(f"{_entries(again)} of the vocabulary repeat an earlier one, which counts: {_some(repeated)}")
            self.given = sum(row < self.given for row in rows)
            self.words, self.vectors = tuple(first), self.vectors[rows]
        alike = look_alikes(self.words)
        if alike:
            pairs = [f"{a} and {b}" for a, b in alike]
            remarks.append(f"{_entries(len(alike))} of the vocabulary look like another, with other letters: {_some(pairs)}")
        self.remarks = tuple(remarks)

    def __len__(self) -> int:
        return len(self.words)

    @property
    def width(self) -> int:
        """Length d of the text vectors."""
        return self.vectors.shape[1]

    @cached_property
    def centred(self) -> np.ndarray:
        """(v, d) float32: L2-normalised, minus the mean of the words given, L2-normalised again (removes the modality gap)."""
        return unit_rows(unit_rows(self.vectors) - self._mean)

    @cached_property
    def handicap(self) -> np.ndarray:
        """(v,) float32 to subtract from cosines before the best words are chosen: 0, and ``COMPOSED_HANDICAP`` for composed phrases."""
        out = np.zeros(len(self), np.float32)
        out[self.given :] = COMPOSED_HANDICAP
        return out

    @cached_property
    def headword(self) -> np.ndarray:
        """(v,) int: of a plural the row of its singular, of "crab (animal)" that of "crab", where that is here and means the same; of every
        other word its own."""
        row = {w.casefold(): i for i, w in enumerate(self.words)}
        out = np.arange(len(self))
        for i, word in enumerate(self.words):
            plain = word.casefold()
            one = row.get(singular(plain, row), i)
            one = row.get(unqualified(plain), i) if one == i else one
            if one != i and float(self.centred[one] @ self.centred[i]) > SAME_MEANING:
                out[i] = one
        return out

    def with_phrases(self, pairs: Iterable[tuple[str, str]]) -> Vocabulary:
        """Add two-word phrases whose words are here, without a text encoder.

        The centred vector of a phrase is the normalised sum of its words' (COCO labels in a sentence space: cosine .75 to .92 with the
        encoded phrase, where the better of the two words has .68 to .84).

        Args:
            pairs: (first word, second word); pairs with an unknown word and phrases that are here already are passed over.
        """
        row = {w.casefold(): i for i, w in enumerate(self.words)}
        known = [(a, b) for a, b in dict.fromkeys(pairs) if a in row and b in row and f"{a} {b}" not in row]
        if not known:
            return self
        sums = unit_rows(self.centred[[row[a] for a, _ in known]] + self.centred[[row[b] for _, b in known]])
        # The unit vector that lies in the wanted direction from the mean: centring it gives the direction back.
        along = sums @ self._mean
        reach = np.sqrt(along**2 + max(1 - float(self._mean @ self._mean), 0.0)) - along
        vectors = np.concatenate([self.vectors, self._mean + reach[:, None] * sums])
        return Vocabulary([*self.words, *(f"{a} {b}" for a, b in known)], vectors, composed=len(self) - self.given + len(known))

    def with_encoded(self, phrases: Sequence[str], vectors: np.ndarray) -> Vocabulary:
        """Add phrases with text vectors of their own; the centring stays that of the words given.

        Args:
            phrases: k phrases that are not here yet.
            vectors: (k, d) their text vectors.
        """
        if not len(phrases):
            return self
        new = Vocabulary([*self.words, *phrases], np.concatenate([self.vectors, vectors]), composed=len(self) - self.given + len(phrases))
        new.__dict__["handicap"] = np.concatenate([self.handicap, np.zeros(len(phrases), np.float32)])  # encoded, not composed
        return new

    @cached_property
    def _mean(self) -> np.ndarray:
        return unit_rows(self.vectors[: self.given]).mean(0)

    @property
    def chance_cosine(self) -> float:
        """Cosine that the best of all words reaches with a random direction: ``sqrt(2 ln v / d)``, the maximum of v normal deviates."""
        return float(np.sqrt(2 * np.log(len(self.words)) / self.width))


def _entries(count: int) -> str:
    return f"{count:,} {'entry' if count == 1 else 'entries'}"


def _some(texts: Sequence[str]) -> str:
    return ", ".join(texts[:SHOWN]) + (f" and {len(texts) - SHOWN:,} more" if len(texts) > SHOWN else "")


def _floats(vectors: Any) -> np.ndarray:
    """As float32; what overflows there is infinite, and refused as such."""
    vectors = np.asarray(vectors)
    if vectors.dtype.kind not in "fiu":
        raise InputError(f"text vectors are an array of numbers of shape (words, d), not of {vectors.dtype}")
    with np.errstate(over="ignore"):
        return np.asarray(vectors, np.float32)


def unit_rows(x: np.ndarray) -> np.ndarray:
    """(n, d) rows divided by their L2 norm; zero rows stay zero."""
    x = np.asarray(x, np.float32)
    return x / np.maximum(row_norms(x), 1e-12)[:, None]


def row_norms(x: np.ndarray) -> np.ndarray:
    """(n,) L2 norms of (n, d) rows, without a squared copy of them."""
    return np.sqrt(np.einsum("ij,ij->i", x, x))

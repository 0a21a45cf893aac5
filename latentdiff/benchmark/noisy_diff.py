"""Noisy-Diff: pairs of image sets that differ in one rare attribute a side, made from object labels (paper section 5, method section 8)."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError

PAPER_ATTRIBUTES = {"bicycle": 22, "backpack": 34, "cat": 23, "dog": 26, "tv": 28, "motorcycle": 13}
"""Eligible attributes of the paper's six COCO parents: its table 2 counts C(22,2) = 231 pairs for bicycle, and so on; 1,826 in all."""
MINIMUM = 100
"""Images of the parent that show an eligible attribute, at least (paper section 6.1)."""
MINIMUM_PARENT = 2_000
"""Parents with fewer images are skipped (paper section 6.1)."""

Labels = Sequence[Collection[str]]
"""One collection of label names per image; a name that stands twice counts once."""


@dataclass(frozen=True)
class PairCounts:
    """What a pair would hold, before any image is drawn."""

    parent: str
    attribute_a: str
    attribute_b: str
    mix_a: int
    """Images of the parent with A and without B."""
    mix_b: int
    """Images of the parent with B and without A."""
    both: int
    """Images with all three, which are dropped."""
    plain: int
    """Images of the parent with neither, which both sides share out."""

    @property
    def mass_a(self) -> float:
        """Share of the parent's images that make up A's mode, in (0, 1)."""
        return self.mix_a / (self.mix_a + self.mix_b + self.both + self.plain)

    @property
    def mass_b(self) -> float:
        """Share of the parent's images that make up B's mode, in (0, 1)."""
        return self.mix_b / (self.mix_a + self.mix_b + self.both + self.plain)


@dataclass(frozen=True, eq=False)
class NoisyPair:
    """Two disjoint sets of images and the truth about them. All rows are positions in the labels, ascending int64."""

    parent: str
    attribute_a: str
    attribute_b: str
    rows_a: np.ndarray
    """Half of the plain images, and the planted ones of A."""
    rows_b: np.ndarray
    planted_a: np.ndarray
    """Those of ``rows_a`` that show the attribute."""
    planted_b: np.ndarray
    mass_a: float
    """Share of the parent's images that are planted in A (ImageNet halves: of A's images), in (0, 1)."""
    mass_b: float
    dropped: int
    """Images left out because they show both attributes (ImageNet halves: the attribute of the other half)."""


def eligible(labels: Labels, parent: str, minimum: int = MINIMUM) -> list[str]:
    """Attributes that at least ``minimum`` of the parent's images show.

    Args:
        labels: one collection of label names per image.
        parent: the label that all images of a pair share.
        minimum: images, >= 1.

    Returns:
        Names in alphabetical order, without the parent.

    Raises:
        InputError: no image shows the parent, or labels that are no collections of names.
    """
    if minimum < 1:
        raise InputError(f"minimum must be at least 1 image, not {minimum}")
    counts = Counter(name for own in _of_parent(labels, parent) for name in own)
    return sorted(name for name, count in counts.items() if count >= minimum and name != parent)


def parents(labels: Labels, minimum_images: int = MINIMUM_PARENT) -> dict[str, int]:
    """Labels with enough images to be a parent, with their counts, most frequent first."""
    counts = Counter(name for own in _checked(labels) for name in own)
    return {name: count for name, count in sorted(counts.items(), key=lambda x: (-x[1], x[0])) if count >= minimum_images}


def count_pairs(labels: Labels, parent: str, minimum: int = MINIMUM, minimum_mix: int = 1) -> list[PairCounts]:
    """Every pair of eligible attributes with what it would hold.

    Args:
        labels: one collection of label names per image.
        parent: the label that all images of a pair share.
        minimum: images of the parent that show each attribute (the paper's counts follow this rule).
        minimum_mix: images on each side that show its attribute without the other, >= 1.

    Returns:
        Pairs with ``attribute_a < attribute_b``, in alphabetical order.

    Raises:
        InputError: as :func:`eligible`.
    """
    names = eligible(labels, parent, minimum)
    own = _of_parent(labels, parent)
    shows = np.zeros((len(own), len(names)), np.float32)
    column = {name: i for i, name in enumerate(names)}
    for row, image in enumerate(own):
        shows[row, [column[name] for name in image if name in column]] = 1
    together = np.rint(shows.T @ shows).astype(int)
    out = []
    for i, a in enumerate(names):
        for j in range(i + 1, len(names)):
            both = int(together[i, j])
            mix_a, mix_b = int(together[i, i]) - both, int(together[j, j]) - both
            if min(mix_a, mix_b) >= max(minimum_mix, 1):
                out.append(PairCounts(parent, a, names[j], mix_a, mix_b, both, len(own) - mix_a - mix_b - both))
    return out


def choose_pairs(pairs: Sequence[PairCounts], count: int | None, seed: int = 0) -> list[PairCounts]:
    """``count`` pairs drawn without replacement (all, where there are no more or count is None), in the given order."""
    if count is None or count >= len(pairs):
        return list(pairs)
    rows = np.random.default_rng(seed).choice(len(pairs), count, replace=False)
    return [pairs[i] for i in sorted(rows.tolist())]


def build(labels: Labels, parent: str, a: str, b: str, seed: int = 0) -> NoisyPair:
    """One pair: half of the plain images each, and each side's own attribute.

    Args:
        labels: one collection of label names per image.
        parent: the label that all images share.
        a: attribute of side A; its images without ``b`` all go to A.
        b: attribute of side B.
        seed: of the split of the plain images; the same seed gives the same pair.

    Returns:
        The pair: its sides are disjoint; images with both attributes are in neither.

    Raises:
        InputError: labels that are unknown, equal, or never apart from each other.
    """
    sets = _checked(labels)
    for name in (parent, a, b):
        if not any(name in own for own in sets):
            raise _unknown(name, sets)
    if len({parent, a, b}) < 3:
        raise InputError(f"parent and attributes must be three different labels, not {parent!r}, {a!r} and {b!r}")
    has_parent, has_a, has_b = (np.fromiter((name in own for own in sets), bool, len(sets)) for name in (parent, a, b))
    planted_a, planted_b = np.flatnonzero(has_parent & has_a & ~has_b), np.flatnonzero(has_parent & has_b & ~has_a)
    for planted, own, other in ((planted_a, a, b), (planted_b, b, a)):
        if not len(planted):
            raise InputError(f"no image shows {parent!r} and {own!r} without {other!r}; choose another pair (see noisy_diff.count_pairs)")
    plain = np.random.default_rng(seed).permutation(np.flatnonzero(has_parent & ~has_a & ~has_b))
    half = len(plain) // 2
    total = int(has_parent.sum())
    return NoisyPair(
        parent,
        a,
        b,
        np.sort(np.concatenate([plain[:half], planted_a])),
        np.sort(np.concatenate([plain[half:], planted_b])),
        planted_a,
        planted_b,
        len(planted_a) / total,
        len(planted_b) / total,
        int((has_parent & has_a & has_b).sum()),
    )


def build_halves(groups: Sequence[str], a: str, b: str, seed: int = 0) -> NoisyPair:
    """The ImageNet variant (paper appendix E): two random halves, of which A lacks group ``b`` and B lacks group ``a``.

    Args:
        groups: the group of every image.
        a: group that only A keeps.
        b: group that only B keeps.
        seed: of the halves; the same seed gives the same halves for every pair of groups.

    Raises:
        InputError: groups that are unknown or equal, or a half without any image of its own group.
    """
    names = np.asarray(groups, dtype=object)
    if a == b:
        raise InputError(f"the two groups must differ, both are {a!r}")
    for name in (a, b):
        if not (names == name).any():
            raise _unknown(name, [{str(g)} for g in dict.fromkeys(groups)])
    order = np.random.default_rng(seed).permutation(len(names))
    half_a, half_b = np.sort(order[: len(order) // 2]), np.sort(order[len(order) // 2 :])
    rows_a, rows_b = half_a[names[half_a] != b], half_b[names[half_b] != a]
    planted_a, planted_b = rows_a[names[rows_a] == a], rows_b[names[rows_b] == b]
    if not len(planted_a) or not len(planted_b):
        raise InputError(f"{a!r} or {b!r} has too few images to be in its half; choose larger groups")
    dropped = len(names) - len(rows_a) - len(rows_b)
    masses = len(planted_a) / len(rows_a), len(planted_b) / len(rows_b)
    return NoisyPair("", a, b, rows_a, rows_b, planted_a, planted_b, *masses, dropped)


def _of_parent(labels: Labels, parent: str) -> list[frozenset[str]]:
    sets = _checked(labels)
    own = [s for s in sets if parent in s]
    if not own:
        raise _unknown(parent, sets)
    return own


def _checked(labels: Labels) -> list[frozenset[str]]:
    out = []
    for row, own in enumerate(labels):
        if isinstance(own, (str, bytes)) or not isinstance(own, Iterable):
            raise InputError(f"labels need one list of names per image; image {row} has {own!r}")
        out.append(frozenset(own))
    return out


def _unknown(name: str, sets: Sequence[Collection[str]]) -> InputError:
    known = sorted({str(n) for own in sets for n in own})
    near = difflib.get_close_matches(str(name), known, 3)
    if near:
        return InputError(f"no image has the label {name!r}; near: {', '.join(near)}")
    more = " ..." if len(known) > 20 else ""
    return InputError(f"no image has the label {name!r}; there are {', '.join(known[:20]) or 'none'}{more}")

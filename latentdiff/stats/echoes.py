"""Findings that only echo a stronger one: on the images that show nothing stronger, they no longer differ.

Where A has a mode, everything that correlates with it differs between A and B: a word whose vector leans a little towards the mode's, a
concept that fires now and then along with it. On 20,000 images a side such shifts of a thousandth are significant, and they are true of
the scores, yet nobody would call them a second difference. They are recognised by testing them again on the images of both sides that
show none of the stronger findings: a mode of its own is still there, an echo is gone. An echo shares images with what it repeats: it is
more of the same side, and half of its images there, or more, show the stronger finding. Without that the stronger one explains nothing:
where a finding covers all of A, whatever is more of B would be gone along with A.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import scipy.sparse as sp

from ..compute.sparse import rows_by_column
from ..embed.grouping import FEWEST_GROUPS
from .divergence import by_group, divergence
from .grouped import Grouping
from .phrases import phrase_evidence

FEWEST_LEFT = 20
"""Images a side below which nothing more can be tested; of images in groups, ``FEWEST_GROUPS`` groups are needed too."""
SHARED = 0.5
"""Share of a finding's images, of its own side, that show a stronger one which it may repeat."""
SAME_IMAGES = 0.6
"""Images of its side that two findings share, as a share of those that show either, from which they are the same images (35 pairs of Corel
classes, alone and two beside another: with this and the constants of :mod:`~latentdiff.comparing.folding` 22 cards a side become 6 where
all images differ, and all 52 classes keep their names; on 55 pairs of classes of four other sets, not used for choosing, 23 become 3, and
all 114 keep theirs)."""

CERTAIN = 1e-12
"""p-values below are alike."""
FEW_LEFT = 0.5
"""Share of a side's images that must be left for a p above alpha to mean an echo; with fewer, the difference itself is looked at."""
SHARE_LEFT = 0.5
"""Share of a difference that stays without the stronger findings' images where it is one of its own; of an echo next to nothing stays."""


@dataclass(frozen=True)
class Gated:
    """One finding that passes the gate."""

    side: str
    """"A" or "B"."""
    concept: bool
    """Values are a concept's activations (0 = does not fire); else a phrase's scores."""
    p_value: float
    score: float
    """Ranking score; breaks ties of p."""
    guess: bool = False
    """Its name hardly fits: of findings that the same images show, those with names that fit are looked at first."""


@dataclass(frozen=True, eq=False)
class Echoes:
    """What is left of each finding."""

    p_value: np.ndarray
    """(m,) p on the images without the stronger findings that it shares images with, times m (Bonferroni), at most 1; the given p where
    there is none, or where too few images are left."""
    of: np.ndarray
    """(m,) the stronger finding that shares most images with an echo; -1 where a finding stands by itself."""
    overlaps: np.ndarray
    """(m,) the stronger finding that shares most images with one that stands because too few images are left to test it; else -1."""


def find_echoes(
    findings: Sequence[Gated],
    values: Callable[[int], np.ndarray],
    shows: sp.csr_array,
    n_a: int,
    alpha: float,
    binning: str = "sparse",
    groups: np.ndarray | None = None,
) -> Echoes:
    """Test each finding without the images of those that it may repeat, strongest (smallest p) first, guesses after what names them.

    Leaving images out depends on what they show, not on the side they are of, so a test on the rest keeps its level.

    Args:
        findings: m findings that pass the gate, of both sides.
        values: ``values(i)``: (n,) activations or scores of all images under finding i, A's first.
        shows: (n, m) bool: which images show which finding.
        n_a: images of A.
        alpha: level below which a finding stands by itself.
        binning: of the concepts' histograms, as :func:`~latentdiff.stats.divergence.divergence`.
        groups: (n,) group of each image, integers from 0, where images come in groups: the tests count groups then.
    """
    own = rows_by_column(shows)
    standing: list[int] = []
    p = np.array([f.p_value for f in findings])
    of, overlaps = np.full(len(findings), -1), np.full(len(findings), -1)
    # Beyond doubt is beyond doubt: there the better name goes first.
    order = sorted(range(len(findings)), key=lambda i: (max(findings[i].p_value, CERTAIN), -findings[i].score))
    alike, within = _between(findings, shows, n_a)
    for i in _names_first(order, findings, alike):
        shared = [float(within[i, j]) for j in standing]
        nearest = int(np.argmax(shared)) if shared else 0
        if shared and shared[nearest] >= SHARED:
            left = np.ones(shows.shape[0], bool)
            for j, share in zip(standing, shared, strict=True):
                left[own[j]] &= share < SHARED
            if _too_few(left, n_a, groups):
                overlaps[i] = standing[nearest]
            else:
                value = values(i)
                p[i] = min(1.0, len(findings) * _p_value(findings[i], value, left, n_a, binning, groups))
                if p[i] > alpha and not _remains(findings[i], value, left, n_a):
                    of[i] = standing[nearest]
        if of[i] < 0:
            standing.append(i)
    return Echoes(p, of, overlaps)


def _between(findings: Sequence[Gated], shows: sp.csr_array, n_a: int) -> tuple[np.ndarray, np.ndarray]:
    """(m, m) both of :func:`shared_images`, by the images of their side; 0 between sides, and 1 within those of a finding of no image.

    A finding that no image of its side shows is all shift: any stronger one may explain it.
    """
    alike, within = np.zeros((2, len(findings), len(findings)))
    for side, rows in (("A", slice(None, n_a)), ("B", slice(n_a, None))):
        own = [i for i, f in enumerate(findings) if f.side == side]
        if own:
            of_side = shows[rows][:, own]
            same, inside = shared_images(of_side)
            inside[np.asarray(of_side.sum(0)).ravel() == 0] = 1.0
            alike[np.ix_(own, own)], within[np.ix_(own, own)] = same, inside
    return alike, within


def _names_first(order: list[int], findings: Sequence[Gated], alike: np.ndarray) -> list[int]:
    """The order in which a guess comes after the strongest finding of its side that the same images show and whose name fits.

    What is one thing is told by its name, however little the p of a guess is below. Of 20 of a class planted among 200, 86 pairs of CLIP
    that are not reported, the class's name was then a finding in .71, else in .41 (without crowds); there were as many findings, and half
    as many guesses.
    """
    out: list[int] = []
    for place, i in enumerate(order):
        if i in out:
            continue
        if findings[i].guess:
            named = (j for j in order[place + 1 :] if findings[j].side == findings[i].side and not findings[j].guess and j not in out)
            out += islice((j for j in named if alike[i, j] >= SAME_IMAGES), 1)
        out.append(i)
    return out


def of_side(rows: np.ndarray, side: str, n_a: int) -> np.ndarray:
    """Those of some rows that are of a side, where A's come first."""
    return rows[rows < n_a] if side == "A" else rows[rows >= n_a]


def shared_images(shows: sp.csr_array) -> tuple[np.ndarray, np.ndarray]:
    """Which images findings share.

    Args:
        shows: (n, m) bool: which images, of one side, show which finding.

    Returns:
        (m, m) images that show both, as a share of those that show either; and (m, m) as a share of those that show the row's finding. 0
        where there are none.
    """
    columns = shows.astype(np.float64)
    both = (columns.T @ columns).toarray()
    count = both.diagonal()
    return both / np.maximum(count[:, None] + count - both, 1), both / np.maximum(count[:, None], 1)


def _remains(finding: Gated, values: np.ndarray, left: np.ndarray, n_a: int) -> bool:
    """Whether few images of a side are left to prove a difference again, and at least ``SHARE_LEFT`` of that of the means is there.

    Where most of A is snow and most of B is beach, few images of A are left without the snow; the beach is still rarer among them.
    """
    if min(left[:n_a].mean(), left[n_a:].mean()) > FEW_LEFT:
        return False
    sign = 1 if finding.side == "A" else -1
    whole = sign * (values[:n_a].mean(dtype=np.float64) - values[n_a:].mean(dtype=np.float64))
    a, b = values[:n_a][left[:n_a]], values[n_a:][left[n_a:]]
    if not len(a) or not len(b):
        return False
    return bool(sign * (a.mean(dtype=np.float64) - b.mean(dtype=np.float64)) >= SHARE_LEFT * whole > 0)


def _too_few(left: np.ndarray, n_a: int, groups: np.ndarray | None) -> bool:
    """Whether a side has too few images left for a test, or images of too few groups."""
    sides = slice(None, n_a), slice(n_a, None)
    if any(left[side].sum() < FEWEST_LEFT for side in sides):
        return True
    return groups is not None and any(len(np.unique(groups[side][left[side]])) < FEWEST_GROUPS for side in sides)


def _p_value(finding: Gated, values: np.ndarray, left: np.ndarray, n_a: int, binning: str, groups: np.ndarray | None) -> float:
    """p that a finding is more of its side, on some images."""
    a, b = values[:n_a][left[:n_a]], values[n_a:][left[n_a:]]
    in_a, own = np.arange(len(a) + len(b)) < len(a), None if groups is None else groups[left]
    if not finding.concept:
        evidence = phrase_evidence(a[None], b[None], None if own is None else Grouping(in_a, own))
        return float((evidence.p_more_in_a if finding.side == "A" else evidence.p_more_in_b)[0])
    codes = sp.csr_array(np.concatenate([a, b])[:, None])
    d = divergence(codes[: len(a)], codes[len(a) :], binning)
    if own is not None:
        d = by_group(d, codes, in_a, own)
    sign = 1 if finding.side == "A" else -1
    return float(d.p_value[0]) if max(sign * d.gap[0], sign * d.firing_z[0]) > 0 else 1.0

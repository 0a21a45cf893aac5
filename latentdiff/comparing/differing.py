"""What is measured of two sides before anything has a name: each concept, each image, and both sides as a whole."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from ..compute.sparse import row_view
from ..config import CompareConfig
from ..embed.sides import Sides, centred
from ..embed.vocabulary import Vocabulary
from ..progress import Progress
from ..stats.density_ratio import DensityRatio, cross_fit
from ..stats.divergence import Divergence, divergence, retested
from ..stats.two_sample import MOST, Verdict, verdict
from ..stats.within import means_test

CROSS_FITTINGS = 5
"""Of which an image's log ratio is the mean."""
REPEATED_UP_TO = 50_000
"""Images up to which it is: of more, how the folds fell hardly matters, and each costs as much as all the rest."""
SHORT_LIST = 500
"""Words of a vocabulary up to which it is a list of its own, of classes say, whose scores take part in the verdict."""


def divergence_of(sides: Sides, codes: sp.csr_array, config: CompareConfig) -> Divergence:
    """Evidence per concept, by group or within strata where images come in such."""
    d = divergence(row_view(codes, 0, sides.n_a), row_view(codes, sides.n_a, len(sides)), config.binning)
    test = means_test(sides.in_a, sides.groups, sides.strata)
    return d if test is None else retested(d, codes, test)


def density_ratio_of(sides: Sides, codes: sp.csr_array, config: CompareConfig, progress: Progress) -> DensityRatio:
    """Log ratios of all images; with few groups there are no more folds than a side has groups."""
    folds = config.folds
    if sides.groups is not None:
        folds = min(folds, *(len(np.unique(own)) for own in (sides.groups[: sides.n_a], sides.groups[sides.n_a :])))
    return cross_fit(
        sides,
        sides.in_a,
        codes,
        config.penalties,
        folds,
        config.seed,
        progress,
        repeats=CROSS_FITTINGS if len(sides) <= REPEATED_UP_TO else 1,
        groups=sides.groups,
        order=sides.order,
        strata=sides.strata,
    )


def verdict_of(sides: Sides, codes: sp.csr_array, vocabulary: Vocabulary | None, config: CompareConfig) -> Verdict:
    """Do the sides differ at all; a vocabulary that is short enough to be a question of its own is asked as one."""
    rows, words = sides.by_content(MOST), None
    unit = centred(sides[rows], sides.mean_direction)
    if vocabulary is not None and vocabulary.given <= SHORT_LIST:
        words = unit @ vocabulary.centred[: vocabulary.given].T
    # Relabellings of their own for these images: ones that all comparisons shared would be a little too mild or too harsh for all of them.
    seed = config.seed + int(sides.keys.sum() % np.uint64(1 << 32))
    return verdict(codes, unit, rows, sides.in_a, sides.groups, words, seed, sides.strata)

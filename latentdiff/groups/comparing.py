"""How do several groups of images differ: every group against the rest and every pair, from one encoding."""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..comparing.differing import CROSS_FITTINGS, REPEATED_UP_TO, SHORT_LIST
from ..compute.parallel import one_thread
from ..compute.sparse import row_view
from ..config import CompareConfig, takes_config
from ..embed.sides import centred
from ..embed.vocabulary import Vocabulary
from ..embed.words import with_compounds
from ..progress import Progress, part, silent
from ..results.comparison import Comparison
from ..results.groups import GroupComparison, rates_of
from ..sae.encoding import fast_precision
from ..sae.fairness import one_sided_remarks
from ..sae.model import SparseAutoencoder
from ..stats.discriminant import GroupScores, group_scores
from ..stats.divergence import divergence
from ..stats.group_verdict import GroupVerdict, group_verdict
from ..stats.two_sample import MOST
from ..version import __version__
from .partition import OneAgainstRest, Partition
from .telling import GroupStages, correct

SMALL_WORK = 20_000_000
"""Vector entries below which threads cost more than they bring."""
CANDIDATES, LEADS = 12, 4
"""Candidates kept per side and branch of a group that differs, and of one that does not: they cost as much as all the rest."""

SURE = 0.007
"""p of a group, of all, from which it differs beyond doubt: what 166 relabellings can say, and more."""


@takes_config()
def compare_groups(
    vectors: np.ndarray,
    groups: Sequence[Any] | np.ndarray,
    *,
    sae: SparseAutoencoder | str | Path | None = None,
    vocabulary: Vocabulary | None = None,
    config: CompareConfig | None = None,
    progress: Progress | None = None,
) -> GroupComparison:
    """How do several groups of images differ?

    Every group is compared with all others together, and every pair is told apart as far as it can be. All groups share one encoding, one
    set of discriminants, and one control of false alarms: where the groups are samples of one population, at most ``config.alpha`` of such
    comparisons name any of them.

    Args:
        vectors: (n, d) raw image vectors, float16/32/64 array or memmap.
        groups: n labels (texts, numbers, dates): camera, month, site. Rows with None or NaN are left out and counted. At least two groups,
            of at least 20 images each.
        sae: a sparse autoencoder of the same encoder, what :func:`load_sae` takes, or None to train one on all rows.
        vocabulary: words with text vectors in the images' space; None leaves concepts unnamed.
        config: every choice; None for the defaults. ``folds`` and ``penalties`` of the density-ratio head are not used: ridges are chosen.
        progress: ``progress(fraction, label)``; raise :class:`~latentdiff.errors.Cancelled` in it to stop.

    Returns:
        A comparison of each group (as A) with the rest (as B), distances of all pairs, and the rates of the strongest concepts.

    Raises:
        InputError: labels or vectors that cannot be used; the message says what to do.
        CheckpointError: ``sae`` is a folder without a readable SAE.

    Example:
        >>> found = latentdiff.compare_groups(vectors, cameras, sae="pach", vocabulary=words)
        >>> found.differs, found.groups["camera 3"].top("A"), found.distances.round(2)
    """
    config, progress = config or CompareConfig(), progress or silent
    partition = Partition(vectors, groups, config.skip_bad)
    if vocabulary is not None and config.compounds:
        vocabulary = with_compounds(vocabulary)
    small = len(partition) * partition.x.shape[1] < SMALL_WORK
    if not small:
        return _compared(partition, sae, vocabulary, config, progress)
    with one_thread():
        return _compared(partition, sae, vocabulary, config, progress)


def _compared(
    partition: Partition,
    sae: SparseAutoencoder | str | Path | None,
    vocabulary: Vocabulary | None,
    config: CompareConfig,
    progress: Progress,
) -> GroupComparison:
    start, k = time.perf_counter(), len(partition.names)
    first = partition.side(0)
    sae, trained = GroupStages(first, config, vocabulary, part(progress, 0.0, 0.5))._sae(sae)
    precision = fast_precision(len(partition), sae) if config.precision == "auto" else config.precision
    codes = sae.encode(partition, precision=precision, progress=part(progress, 0.3, 0.5))
    progress(0.5, "encoding")
    repeats = CROSS_FITTINGS if len(partition) <= REPEATED_UP_TO else 1
    scores = group_scores(partition, partition.label, k, folds=config.folds, repeats=repeats, seed=config.seed)
    progress(0.6, "discriminants")
    verdict = verdict_of(partition, first.mean_direction, codes, vocabulary, config)
    progress(0.7, "verdict")
    stages = []
    for g in range(k):
        stages.append(_proposed(partition.side(g, first), g, codes, sae, vocabulary, config, scores, verdict))
        progress(0.7 + 0.15 * (g + 1) / k, "naming and ranking")
    q, tests = correct(stages, len(vocabulary) if vocabulary is not None else 0)
    shared = _shared(sae, trained, vocabulary, partition)
    told: list[Comparison] = []
    for g, stage in enumerate(stages):
        told.append(stage.tell(codes, sae, q[g], tests, {**shared, **_of_group(partition.names[g], g, verdict)}))
        progress(0.85 + 0.15 * (g + 1) / k, "evidence")
    seconds = {"all": round(time.perf_counter() - start, 3)}
    return GroupComparison(
        names=partition.names,
        comparisons=tuple(told),
        label=partition.label_of_given.astype(np.int32),
        distances=scores.distances,
        p_value=float(verdict.p_value.min()),
        differs=bool(verdict.p_value.min() <= config.alpha),
        **rates_of(told, partition.label_of_given),
        config=config,
        info={**shared, "left_out": partition.dropped, "rows": partition.given, "seconds": seconds},
    )


def _of_group(name: str, g: int, verdict: GroupVerdict) -> dict[str, Any]:
    """What a group's comparison says of itself alone."""
    parts = {part: float(p[g]) for part, p in verdict.parts.items()}
    return {"names": (name, "the rest"), "verdict": {"relabellings": verdict.relabellings, "p": parts}}


def verdict_of(
    partition: Partition, mean: np.ndarray, codes: sp.csr_array, vocabulary: Vocabulary | None, config: CompareConfig
) -> GroupVerdict:
    """Which groups differ from the rest.

    Where some groups differ beyond doubt, the rest of every other group holds their images: one that differs with little to spare has to
    differ from the groups without them too.
    """
    found = _verdict(partition, np.arange(len(partition)), partition.label, mean, codes, vocabulary, config)
    sure = found.p_value <= SURE
    doubtful = (found.p_value <= config.alpha) & ~sure
    if not doubtful.any() or not sure.any() or (~sure).sum() < 2:
        return found
    rows = np.flatnonzero(~sure[partition.label])
    label = (np.cumsum(~sure) - 1)[partition.label[rows]]
    without = _verdict(partition, rows, label, mean, codes[rows], vocabulary, config)
    p = found.p_value.copy()
    p[~sure] = np.maximum(p[~sure], without.p_value)
    return replace(found, p_value=p)


def _verdict(
    partition: Partition,
    among: np.ndarray,
    label: np.ndarray,
    mean: np.ndarray,
    codes: sp.csr_array,
    vocabulary: Vocabulary | None,
    config: CompareConfig,
) -> GroupVerdict:
    """The verdict over some rows; a vocabulary that is short enough to be a question of its own is asked as one."""
    rows = np.arange(len(among))[:: -(-len(among) // MOST)]
    unit, words = centred(partition[among[rows]], mean), None
    if vocabulary is not None and vocabulary.given <= SHORT_LIST:
        words = unit @ vocabulary.centred[: vocabulary.given].T
    seed = config.seed + int(partition.keys.sum() % np.uint64(1 << 32))
    return group_verdict(codes, unit, rows, label, words, seed)


def _proposed(
    sides: OneAgainstRest,
    group: int,
    codes: sp.csr_array,
    sae: SparseAutoencoder,
    vocabulary: Vocabulary | None,
    config: CompareConfig,
    scores: GroupScores,
    verdict: GroupVerdict,
) -> GroupStages:
    """Drafts of one group against the rest."""
    kept = min(config.max_candidates, CANDIDATES if verdict.p_value[group] <= config.alpha else LEADS)
    stage = GroupStages(sides, replace(config, max_candidates=kept), vocabulary, silent)
    stage.log_ratio, stage.ranking = scores.log_ratio[sides.rows, group], scores.in_sample[sides.rows, group]
    stage.auc, stage.p_value = float(scores.auc[group]), float(verdict.p_value[group])
    own = codes[sides.rows]
    stage.divergence = divergence(row_view(own, 0, sides.n_a), row_view(own, sides.n_a, len(sides)), config.binning)
    stage.propose(own, sae)
    return stage


def _shared(sae: SparseAutoencoder, trained: bool, vocabulary: Vocabulary | None, partition: Partition) -> dict[str, Any]:
    """What is said of all groups."""
    knowing = one_sided_remarks(sae, partition.keys, partition.label, partition.names)
    return {
        "groups": len(partition.names),
        "sae": {"concepts": sae.concepts, "width": sae.width, "trained_here": trained, **sae.info, "key": sae.key},
        "words": vocabulary.given if vocabulary is not None else 0,
        "remarks": [*(vocabulary.remarks if vocabulary is not None else ()), *knowing],
        "versions": {"latentdiff": __version__, "numpy": np.__version__, "python": platform.python_version()},
    }

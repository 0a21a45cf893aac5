"""What changes over time in a set of images, when, and how sure that is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from ..comparing.candidates import BRANCHES
from ..comparing.folding import NEAR_NAMES
from ..config import CompareConfig, takes_config
from ..embed.sides import centred
from ..embed.usable import ROWS
from ..embed.vocabulary import Vocabulary
from ..embed.word_forms import same_word
from ..groups.partition import Partition
from ..groups.telling import GroupStages
from ..progress import Progress, part, silent
from ..results.trends import Trend, Trends
from ..sae.encoding import fast_precision
from ..sae.fairness import one_sided_remarks
from ..sae.model import SparseAutoencoder
from ..sae.naming import NEAR_SYNONYM, mean_activating_directions, name_concepts
from ..stats.change_points import change_p_values
from ..stats.divergence import q_values
from .binning import bins_of
from .courses import trend_of

FEWEST_SHOWING = 5
"""Images that show something, from which it is tested."""
WORD_TAIL = 0.02
"""Share of all images that a word fits best: those that count as showing it."""
CUT_FROM = 5_000
"""Images by which the cosine is found from which a word counts as shown."""
SHARED = 0.5
"""Share of the images of one trend, of whichever fewer show, that show another of a near name, from which both are of the same images.
Words count their best images alone: two words of one thing that is on twice as many share half by chance. Looked at on photographs of
two classes."""
MOST = 50
"""Trends told."""
EXEMPLARS = 10


class _Shown(NamedTuple):
    """A trend, and the images that show it."""

    trend: Trend
    rows: np.ndarray


@takes_config()
def compare_over_time(
    vectors: np.ndarray,
    times: Sequence[Any] | np.ndarray,
    *,
    bins: str | int | Sequence[Any] | None = None,
    sae: SparseAutoencoder | str | Path | None = None,
    vocabulary: Vocabulary | None = None,
    config: CompareConfig | None = None,
    progress: Progress | None = None,
) -> Trends:
    """What changes over time in a set of images, and when?

    Every concept, and every word where there are any, is tested for a change of its rate at some time (exact tests of all places, corrected
    for their number; one control of false discoveries over all). Where it changes is told with its uncertainty, by the probability of each
    place; what nobody saw before is told as first seen.

    Args:
        vectors: (n, d) raw image vectors.
        times: n dates (``datetime``, ``date``, ``datetime64``, ISO texts) or numbers; rows with None or NaN are left out and counted.
        bins: for dates "hour", "day", "week", "month", "quarter" or "year"; for numbers how many; or edges, ascending. None: by the span of
            time and the number of images. Bins of fewer than 20 images are joined with a neighbour.
        sae: a sparse autoencoder of the same encoder, what :func:`load_sae` takes, or None to train one on all rows.
        vocabulary: words with text vectors in the images' space; they are tested too, and name concepts. None leaves concepts unnamed.
        config: level (``alpha``), seed and the SAE's choices; None for the defaults.
        progress: ``progress(fraction, label)``.

    Returns:
        What changes, the surest first; words that were rejected before (``config.rejected``) come last.

    Raises:
        InputError: vectors or times that cannot be used; the message says what to do.

    Example:
        >>> found = latentdiff.compare_over_time(vectors, captured, bins="month", sae="pach", vocabulary=words)
        >>> for trend in found.trends[:5]: print(found.told(trend))

    Source: change points by binary segmentation (Scott and Knott 1974), bands by Jeffreys' prior.
    """
    config, progress, start = config or CompareConfig(), progress or silent, time.perf_counter()
    binned = bins_of(times, bins)
    partition = Partition(vectors, [None if b < 0 else int(b) for b in binned.of_row.tolist()], config.skip_bad)
    sae, trained = GroupStages(partition.side(0), config, vocabulary, part(progress, 0.0, 0.5))._sae(sae)
    precision = fast_precision(len(partition), sae) if config.precision == "auto" else config.precision
    codes = sae.encode(partition, precision=precision, progress=part(progress, 0.5, 0.8))
    totals = np.bincount(partition.label, minlength=len(binned.names))
    found = _concepts(partition, codes, sae, vocabulary, totals, config)
    progress(0.9, "concepts")
    if vocabulary is not None:
        found += _words(partition, vocabulary, totals, config)
    progress(1.0, "words")
    found.sort(key=lambda one: (any(same_word(one.trend.text, word) for word in config.rejected), one.trend.q_value, one.trend.p_value))
    remarks = one_sided_remarks(sae, partition.keys, partition.label, binned.names)
    about = {"sae": {"concepts": sae.concepts, "trained_here": trained}, "words": vocabulary.given if vocabulary is not None else 0}
    return Trends(
        bins=binned.names,
        images=tuple(totals.tolist()),
        bin_of=np.where(partition.label_of_given >= 0, binned.of_row, -1).astype(np.int32),
        trends=tuple(_distinct(found, vocabulary)),
        differs=bool(found),
        p_value=min((one.trend.q_value for one in found), default=1.0),
        info={**about, "remarks": list(remarks), "left_out": partition.dropped, "seconds": round(time.perf_counter() - start, 3)},
    )


def _concepts(
    partition: Partition,
    codes: sp.csr_array,
    sae: SparseAutoencoder,
    vocabulary: Vocabulary | None,
    totals: np.ndarray,
    config: CompareConfig,
) -> list[_Shown]:
    """Concepts that change, named."""
    shows = codes.tocsc()
    fires = np.diff(shows.indptr)
    of_bin = sp.csr_array((np.ones(len(partition)), (partition.label, np.arange(len(partition)))), shape=(len(totals), len(partition)))
    ones = sp.csr_array((np.ones(codes.nnz), codes.indices, codes.indptr), shape=codes.shape)
    counts = (of_bin @ ones).toarray().T.astype(np.int64)
    tested = np.flatnonzero((fires >= FEWEST_SHOWING) & (fires < len(partition)))
    passing, p, q = _passing(counts[tested], totals, config)
    ids = tested[passing]
    names = [f"concept {k}" for k in ids.tolist()]
    if vocabulary is not None and len(ids):
        data = mean_activating_directions(codes, ids, partition)
        names = [vocabulary.words[name.words[0]] for name in name_concepts(sae, ids, data, vocabulary)]
    out = []
    for k, text, i in zip(ids.tolist(), names, passing.tolist(), strict=True):
        rows, strength = shows.indices[shows.indptr[k] : shows.indptr[k + 1]], shows.data[shows.indptr[k] : shows.indptr[k + 1]]
        out.append(_trend(text, k, counts[k], totals, (float(p[i]), float(q[i])), (rows, strength), partition, config))
    return out


def _words(partition: Partition, vocabulary: Vocabulary, totals: np.ndarray, config: CompareConfig) -> list[_Shown]:
    """Words that change: of each, the images that it fits best are counted, whenever they were taken."""
    directions, mean = vocabulary.centred[: vocabulary.given], partition.side(0).mean_direction
    some = np.arange(len(partition))[:: -(-len(partition) // CUT_FROM)]
    cuts = np.quantile(centred(partition[some], mean) @ directions.T, 1 - WORD_TAIL, axis=0)
    counts, shown, fits = np.zeros((len(totals), len(directions)), np.int64), [], []
    for first in range(0, len(partition), ROWS):
        rows = slice(first, min(first + ROWS, len(partition)))
        cosine = centred(partition[rows], mean) @ directions.T
        own = sp.csr_array(np.where(cosine > cuts, cosine, 0).astype(np.float32))
        shown.append(own)
        fits.append(sp.csr_array(own > 0))
        for b in np.unique(partition.label[rows]).tolist():
            counts[b] += np.asarray(fits[-1][np.flatnonzero(partition.label[rows] == b)].sum(0)).ravel().astype(np.int64)
    passing, p, q = _passing(counts.T, totals, config)
    table = sp.vstack(shown, format="csc")
    out = []
    for k in passing.tolist():
        at = slice(table.indptr[k], table.indptr[k + 1])
        found = table.indices[at], table.data[at]
        out.append(_trend(vocabulary.words[k], None, counts[:, k], totals, (float(p[k]), float(q[k])), found, partition, config))
    return out


def _passing(counts: np.ndarray, totals: np.ndarray, config: CompareConfig) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Those of one family that pass, and p and q of all."""
    p = change_p_values(counts, totals) if len(counts) else np.zeros(0)
    q = np.minimum(1.0, BRANCHES * q_values(p, config.correction))
    return np.flatnonzero(q <= config.alpha), p, q


def _trend(
    text: str,
    concept: int | None,
    counts: np.ndarray,
    totals: np.ndarray,
    evidence: tuple[float, float],
    shown: tuple[np.ndarray, np.ndarray],
    partition: Partition,
    config: CompareConfig,
) -> _Shown:
    rows, strength = shown
    more = np.argmax(counts / totals)
    order = np.lexsort((-strength, partition.label[rows] != more))[:EXEMPLARS]
    source = "concept" if concept is not None else "word"
    told = tuple(partition.rows[rows[order]].tolist())
    return _Shown(trend_of(text, source, concept, counts, totals, evidence, config, told), rows)


def _distinct(found: list[_Shown], vocabulary: Vocabulary | None) -> list[Trend]:
    """The surest of those that go the same way and are called alike, or nearly, or less nearly but of the same images."""
    row_of = {word: row for row, word in enumerate(vocabulary.words)} if vocabulary is not None else {}
    out: list[_Shown] = []
    for one in found:
        same = (other for other in out if other.trend.rises == one.trend.rises)
        if not any(other.trend.text == one.trend.text or _near(one, other, row_of, vocabulary) for other in same):
            out.append(one)
        if len(out) == MOST:
            break
    return [one.trend for one in out]


def _near(one: _Shown, other: _Shown, row_of: dict[str, int], vocabulary: Vocabulary | None) -> bool:
    """Whether one is near another that is told already: by its name alone, or less near, by its images too."""
    if vocabulary is None or not {one.trend.text, other.trend.text} <= row_of.keys():
        return False
    cosine = float(vocabulary.centred[row_of[one.trend.text]] @ vocabulary.centred[row_of[other.trend.text]])
    if cosine > NEAR_SYNONYM or cosine < NEAR_NAMES * vocabulary.chance_cosine:
        return cosine > NEAR_SYNONYM
    shared = len(np.intersect1d(one.rows, other.rows, assume_unique=True))
    return shared >= SHARED * min(len(one.rows), len(other.rows))

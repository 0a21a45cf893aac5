"""Results put where they belong: values at the rows as given, and concepts in a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from ..config import CompareConfig
from ..embed.sides import Sides
from ..embed.vocabulary import Vocabulary
from ..results.hypothesis import ConceptTable
from ..sae.naming import Name
from ..stats.divergence import Divergence
from .candidates import concept_q_values


def concept_table(
    d: Divergence, names: dict[int, Name], vocabulary: Vocabulary | None, p_value: float, config: CompareConfig
) -> ConceptTable:
    """All tested concepts; no q is below ``p_value``, that of the verdict."""
    tested, q = concept_q_values(d, config)
    k, q = np.flatnonzero(tested), np.maximum(q, p_value)
    words = vocabulary.words if vocabulary is not None else ()
    name = tuple(words[names[i].words[0]] if i in names else f"concept {i}" for i in k.tolist())
    return ConceptTable(k.astype(np.int32), d.rate_a[k], d.rate_b[k], d.gap[k], d.jsd[k], d.jsd_firing[k], d.p_value[k], q[k], name)


def by_given_row(sides: Sides, log_ratio: np.ndarray, shows: sp.csr_array) -> dict[str, Any]:
    """What a ``Comparison`` says of every row as it was given.

    Args:
        sides: the rows in use.
        log_ratio: (n,) of them, A's first.
        shows: (n, candidates) of them.
    """
    n, a, b = sides.n_a, (sides.keep_a, sides.dropped["A"]), (sides.keep_b, sides.dropped["B"])
    return {
        "log_ratio_a": spread(log_ratio[:n], *a),
        "log_ratio_b": spread(log_ratio[n:], *b),
        "shows_a": spread_rows(shows[:n], *a),
        "shows_b": spread_rows(shows[n:], *b),
    }


def spread(values: np.ndarray, keep: np.ndarray, dropped: list[int]) -> np.ndarray:
    """Values of the rows in use at their places among all rows; NaN at dropped ones."""
    out = np.full(len(keep) + len(dropped), np.nan, np.float32)
    out[keep] = values
    return out


def spread_rows(shows: sp.csr_array, keep: np.ndarray, dropped: list[int]) -> sp.csr_array:
    """The same for the rows of a sparse matrix; dropped rows show nothing."""
    shows = shows[np.argsort(keep)]
    counts = np.zeros(len(keep) + len(dropped), np.int64)
    counts[np.sort(keep)] = np.diff(shows.indptr)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    return sp.csr_array((shows.data, shows.indices, indptr), shape=(len(counts), shows.shape[1]))

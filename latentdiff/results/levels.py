"""The one q of a concept, wherever it is shown."""

from __future__ import annotations

import numpy as np

from .comparison import Comparison


def shown_q_values(comparison: Comparison) -> np.ndarray:
    """(K,) q of every tested concept, as its card has it: an echo's is raised above the level, others keep that of their test.

    Args:
        comparison: the result; K are the rows of its table of concepts.
    """
    own = {h.concept: h.q_value for h in comparison.candidates if h.concept is not None}
    table = comparison.concepts
    tested = zip(table.concept.tolist(), np.asarray(table.q_value, np.float64).tolist(), strict=True)
    return np.array([own.get(concept, q) for concept, q in tested], np.float64)

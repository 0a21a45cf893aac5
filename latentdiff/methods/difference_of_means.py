"""The floor: words along the difference of the two sides' mean directions."""

from __future__ import annotations

import numpy as np

from ..config import CompareConfig
from ..embed.vocabulary import Vocabulary, unit_rows
from ..progress import Progress, silent
from ..results.comparison import Comparison
from ..stats.divergence import q_values
from ..stats.phrases import phrase_evidence, welch
from ..stats.verification import PhraseScores
from .claims import Claim, comparison_of, narrowed


def difference_of_means(
    a: np.ndarray, b: np.ndarray, vocabulary: Vocabulary, *, config: CompareConfig | None = None, progress: Progress | None = None
) -> Comparison:
    """Name the difference of the mean directions: the words whose centred vectors have the largest cosine with it.

    Args:
        a: (n_a, d) raw image vectors, n_a >= 20.
        b: (n_b, d) raw image vectors of the other side.
        vocabulary: words with text vectors in the images' space.
        config: ``alpha``, ``seed``, ``correction``, ``max_candidates``, ``skip_bad`` and the exemplars' choices count.
        progress: ``progress(fraction, label)``; raise :class:`~latentdiff.errors.Cancelled` in it to stop.

    Returns:
        Hypotheses ranked by cosine, each tested by Welch's t on all images; q counts the whole vocabulary as tested.

    Raises:
        InputError: sides, vectors or widths that cannot be used.
    """
    config, report = config or CompareConfig(), progress or silent
    sides = narrowed(a, b, config)
    total = {True: np.zeros(sides.shape[1]), False: np.zeros(sides.shape[1])}
    for start, x in sides.chunks():
        unit, in_a = unit_rows(x), sides.in_a[start : start + len(x)]
        for of_a in total:
            total[of_a] += unit[in_a == of_a].sum(0, dtype=np.float64)
        report(0.5 * (start + len(x)) / len(sides), "means of both sides")
    difference = unit_rows((total[True] / sides.n_a - total[False] / sides.n_b)[None])[0]
    everything = PhraseScores(sides, vocabulary.vectors, vocabulary)  # checks the widths before they meet
    cosine = vocabulary.centred @ difference
    claims: list[Claim] = []
    for side, sign in (("A", 1), ("B", -1)):
        best = np.argsort(-sign * cosine, kind="stable")[: 2 * config.max_candidates]
        scores = everything.of(best)
        t, p = welch(scores[:, : sides.n_a], scores[:, sides.n_a :])
        q = q_values(np.where(sign * t > 0, p, 1.0), config.correction, tests=len(vocabulary))
        threshold = phrase_evidence(scores[:, : sides.n_a], scores[:, sides.n_a :]).threshold
        claims += [
            Claim(vocabulary.words[w], side, float(sign * cosine[w]), float(p[i]), float(q[i]), scores[i], float(threshold[i]))
            for i, w in enumerate(best)
            if sign * cosine[w] > 0
        ]
    report(1.0, "words along the difference")
    return comparison_of(claims, sides, (len(a), len(b)), "mean", config, {"words": len(vocabulary)})

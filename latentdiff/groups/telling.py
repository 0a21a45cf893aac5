"""One group against the rest as a comparison, from what was measured of all groups together."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..comparing.candidates import BRANCHES, TESTED_FROM, Draft
from ..comparing.concept_cards import with_cards
from ..comparing.echoes import settle_echoes
from ..comparing.evidence import assemble, telling_images
from ..comparing.folding import fold_wordings
from ..comparing.placing import by_given_row, concept_table
from ..comparing.stages import Stages
from ..results.comparison import Comparison
from ..results.hypothesis import TwoSampleTest
from ..sae.model import SparseAutoencoder
from ..sae.naming import Name
from ..stats.divergence import Divergence, q_values
from ..stats.image_scores import ImageScores
from ..stats.power import smallest_detectable


@dataclass(eq=False)
class GroupStages(Stages):
    """The stages of one group's comparison with the rest; its sides are :class:`~latentdiff.groups.partition.OneAgainstRest`."""

    log_ratio: np.ndarray = field(default_factory=lambda: np.zeros(0))
    """(n,) out-of-fold log ratios, in the order of ``sides``."""
    ranking: np.ndarray = field(default_factory=lambda: np.zeros(0))
    """(n,) in-sample scores that rank exemplars."""
    auc: float = 0.5
    p_value: float = 1.0
    """p of the group's verdict, held to the family of all groups."""
    divergence: Divergence | None = None
    drafts: list[Draft] = field(default_factory=list)
    scores: ImageScores | None = None
    names: dict[int, Name] = field(default_factory=dict)

    def propose(self, codes: sp.csr_array, sae: SparseAutoencoder) -> None:
        """Drafts of both branches; their q-values are those of this group alone until :func:`correct` has seen all groups.

        Args:
            codes: (n, K) activations, in the order of ``sides``.
            sae: theirs.
        """
        assert self.divergence is not None
        self.drafts, self.scores, self.names = self._drafts(self.divergence, codes, sae, self.ranking)
        self._done("naming and ranking", 0.0)

    def tell(self, codes: sp.csr_array, sae: SparseAutoencoder, concept_q: np.ndarray, tests: int, shared: dict[str, Any]) -> Comparison:
        """The drafts with their images, as a comparison.

        Args:
            codes: (n, K) activations in the partition's order.
            sae: theirs.
            concept_q: (K,) q-values over all groups.
            tests: concepts tested in all groups together.
            shared: what is said of all groups.
        """
        assert self.divergence is not None
        sides, n = self.sides, self.sides.n_a
        own = codes[sides.rows]  # type: ignore[attr-defined]  # one group's sides know them
        candidates, shows = assemble(self.drafts, sides, own, self.scores, self.ranking, self.config)
        candidates = settle_echoes(candidates, self.drafts, shows, sides, own, self.scores, self.config)
        candidates = fold_wordings(candidates, self.drafts, shows, sides, self.scores.vocabulary if self.scores else None, self.config)
        candidates, cards = with_cards(candidates, sae, own, sides, self.vocabulary, self.names, self.config)
        table = concept_table(self.divergence, self.names, self.vocabulary, self.p_value, self.config)
        table = replace(table, q_value=np.maximum(concept_q[table.concept], self.p_value))
        exemplars = telling_images(sides, self.ranking, self.config)
        levels = {"concept": self.config.alpha / (BRANCHES * max(tests, 1)), "phrase": 0.0}
        levels["phrase"] = self.config.alpha / (BRANCHES * max(len(self.vocabulary) if self.vocabulary else 0, 1) * shared["groups"])
        self._done("evidence", 0.0)
        told = {"n_a": n, "n_b": sides.n_b, "dropped_rows": sides.dropped, "left_out": sides.left_out, "equal_rows": sides.equal_rows}
        return Comparison(
            candidates=candidates,
            **by_given_row(sides, self.log_ratio, shows),
            two_sample=TwoSampleTest(self.auc, self.p_value),
            differs=self.p_value <= self.config.alpha,
            smallest_detectable=smallest_detectable(n, sides.n_b, levels["concept"]),
            concepts=table,
            config=self.config,
            info={**told, "levels": levels, "exemplars": exemplars, "cards": cards, **shared, "seconds": self.seconds},
        )


def correct(stages: list[GroupStages], words: int) -> tuple[np.ndarray, int]:
    """One false-discovery control over the hypotheses of all groups; none is below the p of its group's verdict.

    Args:
        stages: of all groups, with their drafts.
        words: of the vocabulary.

    Returns:
        (k, K) q-values of concepts, 1 where untested, and the number of concepts tested in all groups together.
    """
    found = [s.divergence for s in stages if s.divergence is not None]
    config = stages[0].config
    p = np.array([d.p_value for d in found])
    tested = np.array([d.fires_a + d.fires_b >= TESTED_FROM for d in found])
    q = np.ones(p.shape)
    q[tested] = np.minimum(1.0, BRANCHES * q_values(p[tested], config.correction))
    for side in "AB":
        phrases = [x for s in stages for x in s.drafts if x.concept is None and x.side == side]
        values = q_values(np.array([x.p_value for x in phrases]), config.correction, tests=words * len(stages))
        for draft, value in zip(phrases, values.tolist(), strict=True):
            draft.q_value = min(1.0, BRANCHES * value)
    for g, s in enumerate(stages):
        for draft in s.drafts:
            draft.q_value = max(float(q[g, draft.concept]) if draft.concept is not None else draft.q_value, s.p_value)
    return q, int(tested.sum())

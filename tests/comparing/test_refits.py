"""In how many refits findings are found again, against tests done one by one."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from latentdiff import CompareConfig, SparseAutoencoder, Vocabulary, compare
from latentdiff.config import REFITS
from latentdiff.report.content import content
from latentdiff.stats.divergence import by_group, divergence
from latentdiff.stats.grouped import Grouping
from latentdiff.stats.phrases import phrase_evidence
from latentdiff.stats.refits import concepts_again, parts, phrases_again

RNG = np.random.default_rng(2)
N_A, N = 120, 200
IN_A = np.arange(N) < N_A
CODES = RNG.gamma(1, 1, (N, 6)) * (RNG.random((N, 6)) < np.where(IN_A, 0.35, 0.15)[:, None])
SCORES = RNG.standard_normal((6, N)) + np.where(IN_A, 0.45, 0.0)
SIGN = np.array([1, 1, 1, 1, 1, -1])
LEVEL = np.full(6, 0.01)


@pytest.mark.parametrize("groups", [None, np.r_[np.arange(N_A) // 3, 100 + np.arange(N - N_A) // 2]])
def test_found_again_is_the_test_without_each_fifth(groups: np.ndarray | None) -> None:
    part = parts(IN_A, RNG.permutation(N), groups, 0)
    assert set(np.bincount(part[IN_A])) == {24} and set(np.bincount(part[~IN_A])) == {16}
    concepts, phrases = np.zeros(6, int), np.zeros(6, int)
    for refit in range(REFITS):
        kept = part != refit
        a, b = kept & IN_A, kept & ~IN_A
        for k in range(6):
            one = sp.csr_array(CODES[:, [k]])
            d = divergence(one[a], one[b])
            d = d if groups is None else by_group(d, one[kept], IN_A[kept], groups[kept])
            concepts[k] += d.p_value[0] <= 0.01 and max(SIGN[k] * d.gap[0], SIGN[k] * d.firing_z[0]) > 0
            e = phrase_evidence(SCORES[[k]][:, a], SCORES[[k]][:, b], None if groups is None else Grouping(IN_A[kept], groups[kept]))
            phrases[k] += (e.p_more_in_a if SIGN[k] > 0 else e.p_more_in_b)[0] <= 0.01
    assert concepts_again(sp.csr_array(CODES), SIGN, LEVEL, part, N_A, groups, "sparse").tolist() == concepts.tolist()
    assert phrases_again(SCORES, SIGN, LEVEL, part, N_A, groups).tolist() == phrases.tolist()
    assert 0 < concepts[:5].sum() + phrases[:5].sum() < 50 and concepts[5] == phrases[5] == 0


def test_cards_say_in_how_many_refits_they_were_found() -> None:
    """What hangs on few images is not found every time, what half of a side shows is; candidates that pass no gate are not asked."""
    directions = np.eye(16, dtype=np.float32)
    sae = SparseAutoencoder(directions.T, np.zeros(16), directions, np.zeros(16), np.full(16, 0.5))
    words = Vocabulary([f"word {i}" for i in range(16)], directions + 0.3)
    rng = np.random.default_rng(0)
    a, b = (0.15 * np.abs(rng.standard_normal((n, 16))).astype(np.float32) for n in (120, 100))
    a[:60, 2] += 1.5
    a[np.arange(0, 120, 8), 5] += 1.5  # 15 images
    found = compare(a, b, sae=sae, vocabulary=words, config=CompareConfig(compounds=False))
    refits = {h.concept: h.refits for h in found.candidates if h.concept is not None and h.q_value <= 0.05 and not h.slight}
    assert refits[2] == REFITS and 0 <= refits[5] <= REFITS
    assert all(h.refits is None for h in found.candidates if h.q_value > 0.05)
    shown = [fact for side in "AB" for card in content(found).cards[side] for fact in card.facts if fact[0] == "found again"]
    assert shown and shown[0][1] == "in 5 of 5 refits"

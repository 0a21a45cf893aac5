"""Choice of exemplars against a naive loop, and modes on clusters that are plain to see."""

from __future__ import annotations

import numpy as np
import pytest

from latentdiff.embed.vocabulary import unit_rows
from latentdiff.stats.exemplars import DIVERSITY, diverse, extreme_rows, modes


def test_extreme_rows_are_sorted_skip_nan_and_keep_ties_in_order() -> None:
    scores = np.array([1.0, np.nan, 3.0, 3.0, -np.inf, 2.0])
    assert extreme_rows(scores, 3).tolist() == [2, 3, 5]
    assert extreme_rows(scores, 50).tolist() == [2, 3, 5, 0]


def naive_mmr(unit: np.ndarray, k: int, relevance: np.ndarray) -> list[int]:
    """Carbonell and Goldstein's rule, one candidate after the other; negative similarity is no novelty beyond none."""
    scaled = [(r - relevance.min()) / np.ptp(relevance) for r in relevance]
    chosen: list[int] = []
    while len(chosen) < min(k, len(unit)):
        best, best_value = -1, -np.inf
        for i in range(len(unit)):
            if i not in chosen:
                nearest = max([0.0] + [float(unit[i] @ unit[j]) for j in chosen])
                value = (1 - DIVERSITY) * scaled[i] - DIVERSITY * nearest
                if value > best_value:
                    best, best_value = i, value
        chosen.append(best)
    return chosen


@pytest.mark.parametrize("seed", range(5))
def test_diverse_equals_a_naive_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    unit, relevance = unit_rows(rng.standard_normal((40, 5))), np.sort(rng.random(40))[::-1]
    assert diverse(unit, 12, relevance).tolist() == naive_mmr(unit, 12, relevance)


def test_the_most_relevant_comes_first_and_twins_are_passed_over() -> None:
    unit = np.array([[1, 0, 0], [1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    assert diverse(unit, 3, np.array([1.0, 0.99, 0.98, 0.6, 0.0])).tolist()[:2] == [0, 3]
    assert sorted(diverse(unit, 9, np.ones(5)).tolist()) == [0, 1, 2, 3, 4]


def test_modes_find_clusters_in_order_of_appearance() -> None:
    rng = np.random.default_rng(1)
    label = np.array([2, 2, 0, 1, 0, 2, 1, 1, 0, 0, 2, 1, 2])
    x = unit_rows(np.eye(8)[label] + 0.1 * rng.standard_normal((13, 8)))
    order = {2: 0, 0: 1, 1: 2}
    assert modes(x).tolist() == [order[i] for i in label.tolist()]


def test_modes_of_few() -> None:
    assert modes(np.zeros((0, 4))).tolist() == []
    assert modes(np.ones((1, 4)) / 2).tolist() == [0]
    assert modes(unit_rows(np.array([[1.0, 0], [0.99, 0.1], [0, 1.0]]))).tolist() == [0, 0, 1]

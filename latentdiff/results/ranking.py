"""One ranked list from both branches (method section 7)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .hypothesis import Hypothesis


def same_thing(one: Hypothesis, other: Hypothesis) -> bool:
    """Whether two hypotheses of one side say the same in other words; within a branch they are distinct already, but for equal texts."""
    if one.side != other.side or one.source == other.source:
        return one.side == other.side and one.text == other.text
    return one.text == other.text or one.text in other.also or other.text in one.also


def fold(ranked: Iterable[Hypothesis]) -> tuple[Hypothesis, ...]:
    """Keep the first, best-supported wording of everything; order is kept."""
    kept: list[Hypothesis] = []
    for h in ranked:
        if not any(same_thing(h, k) for k in kept):
            kept.append(h)
    return tuple(kept)


def passing_first(
    chosen: Sequence[Hypothesis], ranked: Sequence[Hypothesis], passes: Callable[[Hypothesis], bool]
) -> tuple[Hypothesis, ...]:
    """What was chosen, in which what passes has the place of what has the same name and does not.

    Args:
        chosen: as :func:`mix` gives them, no name twice.
        ranked: candidates of the same side, from which they were chosen.
        passes: whether a candidate passes the gate.
    """
    passing = {h.text: h for h in reversed(ranked) if passes(h)}
    return tuple(h if passes(h) else passing.get(h.text, h) for h in chosen)


def told_once(found: Sequence[Hypothesis]) -> tuple[Hypothesis, ...]:
    """Findings without those that another one of their side tells."""
    told = {(h.side, text) for h in found for text in h.folded}
    return tuple(h for h in found if (h.side, h.text) not in told)


def nearest_first(below: Iterable[Hypothesis], to_decide: Callable[[Hypothesis], float]) -> list[Hypothesis]:
    """What does not pass, what lacks least for it first; equals keep their order.

    Args:
        below: candidates of one side that do not pass the gate.
        to_decide: images with which a candidate's difference would be found; NaN where that is not known.
    """

    def lacks(h: Hypothesis) -> tuple[float, ...]:
        return not h.effect > 0, *(math.inf if math.isnan(x) else x for x in (h.q_value, to_decide(h), h.p_value))

    return sorted(below, key=lacks)


def mix(ranked: Sequence[Hypothesis], k: int, shares: tuple[int, int]) -> tuple[Hypothesis, ...]:
    """The k best of both branches, in the given proportion, no thing twice.

    What both branches found is told in the words of the exemplars, which fit better (COCO pairs, two SAEs: .804, by the concepts' names
    .790), and leaves its place among the concepts to the next.

    Args:
        ranked: candidates of one side, best first.
        k: how many.
        shares: concepts and exemplar phrases, e.g. (3, 2): of the first five, three are concepts; the pattern holds for any k.

    Returns:
        At most k hypotheses, best first within the paper's union of both branches (section 4.3); a branch that runs short is filled
        up from the other.
    """
    if any(h.source not in ("sae", "dre", "word") for h in ranked):  # a baseline's list: one branch, nothing to mix
        return fold(ranked)[:k]
    words = [h for h in ranked if h.source == "word" and min(shares) > 0]
    queues = {s: [h for h in ranked if h.source == s] for s in ("sae", "dre")}
    wanted = {"sae": round(k * shares[0] / sum(shares))}
    wanted["dre"] = k - wanted["sae"]
    chosen: list[Hypothesis] = []
    for limited in (True, False):
        for source in ("dre", "sae"):
            for h in queues[source]:
                enough = limited and sum(c.source == source for c in chosen) >= wanted[source]
                if enough or len(chosen) >= k:
                    break
                if not any(same_thing(h, c) for c in chosen):
                    chosen.append(h)
    # What several sources found stands where the best-placed of them does; words by their tails have their places already.
    return fold(sorted([*words, *chosen], key=lambda h: next(i for i, other in enumerate(ranked) if same_thing(h, other))))[:k]

"""What says the same is told once: against a loop over every pair."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np

from latentdiff import Vocabulary
from latentdiff.comparing.candidates import Draft
from latentdiff.comparing.merging import distinct, link
from latentdiff.embed.word_forms import same_word
from latentdiff.sae.naming import NEAR_SYNONYM

WORDS = ["dog", "dogs", "Dog", "hound", "bus", "buses", "snow", "tree", "trees", "kite", "sky", "glass"]


def world(seed: int, count: int = 60) -> tuple[list[Draft], Vocabulary]:
    """Drafts of both sides, best first, some without a word; a hound lies near a dog, glass near the sky."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(len(WORDS), 24))
    vectors[3] = vectors[0] + 0.1 * vectors[3]
    vectors[11] = vectors[10] + 0.2 * vectors[11]
    drafts = []
    for i in range(count):
        word = int(rng.integers(len(WORDS))) if rng.random() < 0.9 else None
        text = f"concept {i}" if word is None else WORDS[word]
        drafts.append(Draft(text, "AB"[int(rng.integers(2))], "sae", float(count - i), 0.5, 0.5, 1.0, margin=0.1, word=word))
    return drafts, Vocabulary(WORDS, vectors)


def alike(one: Draft, other: Draft, vocabulary: Vocabulary) -> bool:
    if one.word is None or other.word is None:
        return False
    near = float(vocabulary.centred[one.word] @ vocabulary.centred[other.word]) > NEAR_SYNONYM
    return one.word == other.word or near or same_word(one.text, other.text)


def told(drafts: list[Draft]) -> list[dict[str, object]]:
    return [dataclasses.asdict(x) for x in drafts]


def test_of_drafts_that_say_the_same_the_best_stays_and_lists_the_others() -> None:
    for seed in range(5):
        drafts, vocabulary = world(seed)
        kept: dict[str, list[Draft]] = {"A": [], "B": []}
        for draft in copy.deepcopy(drafts):
            mine = kept[draft.side]
            twin = next((k for k in mine if alike(k, draft, vocabulary)), None)
            if twin is not None and draft.text != twin.text and draft.text not in twin.also:
                twin.also.append(draft.text)
            if twin is None and len(mine) < 6:
                mine.append(draft)
        assert told(distinct(drafts, vocabulary, 6)) == told(sorted(kept["A"] + kept["B"], key=lambda x: -x.score))
        assert any(x.also for x in drafts)


def test_without_words_nothing_is_the_same() -> None:
    drafts, _ = world(0)
    assert distinct(drafts, None, len(drafts)) == drafts


def test_drafts_of_two_branches_know_of_each_other() -> None:
    drafts, vocabulary = world(9)
    wanted = copy.deepcopy(drafts)
    for c in wanted[:25]:
        for p in wanted[25:]:
            if c.side == p.side and c.text != p.text and alike(c, p, vocabulary):
                c.also = list(dict.fromkeys([*c.also, p.text]))
                p.also = list(dict.fromkeys([*p.also, c.text]))
    link(drafts[:25], drafts[25:], vocabulary)
    assert told(drafts) == told(wanted)
    assert any(x.also for x in drafts)

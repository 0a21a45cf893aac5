"""Guesses are called by what their images show; the images decide, found by a naive loop over words."""

from __future__ import annotations

import dataclasses

import numpy as np
import scipy.sparse as sp

from latentdiff import CompareConfig, Vocabulary
from latentdiff.comparing.candidates import Draft
from latentdiff.comparing.renaming import rename_guesses
from latentdiff.embed.sides import Sides
from latentdiff.results.hypothesis import Hypothesis
from latentdiff.sae.naming import Name

D, N = 24, 40
_rng = np.random.default_rng(3)
VOCABULARY = Vocabulary([f"word {i}" for i in range(60)], _rng.normal(size=(60, D)).astype(np.float32))


def guess(word: int, weak: bool = True, concept: int | None = 0) -> tuple[Draft, Hypothesis]:
    text = VOCABULARY.words[word]
    draft = Draft(text, "B", "sae" if concept is not None else "dre", 1.0, 0.01, 0.02, 0.2, concept=concept, word=word)
    figures = 0.3, 0.0, 0.3, 0.01, 0.02, 0.6, 0.2, 1.0
    return draft, Hypothesis(text, "B", draft.source, *figures, concept=concept, weak=weak, words=("word 7",))


Renamed = tuple[list[Draft], tuple[Hypothesis, ...], dict[int, Name]]


def renamed(*made: tuple[Draft, Hypothesis], config: CompareConfig | None = None) -> Renamed:
    """Six images of B, and six of A that fit another word, show each."""
    a, b = np.random.default_rng(4).normal(size=(2, N, D)).astype(np.float32)
    a[:6] += 9 * VOCABULARY.centred[20]
    b[:6] += 5 * VOCABULARY.centred[7]
    shows = np.zeros((2 * N, len(made)), bool)
    shows[:6] = shows[N : N + 6] = True
    drafts, candidates = [d for d, _ in made], tuple(h for _, h in made)
    names = {h.concept: Name((d.word or 0,), 0.2, 0.1) for d, h in made if h.concept is not None}
    sides = Sides(a, b)
    out = rename_guesses(candidates, drafts, sp.csr_array(shows), sides, VOCABULARY, names, config or CompareConfig())
    unit = np.concatenate([a, b]).astype(float)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    unit -= unit.mean(0)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    assert max(range(60), key=lambda w: np.mean([unit[N + i] @ VOCABULARY.centred[w] for i in range(6)])) == 7
    return drafts, out, names


def test_a_guess_is_called_by_the_images_of_its_own_side() -> None:
    drafts, (found,), names = renamed(guess(3))
    assert (found.text, found.words, found.weak, drafts[0].word, drafts[0].text) == ("word 7", ("word 3",), True, 7, "word 7")
    assert names[0].words == (7, 3)


def test_names_that_fit_phrases_and_the_papers_names_stay() -> None:
    for made, config, fits in (
        (guess(3, weak=False), CompareConfig(), None),
        (guess(3, concept=None), CompareConfig(), 7),
        (guess(3), CompareConfig(naming="decoder"), None),
    ):
        drafts, (found,), _ = renamed(made, config=config)
        assert (found.text, drafts[0].word, drafts[0].fits) == ("word 3", 3, fits)


def test_a_name_that_is_taken_is_told_to_folding_alone() -> None:
    drafts, found, names = renamed(guess(3, concept=0), guess(4, concept=1), guess(5, concept=2))
    assert [h.text for h in found] == ["word 7", "word 4", "word 5"]
    assert [(d.word, d.fits) for d in drafts] == [(7, 7), (4, 7), (5, 7)]
    assert [names[k].words[0] for k in range(3)] == [7, 4, 5]
    not_passing = guess(4, concept=1)
    not_passing = not_passing[0], dataclasses.replace(not_passing[1], q_value=0.06)
    assert renamed(not_passing)[1][0].text == "word 4"
    _, found, _ = renamed(guess(7, weak=False, concept=0), guess(4, concept=1))
    assert [h.text for h in found] == ["word 7", "word 4"]


def test_an_echo_of_the_new_name_gives_it_up_and_others_mention_it_by_that() -> None:
    first, echo, third = guess(3, concept=0), guess(7, weak=False, concept=None), guess(5, weak=False, concept=2)
    first = first[0], dataclasses.replace(first[1], echoes=("word 7", "word 9"))
    echo = echo[0], dataclasses.replace(echo[1], q_value=0.6)
    third = third[0], dataclasses.replace(third[1], overlaps=("word 3",))
    _, found, _ = renamed(first, echo, third)
    assert [(h.text, h.echoes, h.overlaps) for h in found] == [
        ("word 7", ("word 9",), ()),
        ("word 7", (), ()),
        ("word 5", (), ("word 7",)),
    ]

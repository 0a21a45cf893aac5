"""Several findings of one thing are told as one, and two things as two."""

from __future__ import annotations

import dataclasses

import numpy as np
import scipy.sparse as sp

from latentdiff import CompareConfig, Comparison, ConceptTable, Hypothesis, TwoSampleTest, Vocabulary
from latentdiff.comparing.candidates import Draft
from latentdiff.comparing.folding import fold_wordings
from latentdiff.embed.sides import Sides
from latentdiff.report.content import content
from latentdiff.results.ranking import told_once

WIDTH, N_A, N_B = 96, 60, 40
BASIS = np.linalg.qr(np.random.default_rng(0).standard_normal((WIDTH, WIDTH)))[0].astype(np.float32)
NEAR = {"foal": (0, 0.8), "rose": (3, 0.8), "lily": (3, 0.4)}
"""Further words: which of the others each is near to, and its cosine with that."""
WORDS = {f"word {i}": BASIS[i] for i in range(60)}
WORDS |= {word: c * BASIS[i] + np.sqrt(1 - c * c) * BASIS[70 + k] for k, (word, (i, c)) in enumerate(NEAR.items())}
NAMED = {"word 0": "horse", "word 1": "bus", "word 2": "hamper", "word 3": "flower", "word 4": "lake"}
VOCABULARY = Vocabulary([NAMED.get(word, word) for word in WORDS], np.stack(list(WORDS.values())))
SIDES = Sides(np.random.default_rng(1).standard_normal((N_A, WIDTH)), np.random.default_rng(2).standard_normal((N_B, WIDTH)))
CONFIG = CompareConfig(compounds=False)


def fold_them(*findings: tuple[str, str, range, bool, float]) -> tuple[tuple[Hypothesis, ...], dict[str, tuple[str, ...]]]:
    """Candidates of (text, side, its side's images that show it, a guess?, q), folded; and the findings left, with what they tell."""
    shows = np.zeros((N_A + N_B, len(findings)), bool)
    candidates, drafts = [], []
    for i, (text, side, rows, weak, q) in enumerate(findings):
        shows[np.array(rows) + (0 if side == "A" else N_A), i] = True
        h = Hypothesis(text, side, "dre", 0.5, 0.5, 0.0, q, q, 0.9, 0.3, 10.0 - i, weak=weak, echoes=(f"echo of {text}",))
        candidates.append(h)
        drafts.append(Draft(text, side, "dre", 10.0 - i, q, q, 0.3, weak=weak, word=VOCABULARY.words.index(text)))
    out = fold_wordings(tuple(candidates), drafts, sp.csr_array(shows), SIDES, VOCABULARY, CONFIG)
    return out, {h.text: h.folded for h in told_once([h for h in out if h.q_value <= CONFIG.alpha])}


def test_the_vocabulary_is_as_the_tests_need_it() -> None:
    near = VOCABULARY.centred @ VOCABULARY.centred.T / VOCABULARY.chance_cosine
    place = {word: i for i, word in enumerate(VOCABULARY.words)}
    assert near[place["horse"], place["foal"]] > 2.6 and near[place["flower"], place["rose"]] > 2.6
    assert abs(near[place["horse"], place["bus"]]) < 0.5 and abs(near[place["horse"], place["hamper"]]) < 0.5


def test_near_names_of_the_same_images_are_one_thing_and_others_are_not() -> None:
    same = range(30)
    _, left = fold_them(("horse", "A", same, False, 1e-9), ("foal", "A", range(2, 33), False, 1e-8), ("bus", "A", same, False, 1e-7))
    assert left == {"horse": ("foal",), "bus": ()}  # 28 of 33 shared; a name that fits and means something else stays
    _, left = fold_them(("horse", "A", same, False, 1e-9), ("foal", "A", range(20, 50), False, 1e-8))
    assert left == {"horse": (), "foal": ()}  # 10 of 50 shared
    _, left = fold_them(("horse", "A", same, False, 1e-9), ("foal", "B", same, False, 1e-8))
    assert left == {"horse": (), "foal": ()}  # the other side


def test_a_guess_says_nothing_more_of_images_that_have_a_name() -> None:
    same = range(30)
    out, left = fold_them(("hamper", "A", same, True, 1e-9), ("lake", "A", range(30, 60), True, 1e-9), ("bus", "A", same, False, 1e-8))
    assert left == {"bus": ("hamper",), "lake": ()}  # the name that fits tells, though it is placed behind
    bus = next(h for h in out if h.text == "bus")
    assert bus.echoes == ("echo of bus", "echo of hamper") and [h.text for h in out] == ["hamper", "lake", "bus"]
    _, left = fold_them(("hamper", "A", same, True, 1e-9), ("lake", "A", same, True, 1e-8))
    assert left == {"hamper": ("lake",)}
    _, left = fold_them(("hamper", "A", same, True, 1e-9), ("bus", "A", same, False, 0.2))
    assert left == {"hamper": ()}  # what does not pass tells nothing


def test_a_near_name_within_another_is_told_there_and_the_narrower_first_tells_nothing() -> None:
    _, left = fold_them(("flower", "A", range(50), False, 1e-9), ("rose", "A", range(10), False, 1e-8))
    assert left == {"flower": ("rose",)}
    _, left = fold_them(("rose", "A", range(10), False, 1e-9), ("flower", "A", range(50), False, 1e-8))
    assert left == {"rose": (), "flower": ()}


def test_a_guess_within_another_needs_only_a_related_name() -> None:
    lily = ("lily", "A", range(10), True, 1e-8)
    assert fold_them(("flower", "A", range(50), False, 1e-9), lily)[1] == {"flower": ("lily",)}
    assert fold_them(("horse", "A", range(50), False, 1e-9), lily)[1] == {"horse": (), "lily": ()}
    assert fold_them(("flower", "A", range(50), False, 1e-9), (*lily[:3], False, 1e-8))[1] == {"flower": (), "lily": ()}


def test_overlaps_name_the_teller() -> None:
    same = range(30)
    out, _ = fold_them(("bus", "A", same, False, 1e-9), ("hamper", "A", same, True, 1e-8), ("horse", "A", range(5, 60), False, 1e-7))
    marked = tuple(dataclasses.replace(h, overlaps=("hamper",)) if h.text == "horse" else h for h in out)
    drafts = [Draft(h.text, h.side, "dre", h.score, 0, 0, 0.3, weak=h.weak, word=VOCABULARY.words.index(h.text)) for h in marked]
    shows = np.zeros((N_A + N_B, 3), bool)
    shows[:30, :2], shows[5:60, 2] = True, True
    again = fold_wordings(tuple(dataclasses.replace(h, folded=()) for h in marked), drafts, sp.csr_array(shows), SIDES, VOCABULARY, CONFIG)
    assert again[2].overlaps == ("bus",)
    assert fold_wordings(marked, drafts, sp.csr_array(shows), SIDES, None, CONFIG) is marked


def test_overlaps_name_the_listed_one_of_what_two_branches_say_alike() -> None:
    shown = np.zeros((N_A + N_B, 3), bool)
    shown[:30, :2], shown[25:60, 2] = True, True

    def finding(text: str, source: str, q: float, **more: tuple[str, ...]) -> Hypothesis:
        return Hypothesis(text, "A", source, 0.5, 0.5, 0.0, q, q, 0.9, 0.3, 10.0, **more)

    found = (finding("horse", "sae", 1e-7, also=("lake",)), finding("lake", "dre", 1e-9), finding("bus", "dre", 1e-6, overlaps=("lake",)))
    drafts = [Draft(h.text, "A", h.source, 10.0, 0, 0, 0.3, word=VOCABULARY.words.index(h.text)) for h in found]
    out = fold_wordings(found, drafts, sp.csr_array(shown), SIDES, VOCABULARY, CONFIG)
    nan = np.full(3, np.nan, np.float32)
    shows = sp.csr_array(shown)
    said = Comparison(out, nan, nan, shows, shows, TwoSampleTest(0.9, 1e-3), True, 0.1, ConceptTable.empty(), CONFIG)
    assert {h.text: h.overlaps for h in said.hypotheses} == {"horse": (), "bus": ("horse",)}


def test_a_card_names_what_fits_and_counts_the_guesses() -> None:
    same = range(30)
    out, left = fold_them(("horse", "A", same, False, 1e-9), ("foal", "A", same, False, 1e-8), ("hamper", "A", same, True, 1e-7))
    assert left == {"horse": ("foal", "hamper")}
    shows = sp.csr_array(np.ones((3, 3), bool))
    nan = np.full(3, np.nan, np.float32)
    test = TwoSampleTest(0.9, 1e-3)
    found = Comparison(out, nan, nan, shows, shows, test, True, 0.1, ConceptTable.empty(), CONFIG)
    (one,) = content(found).cards["A"]
    assert one.tells == "foal, echo of horse, echo of foal, echo of hamper and 1 guess"

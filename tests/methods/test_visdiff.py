"""VisDiff end to end with the vocabulary's captions and word statistics, and with a scripted chat server."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

import latentdiff
from latentdiff.describe.captions import CaptionFailure, GivenCaptions
from latentdiff.describe.chat import ChatLanguageModel
from latentdiff.describe.endpoint import ChatEndpoint
from latentdiff.describe.phrase_vectors import composed_directions, encoded_directions
from latentdiff.describe.vocabulary_captions import VocabularyCaptioner
from latentdiff.describe.word_statistics import WordStatistics
from latentdiff.embed.sides import Sides
from latentdiff.errors import EndpointError, InputError
from latentdiff.methods.image_sets import ImageSets
from latentdiff.methods.proposers import CaptionProposer, Proposed
from latentdiff.methods.rankers import ClipRanker
from latentdiff.methods.visdiff import VisDiffConfig, visdiff
from latentdiff.stats.verification import PhraseScores
from tests.describe.chat_server import ChatServer, answers, says
from tests.planted import DOG, WIDTH, vectors

NAMES = ("boat", "tree", "house", "dog", "cup", "road", "lamp", "chair", "bird", "hat", "bike", "apple", "sign", "door", "ball", "book")
VOCABULARY = latentdiff.Vocabulary(NAMES, np.eye(WIDTH))
A, B = vectors(160, 0.5, seed=1), vectors(190, 0.05, seed=2)
RANKER = ClipRanker(composed_directions(VOCABULARY))


@pytest.fixture
def server():
    running = ChatServer()
    yield running
    running.close()


def words_only(a: np.ndarray = A, b: np.ndarray = B) -> CaptionProposer:
    return CaptionProposer(VocabularyCaptioner(VOCABULARY, Sides(a, b).mean_direction, words=3), WordStatistics())


def named(c: latentdiff.Comparison, text: str) -> latentdiff.Hypothesis:
    (found,) = [h for h in c.candidates if h.text == text]
    return found


def captions_of(x: np.ndarray) -> list[str]:
    return [", ".join(NAMES[j] for j in np.argsort(-row)[:3]) for row in x]


def test_the_planted_word_comes_first_with_the_evidence_of_all_images() -> None:
    c = visdiff(A, B, proposer=words_only(), ranker=RANKER)
    assert "dog" in c.top("A", 1)[0].text.split() and c.top("A", 1)[0].score == max(h.score for h in c.candidates)
    first = named(c, "dog")
    assert (first.side, first.source) == ("A", "visdiff")
    unit = np.concatenate([A, B]).astype(float)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    unit -= unit.mean(0)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    dog = np.eye(WIDTH)[DOG] - 1 / WIDTH
    score = unit @ (dog / np.linalg.norm(dog))
    auroc = roc_auc_score(np.arange(350) < 160, score)
    assert first.auroc == pytest.approx(auroc, abs=1e-4) and first.score == pytest.approx(auroc - 0.5, abs=1e-4)
    assert first.rate_a == pytest.approx(0.5, abs=0.1) and first.rate_b < 0.15
    assert c.info["proposer"] == "caption (vocabulary, word statistics)" and c.info["ranker"] == "CLIP"


def test_the_filter_of_the_paper_is_each_phrases_own_p_on_all_images() -> None:
    c = visdiff(A, B, proposer=words_only(), ranker=RANKER, options=VisDiffConfig.paper())
    first = named(c, "dog")
    directions = composed_directions(VOCABULARY)(["dog"])
    score = PhraseScores(Sides(A, B), directions).block(0, 1)[0].astype(float)
    want = stats.ttest_ind(score[:160], score[160:], equal_var=False).pvalue
    assert first.p_value == pytest.approx(want, rel=1e-6) and first.q_value == first.p_value
    assert all(h.p_value <= 0.05 for h in c.hypotheses) and any(h.p_value > 0.05 for h in c.candidates)
    assert all(h not in c.hypotheses for h in c.candidates if h.p_value > 0.05)


def test_proposed_phrases_are_tested_on_images_that_no_proposer_saw() -> None:
    seen: list[np.ndarray] = []

    class Watching(CaptionProposer):
        def propose(self, sets, more, less, count, seed, progress=lambda f, label: None):
            seen.extend([more, less])
            return super().propose(sets, more, less, count, seed, progress)

    own = words_only()
    c = visdiff(A, B, proposer=Watching(own.captioner, own.language), ranker=RANKER)
    rows = np.setdiff1d(np.arange(350), np.concatenate(seen))
    score = PhraseScores(Sides(A, B), composed_directions(VOCABULARY)(["dog"])).block(0, 1)[0].astype(float)
    want = stats.ttest_ind(score[rows[rows < 160]], score[rows[rows >= 160]], equal_var=False).pvalue
    assert named(c, "dog").p_value == pytest.approx(want, rel=1e-6)
    assert c.info["visdiff"]["held_out"] is True
    assert len(seen) == 12 and all(len(s) == 20 for s in seen)  # 3 rounds, both directions, 20 + 20 images
    assert all((s < 160).all() or (s >= 160).all() for s in seen)


def test_held_out_is_said_only_where_it_is() -> None:
    """Three rounds of twenty see all 24 images of A, so the test is made on all images, and the result says so."""
    c = visdiff(A[:24], B, proposer=words_only(A[:24]), ranker=RANKER)
    assert c.config == latentdiff.CompareConfig() and c.info["visdiff"]["held_out"] is False
    nothing = words_only()
    nothing.propose = lambda *args: []  # type: ignore[method-assign]
    assert visdiff(A, B, proposer=nothing, ranker=RANKER).info["visdiff"]["held_out"] is False


def test_the_literal_ranker_is_the_authors_on_real_clip(shared_data) -> None:
    """The AUROCs that the authors' code gives for these photographs and words, and scikit-learn's of the same cosines."""
    corel = shared_data / "corel"
    labels = np.array([r["label"] for r in json.loads((corel / "labels.json").read_text())])
    x = np.load(corel / "clip_vit_b_32_images.npy")
    names = (corel / "lvis_words.txt").read_text().splitlines()
    words = latentdiff.Vocabulary(names, np.load(corel / "clip_vit_b_32_lvis_words.npy"))
    bus, elephant, flower = (np.flatnonzero(labels == name) for name in ("bus", "elephant", "flower"))
    a, b = x[np.r_[bus[:60], elephant[:60]]], x[np.r_[elephant[60:], flower[:70]]]
    authors = {"zebra": 0.691, "giraffe": 0.646, "elephant": 0.534, "horse": 0.458, "pony": 0.266, "vase": 0.094}
    ranker = ClipRanker(composed_directions(words, centred=False), centred=False)
    values = ranker.rank(ImageSets(Sides(a, b), (120, 110)), list(authors)).values
    text = np.array([words.vectors[names.index(w)] for w in authors], float)
    unit = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in (np.concatenate([a, b]).astype(float), text)]
    cosine = unit[1] @ unit[0].T
    np.testing.assert_allclose(values, cosine, atol=1e-6)
    told = np.arange(230) < 120
    for row, plain, (word, expected) in zip(values, cosine, authors.items(), strict=True):
        found = roc_auc_score(told, row)
        assert found == pytest.approx(roc_auc_score(told, plain), abs=1e-6) and found == pytest.approx(expected, abs=6e-4), word
    centred = ClipRanker(composed_directions(words)).rank(ImageSets(Sides(a, b), (120, 110)), ["horse"]).values[0]
    assert roc_auc_score(told, centred) == pytest.approx(0.708, abs=6e-4)  # what centring is worth
    told_by = {h.text: h.auroc for h in visdiff(
        a, b, proposer=Proposed({"A": list(authors), "B": []}), ranker=ranker, options=VisDiffConfig.paper()
    ).candidates}  # fmt: skip
    assert set(told_by) == {"zebra", "giraffe", "elephant"} and told_by["zebra"] == pytest.approx(0.69083, abs=1e-5)


@pytest.mark.parametrize("rank_by", ["p", "difference", "proposed"])
def test_other_rankings_of_table_8_and_no_ranker(rank_by: str) -> None:
    phrases = {"A": ["cup", "dog", "boat", "tree", "road"], "B": ["dog", "house"]}
    c = visdiff(A, B, proposer=Proposed(phrases), ranker=RANKER, options=VisDiffConfig.paper(rank_by=rank_by, rounds=1))
    scores = RANKER.rank(ImageSets(Sides(A, B), (160, 190)), [*NAMES]).values.astype(float)
    test = {n: stats.ttest_ind(s[:160], s[160:], equal_var=False) for n, s in zip(NAMES, scores, strict=True)}
    gap = {n: s[:160].mean() - s[160:].mean() for n, s in zip(NAMES, scores, strict=True)}
    for side, sign in (("A", 1), ("B", -1)):
        own = [n for n in phrases[side] if rank_by == "proposed" or sign * gap[n] > 0]
        order = {"p": lambda n: test[n].pvalue, "difference": lambda n, s=sign: -s * gap[n], "proposed": phrases[side].index}[rank_by]
        assert [h.text for h in c.candidates if h.side == side] == sorted(own, key=order)


def test_null_splits_show_nothing() -> None:
    """At most 5 % of splits may: of 40, at most 6 (1.4 % of fair tests exceed that)."""
    rng, population = np.random.default_rng(0), vectors(1500, 0.2, seed=9)
    alarms = 0
    for seed in range(40):
        rows = rng.permutation(1500)[:350]
        a, b = population[rows[:160]], population[rows[160:]]
        alarms += visdiff(a, b, proposer=words_only(a, b), ranker=RANKER, config=latentdiff.CompareConfig(seed=seed)).differs
    assert alarms <= 6


def test_the_same_seed_gives_the_same_list_and_large_sides_are_sampled() -> None:
    options = VisDiffConfig(most=100)
    runs = [visdiff(A, B, proposer=words_only(), ranker=RANKER, options=options) for _ in range(2)]
    assert [(h.text, h.p_value) for h in runs[0].candidates] == [(h.text, h.p_value) for h in runs[1].candidates]
    assert (runs[0].info["n_a"], runs[0].info["n_b"]) == (100, 100)
    assert runs[0].shows_a.shape[0] == 160 and runs[0].shows_b.shape[0] == 190
    assert VisDiffConfig() == VisDiffConfig(rounds=3, sample=20, phrases=10, most=5000)


def test_a_language_model_reads_the_captions_and_what_it_says_is_ranked(server) -> None:
    def reply(body) -> str:
        asked = json.loads(body["messages"][-1]["content"])
        return json.dumps({"phrases": ["a dog", "zebra crossing", "tree"] if str(asked["first"]).count("dog") > 8 else ["boat"]})

    server.script = [answers(reply)]
    images = (captions_of(A), captions_of(B))
    given = GivenCaptions({text: text for side in images for text in side})
    proposer = CaptionProposer(given, ChatLanguageModel(ChatEndpoint(server.url, "m", timeout=5, retries=0)))
    directions = encoded_directions(Encoder().encode_texts, VOCABULARY)
    c = visdiff(A, B, proposer=proposer, ranker=ClipRanker(directions), images=images)
    assert c.top("A", 1)[0].text == "a dog"
    assert len(server.requests) == 6
    sent = json.loads(server.requests[0]["messages"][-1]["content"])
    assert len(sent["first"]) == len(sent["second"]) == 20 and sent["count"] == 10 and set(sent["first"]) <= set(images[0])
    assert "captions to http://127.0.0.1" in proposer.sends


class Encoder:
    """Texts to vectors: the sum of the axes of the words that they hold, else an axis that no image has."""

    def encode_texts(self, texts: list[str]) -> np.ndarray:
        rows = [[NAMES.index(w) for w in t.split() if w in NAMES] for t in texts]
        return np.stack([np.eye(WIDTH)[r].sum(0) if r else np.full(WIDTH, 0.5) for r in rows]).astype(np.float32)


def test_a_server_that_refuses_is_a_clear_error(server) -> None:
    server.script = [says("I'm sorry, I cannot help with that.")]
    images = (captions_of(A), captions_of(B))
    given = GivenCaptions({text: text for side in images for text in side})
    proposer = CaptionProposer(given, ChatLanguageModel(ChatEndpoint(server.url, "m", timeout=5, retries=0)))
    with pytest.raises(EndpointError, match="refused"):
        visdiff(A, B, proposer=proposer, ranker=RANKER, images=images)


def test_phrases_without_a_direction_are_named_and_left_out() -> None:
    class Says(WordStatistics):
        def phrases(self, more, less, count=10, *, background=(), progress=lambda f, label: None):
            return ["dog", "Dog", "quite another thing", "red dog"]

    own = words_only()
    c = visdiff(A, B, proposer=CaptionProposer(own.captioner, Says()), ranker=RANKER)
    assert c.info["describe"]["untested"] == ["quite another thing"] and c.info["describe"]["sent"] == {}
    assert [h.text for h in c.candidates] == ["dog", "red dog"]
    assert {s: len(p) for s, p in c.info["describe"]["phrases"].items()} == {"A": 3, "B": 3}


def test_captions_that_fail_or_stutter_are_not_sent() -> None:
    from latentdiff.methods.image_sets import usable

    captions = ["a dog", CaptionFailure("unreadable"), "dog dog dog dog dog dog", "a dog and a dog on a boat"]
    assert usable(captions) == ["a dog", "a dog and a dog on a boat"]


def test_images_that_do_not_fit_the_vectors_are_refused() -> None:
    with pytest.raises(InputError, match="B has 190 vectors and 3 images"):
        visdiff(A, B, proposer=words_only(), ranker=RANKER, images=(["x"] * 160, ["y"] * 3))
    given = CaptionProposer(GivenCaptions({}), WordStatistics())
    with pytest.raises(InputError, match="needs the images themselves"):
        visdiff(A, B, proposer=given, ranker=RANKER)
    with pytest.raises(InputError, match=r"VisDiffConfig\.rounds"):
        VisDiffConfig(rounds=0)

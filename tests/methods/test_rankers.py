"""Yes-or-no rankers and the evaluator, against a real HTTP server."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from latentdiff.benchmark.judge import accuracies, judge, judgement
from latentdiff.describe.captions import GivenCaptions
from latentdiff.describe.endpoint import Budget, ChatEndpoint
from latentdiff.describe.word_statistics import WordStatistics
from latentdiff.embed.sides import Sides
from latentdiff.errors import Cancelled, EndpointError
from latentdiff.methods.image_sets import ImageSets
from latentdiff.methods.rankers import CaptionQARanker, ImageVQARanker
from latentdiff.methods.visdiff import VisDiffConfig, visdiff
from tests.describe.chat_server import ChatServer, answers, completion, raw, says, status
from tests.planted import vectors

A, B = vectors(24, 0.5, seed=1), vectors(26, 0.05, seed=2)
NAMES = ([f"a{i}" for i in range(24)], [f"b{i}" for i in range(26)])
TEXT = {n: "a dog on grass" if i < 15 and n[0] == "a" else "a road" for side in NAMES for i, n in enumerate(side)}


class Fixed:
    """Proposes what it is told."""

    name, sends, paired = "fixed", "", False

    def __init__(self, *phrases: str) -> None:
        self.phrases = list(phrases)

    def propose(self, sets, more, less, count, seed, progress=lambda f, label: None):
        return self.phrases


@pytest.fixture
def server():
    running = ChatServer()
    yield running
    running.close()


def endpoint(server: ChatServer, **options) -> ChatEndpoint:
    return ChatEndpoint(server.url, "m", timeout=5, retries=0, **options)


def judged(body) -> str:
    asked = json.loads(body["messages"][-1]["content"])
    return "Yes." if asked["concept"] in asked["caption"] else "no"


def test_caption_qa_ranks_by_the_difference_of_the_answers(server) -> None:
    server.script = [answers(judged)]
    ranker = CaptionQARanker(GivenCaptions(TEXT), endpoint(server))
    c = visdiff(A, B, proposer=Fixed("dog", "road", "zebra"), ranker=ranker, images=NAMES, options=VisDiffConfig.paper(rounds=1))
    dog, road = c.top("A", 1)[0], c.top("B", 1)[0]
    assert (dog.text, road.text) == ("dog", "road") and dog.score == pytest.approx(15 / 24) == road.score
    assert (dog.rate_a, dog.rate_b) == (pytest.approx(15 / 24), 0)
    want = stats.ttest_ind([1] * 15 + [0] * 9, [0] * 26, equal_var=False).pvalue
    assert dog.p_value == pytest.approx(want)
    assert sorted(c.rows_showing(dog, "A")) == list(range(15))
    assert len(server.requests) == 3 * 50 and "zebra" not in [h.text for h in c.candidates]


def test_answers_that_are_neither_leave_the_image_out(server) -> None:
    def reply(body) -> str:
        asked = json.loads(body["messages"][-1]["content"])
        return "Perhaps" if asked["caption"] == "a road" else "yes"

    server.script = [answers(reply)]
    sets = ImageSets(Sides(A, B), (24, 26), NAMES)
    ranked = CaptionQARanker(GivenCaptions(TEXT), endpoint(server)).rank(sets, ["dog"])
    assert np.isnan(ranked.values[0]).sum() == 9 + 26 and np.nansum(ranked.values) == 15


def test_image_vqa_sends_each_image_with_the_question(server, tmp_path) -> None:
    images = tuple([Image.new("RGB", (600, 300), colour) for _ in range(n)] for n, colour in ((24, "red"), (26, "blue")))
    images[0][0] = tmp_path / "missing.png"

    def reply(body) -> str:
        import base64
        import io

        text, picture = body["messages"][-1]["content"]
        pixel = Image.open(io.BytesIO(base64.b64decode(picture["image_url"]["url"].split(",")[1])))
        assert pixel.size == (384, 192) and json.loads(text["text"]) == {"concept": "red"}
        return "yes" if pixel.getpixel((5, 5))[0] > 200 else "No, it does not."

    server.script = [answers(reply)]
    ranker = ImageVQARanker(endpoint(server))
    ranked = ranker.rank(ImageSets(Sides(A, B), (24, 26), images), ["red"])
    assert np.isnan(ranked.values[0, 0]) and (ranked.values[0, 1:24] == 1).all() and (ranked.values[0, 24:] == 0).all()
    assert "images, scaled to 384 pixels" in ranker.sends


def test_questions_keep_to_the_budget_and_can_be_cancelled(server) -> None:
    server.script = [says("no")]
    ranker = CaptionQARanker(GivenCaptions(TEXT), endpoint(server, budget=Budget(calls=7)))
    sets = ImageSets(Sides(A, B), (24, 26), NAMES)
    with pytest.raises(EndpointError, match="1 phrases on 50 images are 50 questions, and the budget has 7 calls left"):
        ranker.rank(sets, ["dog"])
    assert not server.requests

    def stop(fraction: float, label: str) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        CaptionQARanker(GivenCaptions(TEXT), endpoint(server)).rank(sets, ["dog"], stop)


def test_one_failed_question_costs_one_answer_and_a_dead_server_the_rest(server) -> None:
    server.script = [says("yes"), status(500), says("<think>no, or</think>yes")]
    sets = ImageSets(Sides(A, B), (24, 26), NAMES)
    ranked = CaptionQARanker(GivenCaptions(TEXT), endpoint(server)).rank(sets, ["dog"])
    assert np.isnan(ranked.values).sum() == 1 and np.nansum(ranked.values) == 49 and ranked.scored.all()
    server.script, before = [status(401)], len(server.requests)
    with pytest.raises(EndpointError, match="takes no request without its key"):
        CaptionQARanker(GivenCaptions(TEXT), endpoint(server)).rank(sets, ["dog", "road"])
    assert len(server.requests) - before == 12  # three rows of four questions, of a hundred


def test_evaluator_reads_one_digit_and_averages_the_best(server) -> None:
    server.script = [says("2"), says("<think>a 2? no</think>Score: 1 (too general)"), says("0.")]
    assert judge(endpoint(server), "dogs in the snow", "dogs next to cats", ["snow", "animals in snow", "cats"]) == [2, 1, 0]
    sent = json.loads(server.requests[1]["messages"][-1]["content"])
    assert sent == {"group_a": "dogs in the snow", "group_b": "dogs next to cats", "prediction": "animals in snow"}
    assert accuracies([[1, 0, 2], [0, 0, 0, 0, 1], []]) == {"Acc@1": pytest.approx(0.5 / 3), "Acc@5": pytest.approx(1.5 / 3)}
    server.script = [says("I would give 2"), says("I like both"), says("1")]
    judged = judge(endpoint(server), "x", "y", ["w", "y", "z"])  # an unreadable one costs itself alone
    assert judged == [2, None, 1] and accuracies([judged[1:]]) == {"Acc@1": 0.0, "Acc@5": 0.5}


@pytest.mark.parametrize(
    ("answer", "stated"),
    [
        ("On a scale of 0 to 2, I would give 2.", 2),
        ("I'd give it two.", 2),
        ("2.0", 2),
        ("Rating 2.0", 2),
        ("This is a 1. It is not a 2.", 1),
        ("I would give neither 1 nor 2, so 0", 0),
        ("I am not sure, but 2", 2),
        ("Between 0 and 2: a 1", 1),
        ("I would not give 2 but 1", 1),
        ("2/2", 2),
        ("**1** (2 would need the snow)", 1),
        ("Score: 0 out of 2", 0),
        ("2.5", None),
        ("12", None),
        ("0, 1 or 2?", None),
        ("The answer is 2, since group A has 1 dog", 2),
        ("Grade: 2\nReason: 1 of the groups shows snow", 2),
        ("The prediction deserves a 1 rather than a 2.", 1),
        ("I'd rate this one a 2", 2),
        ("Rating: zero", 0),
        ("Two.", 2),
        ("Score (0/1/2): 1", 1),
        ("The prediction would be a 1 rather than a 2.", 1),
        ("This is a 1; a score of 2 would require snow.", 1),
        ("I give it 0: it would deserve 2 only if it said snow.", 0),
        ("\uff12", 2),  # a full-width digit
        ("-1", None),
        ("Score: -1", None),
        ("Rating - 1", 1),
    ],
)
def test_a_judgement_is_read_past_the_scale_it_repeats(answer: str, stated: int | None) -> None:
    assert judgement(answer) == stated


@pytest.mark.parametrize(
    "behaviour",
    [
        says(None, refusal="I cannot judge people"),
        raw(completion("").replace(b'"stop"', b'"content_filter"'), "application/json"),
        status(400, "The prompt triggered the content management policy"),
        says(""),
    ],
)
def test_a_question_that_the_judge_refuses_costs_one_phrase(server, behaviour) -> None:
    server.script = [says("2"), behaviour, says("1")]
    assert judge(endpoint(server), "x", "y", ["w", "y", "z"]) == [2, None, 1]
    server.script = [status(401)]
    with pytest.raises(EndpointError, match="takes no request without its key"):  # a server that takes none is another matter
        judge(endpoint(server), "x", "y", ["w"])


def test_perfect_answers_are_a_difference(server) -> None:
    """Sixty yes against sixty no: no spread on either side, and still the strongest evidence there is."""
    a, b = vectors(60, 0.5, seed=1), vectors(60, 0.05, seed=2)
    names = ([f"a{i}" for i in range(60)], [f"b{i}" for i in range(60)])
    text = {n: "a dog" if n[0] == "a" else "a horse" for side in names for n in side}
    server.script = [answers(judged)]
    ranker = CaptionQARanker(GivenCaptions(text), endpoint(server))
    c = visdiff(a, b, proposer=Fixed("dog", "horse"), ranker=ranker, images=names, options=VisDiffConfig.paper(rounds=1))
    want = stats.fisher_exact([[60, 0], [0, 60]]).pvalue
    for side, word in (("A", "dog"), ("B", "horse")):
        (found,) = [h for h in c.candidates if h.side == side]
        assert (found.text, found.score) == (word, 1.0) and found.p_value == pytest.approx(want, rel=1e-9) and found.q_value < 0.05
    assert c.differs


def test_word_statistics_stand_in_for_a_server() -> None:
    """The proposer that these tests fix is not needed for a run without any server."""
    from latentdiff.describe.phrase_vectors import composed_directions
    from latentdiff.embed.vocabulary import Vocabulary
    from latentdiff.methods.proposers import CaptionProposer
    from latentdiff.methods.rankers import ClipRanker
    from tests.planted import WIDTH

    words = ("boat", "tree", "house", "dog", *(f"thing{i}" for i in range(WIDTH - 4)))
    c = visdiff(
        A,
        B,
        proposer=CaptionProposer(GivenCaptions(TEXT), WordStatistics()),
        ranker=ClipRanker(composed_directions(Vocabulary(words, np.eye(WIDTH)))),
        images=NAMES,
    )
    assert c.top("A", 1, gated=False)[0].text == "dog"

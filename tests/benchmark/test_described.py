"""Captions, captioners and servers that are passed to an evaluation: what they are asked, and what becomes of it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from latentdiff import CompareConfig, demo
from latentdiff.benchmark.describing import GivenOrMade
from latentdiff.benchmark.methods import compared
from latentdiff.benchmark.runner import evaluate
from latentdiff.benchmark.suite import Options
from latentdiff.benchmark.suites import load_suite
from latentdiff.describe.captions import GivenCaptions
from latentdiff.errors import InputError
from tests.benchmark import layouts
from tests.benchmark.test_suites import records_of
from tests.describe.chat_server import ChatServer, answers, status

pytestmark = pytest.mark.usefixtures("judged")
KINDS = ["boat"] * 110 + ["umbrella"] * 110 + ["ball"] * 40


@pytest.fixture
def server():
    running = ChatServer()
    yield running
    running.close()


def contrast(body: dict) -> str:
    """A language model of word counts: what the captions of "first" say more often."""
    asked = json.loads(body["messages"][-1]["content"])
    first, second = (" ".join(asked[k]).split() for k in ("first", "second"))
    found = sorted(set(first), key=lambda w: second.count(w) - first.count(w))
    return json.dumps({"phrases": [f"a drawn {w}" for w in found[:3]]})


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Noisy-Diff pair in COCO's layout with a caption for every image, drawn once."""
    folder = tmp_path_factory.mktemp("dogs")
    root = folder / "data"
    images = [(f"{i:012d}.jpg", ["dog", *([kind] if kind != "ball" else [])]) for i, kind in enumerate(KINDS)]
    layouts.coco(root, images)
    for kind, first in (("boat", 0), ("umbrella", 110), ("ball", 220)):
        own = [root / "train2017" / name for (name, _), k in zip(images, KINDS, strict=True) if k == kind]
        layouts.draw_files(own, kind, "field", seed=first)
    with (folder / "captions.csv").open("w", newline="") as f:
        rows = [(root / "train2017" / n, f"dog {k} number{i}") for i, ((n, _), k) in enumerate(zip(images, KINDS, strict=True))]
        csv.writer(f).writerows([("path", "caption"), *rows])
    layouts.words_file(folder / "words.txt")
    return folder


@pytest.fixture
def dogs(drawn: Path, tmp_path: Path) -> Options:
    """The pair with the demo's encoder, words and SAE."""
    given = {"data": drawn / "data", "vocabulary": drawn / "words.txt", "captions": drawn / "captions.csv"}
    return Options(out=tmp_path / "out", encoder="demo", sae=demo.load_sae.__globals__["SAE_FOLDER"], **given)


def changed(options: Options, **changes) -> Options:
    import dataclasses

    return dataclasses.replace(options, **changes)


@pytest.mark.parametrize("name", ["noisy-diff-coco", "mixes"])
def test_the_papers_exemplar_branch_is_captions_of_the_ten_most_extreme_and_a_language_model(dogs, server, name) -> None:
    server.script = [answers(contrast)]
    outcome = evaluate(name, changed(dogs, methods=("paper",), endpoint=f"{server.url},m"))
    (record,) = records_of(outcome.folder)
    exemplars = record["rows"]["paper mode, exemplars" if name == "noisy-diff-coco" else "paper mode, 0 + 5"]
    assert exemplars["A"][0] == ["a drawn boat"] and exemplars["B"][0] == ["a drawn umbrella"]
    suite = load_suite(name)(dogs)
    (case,) = suite.cases
    telling = compared(suite.space, case, CompareConfig.paper()).info["exemplars"]  # plain top ten: its pool is no larger
    ten = {frozenset(f"dog {KINDS[i]} number{i}" for i in case.rows(side)[telling[side]["rows"]]) for side in "AB"}
    assert len(server.requests) == 2  # once a side
    assert {frozenset(json.loads(r["messages"][-1]["content"])["first"]) for r in server.requests} == ten
    three_and_two = record["rows"]["paper mode, 3 + 2"]
    assert [f[0] for f in three_and_two["A"]][-2:] == [f[0] for f in exemplars["A"]][:2]


def test_ours_takes_captions_and_server_too_and_stops_where_the_server_does(dogs, server) -> None:
    server.script = [answers(contrast)]
    options = changed(dogs, methods=("latentdiff",), endpoint=f"{server.url},m")
    outcome = evaluate("noisy-diff-coco", options)
    (record,) = records_of(outcome.folder)
    assert "a drawn boat" in [f[0] for f in record["rows"]["LatentDiff, exemplars"]["A"]]
    server.script = [status(401)]
    with pytest.raises(InputError, match=r"exemplars of dog/boat/umbrella could not be described: .*takes no request without its key"):
        evaluate("noisy-diff-coco", options, fresh=True)
    with pytest.raises(InputError, match="budget of 1 calls is spent"):
        server.script = [answers(contrast)]
        evaluate("noisy-diff-coco", changed(options, calls=1), fresh=True)


def test_what_has_no_use_is_said(dogs, server) -> None:
    options = changed(dogs, methods=("mean",), endpoint=f"{server.url},m", split="train", runs=3)
    outcome = evaluate("noisy-diff-coco", options)
    assert outcome.report.notes[-1] == (
        "noisy-diff-coco has no use for --runs, --captions, --endpoint with these methods: without effect here."
    )
    assert not server.requests
    assert load_suite("planted")(changed(dogs, captions=None)).unused()[0].startswith("planted has no use for --data, --encoder, --sae,")


def test_a_captioner_fills_in_for_images_without_a_caption() -> None:
    class Model:
        name, reads, sends = "model", "images", ""

        def __init__(self) -> None:
            self.seen: list = []

        def captions(self, images, *, progress=None):
            self.seen += images
            return [f"made for {i}" for i in images]

    model = Model()
    both = GivenOrMade({"a.jpg": ["one", "two"]}, model)
    assert both.captions(["b.jpg", "a.jpg"]) == ["made for b.jpg", "one. two"] and model.seen == ["b.jpg"]
    assert both.captions(["a.jpg"]) == GivenCaptions({"a.jpg": ["one", "two"]}).captions(["a.jpg"])

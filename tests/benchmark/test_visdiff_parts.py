"""VisDiff's proposers and rankers on a folder in VisDiffBench's layout, with a server and a BLIP-2 of our own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from latentdiff import demo
from latentdiff.benchmark.runner import evaluate
from latentdiff.benchmark.suite import Options
from latentdiff.benchmark.suites import load_suite
from latentdiff.errors import InputError
from latentdiff.methods.classification import classification_accuracy, classified
from tests.benchmark import layouts
from tests.benchmark.test_suites import records_of, table
from tests.describe.captioners import save_captioner
from tests.describe.chat_server import ChatServer, answers

pytestmark = pytest.mark.usefixtures("judged")


SAID = {"a": "boat", "b": "umbrella"}


def reader(body: dict) -> str:
    """Phrases from captions and grids, yes and no about captions and pictures, and judgements."""
    content = body["messages"][-1]["content"]
    asked = json.loads(content if isinstance(content, str) else content[0]["text"])
    if "prediction" in asked:
        return "2" if asked["prediction"] == asked["group_a"] else "0"
    if "concept" in asked:
        return "yes" if asked["concept"] in asked.get("caption", "umbrella") else "no"
    boat = "boat" in " ".join(asked.get("first", ["boat"]))
    return json.dumps({"phrases": ["boat", "sky"] if boat else ["umbrella"]})


def test_every_proposer_and_ranker_has_its_row(tmp_path: Path) -> None:
    layouts.visdiffbench_released(tmp_path / "data", {"easy": [("boat", "umbrella")]}, n=20)
    server = ChatServer()
    server.script = [answers(reader)]
    try:
        options = Options(
            data=tmp_path / "data", out=tmp_path / "out", encoder="demo", sae=demo.load_sae.__globals__["SAE_FOLDER"],
            vocabulary=layouts.words_file(tmp_path / "words.txt"), endpoint=f"{server.url},m",
            captioner=str(save_captioner(tmp_path / "blip2", "blip-2")),
        )  # fmt: skip
        # A random BLIP-2 writes noise; the captions that tell boats from umbrellas are given.
        rows = [f"{f},{SAID[f.parent.name[-1]]}" for f in (tmp_path / "data").rglob("*.jpg")]
        (tmp_path / "captions.csv").write_text("path,caption\n" + "\n".join(rows) + "\n")
        outcome = evaluate("visdiff-parts", Options(**{**vars(options), "captions": tmp_path / "captions.csv"}))
        found = {row: v for r in records_of(outcome.folder) for row, v in r["rows"].items()}
        clip = [f"caption, CLIP{how}" for how in ("", ", centred", ", by p", ", by difference of means", ", no ranker")]
        assert list(found) == [*clip, "caption, caption-qa", "caption, image-vqa", "image grid, CLIP", "feature, CLIP"]
        assert ["boat"] in found["caption, CLIP, centred"]["A"][:2] and ["umbrella"] in found["caption, CLIP, centred"]["B"]
        assert found["caption, CLIP, no ranker"]["A"][0] == ["boat"]  # the order of the proposals
        assert found["caption, caption-qa"]["A"] == [["boat"]] and found["caption, caption-qa"]["B"] == [["umbrella"]]
        judged, apart = table(outcome, "Acc@k"), table(outcome, "Images told apart")
        assert judged["caption, caption-qa"]["PIS easy Acc@1"] == 1.0 and apart["caption, caption-qa"]["share"] > 0.9
        asked = [r["messages"][-1]["content"] for r in server.requests]
        seen = [json.loads(c if isinstance(c, str) else c[0]["text"]) for c in asked]
        # Three rounds both ways for captions and as many for each further caption proposer and the grid; then all images per phrase.
        assert sum("first" in s for s in seen) == 18 and sum(s == {"count": 10} for s in seen) == 6
        assert sum("caption" in s for s in seen) == sum("concept" in s and "caption" not in s for s in seen) == 3 * 40
    finally:
        server.close()


def test_what_has_no_server_or_model_is_left_out_and_said(tmp_path: Path) -> None:
    suite = load_suite("visdiff-parts")(Options(data=tmp_path))
    assert [m.name for m in suite.methods] == ["caption"]
    assert suite.lacking == ["caption-qa", "image-vqa", "grid", "feature"]
    with pytest.raises(InputError, match="feature needs --captioner with a BLIP-2 model"):
        load_suite("visdiff-parts")(Options(methods=("feature",)))
    with pytest.raises(InputError, match="visdiff-parts compares caption, caption-qa"):
        load_suite("visdiff-parts")(Options(methods=("ours",)))


def test_a_captioner_that_is_no_blip2_proposes_no_features(tmp_path: Path) -> None:
    blip, blip2 = (str(save_captioner(tmp_path / kind, kind)) for kind in ("blip", "blip-2"))
    assert "feature" in [m.name for m in load_suite("visdiff-parts")(Options(captioner=blip2)).methods]
    suite = load_suite("visdiff-parts")(Options(captioner=blip))
    assert [m.name for m in suite.methods] == ["caption"] and "feature" in suite.lacking
    with pytest.raises(InputError, match="feature needs --captioner with a BLIP-2 model"):
        load_suite("visdiff-parts")(Options(captioner=blip, methods=("feature",)))


def test_images_are_told_apart_by_their_nearest_phrase() -> None:
    rng = np.random.default_rng(0)
    text = dict(zip(("a", "b", "c"), rng.normal(0, 1, (3, 8)), strict=True))
    x = rng.normal(0, 1, (30, 8))

    def encode(texts) -> np.ndarray:
        return np.array([text[t] for t in texts])

    expected = []
    for row in x:
        cosine = {w: row @ v / np.linalg.norm(row) / np.linalg.norm(v) for w, v in text.items()}
        expected.append(max(cosine, key=cosine.get) in ("a", "b"))
    assert classified(x, ["a", "b"], ["c"], encode).tolist() == expected
    want = (np.mean(expected[:10]) + np.mean([not e for e in expected[10:]])) / 2  # sides weigh alike, whatever their sizes
    assert classification_accuracy(x[:10], x[10:], ["a", "b"], ["c"], encode) == pytest.approx(want)
    with pytest.raises(InputError, match="one side has none"):
        classified(x, ["a"], [], encode)

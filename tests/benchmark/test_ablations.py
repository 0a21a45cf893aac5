"""The paper's ablations and caption space, on a part of the real captions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import latentdiff
from latentdiff.benchmark.cases import Findings
from latentdiff.benchmark.runner import evaluate
from latentdiff.benchmark.suite import Options
from latentdiff.benchmark.suites import ablations, caption_space, load_suite

pytestmark = pytest.mark.usefixtures("judged")
IMAGES, WORDS = 900, 2500


@pytest.fixture(scope="module")
def part_of_coco(shared_data: Path, tmp_path_factory) -> Path:
    """The first images of COCO val2017 with their vectors, and every eighth word."""
    source, root = shared_data / "coco", tmp_path_factory.mktemp("captions")
    (root / "coco").mkdir()
    images = json.loads((source / "images.json").read_text(encoding="utf8"))[:IMAGES]
    (root / "coco/images.json").write_text(json.dumps(images), encoding="utf8")
    words = (source / "words.txt").read_text(encoding="utf8").splitlines()[: 8 * WORDS : 8]
    (root / "coco/words.txt").write_text("\n".join(words) + "\n", encoding="utf8")
    np.save(root / "coco/minilm_word_vectors.npy", np.load(source / "minilm_word_vectors.npy")[: 8 * WORDS : 8])
    np.save(root / "coco/minilm_image_vectors.npy", np.load(source / "minilm_image_vectors.npy")[:IMAGES])
    np.save(root / "coco/minilm_caption_vectors.npy", np.load(source / "minilm_caption_vectors.npy")[:3000])
    return root


@pytest.fixture
def options(part_of_coco, tmp_path, monkeypatch):
    def trained(x, *, concepts=None, active=20, seed=0, progress=None):
        return latentdiff.train_sae(x, concepts=concepts, active=active, seed=seed, steps=60)

    for module in (ablations, caption_space):
        monkeypatch.setattr(module, "kept_sae", trained)
    monkeypatch.setattr(caption_space, "MINIMUM", 40)
    monkeypatch.setattr(caption_space, "CONCEPTS", 256)

    def make(**changes) -> Options:
        return Options(**{"data": part_of_coco, "out": tmp_path / "out", "split": "caption-space", "pairs": 1, **changes})

    return make


def rows_of(outcome) -> list[dict[str, Findings]]:
    lines = map(json.loads, (outcome.folder / "records.jsonl").read_text().splitlines())
    return [{row: Findings.from_dict(found) for row, found in r["rows"].items()} for r in lines if "task" in r]


def test_cases_are_noisy_diff_pairs(options, part_of_coco) -> None:
    labels = [i["labels"] for i in json.loads((part_of_coco / "coco/images.json").read_text(encoding="utf8"))]
    suite = load_suite("caption-space")(options(pairs=3))
    assert len(suite.cases) > 2
    for case in suite.cases:
        for side, other in (("A", "B"), ("B", "A")):
            planted = [i for i, own in enumerate(labels) if {case.group, case.label(side)} <= set(own) and case.label(other) not in own]
            assert case.planted(side).tolist() == planted and len(planted) >= 40
            assert case.mass(side) == pytest.approx(len(planted) / sum(case.group in own for own in labels))


def test_mixes(options, monkeypatch) -> None:
    outcome = evaluate("mixes", options())
    monkeypatch.undo()
    names, literal = ([f"{row}, {p} + {5 - p}" for p in range(5, -1, -1)] for row in ("LatentDiff", "paper mode"))
    for rows in rows_of(outcome):
        assert list(rows) in (names, literal)
        if list(rows) == literal:  # p concepts, then q phrases as they were said
            assert all(rows["paper mode, 3 + 2"].of(s)[-2:] == rows["paper mode, 0 + 5"].of(s)[:2] for s in "AB")
            continue
        for side in "AB":
            concepts, phrases = ([f[0] for f in rows[name].of(side)[:5]] for name in (names[0], names[-1]))
            joint = {f[0] for f in rows["LatentDiff, 3 + 2"].of(side)}
            assert len(joint) == 5 and len(joint & set(concepts)) >= 2 and joint & set(phrases)
    cosine = {row[0]: row[2] for row in outcome.report.tables[0].rows}
    assert all(0.2 < cosine[name] <= 1 for name in names) and "5 SAE + 0 DRE" in (outcome.folder / "results.md").read_text(encoding="utf8")


def test_exemplars(options) -> None:
    outcome = evaluate("exemplars", options(sizes=(3, 20)))
    for rows in rows_of(outcome):
        assert set(rows) <= {"3 exemplars", "20 exemplars", "VisDiff", "VisDiff, plain cosines"}
        assert all(len(found.a) > 0 and np.isfinite(found.planted_a) for name, found in rows.items() if "VisDiff" not in name)
    curve = outcome.report.plots["exemplars"].series["the best of five"]
    table = {row[0]: row[2] for row in outcome.report.tables[0].rows}
    assert curve[0] == [3.0, 20.0] and curve[1] == pytest.approx([table["3 exemplars"], table["20 exemplars"]])
    # Captions of the most telling images name what is planted better than random words do.
    assert table["20 exemplars"] > table["5 random words"] + 0.1


def test_sensitivity(options) -> None:
    wanted = ("words 3", "words 10", "monosemanticity 0.25", "dominance 0.2", "active 5")
    outcome = evaluate("sensitivity", options(methods=wanted))
    title, rows = outcome.report.tables[0].title, {row[0]: row[1:] for row in outcome.report.tables[0].rows}
    assert title == "Appendix F" and set(rows) == set(wanted)
    floor = outcome.report.figures["25 random words"]
    assert all(average > floor + 0.1 for average, *_ in rows.values())  # literal bins found nothing at all: 0 in every row
    assert rows["words 10"][0] >= rows["words 3"][0]  # the first three of ten words are those three
    for found in (r for record in rows_of(outcome) for name, r in record.items() if name == "words 3"):
        assert all(len(f) == 3 for side in "AB" for f in found.of(side)) and len(found.a) <= 5
    every = {m.name for m in load_suite("sensitivity")(options(methods=())).methods}
    papers = {row[0] for table in json.loads((outcome.folder / "results.json").read_text())["papers"] for row in table["rows"]}
    assert every == papers  # every row of the paper's appendix F

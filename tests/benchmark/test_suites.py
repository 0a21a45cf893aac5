"""Suites run to the end on small folders in the published layouts; scores are worked out again by hand."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from latentdiff import demo
from latentdiff.benchmark import noisy_diff
from latentdiff.benchmark.plan import plan
from latentdiff.benchmark.runner import Records, evaluate
from latentdiff.benchmark.suite import Options
from latentdiff.benchmark.suites import SUITES, load_suite
from latentdiff.errors import InputError
from tests.benchmark import layouts

pytestmark = pytest.mark.usefixtures("judged")


@pytest.fixture
def options(tmp_path: Path):
    """Options of the demo's encoder, words and SAE."""

    def make(**changes) -> Options:
        given = {
            "data": tmp_path / "data",
            "out": tmp_path / "out",
            "encoder": "demo",
            "sae": demo.load_sae.__globals__["SAE_FOLDER"],
            "vocabulary": layouts.words_file(tmp_path / "words.txt"),
        }
        return Options(**{**given, **changes})

    return make


def records_of(folder: Path) -> list[dict]:
    return [r for r in map(json.loads, (folder / "records.jsonl").read_text().splitlines()) if "task" in r]


def table(outcome, title: str) -> dict[str, dict]:
    """Rows of a report's table by their first column."""
    found = next(t for t in outcome.report.tables if t.title.startswith(title))
    return {row[0]: dict(zip(found.header[1:], row[1:], strict=True)) for row in found.rows}


def write_findings(suite, found: dict[str, dict[str, tuple[list, list]]]) -> None:
    """Records as if a method had found these phrases, by task and row, of A and of B."""
    records = Records(suite.options.out / suite.name / "records.jsonl", suite.settings(), fresh=True)
    for task in suite.tasks():
        rows = {row: {"A": [[p] for p in a], "B": [[p] for p in b], "planted": [None, None]} for row, (a, b) in found[task.key].items()}
        records.add({"task": task.key, "group": task.group, "rows": rows, "seconds": {"total": 0.0}})


def test_visdiffbench_runs_and_names_what_is_drawn(options, tmp_path) -> None:
    layouts.visdiffbench(tmp_path / "data", {"easy": [("boat", "umbrella")], "hard": [("cactus", "lamp")]})
    layouts.visdiff_csv(tmp_path / "data", "ImageNetR", {"snow": ("ball", "snow"), "imagenet": ("ball", "beach")})
    outcome = evaluate("visdiffbench", options(methods=("latentdiff", "mean")))
    by_group = table(outcome, "Cosine by subset")
    assert {group: row["pairs"] for group, row in by_group.items()} == {"PIS easy": 1, "PIS hard": 1, "ImageNet-R": 1}
    found = {(r["task"].split(" | ")[0], row): v for r in records_of(outcome.folder) for row, v in r["rows"].items()}
    boat = found["PIS easy/1 boat", "LatentDiff, 3 + 2"]
    assert "boat" in [f[0] for f in boat["A"][:5]] and "umbrella" in [f[0] for f in boat["B"][:5]]
    assert "snow" in [f[0] for f in found["ImageNet-R/1 snow", "LatentDiff, 3 + 2"]["A"][:5]]
    assert by_group["PIS easy"]["LatentDiff, 3 + 2"] == pytest.approx(1.0, abs=1e-5)
    assert table(outcome, "All pairs")["LatentDiff, 3 + 2"]["sides"] == 5  # the plain counterpart of ImageNet-R has no label
    for name in ("results.json", "results.md", "cosine.png", "coverage.png"):
        assert (outcome.folder / name).stat().st_size > 200
    page = (outcome.folder / "results.md").read_text(encoding="utf8")
    assert "0.880" in page and "VisDiff, table 2" in page and "Acc@k needs a judge" in page


def test_visdiffbench_scores_by_hand(options, tmp_path, sentence_judge) -> None:
    layouts.visdiffbench(tmp_path / "data", {"easy": [("dogs", "cats")], "medium": [("couch", "lamp")]}, n=0)
    options = options(methods=("latentdiff",))
    suite = load_suite("visdiffbench")(options)
    suite.missing = list
    first, second = (t.key for t in suite.tasks())
    write_findings(suite, {first: {"m": (["cats", "Dogs"], ["grass"])}, second: {"m": (["sofa"], [])}})
    report = suite.report(records_of(options.out / "visdiffbench"))
    row = dict(zip(report.tables[0].header, report.tables[0].rows[0], strict=True))
    cosine = sentence_judge.vectors(["dogs", "Dogs", "cats", "grass", "couch", "sofa"])
    scores = [max(cosine[0] @ cosine[1], cosine[0] @ cosine[2]), cosine[2] @ cosine[3], cosine[4] @ cosine[5], 0.0]
    assert row["sides"] == 4 and row["cosine"] == pytest.approx(np.mean(scores), abs=1e-5)
    assert row["std"] == pytest.approx(np.std(scores), abs=1e-5)
    assert (row["exact@1"], row["exact@5"], row["synonym@1"], row["synonym@5"]) == (0, 0.25, 0.25, 0.5)


def test_a_vocabulary_of_few_words_has_a_floor_of_fewer(options, tmp_path) -> None:
    layouts.visdiffbench(tmp_path / "data", {"easy": [("dogs", "cats")]}, n=0)
    suite = load_suite("visdiffbench")(options(methods=("latentdiff",)))
    suite.floor_words = lambda: ["dogs", "cats", "sky", "snow", "boat", "house"]
    write_findings(suite, {suite.tasks()[0].key: {"m": (["cats"], ["grass"])}})
    report = suite.report(records_of(suite.options.out / "visdiffbench"))
    assert [name for name in report.figures if "random words" in name] == ["5 random words"]
    assert report.tables[0].rows[-1][0] == "5 random words" and 0 < report.figures["5 random words"] < 1


def test_accuracy_at_k_with_a_judge(options, tmp_path, monkeypatch) -> None:
    from tests.describe.chat_server import ChatServer, answers

    layouts.visdiffbench(tmp_path / "data", {"easy": [("dogs", "cats")], "medium": [("couch", "lamp")]}, n=0)
    digits = {"grass": "0", "animals": "1", "dogs": "2", "sofa": "I say 1."}
    server = ChatServer()
    server.script = [answers(lambda body: digits[json.loads(body["messages"][-1]["content"])["prediction"]])]
    try:
        options = options(methods=("latentdiff",), endpoint=f"{server.url},judge")
        suite = load_suite("visdiffbench")(options)
        first, second = (t.key for t in suite.tasks())
        sofa = (["sofa"], [])
        write_findings(suite, {first: {"m": (["grass", "animals", "dogs"], []), "n": ([], [])}, second: {"m": sofa, "n": sofa}})
        report = suite.report(records_of(options.out / "visdiffbench"))
        rows = {r[0]: dict(zip(report.tables[0].header[1:], r[1:], strict=True)) for r in report.tables[0].rows}
        assert rows["m"] == {"PIS easy Acc@1": 0.0, "PIS easy Acc@5": 1.0, "PIS medium Acc@1": 0.5, "PIS medium Acc@5": 0.5}
        assert rows["n"]["PIS easy Acc@1"] == 0.0 and rows["n"]["PIS medium Acc@5"] == 0.5
        asked = len(server.requests)
        assert asked == 4  # the same prediction for the same pair is asked for once
        suite.report(records_of(options.out / "visdiffbench"))
        assert len(server.requests) == asked
        digits["grass"] = "hard to say"  # costs this phrase, not the report; and it is not kept
        monkeypatch.setenv("LATENTDIFF_CACHE", str(tmp_path / "anew"))
        for _ in range(2):
            report = suite.report(records_of(options.out / "visdiffbench"))
            assert {r[0]: r[1:] for r in report.tables[0].rows}["m"] == (0.0, 1.0, 0.5, 0.5)
            assert any(note.startswith("1 judgements") and "could not be read" in note for note in report.notes)
        assert len(server.requests) == asked + 4 + 3
    finally:
        server.close()


def test_visdiffbench_as_released(options, tmp_path) -> None:
    """Folders easy/1_a and easy/1_b, fourteen renditions, and misc, which the list has and the archive has not."""
    root = layouts.visdiffbench_released(tmp_path / "data", {"easy": [("boat", "kite"), ("cup", "vase")], "hard": [("lamp", "cake")]}, n=2)
    groups = {**dict.fromkeys(layouts.RENDITIONS, ("ball", "snow")), "imagenet": ("ball", "beach")}
    layouts.visdiff_csv(root, "ImageNetR", groups, n=2, lacking=("misc",), synset="n04147183")
    planned = plan("visdiffbench", options(methods=("mean",)))
    pairs = {row[0]: row[1:] for row in planned.tables[0].rows}
    assert planned.missing == () and "one side has no images: ImageNet-R misc." in planned.tables[0].note
    assert (pairs["PIS easy"], pairs["PIS hard"], pairs["ImageNet-R"]) == ((50, 2), (50, 1), (14, 14))
    suite = load_suite("visdiffbench")(options(methods=("mean",)))
    named = {c.key for c in suite.cases}
    assert {"PIS easy/1 boat", "PIS easy/2 cup", "PIS hard/1 lamp", "ImageNet-R/1 art"} <= named and not [k for k in named if "misc" in k]
    first = next(c for c in suite.cases if c.key == "PIS easy/1 boat")
    files = [suite.files[i] for i in (*first.rows_a, *first.rows_b)]
    assert [Path(f).relative_to(root).as_posix() for f in files] == [f"VisDiffBench/easy/1_{s}/00000{k}.jpg" for s in "ab" for k in (1, 2)]
    with (root / "PairedImageSets.csv").open("r+", encoding="utf8") as f:  # as Excel saves it, and cut short within a pair
        text = f.read()
        f.seek(0)
        f.write("\ufeff" + text + "./data/VisDiffBench/medium/7_a/000001.jpg,a lone side\n")
    again = plan("visdiffbench", options(methods=("mean",)))
    assert again.missing == () and "PIS medium a lone side, ImageNet-R misc." in again.tables[0].note
    assert {row[0]: row[2] for row in again.tables[0].rows} == {row[0]: row[2] for row in planned.tables[0].rows}
    images = root / "VisDiffBench/imagenetr"
    (images / "imagenet").rename(root / "away")  # what the others are compared with: nothing is left of the part
    assert "imagenetr/imagenet" in plan("visdiffbench", options()).missing[0]
    (root / "away").rename(images / "imagenet")
    for folder in [f for f in images.iterdir() if f.name != "imagenet"]:
        folder.rename(root / f"away-{folder.name}")
    assert "imagenetr/art" in plan("visdiffbench", options()).missing[0]


def test_pairs_from_visdiffs_csv(options, tmp_path) -> None:
    from latentdiff.benchmark.visdiffbench_files import read_benchmark

    layouts.visdiffbench(tmp_path / "data", {"hard": [("boat", "kite"), ("cup", "vase")]}, n=2)
    from_jsonl = read_benchmark(tmp_path / "data")
    rows = ["path,group_name"]
    rows += [f"./data/VisDiffBench/hard/{i}_{s}/{k + 1:06d}.jpg,{name}" for i, pair in enumerate((("boat", "kite"), ("cup", "vase")))
             for s, name in enumerate(pair, 1) for k in range(2)]
    (tmp_path / "data/PairedImageSets.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "data/VisDiffBench/hard.jsonl").unlink()
    assert read_benchmark(tmp_path / "data") == from_jsonl and len(from_jsonl) == 2
    assert all(Path(f).is_file() for p in from_jsonl for f in p.files_a)


def test_the_repository_and_its_parts_may_be_named(tmp_path) -> None:
    from latentdiff.benchmark.visdiffbench_files import read_benchmark

    root = layouts.visdiffbench_released(tmp_path / "repo/data", {"easy": [("boat", "kite")], "hard": [("lamp", "cake")]}, n=1)
    by_csv = read_benchmark(root)
    assert [p.group for p in by_csv] == ["PIS easy", "PIS hard"]
    assert read_benchmark(tmp_path / "repo") == read_benchmark(root / "VisDiffBench") == by_csv
    easy = {"set1": "boat", "set2": "kite", "set1_images": ["easy/1_a/000001.jpg"], "set2_images": ["easy/1_b/000001.jpg"]}
    (root / "VisDiffBench/easy.jsonl").write_text(json.dumps(easy) + "\n")
    assert read_benchmark(root) == by_csv  # the list of one part does not hide the other parts
    (root / "VisDiffBench/hard/1_b/000001.jpg").unlink()
    assert "1_b/000001.jpg is not there (1 of 4 are not)" in load_suite("visdiffbench")(Options(data=root)).missing()[0]


def test_purity(options, tmp_path) -> None:
    layouts.visdiffbench(tmp_path / "data", {"hard": [("boat", "umbrella")], "easy": [("cup", "vase")]})
    outcome = evaluate("purity", options(methods=("latentdiff",), runs=1))
    cosine = {group: row["LatentDiff, 3 + 2"] for group, row in table(outcome, "Cosine by purity").items()}
    assert list(cosine) == ["100 %", "80 %", "60 %", "40 %", "20 %", "0 %"]
    assert cosine["100 %"] == pytest.approx(1.0, abs=1e-5) and cosine["60 %"] == pytest.approx(1.0, abs=1e-5)
    suite = load_suite("purity")(options(methods=("latentdiff",), runs=1))
    original = {c.group: c for c in suite.cases}
    pure, mixed = original["100 %"], original["40 %"]
    moved = len(set(mixed.rows_a.tolist()) - set(pure.rows_a.tolist()))
    assert moved == round(0.3 * 24) and sorted([*mixed.rows_a, *mixed.rows_b]) == sorted([*pure.rows_a, *pure.rows_b])
    begun = suite.report(records_of(outcome.folder)[:2])  # stopped early: what is not done is no point of the curve
    assert begun.plots["purity"].series["LatentDiff, 3 + 2"] == ([100, 80], pytest.approx([1.0, cosine["80 %"]], abs=1e-5))


def test_metashift(options, tmp_path) -> None:
    names = [("cat", "beach"), ("cat", "snow"), ("cat", "forest"), ("dog", "room"), ("dog", "night")]
    layouts.metashift(tmp_path / "data", {(animal, place): place for animal, place in names})
    outcome = evaluate("metashift", options(vocabulary=None))
    rows = table(outcome, "Right label among 5")
    assert {r["pairs"] for r in rows.values()} == {4}
    assert rows["LatentDiff"]["top-3"] == 1.0 and rows["GSCLIP"]["top-3"] >= 0.75
    for record in records_of(outcome.folder):  # the shares again, from what was ranked
        _, one, other = record["task"].split(" | ")[0].split("/")
        assert {f[0] for row in record["rows"].values() for f in row["A"]} <= {"beach", "snow", "forest", "room", "night"}, (one, other)
    for name, row in rows.items():
        for k in (1, 3, 5):
            hits = []
            for record in records_of(outcome.folder):
                _, one, other = record["task"].split(" | ")[0].split("/")
                if name in record["rows"]:
                    hits.append(bool({f[0] for f in record["rows"][name]["A"][:k]} & {one, other}))
            assert row[f"top-{k}"] == pytest.approx(sum(hits) / len(hits))
    case = next(c for c in load_suite("metashift")(options(vocabulary=None)).cases if c.key == "cat/beach/snow")
    assert len(case.rows_a) == 27 and len(case.rows_b) == 30 and not set(case.rows_a) & set(case.rows_b)


def test_noisy_diff_imagenet(options, tmp_path, sentence_judge) -> None:
    # Speedboats are conveyances and umbrellas protective coverings: 4 % each; the rest are two kinds of fish, animals.
    classes = {"n04273569": ("boat", 20), "n04507155": ("umbrella", 20), "n01440764": (None, 230), "n01443537": (None, 230)}
    layouts.imagenet(tmp_path / "data", classes)
    outcome = evaluate("noisy-diff-imagenet", options(methods=("latentdiff",), sizes=(500,)))
    groups = table(outcome, "Groups")
    assert {g: (row["images"], row["eligible"]) for g, row in groups.items()} == {
        "animal": (460, "no"),
        "conveyance": (20, "yes"),
        "protective covering": (20, "yes"),
    }
    (record,) = records_of(outcome.folder)
    found = record["rows"]["LatentDiff, 3 + 2"]
    assert record["task"] == "500/conveyance/protective covering | latentdiff"
    assert "boat" in [f[0] for f in found["A"][:5]] and "umbrella" in [f[0] for f in found["B"][:5]]
    cosine = [max(float(c) for c in sentence_judge.cosines(label, [f[0] for f in found[side][:5]]))
              for side, label in (("A", "conveyance"), ("B", "protective covering"))]
    assert table(outcome, "All pairs")["LatentDiff, 3 + 2"]["cosine"] == pytest.approx(sum(cosine) / 2, abs=1e-5)


def test_coco_counts_stand_beside_the_papers(options, tmp_path) -> None:
    images = [(f"{i}.jpg", ["dog", "dog", f"thing {i % 3}"]) for i in range(330)] + [(f"c{i}.jpg", ["cat"]) for i in range(5)]
    layouts.coco(tmp_path / "data", images)
    (tmp_path / "data/train2017").mkdir()
    planned = plan("noisy-diff-coco", options())
    tables, rows = planned.tables, {row[0]: row for row in planned.tables[0].rows}
    parents = ("bicycle", "backpack", "cat", "dog", "tv", "motorcycle")
    assert planned.missing == () and [rows[p][2] for p in parents] == [22, 34, 23, 26, 28, 13]
    assert rows["dog"] == ("dog", 330, 26, 3, 325, 3, "no") and rows["cat"][3] == 0 and rows["tv"][1] == 0
    assert tables[-1].rows[0][:2] == ("dog", 3 * 5)
    suite = load_suite("noisy-diff-coco")(options(pairs=1))
    pair = noisy_diff.build([own for _, own in images], "dog", *suite.cases[0].key.split("/")[1:])
    np.testing.assert_array_equal(suite.cases[0].rows_a, pair.rows_a)


@pytest.mark.parametrize("name", sorted(set(SUITES) - {"planted"}))
def test_missing_data_is_named(name, tmp_path) -> None:
    options = Options(data=tmp_path / "nothing", out=tmp_path / "out")
    missing = plan(name, options).missing
    assert missing and all(str(tmp_path / "nothing") in line for line in missing)
    assert any(word in missing[0] for word in ("fetch ", "put ", "run "))
    with pytest.raises(InputError, match="cannot run yet"):
        evaluate(name, options)
    assert not (tmp_path / "out").exists()


def test_photographs_that_were_made_over_are_found_and_named(options, tmp_path) -> None:
    layouts.draw_files([tmp_path / "data" / f"{i}.jpg" for i in range(110)], None, "field", seed=5)
    outcome = evaluate("style", options(data=tmp_path / "data", runs=1))
    found = {r["style"]: (r["named"], r["first"]) for r in records_of(outcome.folder)}
    assert found["nothing"] == ("", "")
    assert [found[style][0] for style in ("sketch", "night", "close-up")] == ["sketch", "night", "close-up, enlarged"]
    rows = table(outcome, "Style and composition, by what is measured")
    assert (rows["night"]["found"], rows["night"]["named"], rows["nothing"]["found"]) == (1.0, 1.0, 0.0)


@pytest.mark.parametrize("zoo", [False, True])
def test_noisy_diff_coco_runs_to_the_end(options, tmp_path, sentence_judge, zoo) -> None:
    # 110 photographs of "dogs" show a boat, 110 an umbrella, 60 neither; the drawn things stand for themselves.
    root, kinds = tmp_path / "data", ["boat"] * 110 + ["umbrella"] * 110 + ["ball"] * 60
    images = [(f"{i:012d}.jpg", ["dog", *([kind] if kind != "ball" else [])]) for i, kind in enumerate(kinds)]
    layouts.coco(root, [*images, ("stranger.jpg", ["cat"])])
    for kind, first in (("boat", 0), ("umbrella", 110), ("ball", 220)):
        own = [root / "train2017" / name for (name, _), k in zip(images, kinds, strict=True) if k == kind]
        layouts.draw_files(own, kind, "field", seed=first)
    if zoo:  # the same as FiftyOne's zoo lays it out, written by its own exporter
        layouts.coco_zoo(root, images, "validation")
    outcome = evaluate("noisy-diff-coco", options(methods=("latentdiff", "mean"), split="val" if zoo else "train"))
    found = {row: v for r in records_of(outcome.folder) for row, v in r["rows"].items()}
    assert {r["task"].split(" | ")[0] for r in records_of(outcome.folder)} == {"dog/boat/umbrella"}
    first = [(label, [f[0] for f in found["LatentDiff, 3 + 2"][side][:5]]) for side, label in (("A", "boat"), ("B", "umbrella"))]
    cosine = [max(sentence_judge.cosines(label, phrases)) for label, phrases in first]
    by_parent = table(outcome, "Cosine by parent")["dog"]
    assert by_parent["LatentDiff, 3 + 2"] == pytest.approx(np.mean(cosine), abs=1e-5) and np.mean(cosine) > 0.95
    assert (by_parent["paper's table 1: VisDiff"], by_parent["paper's table 2: LatentDiff (SAE)"]) == (0.263, 0.552)
    assert table(outcome, "Eligible attributes")["dog"]["attributes here"] == 2
    assert found["LatentDiff, 3 + 2"]["planted"][0] >= 0.8  # planted among the ten most extreme


def test_corel_runs_to_the_end(options, shared_data, monkeypatch) -> None:
    import latentdiff
    from latentdiff.benchmark.suites import corel

    monkeypatch.setattr(corel, "kept_sae", lambda x, **given: latentdiff.train_sae(x, concepts=256, active=16, steps=60))
    given = {"data": shared_data, "encoder": None, "sae": None, "vocabulary": None, "methods": ("mean",)}
    outcome = evaluate("corel", options(**given, sizes=(10,), pairs=2))
    named = []
    for record in records_of(outcome.folder):
        case = next(c for c in load_suite("corel")(options(**given, sizes=(10,))).cases if record["task"].startswith(c.key + " "))
        assert len(case.rows_a) == len(case.rows_b) == 60 and not set(case.rows_a) & set(case.rows_b)
        for side, label in (("A", case.label_a), ("B", case.label_b)):
            named.append(any(f[0] in corel.NAMES[label] for f in record["rows"]["difference of means"][side][:5]))
    assert len(named) == 4 and outcome.report.figures["difference of means: named, 10 of 60"] == np.mean(named)
    few, all_of_them = (load_suite("corel")(options(**given, pairs=n)).cases for n in (2, None))
    for case in few:  # fewer pairs are the same pairs, so records of them stay true
        np.testing.assert_array_equal(case.rows_a, next(c.rows_a for c in all_of_them if c.key == case.key))
    assert len(all_of_them) == 3 * 96


def test_clip_runs_to_the_end(options, shared_data, monkeypatch) -> None:
    import latentdiff
    from latentdiff.benchmark.suites import clip

    monkeypatch.setattr(clip, "kept_sae", lambda x, **given: latentdiff.train_sae(x[:2000], concepts=128, active=8, steps=20))
    given = {"data": shared_data, "encoder": None, "sae": None, "vocabulary": None, "methods": ("mean",)}
    outcome = evaluate("clip", options(**given, sizes=(20,), pairs=2))
    cases = {c.key: c for c in load_suite("clip")(options(**given, sizes=(20,), pairs=2)).cases}
    assert [len(c.rows_b) for c in cases.values()][:4] == [200, 2000] * 2
    doubled = [c for c in cases.values() if c.group == "40 of 2000"]
    assert doubled and all(len(c.rows_b) == len(set(c.rows_b)) == 2000 and len(c.planted_b) == 40 for c in doubled)
    one = next(c for c in cases.values() if c.key == doubled[0].key.replace("doubled", "large"))
    further = set(doubled[0].planted_b) - set(one.planted_b)
    assert len(further) == 20 and set(doubled[0].rows_b) - set(one.rows_b) == further
    assert all(not set(c.rows_a) & set(c.rows_b) for c in cases.values())
    first: dict[str, list[bool]] = {}
    for record in records_of(outcome.folder):
        case = cases[record["task"].split(" | ")[0]]
        first.setdefault(case.group, []).append(record["rows"]["difference of means"]["B"][0][0] == case.label_b)
    for group, right in first.items():
        assert len(right) in (1, 2) and outcome.report.figures[f"difference of means: first, {group}"] == np.mean(right)


def test_clip_says_how_often_halves_of_one_background_differ(options, shared_data, monkeypatch) -> None:
    """Against comparisons of the same halves, made here; only where our own comparison is among the methods."""
    import latentdiff
    from latentdiff.benchmark.suites import clip

    sae = latentdiff.train_sae(np.load(shared_data / "clip_b32/imagenet.npy")[:2000], concepts=128, active=8, steps=20)
    monkeypatch.setattr(clip, "kept_sae", lambda *_, **__: sae)
    given = {"data": shared_data, "encoder": None, "sae": None, "vocabulary": None, "sizes": (4,)}
    assert not any(t.group == clip.NOTHING for t in load_suite("clip")(options(**given, methods=("mean",))).tasks())
    outcome = evaluate("clip", options(**given, methods=("latentdiff",), pairs=2))
    suite = load_suite("clip")(options(**given, methods=("latentdiff",), pairs=2))
    halves = [t.payload[0] for t in suite.tasks() if t.group == clip.NOTHING]
    assert [len(c.rows_a) == len(c.rows_b) == 200 and not set(c.rows_a) & set(c.rows_b) for c in halves] == [True, True]
    counts = [len(np.load(shared_data / f"clip_b32/{s}.npy", mmap_mode="r")) for s in clip.BACKGROUNDS]
    assert halves[0].rows_a.max() < counts[0] <= halves[1].rows_a.min() and max(*halves[1].rows_a, *halves[1].rows_b) < sum(counts)
    space, config = suite.space, latentdiff.CompareConfig(seed=suite.options.seed)
    made = [latentdiff.compare(space.vectors[c.rows_a], space.vectors[c.rows_b], sae=space.sae, vocabulary=space.vocabulary, config=config)
            for c in halves]
    figures = outcome.report.figures
    assert figures["null: the verdict is that they differ"] == np.mean([c.differs for c in made])
    assert figures["null: a hypothesis passes the gate"] == np.mean([bool(c.hypotheses) for c in made])
    told = [r["p_value"] for r in records_of(outcome.folder) if r.get("kind") == "null"]
    assert told == [c.two_sample.p_value for c in made]


def test_labels_that_captions_say_are_told_apart(options, shared_data) -> None:
    """Against a count by splitting at what is no letter; "dog" is said where dogs were planted, a person hardly more than elsewhere."""
    suite = load_suite("caption-space")(options(data=shared_data, encoder=None, sae=None, vocabulary=None, pairs=1))
    seen, said = suite._visible(), []
    for image in suite._images():
        said.append({word for caption in image["captions"] for word in re.split(r"[^a-z]+", caption.lower())})
    checked = 0
    for case in suite.cases:
        for side, rows, others in (("A", case.rows_a, case.rows_b), ("B", case.rows_b, case.rows_a)):
            label = case.label(side)
            shares = [np.mean([any(w.startswith(label) for w in said[i]) for i in some]) for some in (rows, others)]
            if " " not in label and shares[0] > shares[1] + 0.2:
                assert (case.key, side) in seen
                checked += 1
            if " " not in label and shares[0] <= shares[1]:
                assert (case.key, side) not in seen
    assert checked >= 5


def test_imagenet_subsets_do_not_hang_on_the_number_of_pairs(options, tmp_path) -> None:
    # The fish come first in the order of the files: rows 0 to 879.
    for synset, n in (("n01440764", 880), ("n04273569", 40), ("n04507155", 40), ("n03041632", 40)):
        for i in range(n):
            file = tmp_path / "data/train" / synset / f"{synset}_{i}.JPEG"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    one, every = (load_suite("noisy-diff-imagenet")(options(pairs=n, sizes=(500, 1000))).cases for n in (1, None))
    assert len(one) == 2 and len(every) == 6
    for case in one:
        np.testing.assert_array_equal(case.rows_a, next(c.rows_a for c in every if c.key == case.key))
    small, large = ({row for row in (*c.rows_a, *c.rows_b) if row < 880} for c in one)
    assert small < large and len(large) == 880  # each subset holds the smaller one

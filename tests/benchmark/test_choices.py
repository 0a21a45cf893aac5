"""What is asked of an evaluation and cannot be is said before any work, and nothing that is passed is lost in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from latentdiff.benchmark import spaces
from latentdiff.benchmark.plan import plan
from latentdiff.benchmark.runner import evaluate, load_records
from latentdiff.benchmark.suite import Options
from latentdiff.benchmark.suites import load_suite
from latentdiff.cli import main
from latentdiff.errors import CheckpointError, InputError
from tests.benchmark import layouts

NOWHERE = "http://127.0.0.1:9/v1,m"


@pytest.mark.parametrize("given", [("--sizes", "0"), ("--sizes", "300,x"), ("--pairs", "-1"), ("--runs", "all"), ("--llm-calls", "1.5")])
def test_numbers_that_are_none_are_refused_with_the_option(given: tuple[str, str], capsys) -> None:
    assert main(["evaluate", "planted", *given]) == 2
    assert f"argument {given[0]}: must be a whole number of at least 1, not '{given[1].split(',')[-1]}'" in capsys.readouterr().err


@pytest.mark.parametrize("given", [{"seed": -1}, {"pairs": 0}, {"sizes": (5, 0)}, {"calls": 0}])
def test_options_of_python_are_checked_alike(given: dict) -> None:
    with pytest.raises(InputError, match=r"of at least 0, not -1|must be at least 1, not 0"):
        Options(**given)


def test_reporting_alone_never_throws_away_what_is_done(tmp_path: Path) -> None:
    options = Options(out=tmp_path, sizes=(300,), runs=1)
    records, suite = tmp_path / "planted/records.jsonl", load_suite("planted")(options)
    load_records(suite).add({"task": suite.tasks()[0].key, "group": "x", "seconds": {}})
    before = records.read_bytes()
    with pytest.raises(InputError, match="exclude each other"):
        evaluate("planted", options, fresh=True, report_only=True)
    assert records.read_bytes() == before
    done = [plan("planted", options, fresh=fresh).tables[-1].rows[-1][2] for fresh in (False, True)]
    assert done == [1, 0]  # what would be thrown away is not counted as done


def coco(root: Path) -> list[tuple[str, list[str]]]:
    images = [(f"{i:012d}.jpg", ["dog", *([("boat", "umbrella")[i % 2]] if i < 210 else [])]) for i in range(250)]
    layouts.coco(root, images)
    return images


def test_files_and_servers_that_are_not_there_are_said_first(tmp_path: Path, monkeypatch) -> None:
    images = coco(tmp_path)
    (tmp_path / "train2017").mkdir()
    given = {"captions": tmp_path / "none.csv", "vocabulary": tmp_path / "none.txt", "endpoint": "http://localhost:1/v1"}
    options = Options(data=tmp_path, out=tmp_path / "out", encoder="demo", methods=("visdiff",), **given)
    missing = plan("noisy-diff-coco", options).missing
    assert [line.split(":")[0] for line in missing] == ["--captions", "--endpoint", "--vocabulary"] and "URL,MODEL" in missing[1]
    with pytest.raises(InputError, match=r"none\.csv"):
        evaluate("noisy-diff-coco", options)
    idle = Options(data=tmp_path, out=tmp_path / "out", encoder="demo", methods=("mean",), **{**given, "vocabulary": None})
    assert plan("noisy-diff-coco", idle).missing == ()  # of no use here, which is said elsewhere

    monkeypatch.setattr("latentdiff.embed.encoder.load_encoder", lambda *a: pytest.fail("weights were loaded"))
    files = [str(tmp_path / "train2017" / name) for name, _ in images]
    with pytest.raises(InputError, match=r"250 of 250 images are not there, first .*000000000000\.jpg"):
        spaces.embedded_space(files, Options())
    with pytest.raises(CheckpointError):
        spaces.embedded_space([], Options(sae=tmp_path / "no-sae"))


def test_records_go_by_what_is_in_files_and_not_by_where_they_lie(tmp_path: Path, monkeypatch) -> None:
    """Words that are edited between two calls are other settings; the same words by another path are not."""
    (tmp_path / "words.txt").write_text("boat\n")
    monkeypatch.chdir(tmp_path)

    def settings(path: Path) -> dict:
        return load_suite("visdiffbench")(Options(vocabulary=path, captions=path)).settings()

    first = settings(tmp_path / "words.txt")
    assert settings(Path("words.txt")) == first and first["captions"] == first["vocabulary"] is not None
    (tmp_path / "words.txt").write_text("kite\n")
    assert settings(Path("words.txt")) != first
    assert settings(tmp_path / "none.txt")["vocabulary"] == str(tmp_path / "none.txt")


@pytest.mark.parametrize(("suite", "sizes", "says"), [
    ("corel", (101,), "101 photographs cannot be planted: some classes have 100"),
    ("clip", (4, 7), "4, 10, 20 pictures planted, none with 7"),
    ("metashift", (20, 30), "metashift takes one number"),
])  # fmt: skip
def test_sizes_that_a_suite_does_not_have_are_refused(suite: str, sizes: tuple[int, ...], says: str, shared_data, tmp_path) -> None:
    with pytest.raises(InputError, match=says):
        plan(suite, Options(data=shared_data, out=tmp_path, sizes=sizes))


def test_sizes_above_the_images_are_said(tmp_path: Path) -> None:
    layouts.imagenet_zoo(tmp_path, ["n01440764"] * 23 + ["n04273569"] + ["n04507155"])
    options = Options(data=tmp_path, out=tmp_path / "out", sizes=(10, 20, 1_000))
    suite = load_suite("noisy-diff-imagenet")(options)
    assert suite.unused() == ["Of --sizes, what is above the 25 images that are here is left out: 10, 20 taken."]


def test_splits_have_the_names_of_coco_and_of_fiftyone(tmp_path: Path) -> None:
    coco(tmp_path)
    (tmp_path / "annotations/instances_train2017.json").rename(tmp_path / "annotations/instances_val2017.json")
    (tmp_path / "val2017").mkdir()
    one, other = (load_suite("noisy-diff-coco")(Options(data=tmp_path, split=name)) for name in ("val", "validation"))
    assert one.missing() == other.missing() == [] and one.settings() == other.settings()
    with pytest.raises(InputError, match="no labelled split 'test'; there are train, val, validation"):
        load_suite("exemplars")(Options(data=tmp_path, split="test")).missing()


@pytest.mark.parametrize(("suite", "methods", "sent"), [
    ("metashift", (), ""),
    ("noisy-diff-coco", ("mean",), ""),
    ("visdiffbench", ("mean",), "captions, phrases and labels"),  # to judge Acc@k
    ("visdiff-parts", ("caption",), "captions, phrases and labels"),
    ("visdiff-parts", ("grid",), "captions, phrases, labels and images"),
    ("visdiff-parts", (), "captions, phrases, labels and images"),
])  # fmt: skip
def test_what_a_server_is_sent_is_said_as_it_is(suite: str, methods: tuple[str, ...], sent: str) -> None:
    assert load_suite(suite)(Options(endpoint=NOWHERE, methods=methods)).sends() == sent
    assert load_suite(suite)(Options()).sends() == ""


def test_a_limit_of_requests_to_no_server_is_said_to_have_no_use() -> None:
    assert load_suite("noisy-diff-coco")(Options(calls=5)).unused() == [
        "noisy-diff-coco has no use for --llm-calls with these methods: without effect here."
    ]
    assert load_suite("noisy-diff-coco")(Options(calls=5, endpoint=NOWHERE)).unused() == []

"""The runner: plans, resuming, refusals, results on disk; on the drawn pairs of a small VisDiffBench."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from latentdiff.benchmark import methods, runner
from latentdiff.benchmark.cases import Findings
from latentdiff.benchmark.plan import plan
from latentdiff.benchmark.plots import draw
from latentdiff.benchmark.suite import Bars, Curves, Options, Points
from latentdiff.errors import Cancelled, InputError
from tests.benchmark import layouts


@pytest.fixture
def options(tmp_path: Path, judged):
    layouts.visdiffbench(tmp_path / "data", {"easy": [("boat", "kite"), ("cup", "vase"), ("car", "bus")]}, n=20)
    words = layouts.words_file(tmp_path / "words.txt")
    sae = Path(methods.__file__).parents[1] / "demo" / "sae"

    def make(**changes) -> Options:
        given = {"data": tmp_path / "data", "out": tmp_path / "out", "encoder": "demo", "sae": sae, "vocabulary": words}
        return Options(**{**given, "methods": ("mean",), **changes})

    return make


def test_interrupted_work_goes_on_and_gives_the_same(options, tmp_path, monkeypatch) -> None:
    whole = runner.evaluate("visdiffbench", options(out=tmp_path / "whole"))

    def stop(fraction: float, label: str) -> None:
        if "(2 of 3)" in label:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        runner.evaluate("visdiffbench", options(), progress=stop)
    records = tmp_path / "out/visdiffbench/records.jsonl"
    assert len(records.read_text().splitlines()) == 3  # settings, stages, one pair
    partly = runner.evaluate("visdiffbench", options(), report_only=True)
    assert (partly.done, partly.kept) == (0, 1) and partly.report.tables[0].rows[0][1] == 2  # both sides of one pair
    records.write_text(records.read_text() + '{"task": "half a li')  # what a killed process leaves
    ran = []

    def counted(method, space, case, seed):
        ran.append(case.key)
        return methods.run_method(method, space, case, seed)

    monkeypatch.setattr("latentdiff.benchmark.case_suite.run_method", counted)
    resumed = runner.evaluate("visdiffbench", options())
    assert (resumed.done, resumed.kept) == (2, 1) and len(ran) == 2
    assert repr(resumed.report.tables) == repr(whole.report.tables) and resumed.report.figures == whole.report.figures
    again = runner.evaluate("visdiffbench", options())
    assert (again.done, again.kept) == (0, 3) and repr(again.report.tables) == repr(whole.report.tables)
    fresh = runner.evaluate("visdiffbench", options(), fresh=True)
    assert (fresh.done, fresh.kept) == (3, 0)
    assert plan("visdiffbench", options()).tables[-1].rows[-1] == ("all", 3, 3, 0)


def test_a_method_can_be_added_later(options) -> None:
    runner.evaluate("visdiffbench", options())
    both = runner.evaluate("visdiffbench", options(methods=("mean", "gsclip")))
    assert (both.done, both.kept) == (3, 3)
    assert {row[0] for row in both.report.tables[0].rows} == {"GSCLIP", "difference of means", "5 random words", "25 random words"}


def test_a_run_that_did_nothing_holds_no_place(options, monkeypatch) -> None:
    """Refused before its first task, as for captions that no image has: other settings may go on there."""
    first = options(seed=3)
    runner.load_records(runner.load_suite("visdiffbench")(first), fresh=False)
    assert len((first.out / "visdiffbench" / "records.jsonl").read_text(encoding="utf8").splitlines()) == 1
    assert runner.evaluate("visdiffbench", options(seed=4)).done == 3


def test_other_settings_are_not_mixed(options) -> None:
    runner.evaluate("visdiffbench", options())
    with pytest.raises(InputError, match=r"other settings.*--fresh"):
        runner.evaluate("visdiffbench", options(seed=1))
    assert plan("visdiffbench", options(seed=1)).tables[-1].rows[-1][:3] == ("all", 3, 0)


def test_results_on_disk_say_all(options) -> None:
    outcome = runner.evaluate("visdiffbench", options())
    results = json.loads((outcome.folder / "results.json").read_text())
    assert results["suite"] == "visdiffbench" and results["tasks"] == 3 and len(results["date"]) == 10
    assert results["versions"]["latentdiff"] and results["versions"]["numpy"] == np.__version__
    assert {"embedding", "SAE", "mean", "total"} <= set(results["seconds"]) and min(results["seconds"].values()) >= 0
    assert results["figures"]["difference of means: cosine"] == pytest.approx(outcome.report.figures["difference of means: cosine"])
    assert results["papers"][0]["rows"][0] == ["PIS easy", 0.7, 0.12, 0.82, 0.18]
    page = (outcome.folder / "results.md").read_text(encoding="utf8")
    assert "| difference of means | 6 |" in page and "![" in page and "## Time" in page
    assert (outcome.folder / "results.md").stat().st_mode & 0o444 == 0o444


def test_unknown_suites_and_methods(tmp_path) -> None:
    with pytest.raises(InputError, match="no suite 'visdifbench'; near: visdiffbench"):
        runner.evaluate("visdifbench")
    with pytest.raises(InputError, match="nothing of planted yet"):
        runner.evaluate("planted", Options(out=tmp_path), report_only=True)
    with pytest.raises(InputError, match="no method 'magic'; there are latentdiff, paper"):
        runner.evaluate("corel", Options(methods=("magic",)))


def test_dear_arrays_are_made_once() -> None:
    from latentdiff.compute.cache import kept_array

    made, like = [], np.arange(12.0).reshape(4, 3)

    def make() -> np.ndarray:
        made.append(1)
        return 2 * like

    for _ in range(2):
        np.testing.assert_array_equal(kept_array(make, like, "a", "b"), 2 * like)
    assert len(made) == 1
    for other in ((like, "a", "c"), (like + 1, "a", "b"), (like, "a b")):
        kept_array(make, *other)
    assert len(made) == 4


def test_findings_survive_json() -> None:
    found = Findings((("dog", "puppy"), ("cat",)), (), 0.3, float("nan"))
    back = Findings.from_dict(json.loads(json.dumps(found.to_dict())))
    assert back.a == found.a and back.b == () and back.planted_a == 0.3 and np.isnan(back.planted_b)


@pytest.mark.parametrize(
    "plot",
    [
        Bars("t", ("a", "b"), {"x": [0.1, 0.2], "y": [0.3, 0.1]}, {"x": [0.01, 0.02]}, "score", {"floor": 0.05}),
        Points("t", {"x": ([1.0, 2.0, 3.0], [0.1, 0.2, 0.1]), "none": ([], [])}, "scarcity", "cosine"),
        Curves("t", {"x": ([1.0, 10.0], [0.1, 0.9])}, "rate", "recall", log_x=True, lines={"asked for": 0.95}),
    ],
)
def test_plots_are_pictures(plot) -> None:
    import io

    from PIL import Image

    image = np.asarray(Image.open(io.BytesIO(draw(plot))).convert("RGB"))
    assert image.shape[1] > 600 and len(np.unique(image.reshape(-1, 3), axis=0)) > 20
    assert draw(plot) == draw(plot)


def test_command_line(tmp_path) -> None:
    def command(*args: str) -> subprocess.CompletedProcess:
        line = [sys.executable, "-m", "latentdiff.cli", "evaluate", *args]
        return subprocess.run(line, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)

    lacking = command("metashift", "--dry-run", "--data", str(tmp_path))
    assert lacking.returncode == 2 and f"{tmp_path}/cat/cat(sofa)/<id>.jpg" in lacking.stdout.replace("\n", "")
    refused = command("metashift", "--data", str(tmp_path), "--out", str(tmp_path / "out"))
    assert refused.returncode == 2 and "cannot run yet" in refused.stderr and not (tmp_path / "out").exists()
    listed = command("planted", "--dry-run", "--sizes", "1000", "--runs", "2", "--out", str(tmp_path))
    assert listed.returncode == 0 and "planted has all the data it needs" in listed.stdout and "several modes" in listed.stdout

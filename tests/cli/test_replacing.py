"""Files that the command line writes over: reports of ours, and others only where that is asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import latentdiff
from latentdiff.cli import main
from latentdiff.report.writing import is_report


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, str]:
    """Two files of vectors, and a saved comparison of them."""
    folder, rng = tmp_path_factory.mktemp("sides"), np.random.default_rng(0)
    a, b = rng.standard_normal((2, 40, 8)).astype(np.float32)
    for name, rows in (("a", a), ("b", b + 1)):
        np.save(folder / f"{name}.npy", rows)
    words = latentdiff.Vocabulary(list("abcdefgh"), np.eye(8, dtype=np.float32))
    latentdiff.compare_with(latentdiff.MethodConfig("mean"), a, b + 1, vocabulary=words).save(folder / "saved")
    return str(folder / "a.npy"), str(folder / "b.npy"), str(folder / "saved")


@pytest.mark.parametrize("suffix", [".html", ".md", ".csv", ".json"])
def test_a_report_replaces_reports_alone_unasked(sides: tuple[str, str, str], suffix: str, tmp_path: Path, capsys: Any) -> None:
    *_, saved = sides
    mine, fresh = tmp_path / f"mine{suffix}", tmp_path / f"fresh{suffix}"
    mine.write_text("what somebody wrote", encoding="utf8")
    assert main(["report", saved, "-o", str(mine)]) == 2
    assert "is no report of LatentDiff's; pass --overwrite" in capsys.readouterr().err
    assert mine.read_text(encoding="utf8") == "what somebody wrote"
    assert main(["report", saved, "-o", str(fresh)]) == main(["report", saved, "-o", str(fresh)]) == 0  # one of ours is replaced
    assert main(["report", saved, "-o", str(mine), "--overwrite"]) == 0
    assert mine.read_bytes() == fresh.read_bytes()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("notes.md", "# My notes\n## More in the appendix\nprecious\n"),
        ("review.md", "# Review\nMade by LatentDiff, read by hand.\n"),
        ("own.json", '{"smallest_detectable": 0.1, "mine": true}'),
        ("table.csv", "made,of\nside,name,rank,text,weak,rate_a\n"),
        ("page.html", '<p>How to write &lt;meta&gt;: <meta name="generator" content="LatentDiff"></p>'),
    ],
)
def test_words_of_a_report_make_none(sides: tuple[str, str, str], name: str, text: str, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / name).write_text(text, encoding="utf8")
    assert main(["report", sides[2], "-o", str(tmp_path / name)]) == 2
    assert "is no report of LatentDiff's" in capsys.readouterr().err
    assert (tmp_path / name).read_text(encoding="utf8") == text


def test_a_report_that_had_no_mark_yet_is_known(sides: tuple[str, str, str], tmp_path: Path) -> None:
    report = tmp_path / "r.json"
    assert main(["report", sides[2], "-o", str(report)]) == 0
    text = report.read_text(encoding="utf8")
    before = text.replace('  "made_by": "Made by LatentDiff",\n', "")
    report.write_text(before, encoding="utf8")
    assert before != text and is_report(report)


@pytest.mark.parametrize("name", ["items.json", "arrays.npz", "comparison.json", "groups.json"])
@pytest.mark.parametrize("command", ["compare", "groups"])
def test_nothing_is_saved_over_files_that_are_there(sides: Any, name: str, command: str, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / name).write_text("mine", encoding="utf8")
    assert main([command, *sides[:2], "--save", str(tmp_path)]) == 2
    assert f"already holds {name}; pass --overwrite" in capsys.readouterr().err
    assert (tmp_path / name).read_text(encoding="utf8") == "mine" and len(list(tmp_path.iterdir())) == 1


def test_it_is_said_before_any_work(sides: tuple[str, str, str], tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    a, b, _ = sides
    mine = tmp_path / "mine.md"
    mine.write_text("what somebody wrote", encoding="utf8")
    monkeypatch.setattr(latentdiff.CompareRequest, "run", lambda *_: pytest.fail("it was compared"))
    for command in (["compare", a, b], ["groups", a, b]):
        assert main([*command, "--report", str(mine)]) != 0
        assert "is no report of LatentDiff's" in capsys.readouterr().err
    assert mine.read_text(encoding="utf8") == "what somebody wrote"


def test_a_guards_files_replace_its_own_alone(sides: tuple[str, str, str], tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    a, b, _ = sides
    (tmp_path / "guard.json").write_text(json.dumps({"reference": a, "batch": b, "junit": a}), encoding="utf8")
    before, guard = Path(a).read_bytes(), ["guard", str(tmp_path / "guard.json")]
    monkeypatch.setattr(latentdiff.CompareRequest, "run", lambda *_: pytest.fail("it was compared"))
    for options, said in (
        ([], "no JUnit file"),
        (["--report", str(tmp_path / "x.md"), "--junit", str(tmp_path / "x.md")], "something else"),
    ):
        assert main([*guard, *options]) == 2
        assert said in capsys.readouterr().err
    (tmp_path / "mine.md").write_text("what somebody wrote", encoding="utf8")
    assert main([*guard, "--report", str(tmp_path / "mine.md"), "--junit", str(tmp_path / "new.xml")]) == 2
    said = capsys.readouterr().err
    assert "no report of LatentDiff's; name another file" in said and "--overwrite" not in said  # which a guard does not have
    assert Path(a).read_bytes() == before and (tmp_path / "mine.md").read_text(encoding="utf8") == "what somebody wrote"


def test_the_list_of_a_gap_replaces_a_file_where_that_is_asked_for(sides: tuple[str, str, str], tmp_path: Path, capsys: Any) -> None:
    a, b, _ = sides
    words, lines = tmp_path / "words.txt", tmp_path / "lines.txt"
    words.write_text("a\nb\n", encoding="utf8")
    lines.write_text("an image\n", encoding="utf8")
    (tmp_path / "link.npy").symlink_to(b)
    before = {path: path.read_bytes() for path in (Path(b), words)}
    gap = ["gap", a, b, b, "--budget", "2"]
    for place in (b, str(tmp_path / "link.npy"), str(words), str(tmp_path)):
        assert main([*gap, "--vocabulary", str(words), "--output", place, "--overwrite"]) == 2
        assert capsys.readouterr().err.startswith(f"latentdiff: {place} ")
    assert {path: path.read_bytes() for path in before} == before and (tmp_path / "link.npy").is_symlink()
    assert main([*gap, "--output", str(lines)]) == 2 and "lines.txt exists; pass --overwrite" in capsys.readouterr().err
    assert lines.read_text(encoding="utf8") == "an image\n"
    assert main([*gap, "--output", str(lines), "--overwrite"]) == 0
    assert "an image" not in lines.read_text(encoding="utf8")

"""Files that the command line writes over: reports of ours, and others only where that is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import latentdiff
from latentdiff.cli import main


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


def test_it_is_said_before_any_work(sides: tuple[str, str, str], tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    a, b, _ = sides
    mine = tmp_path / "mine.md"
    mine.write_text("what somebody wrote", encoding="utf8")
    monkeypatch.setattr(latentdiff.CompareRequest, "run", lambda *_: pytest.fail("it was compared"))
    for command in (["compare", a, b], ["groups", a, b]):
        assert main([*command, "--report", str(mine)]) != 0
        assert "is no report of LatentDiff's" in capsys.readouterr().err
    assert mine.read_text(encoding="utf8") == "what somebody wrote"

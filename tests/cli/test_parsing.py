"""The command line as people mistype it, pipe it, and read its help."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import latentdiff
from latentdiff.cli import main
from latentdiff.cli.examples import EXAMPLES
from latentdiff.cli.main import COMMANDS, _parser
from tests.planted import DOG, WIDTH, WORDS, vectors

LONG = "a word of which nothing may be cut off, however narrow the place in which it is shown, for it is a name"


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    """A comparison with a long name, saved in a folder."""
    words = tuple(LONG if k == DOG else word for k, word in enumerate(WORDS))
    vocabulary = latentdiff.Vocabulary(words, np.eye(WIDTH))
    folder = tmp_path_factory.mktemp("saved")
    latentdiff.compare(vectors(60, 2 / 3, seed=1), vectors(80, 1 / 20, seed=2), vocabulary=vocabulary).save(folder)
    return folder


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.name)
def test_help_ends_with_examples_that_are_command_lines(command, capsys) -> None:
    assert main([command.name, "--help"]) == 0
    shown = capsys.readouterr().out.partition("examples:\n")[2]
    lines = [line.strip() for line in shown.splitlines() if line]
    assert lines and lines == list(EXAMPLES[command.name])
    for line in lines:
        program, *arguments = shlex.split(line)
        assert program == "latentdiff" and _parser().parse(arguments).command == command


@pytest.mark.parametrize(
    ("arguments", "near", "usage"),
    [
        (["comapre", "a", "b"], "compare", "usage: latentdiff [-h]"),
        (["compare", "a", "b", "--vocabluary", "w"], "--vocabulary", "usage: latentdiff compare"),
        (["compare", "a", "b", "--method", "visdif"], "visdiff", "usage: latentdiff compare"),
        (["sae", "convrt", "a", "b"], "convert", "usage: latentdiff sae"),
    ],
)
def test_what_is_misspelt_is_answered_by_what_is_near_it(arguments, near, usage, capsys) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.rstrip().endswith(f"Did you mean {near}?") and said.startswith(usage)


def test_what_is_near_nothing_is_just_wrong(capsys) -> None:
    assert main(["compare", "a", "b", "--zzzz"]) == 2
    assert "Did you mean" not in capsys.readouterr().err


@pytest.mark.parametrize("read", ["head", "all"])
def test_a_reader_that_has_seen_enough_is_no_difference_and_a_pipe_cuts_nothing(read, saved, root) -> None:
    command = [sys.executable, "-m", "latentdiff.cli", "show", str(saved)]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as shown:
        if read == "head":
            shown.stdout.close()
        else:
            assert f" {LONG} " in shown.stdout.read().decode()
        assert shown.wait() == 0 and shown.stderr.read() == b""


def test_a_narrow_terminal_folds_names(saved, monkeypatch, capsys) -> None:
    monkeypatch.setattr("latentdiff.cli.terminal.PIPED", 60)
    assert main(["show", str(saved)]) == 0
    cells = [line.split("│")[2].strip() for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    assert LONG in " ".join(" ".join(cells).split())


def test_hypotheses_of_json_are_the_list(saved, capsys) -> None:
    assert main(["show", str(saved), "--json", "--top", "1"]) == 0
    found = json.loads(capsys.readouterr().out)
    comparison = latentdiff.Comparison.load(saved)
    assert [h["text"] for h in found["hypotheses"]] == [h.text for h in comparison.hypotheses]
    assert found["hypotheses"][0] == found["sides"]["A"]["more_here"][0]


def test_a_table_is_asked_like_two_sides(tmp_path, capsys) -> None:
    from latentdiff import demo

    lines = ["path,group_name"]
    for side, scene in (("A", "snowy"), ("B", "other")):
        for i, (image, _) in enumerate(demo.setting_shift_pair(24, 3, setting="snow", rates=(1.0, 0.0)).draw(side, size=64)):
            image.save(tmp_path / f"{scene}{i}.png")
            lines.append(f"{tmp_path / f'{scene}{i}.png'},{scene}")
    (tmp_path / "table.csv").write_text("\n".join(lines), encoding="utf8")
    assert main(["ask", str(tmp_path / "table.csv"), "snow", "--encoder", "demo", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["names"] == ["snowy", "other"] and found["answers"][0]["auroc"] > 0.9
    assert main(["ask", str(tmp_path / "a.npy"), str(tmp_path / "b.npy")]) == 2
    assert "say what to look for" in capsys.readouterr().err

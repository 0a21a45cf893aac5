"""The command line: what it prints, its exit status, and that its errors are sentences."""

from __future__ import annotations

import json
import math
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import latentdiff
from latentdiff.cli import main
from latentdiff.cli.main import COMMANDS
from latentdiff.cli.outcome import dump
from tests.planted import DOG, WIDTH, WORDS, vectors


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Two planted sides, two equal halves, a vocabulary in both forms and an SAE, as files."""
    eye, zeros = np.eye(WIDTH, dtype=np.float32), np.zeros(WIDTH, np.float32)
    latentdiff.SparseAutoencoder(eye, zeros, eye, zeros, np.full(WIDTH, 0.5, np.float32)).save(tmp_path / "sae")
    np.savez(tmp_path / "words.npz", words=np.array(WORDS), vectors=eye)
    (tmp_path / "words.txt").write_text("\n".join(WORDS), encoding="utf8")
    np.save(tmp_path / "words.npy", eye)
    np.save(tmp_path / "a.npy", vectors(60, 2 / 3, seed=1))
    np.save(tmp_path / "b.npy", vectors(80, 1 / 20, seed=2))
    np.save(tmp_path / "same.npy", vectors(60, 2 / 3, seed=5))
    return {name: str(tmp_path / name) for name in ("a.npy", "b.npy", "same.npy", "words.npz", "words.txt", "words.npy", "sae")}


@pytest.fixture
def arguments(files) -> list[str]:
    return [files["a.npy"], files["b.npy"], "--vocabulary", files["words.npz"], "--sae", files["sae"]]


@pytest.fixture
def dataset(files) -> Iterator[Any]:
    import fiftyone as fo

    dataset = fo.Dataset(f"cli-{uuid.uuid4().hex[:8]}")
    for side, name in (("summer", "a.npy"), ("winter", "b.npy")):
        rows = np.load(files[name])
        dataset.add_samples(
            [fo.Sample(filepath=f"/nowhere/{side}{i}.jpg", tags=[side], clip=r) for i, r in enumerate(rows)], progress=False
        )
        dataset.save_view(side, dataset.match_tags(side))
    yield dataset
    fo.delete_dataset(dataset.name)


def test_json_says_what_the_library_says(arguments, files, capsys) -> None:
    assert main(["compare", *arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    vocabulary = latentdiff.Vocabulary(WORDS, np.eye(WIDTH))
    expected = latentdiff.compare(
        np.load(files["a.npy"]), np.load(files["b.npy"]), sae=latentdiff.load_sae(files["sae"]), vocabulary=vocabulary
    )
    assert found["differs"] is True and expected.differs
    assert found["two_sample"] == {"auc": expected.two_sample.auc, "p_value": expected.two_sample.p_value}
    for side in "AB":
        top = expected.top(side, 5)
        assert [(h["text"], h["q_value"], h["exemplars"]) for h in found["sides"][side]["more_here"]] == [
            (h.text, h.q_value, list(h.exemplars)) for h in top
        ]
    assert found["sides"]["A"]["more_here"][0]["text"] == WORDS[DOG]
    assert (found["sides"]["A"]["images"], found["sides"]["B"]["images"]) == (60, 80)


def test_table_names_the_difference_and_its_rates(arguments, capsys) -> None:
    assert main(["compare", *arguments]) == 0
    out = capsys.readouterr().out
    row = next(line for line in out.splitlines() if WORDS[DOG] in line)
    assert "67%" in row and "5%" in row
    assert out.startswith("a and b differ: ")


def test_exit_code_guards(arguments, files, capsys) -> None:
    assert main(["compare", *arguments, "--exit-code"]) == 1
    same = [files["a.npy"], files["same.npy"], *arguments[2:]]
    assert main(["compare", *same, "--exit-code"]) == 0
    assert "No detectable difference" in capsys.readouterr().out


def test_words_as_text_with_their_vectors(arguments, files, capsys) -> None:
    main(["compare", *arguments, "--json"])
    expected = json.loads(capsys.readouterr().out)["sides"]
    changed = [*arguments[:2], "--vocabulary", files["words.txt"], "--vocabulary-vectors", files["words.npy"], "--sae", files["sae"]]
    assert main(["compare", *changed, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sides"] == expected


def test_save_show_and_not_twice(arguments, tmp_path, capsys) -> None:
    folder = str(tmp_path / "saved")
    assert main(["compare", *arguments, "--save", folder, "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert main(["show", folder, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sides"] == first["sides"]
    assert main(["compare", *arguments, "--save", folder]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main(["compare", *arguments, "--save", folder, "--overwrite"]) == 0


def test_dataset_views_are_stored_listed_shown_and_deleted(dataset, arguments, capsys) -> None:
    sides = [f"{dataset.name}:summer", f"{dataset.name}:winter"]
    assert main(["compare", *sides, *arguments[2:], "--embeddings", "clip", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["run"] == "summer_vs_winter" and made["sides"]["A"]["more_here"][0]["text"] == WORDS[DOG]
    ids = dataset.match_tags("summer").values("id")
    best = made["sides"]["A"]["more_here"][0]
    assert best["exemplar_items"] == [ids[row] for row in best["exemplars"]]
    assert main(["runs", dataset.name, "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert (listed["run"], listed["a"], listed["b"], listed["differs"]) == ("summer_vs_winter", "summer", "winter", True)
    assert main(["show", dataset.name, "summer_vs_winter", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sides"] == made["sides"]
    dataset.limit(3).tag_samples("winter")
    dataset.set_values("clip", {ids[5]: None}, key_field="id")
    assert main(["compare", *sides, *arguments[2:], "--embeddings", "clip", "--overwrite"]) == 0
    out = capsys.readouterr().out
    assert "3 images on both sides left out" in out and "1 image of summer without a vector left out" in out
    assert main(["compare", *sides, *arguments[2:], "--embeddings", "clip"]) == 2
    assert "overwrite" in capsys.readouterr().err
    assert main(["delete", dataset.name, "summer_vs_winter"]) == 0
    assert not dataset.has_field("summer_vs_winter_log_ratio") and dataset.list_runs() == []


def test_groups_and_pairs(arguments, files, tmp_path, dataset, capsys) -> None:
    a, b = np.load(files["a.npy"]), np.load(files["b.npy"])
    rng, labels = np.random.default_rng(0), []
    for name, rows in (("a", a), ("b", b)):
        labels.append([f"scene {name}{i}" for i in rng.integers(0, 15, len(rows))])
        (tmp_path / f"{name}.txt").write_text("\n".join(labels[-1]), encoding="utf8")
    given = {"sae": latentdiff.load_sae(files["sae"]), "vocabulary": latentdiff.Vocabulary(WORDS, np.eye(WIDTH))}
    expected = latentdiff.compare(a, b, groups_a=labels[0], groups_b=labels[1], **given)
    assert main(["compare", *arguments, "--groups", str(tmp_path / "a.txt"), str(tmp_path / "b.txt"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["two_sample"]["p_value"] == expected.two_sample.p_value
    dataset.set_values("scene", labels[0] + labels[1])
    views = [f"{dataset.name}:summer", f"{dataset.name}:winter", *arguments[2:], "--embeddings", "clip", "--json"]
    assert main(["compare", *views, "--groups", "scene"]) == 0
    assert json.loads(capsys.readouterr().out)["two_sample"]["p_value"] == expected.two_sample.p_value
    assert main(["compare", *arguments, "--paired"]) == 2
    assert "A has 60 rows and B 80" in capsys.readouterr().err
    assert main(["compare", *arguments, "--groups", "scene"]) == 2
    assert "two files" in capsys.readouterr().err
    assert main(["compare", *views, "--groups", "no_such_field", "--overwrite"]) == 2
    assert "no field 'no_such_field'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({0: "missing.npy"}, "there is no file missing.npy"),
        ({0: "neither"}, "is no .npy file, no Parquet, no .zip file, no folder, and not written as dataset:saved_view"),
        ({0: "no_such_dataset:view"}, "one side is a dataset's view and the other is not"),
        ({0: "no_such_dataset:view", 1: "no_such_dataset:other"}, "--embeddings FIELD"),
        ({3: "missing.npz"}, "there is no file missing.npz"),
        ({5: "missing_sae"}, "missing_sae"),
    ],
)
def test_errors_are_one_sentence_on_standard_error(arguments, changes, message, capsys) -> None:
    for place, value in changes.items():
        arguments[place] = value
    assert main(["compare", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err and captured.err.startswith("latentdiff: ") and "Traceback" not in captured.err


def test_damaged_files(arguments, tmp_path, capsys) -> None:
    (tmp_path / "broken.npy").write_bytes(b"\x93NUMPY\x01\x00garbage")
    assert main(["compare", str(tmp_path / "broken.npy"), *arguments[1:]]) == 2
    np.save(tmp_path / "flat.npy", np.ones(5))
    assert main(["compare", str(tmp_path / "flat.npy"), *arguments[1:]]) == 2
    np.savez(tmp_path / "pickled.npz", words=np.array(["a", None], object), vectors=np.eye(2))
    assert main(["compare", *arguments[:3], str(tmp_path / "pickled.npz")]) == 2
    err = capsys.readouterr().err
    assert "broken.npy is no .npy file" in err and "one (n, d) array" in err and "pickled.npz must be an .npz" in err


def test_bad_vectors_are_refused_or_left_out(arguments, files, capsys) -> None:
    a = np.load(files["a.npy"])
    a[7, 2] = math.nan
    np.save(files["a.npy"], a)
    assert main(["compare", *arguments]) == 2
    assert main(["compare", *arguments, "--skip-bad", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["differs"] is True


def test_markup_in_words_is_text(files, tmp_path, capsys) -> None:
    words = list(WORDS)
    words[DOG] = "[bold red]dog[/bold red]"
    np.savez(tmp_path / "markup.npz", words=np.array(words), vectors=np.eye(WIDTH))
    assert main(["compare", files["a.npy"], files["b.npy"], "--vocabulary", str(tmp_path / "markup.npz"), "--sae", files["sae"]]) == 0
    assert "[bold red]dog[/bold red]" in capsys.readouterr().out


def test_ctrl_c(arguments, monkeypatch, capsys) -> None:
    import latentdiff.request as module

    def interrupted(*args: Any, **options: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "compare_with", interrupted)
    assert main(["compare", *arguments]) == 130
    assert "interrupted" in capsys.readouterr().err


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_every_command_says_what_it_takes(command, capsys) -> None:
    assert main([command, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"usage: latentdiff {command}")


def test_version_help_and_wrong_use(capsys) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"latentdiff {latentdiff.__version__}\n"
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(command.name in out for command in COMMANDS)
    assert main([]) == 2
    assert main(["compare", "a.npy", "b.npy", "--top", "0"]) == 2
    assert "must be at least 1" in capsys.readouterr().err


def test_json_is_strict() -> None:
    assert json.loads(dump({"a": math.nan, "b": [np.float32(0.5), math.inf], "c": np.arange(2)})) == {
        "a": None,
        "b": [0.5, None],
        "c": [0, 1],
    }


def test_two_runs_side_by_side(dataset, files, capsys) -> None:
    """The same difference stays with another seed, and where the sides are exchanged."""
    from fiftyone_plugin import compare_views

    given = {"embeddings": "clip", "sae": files["sae"], "vocabulary": files["words.npz"]}
    before = compare_views(dataset, "summer", "winter", run="before", **given)
    stricter = latentdiff.CompareConfig(seed=1)
    compare_views(dataset, "summer", "winter", run="after", config=stricter, **given)
    compare_views(dataset, "winter", "summer", run="turned", **given)
    assert main(["runs", dataset.name, "--compare", "before", "after", "--json"]) == 0
    same = json.loads(capsys.readouterr().out)
    assert main(["runs", dataset.name, "--sort", "name", "--search", WORDS[DOG].upper()]) == 0
    listed = [line for line in capsys.readouterr().out.splitlines() if ": " in line]
    assert [line.partition(": ")[0] for line in listed] == ["after", "before", "turned"] and "level 0.05" in listed[0]
    assert main(["runs", dataset.name, "--search", "zebra crossing"]) == 0 and "no comparisons" in capsys.readouterr().out
    assert main(["runs", dataset.name, "--sort", "colour"]) == 2 and "--sort is newest, name" in capsys.readouterr().err
    stayed = {row["after"]["text"] for row in same if row["state"] == "stayed"}
    assert WORDS[DOG] in stayed and all(row["before"]["text"] == row["after"]["text"] for row in same if row["state"] == "stayed")
    assert main(["runs", dataset.name, "--compare", "before", "turned"]) == 0
    printed = capsys.readouterr().out
    states = {line.split("│")[1].strip() for line in printed.splitlines() if line.startswith("│") and WORDS[DOG] in line}
    assert states == {"stayed"} and before.sides["A"].name in printed


def test_two_runs_side_by_side_tell_fields_too(dataset, files, capsys) -> None:
    from fiftyone_plugin import compare_views

    given = {"embeddings": "clip", "sae": files["sae"], "vocabulary": files["words.npz"]}
    dataset.set_values("camera", ["one" if i < len(dataset) // 2 else "two" for i in range(len(dataset))])
    compare_views(dataset, "summer", "winter", run="plain", **given)
    tested = compare_views(dataset, "summer", "winter", run="tested", fields=["camera"], **given)
    names = {d.name for d in tested.comparison.fields}
    assert names
    assert main(["runs", dataset.name, "--compare", "plain", "tested"]) == 0
    printed = capsys.readouterr().out
    assert all(f"{name} (not tested in plain)" in printed for name in names)
    assert main(["runs", dataset.name, "--compare", "plain", "tested", "--json"]) == 0
    fields = [row for row in json.loads(capsys.readouterr().out) if row["kind"] == "field"]
    assert {(row["state"], row["remark"], row["before"]) for row in fields} == {("new", "not tested in plain", None)}
    assert {row["what"] for row in fields} == names


def test_what_is_gone_is_told_by_the_sides_of_the_earlier_run(dataset, files, capsys) -> None:
    """The later run compares the same images, one side of which is now a view of another name."""
    from fiftyone_plugin import compare_views

    given = {"embeddings": "clip", "sae": files["sae"], "vocabulary": files["words.npz"]}
    dataset.save_view("heat", dataset.load_saved_view("summer"))
    for run, sides in (("r1", ("winter", "summer")), ("r2", ("winter", "heat")), ("r3", ("heat", "winter"))):
        compare_views(dataset, *sides, run=run, **given)

    def printed(after: str) -> tuple[list[list[str]], set[tuple[str, str]]]:
        assert main(["runs", dataset.name, "--compare", "r1", after]) == 0
        lines = [[cell.strip() for cell in re.split("[│┃]", line)[1:-1]] for line in capsys.readouterr().out.splitlines()]
        cells = [line for line in lines if len(line) == 5]
        return [line[3:] for line in cells[:3]], {(row[0], row[1]) for row in cells[3:]}

    head, rows = printed("r2")
    assert head == [["before:", "after:"], ["winter /", "winter /"], ["summer", "heat"]] and rows == {("stayed", "summer / heat")}
    assert printed("r3")[1] == {("gone", "summer"), ("new", "heat")}


def test_a_first_answer_is_told_on_a_terminal_alone(files, capsys, monkeypatch, tmp_path) -> None:
    from latentdiff.comparing import first

    monkeypatch.setattr(first, "LEAST", 0.0)
    monkeypatch.setattr(first, "TIMES", 0.0)
    monkeypatch.setenv("LATENTDIFF_CACHE", str(tmp_path / "cache"))
    sides = ["compare", files["a.npy"], files["b.npy"], "--vocabulary", files["words.npz"], "--sae", "pair"]
    assert main(sides) == 0
    piped = capsys.readouterr()
    assert "irst answer" not in piped.out + piped.err
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert main([*sides, "--json"]) == 0
    machine = capsys.readouterr()
    assert "first answer" not in json.loads(machine.out)["verdict"].lower() and "First answer:" not in machine.err
    assert main(sides) == 0
    told = capsys.readouterr()
    lines = [line for line in told.err.splitlines() if "irst answer:" in line or "more in" in line]
    assert "First answer: a and b differ" in lines[0] and f"more in a: {WORDS[DOG]}" in lines[1] and "come in about" in lines[2]
    assert told.out == piped.out

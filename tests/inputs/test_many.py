"""Many sets hold each image once: none twice in a set, none in two groups, and what is left out is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import latentdiff
from latentdiff.cli.main import main
from latentdiff.embed.parquet import vector_table
from latentdiff.errors import InputError
from latentdiff.inputs.many import read_groups, read_sets
from latentdiff.progress import silent
from tests.planted import WIDTH, vectors

X = vectors(140, 0.5, 1)


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def one(name: str, ids: list[Any], rows: np.ndarray, missing: tuple[int, ...] = ()) -> str:
        table = vector_table(ids, rows)
        column = pa.array([None if i in missing else row for i, row in enumerate(rows.tolist())], pa.list_(pa.float32(), WIDTH))
        pq.write_table(table.set_column(1, "vector", column), tmp_path / f"{name}.parquet")
        return str(tmp_path / f"{name}.parquet")

    return one


def names(rows: Any) -> list[str]:
    return [f"{row}.jpg" for row in rows]


def test_an_image_counts_once_and_in_one_group(write: Any) -> None:
    rows = [*range(30), *range(5)]
    a = write("a", names(rows), X[rows], missing=(7,))
    b = write("b", names(range(28, 60)), X[28:60])
    read = read_groups([a, b], None, None, False, silent)
    assert read.left_out == {"repeated": 5, "shared": 4, "missing": 1}
    assert read.items == [*names(range(7)), *names(range(8, 28)), *names(range(30, 60))]
    np.testing.assert_array_equal(read.vectors, X[[*range(7), *range(8, 28), *range(30, 60)]])
    assert read.labels == ["a"] * 27 + ["b"] * 30
    with pytest.raises(InputError, match="all 32 images of b are in other groups"):
        read_groups([b, write("c", names(range(20, 70)), X[20:70])], None, None, False, silent)


def test_numbers_are_one_image_where_the_vectors_are_equal_too(write: Any) -> None:
    a, b = write("a", list(range(25)), X[:25]), write("b", list(range(30)), X[50:80])
    assert read_groups([a, b], None, None, False, silent).left_out == {}
    assert read_groups([a, write("c", list(range(20, 60)), X[20:60])], None, None, False, silent).left_out == {"shared": 10}


def test_labels_are_those_of_the_rows_as_given(write: Any, tmp_path: Path) -> None:
    rows = [0, 1, 0, 2, 3]
    a = write("a", names(rows), X[rows], missing=(1,))
    (tmp_path / "labels").write_text("x\ny\nx\ny\nx\n")
    read = read_groups([a], tmp_path / "labels", None, False, silent)
    assert (read.labels, read.items) == (["x", "y", "x"], names([0, 2, 3]))
    (tmp_path / "labels").write_text("x\ny\ny\ny\nx\n")
    with pytest.raises(InputError, match="rows 0 and 2 of a are one image with two labels, 'x' and 'y'"):
        read_groups([a], tmp_path / "labels", None, False, silent)


def test_a_folder_in_a_folder_and_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    for i in range(6):
        path = tmp_path / ("all/sub" if i < 2 else "all") / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "all/again.png").symlink_to(tmp_path / "all/5.png")
    (tmp_path / "all/x.heic").write_bytes(b"x")
    encoded: list[list[str]] = []

    def encode(paths: Any, **_: Any) -> Any:
        encoded.append([Path(p).name for p in paths])
        return SimpleNamespace(vectors=np.ones((len(paths), 3), np.float32), failures={})

    encoder: Any = SimpleNamespace(encode_images=encode, fingerprint={})
    one = read_sets([str(tmp_path / "all")], encoder, False, silent)[0]
    assert encoded == [["2.png", "3.png", "4.png", "5.png", "0.png", "1.png"]] and len(one.first) == 1 and one.passed_over == {".heic": 1}
    with pytest.raises(InputError, match="all 2 images of sub are in other groups"):
        read_groups([str(tmp_path / "all"), str(tmp_path / "all/sub")], None, encoder, False, silent)


def test_commands_say_what_was_left_out(write: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The pool lists ten images of B and one image twice: neither is proposed, and rows are those of the file."""
    a, b = vectors(100, 0.5, 1), vectors(100, 0.0, 2)
    pool = np.concatenate([b[:10], vectors(60, 0.5, 3)])
    rows = [0, *range(70)]
    files = [write("a", names(range(100)), a), write("b", names(range(200, 300)), b)]
    files.append(write("pool", names([200 + row if row < 10 else 400 + row for row in rows]), pool[rows]))
    eye, zeros = np.eye(WIDTH, dtype=np.float32), np.zeros(WIDTH, np.float32)
    latentdiff.SparseAutoencoder(eye, zeros, eye, zeros, np.full(WIDTH, 0.5, np.float32)).save(tmp_path / "sae")
    options = ["--budget", "15", "--sae", str(tmp_path / "sae")]
    assert main(["gap", *files, *options, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["info"]["left_out"]["pool"] == {"repeated": 1, "missing": 0, "in_b": 10}
    assert len(told["add"]) == 15 and told["add"] == [f"{400 + row - 1}.jpg" for row in told["rows"]] and min(told["rows"]) > 10
    assert main(["gap", *files, *options]) == 0
    said = capsys.readouterr().out
    assert "1 images of pool are listed again: left out" in said and "10 images of the pool are in B already: left out" in said
    assert main(["groups", files[0], files[2], "--sae", str(tmp_path / "sae")]) == 0
    assert "1 image listed again left out" in capsys.readouterr().out

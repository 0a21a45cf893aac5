"""Parquet as others write it: which column says what, rows without a vector, images that are listed twice, kinds of vectors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import latentdiff
from latentdiff.config import CompareConfig
from latentdiff.embed.filesystem import is_parquet, write_table
from latentdiff.embed.identity import distinct, left_out
from latentdiff.embed.parquet import ParquetVectors, to_memmap, vector_table
from latentdiff.errors import InputError
from latentdiff.inputs.many import read_groups
from latentdiff.report.content import content
from latentdiff.request import CompareRequest
from latentdiff.scale.parquet import compare_parquet, save

X = np.random.default_rng(0).standard_normal((30, 4)).astype(np.float32)
LISTS = pa.array(X.tolist(), pa.list_(pa.float32()))


def read(vectors: ParquetVectors) -> np.ndarray:
    return np.concatenate([block for group in vectors.groups for block in vectors.blocks(group)])


def sae(width: int) -> latentdiff.SparseAutoencoder:
    """One concept per axis."""
    eye, zeros = np.eye(width, dtype=np.float32), np.zeros(width, np.float32)
    return latentdiff.SparseAutoencoder(eye, zeros, eye, zeros, np.full(width, 0.5, np.float32))


def written(folder: Path, name: str = "x.parquet", **columns: Any) -> str:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), folder / name)
    return str(folder / name)


def test_ids_are_paths_or_told_apart(tmp_path: Path) -> None:
    labels = [f"class {i % 3}" for i in range(30)]
    paths = [f"photos/{i % 25}.jpg" for i in range(30)]
    found = ParquetVectors(written(tmp_path, label=labels, filepath=paths, embedding=LISTS))
    assert (found.id_column, found.ids[7], found.vector_column) == ("filepath", "photos/7.jpg", "embedding")
    found = ParquetVectors(written(tmp_path, label=pa.array(labels).dictionary_encode(), number=list(range(5, 35)), embedding=LISTS))
    assert (found.id_column, found.ids[7]) == ("number", 12)
    found = ParquetVectors(written(tmp_path, label=labels, embedding=LISTS))
    assert (found.id_column, found.ids[7]) == (None, 7)
    found = ParquetVectors(written(tmp_path, key=paths, id=labels, embedding=LISTS))
    assert (found.id_column, found.ids[7]) == ("id", "class 1")
    source = written(tmp_path, key=paths, id=labels, box=pa.array(X[:, :2].tolist()), embedding=LISTS)
    found = ParquetVectors(source, vector="box", id="key")
    assert (found.id_column, found.width) == ("key", 2)
    for options, message in (({}, "name it"), ({"vector": "id"}, "holds no vectors"), ({"vector": "box", "id": "b"}, "no column 'b'")):
        with pytest.raises(InputError, match=message):
            ParquetVectors(source, **options)


@pytest.mark.parametrize(
    "column",
    [
        LISTS,
        pa.array(X.tolist(), pa.large_list(pa.float64())),
        pa.array(X.tolist(), pa.list_(pa.float32(), 4)),
        pa.array(list(X.astype(np.float16)), pa.list_(pa.float16())),
        pa.FixedShapeTensorArray.from_numpy_ndarray(X),
        pa.array(X.reshape(30, 1, 4).tolist(), pa.list_(pa.list_(pa.float32()))),
        pa.array(X.reshape(30, 4, 1).tolist(), pa.list_(pa.list_(pa.float32()))),
    ],
    ids=["list", "large list of doubles", "fixed-size list", "half floats", "Arrow tensor", "Array2D of one row", "of one column"],
)
def test_kinds_of_vectors(column: Any, tmp_path: Path) -> None:
    found = ParquetVectors(written(tmp_path, v=column))
    half = pa.types.is_floating(column.type.value_type) and column.type.value_type.bit_width == 16
    np.testing.assert_array_equal(read(found), X.astype(np.float16) if half else X)
    assert found.shape == (30, 4) and found.dtype == (np.float16 if half else np.float32)


def test_rays_tensors_with_and_without_ray_data(tmp_path: Path) -> None:
    from ray.data._internal.tensor_extensions.arrow import ArrowTensorArray  # registers its types: they are read as such from here on

    source = written(tmp_path, v=ArrowTensorArray.from_numpy(X))
    assert "ArrowTensorType" in str(pq.read_schema(source).field("v").type)
    np.testing.assert_array_equal(read(ParquetVectors(source)), X)
    code = f"from tests.embed.test_parquet_tables import *; np.testing.assert_array_equal(read(ParquetVectors({source!r})), X)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])  # where nobody imported Ray


def test_shards_of_mixed_floats_keep_the_widest_and_partitions_are_found(tmp_path: Path) -> None:
    for i, kind in enumerate((np.float16, np.float32)):
        table = vector_table([f"{i}.{j}" for j in range(15)], X[15 * i : 15 * i + 15].astype(kind))
        write_table(table if i else table.select(["vector", "id"]), str(tmp_path / f"set/class={i}/part.parquet"))
    (tmp_path / "set/_delta_log").mkdir()
    pq.write_table(pa.table({"other": [1]}), tmp_path / "set/_delta_log/0.parquet")
    assert is_parquet(str(tmp_path / "set")) and not is_parquet(str(tmp_path / "set/_delta_log/x"))
    found = ParquetVectors(str(tmp_path / "set"))
    both = np.concatenate([X[:15].astype(np.float16).astype(np.float32), X[15:]])
    np.testing.assert_array_equal(to_memmap(found, tmp_path / "all.npy"), both)
    assert found.ids[20] == "1.5"
    np.testing.assert_array_equal(found.rows(np.array([20, 2])), both[[20, 2]])


def test_what_partitions_say_of_their_files_are_columns(tmp_path: Path) -> None:
    for side in "ab":
        for i, name in enumerate(("site=north%2Feast/year=2020", "site=__HIVE_DEFAULT_PARTITION__/year=-3", "site=s/camera=y/year=08")):
            table = vector_table(
                [f"{side}{i}.{j}" for j in range(30)], np.random.default_rng(i).normal(size=(30, 4)).astype("f4") + ord(side)
            )
            write_table(table.append_column("camera", pa.array(["x"] * 30)), str(tmp_path / side / name / "0.parquet"))
    found = ParquetVectors(str(tmp_path / "a"))
    assert found.columns == ("id", "vector", "camera", "site", "year") and found.id_column == "id"
    told = dict(zip(found.values("site"), found.values("year"), strict=True))
    assert told == {"north/east": 2020, None: -3, "s": 8} and found.values("site").count("s") == 30
    assert set(found.values("camera")) == {"x"}  # what is in the files themselves counts
    with pytest.raises(InputError, match="has no column 'place'; it has id, vector, camera, site, year"):
        found.values("place")
    expected = ds.dataset(str(tmp_path / "a"), partitioning="hive").to_table(columns=["id", "year"]).to_pylist()
    assert dict(zip(found.ids, found.values("year"), strict=True)) == {row["id"]: row["year"] for row in expected}
    compared = CompareRequest(str(tmp_path / "a"), str(tmp_path / "b"), fields="all").run().comparison
    assert compared.info["fields"]["tested"] == ["site", "year"] and list(compared.info["fields"]["left_out"]) == ["camera"]


def test_partitions_named_by_value_alone_and_endings_in_capitals(tmp_path: Path) -> None:
    for i, name in enumerate(("2023/a/0.parquet", "2023/b/0.PARQUET", "2024/a/0.pq")):
        table = vector_table([f"{i}.{j}" for j in range(10)], X[10 * i : 10 * i + 10])
        write_table(table, str(tmp_path / "set" / name))
    assert is_parquet(str(tmp_path / "set")) and is_parquet(str(tmp_path / "set/2023/b/0.PARQUET"))
    np.testing.assert_array_equal(read(ParquetVectors(str(tmp_path / "set"))), X)
    (tmp_path / "set/2024/photos").mkdir()
    (tmp_path / "set/2024/photos/x.jpg").touch()
    assert not is_parquet(str(tmp_path / "set"))  # a folder of images that also holds tables
    (tmp_path / "round").mkdir()
    (tmp_path / "round/again").symlink_to(tmp_path / "round")
    assert not is_parquet(str(tmp_path / "round"))


@pytest.mark.parametrize("kind", [pa.list_(pa.float32()), pa.list_(pa.float32(), 4), pa.list_(pa.float16())])
def test_rows_without_a_vector_are_missing(kind: Any, tmp_path: Path) -> None:
    rows: list[Any] = list(X.astype(np.float16)) if kind.value_type == pa.float16() else X.tolist()
    rows[0] = rows[7] = None
    rows[9] = [rows[9][0], None, rows[9][2], rows[9][3]]
    if kind == pa.list_(pa.float32()):
        rows[8] = []
    found = ParquetVectors(written(tmp_path, v=pa.array(rows, kind)))
    missing = [0, 7, *([8] if kind == pa.list_(pa.float32()) else [])]
    np.testing.assert_array_equal(found.missing, missing)
    assert found.width == 4
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(read(found)).any(1)), [*missing, 9])
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(read(found)).all(1)), missing)
    np.testing.assert_allclose(read(found)[10:], X[10:], atol=2e-3)


def test_vectors_of_other_widths_are_an_error(tmp_path: Path) -> None:
    rows = X.tolist()
    rows[3], rows[4] = rows[3][:3], [*rows[4], 1.0]
    found = ParquetVectors(written(tmp_path, v=pa.array(rows)))
    with pytest.raises(InputError, match="other than 4 numbers"):
        read(found)


@pytest.mark.parametrize("rows", [[[[1.0], [2.0]], [[1.0], []], [[1.0, 2.0], [3.0]]], [[[1.0, 2.0]], [[1.0]], [[1.0, 2.0, 3.0]]]])
def test_matrices_whose_rows_differ_are_an_error(rows: Any, tmp_path: Path) -> None:
    """As many lists in each, and six numbers in all: a reader that counted these would shift numbers from row to row."""
    found = ParquetVectors(written(tmp_path, v=pa.array(rows)))
    with pytest.raises(InputError, match="other than 2 numbers"):
        read(found)


@pytest.fixture(scope="module")
def null_pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sides of 40 and 50 images that do not differ; b.parquet, and b_again.parquet with its last rows listed again."""
    folder, rng = tmp_path_factory.mktemp("null"), np.random.default_rng(1)
    x = rng.standard_normal((90, 8)).astype(np.float32)
    a, b = [f"/p/{i}.jpg" for i in range(40)], [f"/p/{i}.jpg" for i in range(40, 90)]
    write_table(vector_table(a, x[:40]), str(folder / "a.parquet"))
    write_table(vector_table(b, x[40:]), str(folder / "b.parquet"))
    rows = [*range(40, 90), *range(80, 90), *range(80, 90), 3, 4, 5]
    table = vector_table([f"/p/{i}.jpg" for i in rows], x[rows])
    column = table.column("vector").combine_chunks().to_pylist()
    column[0] = None
    table = table.set_column(1, "vector", pa.array(column, pa.list_(pa.float32(), 8)))
    write_table(table, str(folder / "b_again.parquet"))
    return folder


def test_an_image_counts_once_and_on_one_side(null_pair: Path) -> None:
    a, again = str(null_pair / "a.parquet"), str(null_pair / "b_again.parquet")
    config = CompareConfig(max_candidates=5)
    found = compare_parquet(a, again, config=config, sae=sae(8))
    counts = {"overlap": 3, "A": {"missing": 0, "bad": 0, "repeated": 0}, "B": {"missing": 1, "bad": 0, "repeated": 20}}
    assert found.info["left_out"] == counts and (found.info["n_a"], found.info["n_b"]) == (37, 49)
    assert found.info["equal_rows"] == {"overlap": 0, "A": 0, "B": 0}
    once = ParquetVectors(str(null_pair / "b.parquet"))
    alone = latentdiff.compare(np.delete(read(ParquetVectors(a)), [3, 4, 5], 0), read(once)[1:], config=config, sae=sae(8))
    assert found.two_sample == alone.two_sample and not found.differs
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(found.log_ratio_b)), [0, *range(50, 73)])
    np.testing.assert_array_equal(found.log_ratio_b[1:50], alone.log_ratio_b)
    notes = " ".join(content(found, ("first", "second")).notes)
    for said in ("3 images on both sides", "1 image of second without a vector", "20 images of second listed again"):
        assert said in notes
    save(found, str(null_pair / "saved"), a, again)
    ratios = pq.read_table(null_pair / "saved/log_ratio_b.parquet")
    assert ratios.column("id")[50].as_py() == "/p/80.jpg" and np.isnan(ratios.column("log_ratio")[50].as_py())


def test_numbers_that_both_tables_count_from_are_no_images(tmp_path: Path) -> None:
    x = np.random.default_rng(2).standard_normal((80, 6)).astype(np.float32)
    write_table(vector_table(list(range(40)), x[:40]), str(tmp_path / "a.parquet"))
    write_table(vector_table(list(range(40)), x[40:]), str(tmp_path / "b.parquet"))
    write_table(vector_table([str(i) for i in range(40)], x[40:]), str(tmp_path / "texts.parquet"))
    write_table(vector_table(list(range(10, 50)), x[10:50]), str(tmp_path / "same.parquet"))
    config = CompareConfig(max_candidates=5)
    a, b, same = (str(tmp_path / f"{n}.parquet") for n in ("a", "b", "same"))
    assert compare_parquet(a, b, config=config, sae=sae(6)).info["left_out"]["overlap"] == 0
    texts = ParquetVectors(str(tmp_path / "texts.parquet"))
    assert not len(left_out(ParquetVectors(a), texts)["A"]["shared"])
    assert not len(left_out(texts, ParquetVectors(a, id="id"))["A"]["shared"])
    with pytest.raises(InputError, match=r"A has 10 usable images \(left out: 30 on both sides\)"):
        compare_parquet(a, same, config=config)


def test_rows_of_one_name_and_other_vectors_are_images_of_their_own(tmp_path: Path) -> None:
    """Labels that look like paths, frames of videos, patches of a photograph, names that begin anew in each table or shard."""
    x = np.random.default_rng(4).standard_normal((120, 6)).astype(np.float32)
    sides = []
    for side, own in (("a", x[:60]), ("b", x[60:])):
        columns = {
            "labels": {"label": [f"/m/{i % 3}" for i in range(60)], "image": [f"{side}/{i}.jpg" for i in range(60)]},
            "licences": {"license": ["http://example.org/by/2.0/"] * 60, "image": [f"{side}/{i}.jpg" for i in range(60)]},
            "frames": {"filepath": [f"/data/{side}{i // 20}.mp4" for i in range(60)], "frame": list(range(60))},
            "patches": {"filepath": [f"/data/{i // 3}.jpg" for i in range(60)], "box": list(range(60))},
            "names": {"filename": [f"IMG_{i}.jpg" for i in range(60)]},
        }
        sides.append({n: written(tmp_path, f"{side}/{n}.parquet", **c, v=pa.array(own.tolist())) for n, c in columns.items()})
        for shard in (0, 1):
            part = pa.array(own[30 * shard : 30 * shard + 30].tolist())
            sides[-1]["shards"] = str(Path(written(tmp_path, f"{side}/set/{shard}.parquet", id=list(range(30)), v=part)).parent)
    ids = {name: ParquetVectors(path).id_column for name, path in sides[0].items()}
    assert ids == {"labels": "image", "licences": "image", "frames": "frame", "patches": "filepath", "names": "filename", "shards": "id"}
    for name in sides[0]:
        a, b = (ParquetVectors(side[name]) for side in sides)
        assert all(not len(rows) for own in left_out(a, b).values() for rows in own.values()), name
        read = read_groups([side[name] for side in sides], None, None, False, lambda fraction, label: None)
        assert len(read.vectors) == 120 and not read.left_out, name
    again = written(tmp_path, "again.parquet", filename=[f"IMG_{i}.jpg" for i in range(60)], v=pa.array((x[:60] * (1 + 1e-6)).tolist()))
    other = x[:60].copy()
    other[40:] = x[80:100]  # of the same names, twenty are other pictures
    mixed = written(tmp_path, "mixed.parquet", filename=[f"IMG_{i}.jpg" for i in range(60)], v=pa.array(other.tolist()))
    with pytest.raises(InputError, match="the same images"):
        left_out(ParquetVectors(sides[0]["names"]), ParquetVectors(again))
    shared = left_out(ParquetVectors(sides[0]["names"]), ParquetVectors(mixed))
    assert [shared[side]["shared"].tolist() for side in "AB"] == [list(range(40))] * 2
    named = [ParquetVectors(side["names"], id="filename") for side in sides]
    with pytest.raises(InputError, match="the same images"):
        left_out(*named)


def test_equal_vectors_of_arrays_are_counted_and_said() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.standard_normal((40, 6)), rng.standard_normal((50, 6))
    a[5], b[7], b[8] = a[4], a[30], b[6]
    config = CompareConfig(max_candidates=5)
    found, turned = latentdiff.compare(a, b, config=config, sae=sae(6)), latentdiff.compare(b, a, config=config, sae=sae(6))
    assert found.info["equal_rows"] == {"overlap": 1, "A": 1, "B": 1} == turned.info["equal_rows"]
    notes = " ".join(content(found, ("first", "second")).notes)
    assert "1 image of first whose vector equals another one" in notes and "one of the other to the bit" in notes


def test_files_count_once() -> None:
    a, b, counts = distinct(["x", "y", "x", "z"], ["z", "w", "w"])
    assert (a, b, counts) == (["x", "y"], ["w"], {"overlap": 1, "A": {"repeated": 1}, "B": {"repeated": 1}})


def test_the_command_asks_of_named_columns_and_says_what_was_left_out(null_pair: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    from latentdiff.cli.main import main

    np.savez(null_pair / "words.npz", words=["one", "two", "three"], vectors=np.eye(3, 8))
    sides = [str(null_pair / "a.parquet"), str(null_pair / "b_again.parquet")]
    words = ["--vocabulary", str(null_pair / "words.npz"), "--json"]
    assert main(["ask", *sides, "one", "--id", "id", "--vector", "vector", *words]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["notes"] == [
        "3 images on both sides left out",
        "1 image of b_again without a vector left out",
        "20 images of b_again listed again left out",
    ]
    assert set(said["answers"][0]["images_a"]) <= {f"/p/{i}.jpg" for i in range(40)} - {f"/p/{i}.jpg" for i in (3, 4, 5)}
    assert main(["ask", *sides, "one", "--id", "no_such", *words]) == 2
    assert "no column 'no_such'" in capsys.readouterr().err

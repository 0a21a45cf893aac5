"""Fields from tables and pictures, as the command line names them."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from latentdiff import CompareRequest, Comparison, InputError
from latentdiff.cli.main import main
from latentdiff.inputs.field_files import fields_of, read_fields, typed
from latentdiff.progress import silent


def test_what_a_table_holds_is_told_by_all_of_a_column(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text("camera,hot,day,name\n1,true,2024-01-02,x\n2.5,FALSE,2024-01-03,\n,true,2024-02-01,7\n", encoding="utf8")
    assert read_fields(table) == {
        "camera": [1, 2.5, None],
        "hot": [True, False, True],
        "day": [datetime.datetime(2024, 1, 2), datetime.datetime(2024, 1, 3), datetime.datetime(2024, 2, 1)],
        "name": ["x", None, "7"],
    }
    assert typed(["1", "b"]) == ["1", "b"]


def test_parquet_is_read_with_its_types(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    parquet.write_table(pyarrow.table({"x": [1, None], "tags": [["a"], []]}), tmp_path / "a.parquet")
    assert read_fields(tmp_path / "a.parquet") == {"x": [1, None], "tags": [["a"], []]}
    (tmp_path / "b.parquet").write_bytes(b"PAR1 none")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        read_fields(tmp_path / "b.parquet")


def test_one_table_by_path_and_measures(tmp_path: Path) -> None:
    for i in range(3):
        Image.new("RGB", (16, 16), (60 * i, 0, 0)).save(tmp_path / f"{i}.png")
    (tmp_path / "all.csv").write_text("path,camera\n2.png,z\n0.png,x\n", encoding="utf8")
    items = [str(tmp_path / "0.png"), str(tmp_path / "1.png")], [str(tmp_path / "2.png")]
    read, said = fields_of(str(tmp_path / "all.csv"), items, False, silent)
    assert read == {"fields_a": {"camera": ["x", None]}, "fields_b": {"camera": ["z"]}}
    assert said == ["all.csv says nothing of 1 of 3 images; these have no value in its fields"]
    (tmp_path / "twice.csv").write_text("path,camera\n2.png,z\n0.png,x\n2.png,y\n\n", encoding="utf8")
    (tmp_path / "one side.csv").write_text("path,camera\n0.png,x\n1.png,x\n1.png,x\n", encoding="utf8")
    measured, _ = fields_of("measures", items, False, silent)
    np.testing.assert_allclose(measured["fields_a"]["brightness"], [0, 60 * 0.299], atol=0.01)
    for given, rows, said in (
        ("measures", (None, None), "name folders"),
        (str(tmp_path / "all.csv"), (None, None), "two tables"),
        (str(tmp_path / "none.csv"), items, "no file"),
        (str(tmp_path / "twice.csv"), items, "two things of 2.png, in rows 1 and 3"),
        (str(tmp_path / "one side.csv"), items, "none of the images of B"),
    ):
        with pytest.raises(InputError, match=said):
            fields_of(given, rows, False, silent)


@pytest.fixture
def sides(tmp_path: Path) -> tuple[str, str]:
    """Vectors of two sides, one direction more in B, and a table of each: those of B with it are from camera 2."""
    rng = np.random.default_rng(0)
    out = []
    for name, share in (("a", 0.02), ("b", 0.4)):
        x, has = rng.normal(0, 1, (150, 8)), rng.random(150) < share
        x[has, 0] += 9
        np.save(tmp_path / f"{name}.npy", x.astype(np.float32))
        lines = [f"{2 if h else 1},{i}" for i, h in enumerate(has)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["camera,id", *lines]), encoding="utf8")
        out.append(str(tmp_path / name))
    return out[0], out[1]


def test_on_the_command_line(sides: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    (a, b), tables = sides, [f"{side}.csv" for side in sides]
    assert main(["compare", f"{a}.npy", f"{b}.npy", "--fields", *tables, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert {"camera = 2", "camera = 1"} <= {f"{d['field']} = {d['value']}" for d in found["fields"]}
    assert found["info"]["fields"]["left_out"] == {"id": "an id"}
    assert found["differs"]
    assert main(["compare", f"{a}.npy", f"{b}.npy", "--fields", *tables, "--given", "camera", "--json"]) == 0
    past = json.loads(capsys.readouterr().out)
    assert past["info"]["given"]["names"] == ["camera"]
    assert past["fields"] == []
    assert not past["differs"]


def test_a_table_that_pandas_wrote_with_its_rows_numbers_is_compared_saved_and_opened(sides: tuple[str, str]) -> None:
    pandas = pytest.importorskip("pandas")
    for side in sides:
        pandas.read_csv(f"{side}.csv")[["camera"]].to_csv(f"{side}.csv")
    (a, b), kept = sides, f"{sides[0]} kept"
    assert main(["compare", f"{a}.npy", f"{b}.npy", "--fields", f"{a}.csv", f"{b}.csv", "--save", kept]) == 0
    found = Comparison.load(kept)
    assert found.info["fields"] == {"tested": ["camera"], "left_out": {"unnamed": "an id"}}
    assert "camera = 2" in [d.name for d in found.fields]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"given": "camera"}, "is a list"),
        ({"given": ["x"], "paired": True}, "change sides one by one"),
        ({"fields": 7}, "two mappings or tables"),
    ],
)
def test_what_does_not_go_together_is_refused(sides: tuple[str, str], options: dict[str, Any], said: str) -> None:
    refused = [why for _, why in CompareRequest(f"{sides[0]}.npy", f"{sides[1]}.npy", **options).refusals()]
    assert any(said in why for why in refused), refused

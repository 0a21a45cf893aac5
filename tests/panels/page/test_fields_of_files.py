"""Fields on the page: what a table's other columns say, else what is measured of the pictures; against counts by hand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fiftyone_plugin.panels.page.asked import FOLDERS, TABLE, Asked
from fiftyone_plugin.panels.page.cards import result
from fiftyone_plugin.panels.page.settings import PageSettings
from fiftyone_plugin.panels.page.work import answer
from PIL import Image

from latentdiff.inputs.field_files import ALL
from latentdiff.inputs.tables import table_fields
from latentdiff.progress import silent

N = {"night": 40, "day": 50}
CSV = "camera , path,group_name,lux\nwide,1.jpg,day, 3\n,2.jpg,night,4\nlong,3.jpg, day,\nodd,4.jpg,other,x\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of noise, those of the night dark, and a table in which most of the night's come from one camera."""
    folder, rng = tmp_path_factory.mktemp("files"), np.random.default_rng(0)
    rows = ["path,group_name,camera"]
    for name, n in N.items():
        (folder / name).mkdir()
        for i in range(n):
            pixels = rng.integers(0, 60 if name == "night" else 256, (24, 24, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{i}.png")
            rows.append(f"{name}/{i}.png,{name},{'long' if (i % 5 == 0) == (name == 'day') else 'wide'}")
    (folder / "table.csv").write_text("\n".join(rows) + "\n")
    return folder


def compared(folder: Path, work: Path, **how: Any) -> tuple[Any, str]:
    """What is found, and the text of what the page shows below the cards."""
    asked = Asked(encoder="demo", photographs=True, words="snow\nbeach\ndog\nbus\ncity", **how)
    found = answer(asked, PageSettings(encoder="demo", roots=(folder,)), work, silent)
    return found.comparison, re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", result(found, work, silent).plots))


def test_further_columns_by_side_and_as_what_they_are() -> None:
    day, night = {"camera": ["wide", "long"], "lux": [3, None]}, {"camera": [None], "lux": [4]}
    assert table_fields(CSV, ("day", "night")) == (day, night) and table_fields(CSV, ("night", "day")) == (night, day)
    assert table_fields("path,group_name\n1.jpg,a\n2.jpg,b\n", ("a", "b")) is None


def test_the_other_columns_of_a_table_are_tested_and_shown(folder: Path, tmp_path: Path) -> None:
    table = {"way": TABLE, "table": str(folder / "table.csv"), "table_base": str(folder)}
    found, shown = compared(folder, tmp_path, **table, fields=ALL)
    assert {d.field for d in found.fields} == {"camera"}
    own = next(d for d in found.fields if d.value == "long")
    assert (own.rate_a, own.rate_b) == pytest.approx((0.8, 0.2))
    assert "Fields that differ" in shown and "camera = long night 80% 20%" in shown
    alone, shown = compared(folder, tmp_path, **table)
    assert not alone.tested_fields and "Fields that differ" not in shown and "No field differs" not in shown


def test_of_folders_the_pictures_are_measured(folder: Path, tmp_path: Path) -> None:
    where = {"way": FOLDERS, "folder_a": str(folder / "night"), "folder_b": str(folder / "day")}
    found, shown = compared(folder, tmp_path, **where, fields=ALL)
    brighter = next(d for d in found.fields if d.field == "brightness")
    means = [np.median([np.asarray(Image.open(f).convert("L")).mean() for f in (folder / name).iterdir()]) for name in N]
    assert brighter.side == "B" and brighter.center_a / brighter.center_b == pytest.approx(means[0] / means[1], rel=0.05)
    assert "brightness, higher day" in shown

"""Reports of stored comparisons: the samples' own images, patches cut out, and the operators that write and open."""

from __future__ import annotations

import base64
import http.client
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fiftyone_plugin.panels.app.cards import board
from PIL import Image

import fiftyone_plugin
from fiftyone_plugin import compare_views, export_report, load_comparison
from latentdiff.errors import InputError, RunError
from tests.planted import vectors


def pictures(page: Path) -> list[np.ndarray]:
    """Mean colour of every thumbnail in a report."""
    found = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page.read_text(encoding="utf8"))
    return [mean_colour(uri) for uri in found]


def mean_colour(encoded: str) -> np.ndarray:
    """(3,) of a JPEG in base64."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))), float).mean((0, 1))


@pytest.fixture
def compared(dataset: Any, vocabulary: Any, sae: Any, tmp_path: Path) -> Any:
    """The dataset with pictures: sample i is red by 3 i in summer, green by 3 i in winter."""
    for side in "ab":
        view = dataset.match_tags(side)
        paths = [tmp_path / f"{side}{i}.png" for i in range(len(view))]
        for i, path in enumerate(paths):
            Image.new("RGB", (40, 30), (3 * i, 0, 200) if side == "a" else (0, 3 * i, 200)).save(path)
        view.set_values("filepath", [str(path) for path in paths])
    return compare_views(dataset, "summer", "winter", embeddings="clip", vocabulary=vocabulary, sae=sae, run="sun")


def test_thumbnails_are_the_samples(compared: Any, dataset: Any, tmp_path: Path) -> None:
    page = export_report(dataset, "sun", tmp_path / "report.html")
    hypothesis = compared.top("A", 1)[0]
    rows = hypothesis.exemplars[:5]
    for seen, row in zip(pictures(page), rows, strict=False):
        assert np.abs(seen - (3 * row, 0, 200)).max() < 2
    text = page.read_text(encoding="utf8")
    assert "More in summer" in text and "More in winter" in text and hypothesis.text in text
    said = json.loads(export_report(dataset.name, "sun", tmp_path / "report.json").read_text())
    assert said["hypotheses"][0]["exemplar_items"] == [str(tmp_path / f"a{row}.png") for row in hypothesis.exemplars]


def test_deleted_samples_and_files_are_left_out(compared: Any, dataset: Any, tmp_path: Path) -> None:
    first, second = compared.top("A", 1)[0].exemplars[:2]
    dataset.delete_samples([str(compared.sides["A"].ids[first])])
    (tmp_path / f"a{second}.png").unlink()
    rest = pictures(export_report(dataset, "sun", tmp_path / "report.html"))
    assert rest and not any(np.abs(seen - (3 * row, 0, 200)).max() < 1 for seen in rest for row in (first, second))


def test_patches_are_cut_out(dataset: Any, vocabulary: Any, sae: Any, tmp_path: Path) -> None:
    import fiftyone as fo

    path = tmp_path / "both.png"
    image = Image.new("RGB", (100, 100), (250, 0, 0))
    image.paste((0, 0, 250), (50, 0, 100, 100))
    image.save(path)
    for side, x in (("a", vectors(60, 2 / 3, seed=1)), ("b", vectors(80, 1 / 20, seed=2))):
        box = [0.0, 0.0, 0.5, 1.0] if side == "a" else [0.5, 0.0, 0.5, 1.0]
        view = dataset.match_tags(side)
        view.set_values("filepath", [str(path)] * len(view))
        view.set_values("things", [fo.Detections(detections=[fo.Detection(label="x", bounding_box=box, clip=row)]) for row in x])
    views = [dataset.match_tags(side).to_patches("things") for side in "ab"]
    compare_views(dataset, *views, embeddings="things.clip", vocabulary=vocabulary, sae=sae, run="patches")
    colours = pictures(export_report(dataset, "patches", tmp_path / "report.html"))
    assert colours
    for colour in colours:
        assert np.abs(colour - (250, 0, 0)).max() < 12 or np.abs(colour - (0, 0, 250)).max() < 12
    assert np.abs(colours[0] - (250, 0, 0)).max() < 12
    seen = board(load_comparison(dataset, "patches"))["sides"]
    assert seen["A"]["things"] == "patches" and seen["A"]["cards"][0]["thumbnails"]
    for side, colour in (("A", (250, 0, 0)), ("B", (0, 0, 250))):
        for uri in (uri for card in seen[side]["cards"] for uri in card["thumbnails"]):
            assert np.abs(mean_colour(uri.removeprefix("data:image/jpeg;base64,")) - colour).max() < 12


def test_a_slice_that_is_not_the_active_one_has_its_pictures(vocabulary: Any, sae: Any, tmp_path: Path) -> None:
    import fiftyone as fo

    dataset = fo.Dataset()
    dataset.add_group_field("group", default="left")
    samples, rows = [], {"a": vectors(60, 2 / 3, seed=1), "b": vectors(80, 1 / 20, seed=2)}
    for colour, name in (((250, 0, 0), "left"), ((0, 0, 250), "right")):
        Image.new("RGB", (20, 20), colour).save(tmp_path / f"{name}.png")
    for side, x in rows.items():
        for row in x:
            group = fo.Group()
            for name in ("left", "right"):
                samples.append(fo.Sample(filepath=str(tmp_path / f"{name}.png"), group=group.element(name), clip=row, tags=[side]))
    dataset.add_samples(samples, progress=False)
    views = [dataset.select_group_slices("right").match_tags(side) for side in "ab"]
    run = compare_views(dataset, *views, embeddings="clip", vocabulary=vocabulary, sae=sae, run="right")
    colours = pictures(export_report(dataset, "right", tmp_path / "report.html"))
    assert colours and all(np.abs(colour - (0, 0, 250)).max() < 12 for colour in colours)
    thumbnails = board(run)["sides"]["A"]["cards"][0]["thumbnails"]
    assert thumbnails and set(thumbnails) == {f"/media?filepath={tmp_path}/right.png"}
    dataset.delete()


def test_what_cannot_be_exported(compared: Any, dataset: Any, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no comparison"):
        export_report(dataset, "rain", tmp_path / "r.html")
    with pytest.raises(InputError, match=r"one of \.html"):
        export_report(dataset, "sun", tmp_path / "r.docx")
    assert "export_report" in fiftyone_plugin.__all__


def test_operator_writes_where_it_is_told(compared: Any, dataset: Any, tmp_path: Path) -> None:
    import fiftyone.operators as foo

    params = {"run": "sun", "format": ".csv", "folder": str(tmp_path)}
    result = foo.execute_operator("@latentdiff/latentdiff/export_report", {"dataset": dataset, "params": params})
    assert result.result == {"path": str(tmp_path / "sun.csv")}
    assert (tmp_path / "sun.csv").read_text(encoding="utf8").startswith("side,name,rank,text")
    (said,) = result.executor.to_json()["requests"]  # what lies in a folder is not downloaded too
    assert said["operator_uri"] == "notify" and str(tmp_path / "sun.csv") in said["params"]["message"]


def test_operator_opens_the_page(dataset: Any) -> None:
    import fiftyone.operators as foo

    result = foo.execute_operator("@latentdiff/latentdiff/open_page", {"dataset": dataset, "params": {}})
    url = result.result["url"]
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", url)
    connection = http.client.HTTPConnection("127.0.0.1", int(url.rsplit(":", 1)[1].strip("/")), timeout=20)
    connection.request("GET", "/")
    assert connection.getresponse().status == 200
    again = foo.execute_operator("@latentdiff/latentdiff/open_page", {"dataset": dataset, "params": {}})
    assert again.result["url"] == url

"""Views of datasets on a page that others reach: pictures obey the roots as folders do, and nothing is written unless that is allowed."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fiftyone_plugin.panels.page.asked import VIEWS, Asked
from fiftyone_plugin.panels.page.cards import result
from fiftyone_plugin.panels.page.settings import PageSettings
from fiftyone_plugin.panels.page.work import answer
from PIL import Image

import latentdiff
from fiftyone_plugin.forms.choices import OWN
from latentdiff.errors import InputError
from latentdiff.progress import silent
from tests.planted import WIDTH, state, vectors


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    (folder / "served").mkdir()
    for i in range(140):
        Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(folder / "served" / f"{i}.png")
    eye, zeros = np.eye(WIDTH, dtype=np.float32), np.zeros(WIDTH, np.float32)
    latentdiff.SparseAutoencoder(eye, zeros, eye, zeros, np.full(WIDTH, 0.5, np.float32)).save(folder / "served" / "sae")
    return folder


@pytest.fixture
def dataset(pictures: Path) -> Iterator[Any]:
    import fiftyone as fo

    dataset = fo.Dataset(f"visited-{uuid.uuid4().hex[:8]}")
    dataset.add_sample_field("clip", fo.VectorField)
    rows = [("a", row) for row in vectors(60, 2 / 3, 1)] + [("b", row) for row in vectors(80, 1 / 20, 2)]
    files = [str(pictures / "served" / f"{i}.png") for i in range(140)]
    dataset.add_samples([fo.Sample(filepath=f, tags=[t], clip=row) for f, (t, row) in zip(files, rows, strict=True)], progress=False)
    for view, tag in (("summer", "a"), ("winter", "b")):
        dataset.save_view(view, dataset.match_tags(tag))
    yield dataset
    dataset.delete()


def asked(dataset: Any) -> Asked:
    sae = str(Path(dataset.first().filepath).parent / "sae")
    return Asked(way=VIEWS, dataset=dataset.name, view_a="summer", view_b="winter", field="clip", concepts=OWN, sae=sae)


def settings(root: Path, **more: Any) -> PageSettings:
    return PageSettings(host="0.0.0.0", password="long enough", roots=(root,), **more)


def test_pictures_outside_the_roots_are_not_served(dataset: Any, pictures: Path, tmp_path: Path) -> None:
    visited = dataclasses.replace(asked(dataset), concepts="train")
    with pytest.raises(InputError, match="140 images of these views lie outside the folders") as caught:
        answer(visited, settings(tmp_path), tmp_path, silent)
    assert str(pictures) not in str(caught.value)
    (tmp_path / "link").symlink_to(pictures)
    sample = dataset.first()
    sample.filepath = str(tmp_path / "link" / "served" / "0.png")
    sample.save()
    with pytest.raises(InputError, match="140 images"):
        answer(visited, settings(tmp_path), tmp_path, silent)


def test_a_visitor_writes_nothing_and_is_told_no_path(dataset: Any, pictures: Path, tmp_path: Path) -> None:
    before, here = state(dataset), settings(pictures / "served")
    found = answer(asked(dataset), here, tmp_path, silent)
    assert found.comparison.hypotheses and found.stored == ""
    dataset.reload()
    assert dataset.list_runs() == [] and state(dataset) == before
    shown = result(found, tmp_path, silent, here.roots)
    assert "is not recorded, so no words can be used" in shown.verdict
    for file in shown.files.values():
        text = Path(file).read_text(encoding="utf8")
        assert str(pictures) not in text and str(tmp_path) not in text
    assert "served/" in Path(shown.files["csv"]).read_text(encoding="utf8")


def test_it_is_stored_where_that_is_allowed(dataset: Any, pictures: Path, tmp_path: Path) -> None:
    assert answer(asked(dataset), settings(pictures, write=True), tmp_path, silent).stored.startswith("stored in dataset")
    dataset.reload()
    assert dataset.list_runs() == ["summer_vs_winter"]
    assert PageSettings().stores and not settings(pictures).stores

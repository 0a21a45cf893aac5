"""What the pictures show: real photographs whose labels are known, compared in all ways that the panel has a face for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from tests.browser.panel_app import Scenes, save_workspace

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "corel"
FEW = 24
"""Of a class that is rare on its side."""


def add_more(scenes: Scenes) -> None:
    """To beaches, buildings and buses of ``build``: fields, further sides, and a comparison of every kind of outcome.

    "nothing": two halves of the same classes. "few": a few flowers among animals, against none. "fields": a camera and a size that go with
    the sides. "wordless": without a vocabulary.
    """
    from fiftyone_plugin import compare_views
    from fiftyone_plugin.store import runs

    dataset = scenes.dataset
    _further_photographs(dataset)
    _fields(dataset, scenes.views)
    given: dict[str, Any] = {"embeddings": "clip", "vocabulary": scenes.words}
    compare_views(dataset, "monday", "tuesday", **given, run="nothing")
    compare_views(dataset, "monday", "with flowers", **given, run="few")
    compare_views(dataset, *scenes.views, embeddings="clip", sae=scenes.sae, run="wordless")
    compare_views(dataset, *scenes.views, **given, sae=scenes.sae, fields=["camera", "width", "site"], run="fields")
    form = {"view_a": scenes.views[0], "view_b": scenes.views[1], "vocabulary": str(scenes.words), "sae": str(scenes.sae)}
    runs.set_state(dataset, "fields", runs.COMPLETE, form={**form, "fields": "camera, width, site"})  # as the App's own form keeps it


def _further_photographs(dataset: Any) -> None:
    """Elephants and horses on both of two days, some flowers on the second."""
    import fiftyone as fo

    labels = [entry["label"] for entry in json.loads((DATA / "labels.json").read_text())]
    vectors = np.load(DATA / "clip_vit_b_32_images.npy")
    samples = []
    for name, wanted in (("elephant", 100), ("horse", 100), ("flower", FEW)):
        for count, i in enumerate([i for i, label in enumerate(labels) if label == name][:wanted]):
            day = "tuesday" if name == "flower" or count % 2 else "monday"
            samples.append(fo.Sample(filepath=str((DATA / "photos" / f"{i}.jpg").resolve()), tags=[day], clip=vectors[i], label=name))
    dataset.add_samples(samples, progress=False)
    dataset.save_view("monday", dataset.match_tags("monday"))
    dataset.save_view("tuesday", dataset.match_tags("tuesday").match({"label": {"$ne": "flower"}}))
    dataset.save_view("with flowers", dataset.match_tags("tuesday"))


def _fields(dataset: Any, views: tuple[str, str]) -> None:
    """A camera and a size that go with the side, and a site that says nothing."""
    rng = np.random.default_rng(0)
    for k, side in enumerate(views):
        view = dataset.match_tags(side)
        n = len(view)
        view.set_values("camera", ["wide" if wide else "long" for wide in rng.random(n) < (0.8, 0.2)[k]])
        view.set_values("width", (rng.normal(1200 + 300 * k, 200, n)).round().tolist())
        view.set_values("site", [("north", "south")[i % 2] for i in range(n)])


def bare(n: int, vectors: bool) -> Any:
    """Photographs that nobody has compared, with vectors or without."""
    import fiftyone as fo

    dataset = fo.Dataset(persistent=True)
    rows = np.load(DATA / "clip_vit_b_32_images.npy")[:n]
    dataset.add_samples([fo.Sample(filepath=str((DATA / "photos" / f"{i}.jpg").resolve())) for i in range(n)], progress=False)
    if vectors:
        dataset.add_sample_field("clip", fo.VectorField)
        dataset.set_values("clip", list(rows))
    save_workspace(dataset)
    return dataset


def break_comparison(dataset: Any, run: str) -> None:
    """Take a part out of what is stored of a comparison, as a damaged database does."""
    import fiftyone.core.odm as foo
    import gridfs
    from bson import json_util

    db = foo.get_db_conn()
    record = db.runs.find_one({"_dataset_id": dataset._doc.id, "key": run})
    files = gridfs.GridFS(db)
    document = json_util.loads(files.get(record["results"]).read().decode())
    document["document"].pop("arrays")
    files.delete(record["results"])
    files.put(json_util.dumps(document).encode(), _id=record["results"])

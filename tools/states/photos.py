"""What the pictures show: real photographs whose labels are known, compared in all ways that the panel has a face for."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np

from tests import drawn
from tests.browser.scenes import Scenes
from tests.browser.served import save_workspace

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data" / "corel"
EARLIER = "version-0-1-0"
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
    compare_views(dataset, *scenes.views, **given, sae=scenes.sae, run="broken")
    break_comparison(dataset, "broken")
    compare_views(dataset, "monday", "tuesday", **given, run="nothing")
    compare_views(dataset, "monday", "with flowers", **given, run="few")
    compare_views(dataset, *scenes.views, embeddings="clip", sae=scenes.sae, run="wordless")
    compare_views(dataset, *scenes.views, **given, sae=scenes.sae, fields=["camera", "width", "site"], run="fields")
    compare_views(dataset, *scenes.views, **given, sae=scenes.sae, fields=["camera"], run="fields_too")
    some = dataset.match_tags("tuesday").sort_by("label").limit(60)  # 24 flowers among them
    compare_views(dataset, dataset.match_tags("monday").limit(40), some, **given, run="small")
    _noted(scenes)
    form = {"view_a": scenes.views[0], "view_b": scenes.views[1], "vocabulary": str(scenes.words), "sae": str(scenes.sae)}
    runs.set_state(dataset, "fields", runs.COMPLETE, form={**form, "fields": "camera; width; site"})  # as the App's own form keeps it


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


def _noted(scenes: Scenes) -> None:
    """Some images are on both sides, one has no vector, and a field cannot be tested."""
    import latentdiff
    from fiftyone_plugin import compare_views

    dataset = scenes.dataset
    dataset.set_values("remark", [f"seen {i}" for i in range(len(dataset))])
    both = [*dataset.match_tags("monday").limit(12).values("id"), *dataset.match_tags("tuesday").limit(12).values("id")]
    for side in scenes.views:
        dataset.save_view(f"{side} and more", dataset.select([*dataset.match_tags(side).values("id"), *both]))
    dataset.add_samples([dataset.first().copy()], progress=False)
    last = dataset.last()
    last["clip"], last.tags = None, []
    last.save()
    dataset.save_view("with a gap", dataset.select([*dataset.load_saved_view(f"{scenes.views[1]} and more").values("id"), last.id]))
    options = {"config": latentdiff.CompareConfig(skip_bad=True), "fields": "all", "sae": scenes.sae, "vocabulary": scenes.words}
    compare_views(dataset, f"{scenes.views[0]} and more", "with a gap", embeddings="clip", run="noted", **options)


def drawn_scenes(folder: Path) -> Any:
    """Drawn scenes, whose encoder answers questions."""
    import fiftyone as fo

    from fiftyone_plugin import compare_views
    from latentdiff import demo

    dataset = fo.Dataset(persistent=True)
    drawn.fill(dataset, folder, 150, snowy=0.7)
    compare_views(dataset, "winter", "summer", embeddings="demo_clip", vocabulary=demo.words(), sae=demo.load_sae(), run="seasons")
    save_workspace(dataset)
    return dataset


def earlier() -> Any:
    """The dataset of version 0.1.0 that the tests have, as it lay in its database."""
    import fiftyone as fo
    import fiftyone.core.odm as foo
    import gridfs
    from bson import ObjectId, json_util

    if not fo.dataset_exists(EARLIER):
        db = foo.get_db_conn()
        dump = json_util.loads(gzip.decompress((ROOT / "tests/results/data/0.1.0/fiftyone.json.gz").read_bytes()))
        for key, document in dump.pop("files").items():
            gridfs.GridFS(db).put(json_util.dumps(document).encode(), _id=ObjectId(key))
        for name, documents in dump.items():
            if documents:
                db[name].insert_many(documents)
        save_workspace(fo.load_dataset(EARLIER))
    return fo.load_dataset(EARLIER)


def said(dataset: Any, run: str) -> str:
    """What the panel says above a comparison once it is open."""
    from fiftyone_plugin import load_comparison
    from latentdiff import CheckpointError
    from latentdiff.report import verdict

    try:
        opened = load_comparison(dataset, run)
    except CheckpointError:
        return "This comparison cannot be opened"
    return str(verdict(opened.comparison, *(opened.sides[side].name for side in "AB")))


def delegate(scenes: Scenes, run: str) -> None:
    """Hand a comparison over to a worker that never comes."""
    import fiftyone.operators as foo

    a, b = scenes.views
    params = {"view_a": a, "view_b": b, "embeddings": "clip", "vocabulary": str(scenes.words), "sae": str(scenes.sae), "run": run}
    context = {"dataset": scenes.dataset, "params": params}
    foo.execute_operator("@latentdiff/latentdiff/compare_views", context, request_delegation=True)


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

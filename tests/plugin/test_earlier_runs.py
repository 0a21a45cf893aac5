"""Comparisons that version 0.1.0 stored in a dataset, as they lay in its database, opened, renamed and deleted by this one."""

from __future__ import annotations

import base64
import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fiftyone_plugin import delete_comparison, list_comparisons, load_comparison, rename_comparison
from latentdiff import RunError

EARLIER = Path(__file__).parents[1] / "results" / "data" / "0.1.0" / "fiftyone.json.gz"
CANDIDATES = {"seasons": 29, "means": 16, "drafts": 0}


@pytest.fixture(scope="module")
def dump() -> dict[str, Any]:
    from bson import json_util

    return dict(json_util.loads(gzip.decompress(EARLIER.read_bytes())))


@pytest.fixture
def earlier(dump: dict[str, Any]) -> Iterator[Any]:
    """The dataset with its three runs."""
    import fiftyone as fo
    import fiftyone.core.odm as foo
    import gridfs
    from bson import ObjectId, json_util

    db = foo.get_db_conn()
    for name, documents in dump.items():
        if name == "files":
            for key, document in documents.items():
                gridfs.GridFS(db).put(json_util.dumps(document).encode(), _id=ObjectId(key))
        elif documents:
            db[name].insert_many([dict(document) for document in documents])
    yield fo.load_dataset("version-0-1-0")
    fo.delete_dataset("version-0-1-0")
    for key in dump["files"]:
        gridfs.GridFS(db).delete(ObjectId(key))


def test_runs_of_version_0_1_0_open(earlier: Any, dump: dict[str, Any]) -> None:
    assert {str(r): r.complete for r in list_comparisons(earlier)} == dict.fromkeys(CANDIDATES, True)
    documents = {record["key"]: dump["files"][str(record["_id"])]["document"] for record in dump["runs"]}
    for name, count in CANDIDATES.items():
        run, stored = load_comparison(earlier, name), documents[name]
        assert len(run.candidates) == count == len(stored["candidates"])
        for h, one in zip(run.candidates, stored["candidates"], strict=True):
            assert (h.text, h.rate_a, h.q_value, h.exemplars) == (one["text"], one["rate_a"], one["q_value"], tuple(one["exemplars"]))
            assert run.exemplars(h) == one["exemplar_ids"]
            assert np.isnan(h.name_margin) == (one["name_margin"] is None)
        table = run.comparison.concepts
        for column in ("concept", "rate_a", "rate_b", "gap", "jsd", "jsd_firing", "p_value", "q_value"):
            np.testing.assert_array_equal(getattr(table, column), stored["concepts"][column])
        arrays = np.load(io.BytesIO(base64.b64decode(stored["arrays"])))
        np.testing.assert_array_equal(run.comparison.log_ratio_b, arrays["log_ratio_b"])
        np.testing.assert_array_equal(run.comparison.shows_a.indices, arrays["indices_a"])
    run = load_comparison(earlier, "seasons")
    (dog,) = run.hypotheses
    assert (dog.text, dog.side, len(run.view(dog))) == ("word 3", "A", len(run.ids(dog, "A")) + len(run.ids(dog, "B")))
    assert set(earlier.match({"seasons_concepts": "word 3"}).values("id")) == {*run.ids(dog, "A"), *run.ids(dog, "B")}


def test_runs_of_version_0_1_0_are_renamed_and_deleted(earlier: Any) -> None:
    rename_comparison(earlier, "seasons", "years")
    assert len(load_comparison(earlier, "years").candidates) == CANDIDATES["seasons"]
    for name in ("years", "means", "drafts"):
        delete_comparison(earlier, name)
    assert list_comparisons(earlier) == []
    assert not [name for name in earlier.get_field_schema() if name.startswith(("seasons", "years", "means", "drafts"))]


def test_a_run_of_a_later_version_says_so(earlier: Any) -> None:
    import fiftyone.core.odm as foo

    records = foo.get_db_conn().runs
    records.update_many({"_dataset_id": earlier._doc.id}, {"$set": {"config.version": "9.0"}})
    assert load_comparison(earlier, "means").differs  # of a format that is known: read
    records.update_one({"_dataset_id": earlier._doc.id, "key": "means"}, {"$set": {"config.format": 9}})
    with pytest.raises(RunError, match=r"'means' was made by latentdiff 9\.0, in format 9; .*Update latentdiff"):
        load_comparison(earlier, "means")

"""Datasets with a planted difference, in the tests' own database."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import latentdiff
from tests.planted import WIDTH, WORDS, vectors


@pytest.fixture(scope="session")
def vocabulary() -> latentdiff.Vocabulary:
    return latentdiff.Vocabulary(WORDS, np.eye(WIDTH, dtype=np.float32))


@pytest.fixture(scope="session")
def sae() -> latentdiff.SparseAutoencoder:
    """The exact dictionary of these vectors: one concept per axis, active above 0.5."""
    eye = np.eye(WIDTH, dtype=np.float32)
    zeros = np.zeros(WIDTH, np.float32)
    return latentdiff.SparseAutoencoder(eye, zeros, eye, zeros, np.full(WIDTH, 0.5, np.float32))


@pytest.fixture
def make() -> Iterator[Callable[..., Any]]:
    """``make(a, b)``: a dataset whose saved views "summer" and "winter" hold these vectors; deleted afterwards."""
    import fiftyone as fo

    made = []

    def build(a: np.ndarray, b: np.ndarray, field: Any = None) -> Any:
        dataset = fo.Dataset(f"test-{uuid.uuid4().hex[:8]}")
        made.append(dataset)
        rows = [("a", row) for row in a] + [("b", row) for row in b]
        samples = [fo.Sample(filepath=f"/nowhere/{dataset.name}/{i}.jpg", tags=[side]) for i, (side, _) in enumerate(rows)]
        ids = dataset.add_samples(samples, progress=False)
        dataset.add_sample_field("clip", **(field or {"ftype": fo.VectorField}))
        dataset.set_values("clip", dict(zip(ids, [row for _, row in rows], strict=True)), key_field="id")
        dataset.save_view("summer", dataset.match_tags("a"))
        dataset.save_view("winter", dataset.match_tags("b"))
        return dataset

    yield build
    for dataset in made:
        if dataset.name in fo.list_datasets():
            fo.delete_dataset(dataset.name)


@pytest.fixture
def dataset(make: Callable[..., Any]) -> Any:
    """60 images of which two thirds show the planted word, against 80 of which a twentieth does."""
    return make(vectors(60, 2 / 3, seed=1), vectors(80, 1 / 20, seed=2))


@pytest.fixture
def stored(dataset, vocabulary, sae) -> Any:
    """The comparison "seasons" of that dataset."""
    from fiftyone_plugin import compare_views

    return compare_views(dataset, "summer", "winter", embeddings="clip", vocabulary=vocabulary, sae=sae, run="seasons")


@pytest.fixture
def files(tmp_path, vocabulary, sae) -> dict[str, str]:
    """Words and dictionary as files, as a form takes them."""
    np.savez(tmp_path / "words.npz", words=np.array(vocabulary.words), vectors=vocabulary.vectors)
    sae.save(tmp_path / "sae")
    return {"vocabulary": str(tmp_path / "words.npz"), "sae": str(tmp_path / "sae")}


CAMERAS = ["front"] * 60 + ["rear"] * 50 + ["side"] * 50


@pytest.fixture
def cameras(make, sae, vocabulary) -> Any:
    """A dataset with the stored comparison "cameras", of which the front one shows the planted word."""
    import fiftyone

    from fiftyone_plugin import compare_groups

    dataset = make(vectors(60, 0.5, seed=1), vectors(100, 0.05, seed=2))
    dataset.set_values("camera", CAMERAS)
    dataset.set_values("lens", [fiftyone.Classification(label=name) for name in CAMERAS])
    compare_groups(dataset, "camera", embeddings="clip", sae=sae, vocabulary=vocabulary, run="cameras")
    return dataset

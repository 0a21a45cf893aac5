"""Vectors with one planted difference, and what a dataset holds: for the tests of everything that touches FiftyOne."""

from __future__ import annotations

from typing import Any

import numpy as np

WIDTH = 16
WORDS = tuple(f"word {i}" for i in range(WIDTH))
DOG = 3
"""The planted direction: "word 3" is shown by most of A and little of B."""


def axes() -> dict[str, Any]:
    """``sae`` and ``vocabulary`` for :func:`latentdiff.compare`: a concept, and a word, for each axis."""
    import latentdiff

    eye, zeros = np.eye(WIDTH, dtype=np.float32), np.zeros(WIDTH, np.float32)
    sae = latentdiff.SparseAutoencoder(eye, zeros, eye, zeros, np.full(WIDTH, 0.5, np.float32))
    return {"sae": sae, "vocabulary": latentdiff.Vocabulary(WORDS, eye)}


def vectors(n: int, share: float, seed: int) -> np.ndarray:
    """(n, 16) float32: three random axes each, and the planted one on a share of the rows."""
    rng = np.random.default_rng(seed)
    x = 0.05 * rng.standard_normal((n, WIDTH))
    for row in x:
        row[rng.choice([i for i in range(WIDTH) if i != DOG], 3, replace=False)] += rng.uniform(0.8, 1.2, 3)
    x[: round(share * n), DOG] += rng.uniform(1.5, 2.0, round(share * n))
    return x.astype(np.float32)


def state(dataset: Any) -> dict[str, Any]:
    """Everything stored of a dataset that a comparison must leave as it was."""
    documents = {}
    for document in dataset._sample_collection.find({}):
        document.pop("last_modified_at", None)
        documents[document["_id"]] = document
    return {
        "documents": documents,
        "schema": {path: type(field) for path, field in dataset.get_field_schema(flat=True).items()},
        "runs": dataset.list_runs(),
        "views": dataset.list_saved_views(),
        "tags": dataset.tags,
        "info": dataset.info,
    }

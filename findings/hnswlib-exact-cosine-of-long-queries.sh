#!/usr/bin/env bash
# hnswlib: the exact index (BFIndex) gives cosine distances that grow with the length of the query, down to far below zero.

# A good engineer would guess: BFIndex(space="cosine") gives what Index(space="cosine") gives, without its approximation; it is there to
# measure that one's recall by. What happens: both bring the vectors that are added to unit length, but only Index does so with a query. The
# exact index answers 1 - |q| cos: ten times the query of a vector lies at -9 from it, half of it at 0.5. The order is right; a threshold
# ("copies are below 0.01"), or distances laid beside the other index's, are not. Also so in hnswlib 0.8.0, which comes as source only.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check chroma-hnswlib==0.7.6 numpy==2.2.6
"$work/venv/bin/python" - <<'PY'
from importlib.metadata import version

import hnswlib
import numpy as np

vectors = np.array([[3, 0], [0, 3]], dtype=np.float32)
queries = {length: np.array([[length, 0]], dtype=np.float32) for length in (0.5, 1, 10)}
seen = {}
for kind in (hnswlib.Index, hnswlib.BFIndex):
    index = kind("cosine", 2)
    index.init_index(2)
    index.add_items(vectors)
    found = {length: index.knn_query(query, 1) for length, query in queries.items()}
    assert all(labels[0, 0] == 0 for labels, _ in found.values())
    seen[kind.__name__] = {length: round(float(distances[0, 0]), 5) for length, (_, distances) in found.items()}
print("chroma-hnswlib", version("chroma-hnswlib"))
print("guess: a query along a vector lies at 0 from it, however long it is, by either index")
print("seen:  by length of the query", seen)
assert seen == {"Index": {0.5: 0.0, 1: 0.0, 10: 0.0}, "BFIndex": {0.5: 0.5, 1: 0.0, 10: -9.0}}, seen
PY

#!/usr/bin/env bash
# USearch: a batch that holds one query is answered as one query, in another type and shape.

# A good engineer would guess: search() of an array of n rows gives n lists of matches, for n = 1 too; keys have the shape (n, k). What happens:
# of one row it gives the matches themselves, with keys of shape (k,). A loop over batches breaks on the last one where the number of queries
# is one more than a multiple of the batch; or goes on: "for matches in found" walks over single matches, and found.keys[:, 0], meant as the
# nearest of each query, is an IndexError only then.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check usearch==2.26.6 numpy==2.2.6
"$work/venv/bin/python" - <<'PY'
import numpy as np
import usearch
from usearch.index import Index, search

vectors = np.random.default_rng(0).normal(size=(9, 8)).astype(np.float32)
index = Index(ndim=8, metric="cos", dtype="f32")
index.add(np.arange(9), vectors)
print("usearch", usearch.__version__)
print("guess: batches of 4, 4 and 1 queries give keys of shapes [(4, 3), (4, 3), (1, 3)]")
for name, ask in {"index.search": index.search, "search": lambda rows, k: search(vectors, rows, k, "cos", exact=True)}.items():
    answers = [ask(vectors[start : start + 4], 3) for start in (0, 4, 8)]
    shapes = [np.shape(answer.keys) for answer in answers]
    print("seen: ", name, shapes, [(type(answer).__name__, len(answer)) for answer in answers])
    assert shapes == [(4, 3), (4, 3), (3,)], shapes
    assert [len(answer) for answer in answers] == [4, 4, 3]
PY

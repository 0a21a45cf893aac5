#!/usr/bin/env bash
# USearch: an index of bytes (dtype="i8") forgets how long its vectors are, also where the metric needs it.

# A good engineer would guess: values from -1 to 1 become bytes by one scale for all, so that squared Euclidean distance and inner product are
# those of the vectors, coarser; the other narrow types (f16, bf16) do so. What happens: each vector of floats is first brought to unit length,
# whatever the metric. Under "l2sq" and "ip" a vector and five times that vector are one and the same, nearest to each other; get() gives
# the direction times 127. Arrays that are bytes already are kept as they are, with their length.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check usearch==2.26.6 numpy==2.2.6
"$work/venv/bin/python" - <<'PY'
import numpy as np
import usearch
from usearch.index import Index

vectors = np.array([[0.5, 0], [0.1, 0], [0, 0.2]], dtype=np.float32)  # by l2sq the third is nearer to the second than the first is
query = vectors[1]


def distances(dtype, metric, rows, of):
    index = Index(ndim=2, metric=metric, dtype=dtype)
    index.add(np.arange(3), rows)
    found = index.search(of, 3)
    return {int(key): round(float(far), 3) for key, far in sorted(zip(found.keys, found.distances))}, np.asarray(index.get(0)).tolist()


print("usearch", usearch.__version__)
print("guess: with bytes as with f16, up to one scale:", {metric: distances("f16", metric, vectors, query) for metric in ("l2sq", "ip")})
seen = {metric: distances("i8", metric, vectors, query) for metric in ("l2sq", "ip")}
print("seen:  with i8", seen)
own = distances("i8", "l2sq", (vectors * 100).astype(np.int8), (query * 100).astype(np.int8))
print("       of bytes that were given", own)
assert distances("f16", "l2sq", vectors, query)[0] == {0: 0.16, 1: 0.0, 2: 0.05}
assert seen["l2sq"][0][0] == seen["l2sq"][0][1] == 0 < seen["l2sq"][0][2]
assert seen["ip"][0][0] == seen["ip"][0][1]
assert seen["l2sq"][1] == [127, 0]
assert own == ({0: 1600.0, 1: 0.0, 2: 500.0}, [50, 0])
PY

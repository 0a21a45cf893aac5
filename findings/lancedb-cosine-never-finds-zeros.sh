#!/usr/bin/env bash
# LanceDB: under the cosine distance a row of zeros is never found, so that asking for all rows gives fewer.

# A good engineer would guess: a vector of zeros (a blank image whose mean was taken off, an image that no concept of a sparse code fires on) has
# distance 1, or NaN and the last place; or such rows are refused when they are written, as vectors with NaN are. What happens: they are taken, and
# the (exact) search leaves them out: limit(number of rows) gives fewer rows, and distances laid beside another list of the same images
# are shifted. A query of zeros gives an empty table. By "l2" and "dot" all rows are there.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check lancedb==0.40.0 pyarrow==26.0.1 numpy==2.1.3
"$work/venv/bin/python" - "$work" <<'PY'
import sys

import lancedb
import numpy as np
import pyarrow as pa

vectors = np.array([[3, 0], [0, 0], [1, 1], [0, 2]], dtype=np.float32)
column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), 2)
table = lancedb.connect(f"{sys.argv[1]}/store").create_table("images", pa.table({"image": range(4), "vector": column}))


def found(query, metric):
    rows = table.search(query).distance_type(metric).limit(4).to_arrow()
    return dict(zip(rows["image"].to_pylist(), (round(far, 2) for far in rows["_distance"].to_pylist())))


seen = {metric: found(vectors[0], metric) for metric in ("cosine", "dot", "l2")}
zeros = {metric: found(vectors[1], metric) for metric in ("cosine", "dot", "l2")}
print("lancedb", lancedb.__version__, "- rows in the table:", table.count_rows())
print("guess: limit(4) gives images 0 to 3 by every metric")
print("seen:  ", seen)
print("       of a query of zeros:", zeros)
assert table.count_rows() == 4 and sorted(seen["cosine"]) == [0, 2, 3] and zeros["cosine"] == {}, "the behaviour has changed"
assert all(sorted(each[metric]) == [0, 1, 2, 3] for each in (seen, zeros) for metric in ("dot", "l2")), "the behaviour has changed"
PY

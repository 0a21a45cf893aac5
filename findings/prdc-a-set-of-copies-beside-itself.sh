#!/usr/bin/env bash
# prdc: precision, recall, density and coverage of a set of images compared with itself fall to 0 with the share of images that have copies.

# A good engineer would guess: a set beside itself has precision, recall and coverage 1, and copies (frames of a video at rest, samples drawn
# with replacement, blanks) change nothing, as every image still lies on one of the other set. What happens: an image counts if its distance is
# strictly below the distance to the k-th neighbour, which is 0 where an image has k copies; nothing is nearer than 0. So a generator that
# gives back such images exactly has precision 0, and with a small noise on both sides nearly 1.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check prdc==0.2 numpy==2.2.6 scikit-learn==1.6.1 scipy==1.15.3
"$work/venv/bin/python" - <<'PY'
import contextlib
import io
from importlib.metadata import version

import numpy as np
from prdc import compute_prdc

K = 5


def measured(a, b):
    with contextlib.redirect_stdout(io.StringIO()):
        return {name: round(float(value), 3) for name, value in compute_prdc(a, b, K).items()}


rng = np.random.default_rng(0)
distinct = rng.integers(-9, 9, size=(200, 8)).astype(float)  # whole numbers: distances are exact
assert len(np.unique(distinct, axis=0)) == 200
half = np.concatenate([distinct[:100], np.repeat(distinct[100:110], 10, axis=0)])
copies = np.repeat(distinct[:20], 10, axis=0)
seen = {name: measured(each, each.copy()) for name, each in {"no copies": distinct, "half are copies": half, "all are copies": copies}.items()}
noisy = measured(copies + rng.normal(0, 1e-3, copies.shape), copies + rng.normal(0, 1e-3, copies.shape))
print("prdc", version("prdc"))
print("guess: precision, recall and coverage 1 for each set beside itself")
for name, values in seen.items():
    print(f"seen:  {name:17}{values}")
print(f"       {'all, and a noise':17}{noisy}")
assert all(seen["no copies"][name] == 1 for name in ("precision", "recall", "coverage")), "the behaviour has changed"
assert all(seen["half are copies"][name] == 0.5 for name in ("precision", "recall", "coverage")), "the behaviour has changed"
assert set(seen["all are copies"].values()) == {0} and noisy["precision"] > 0.9, "the behaviour has changed"
PY

#!/usr/bin/env bash
# Frouros: one value in a bin that the other sample left empty lifts the population stability index above its usual limits.

# A good engineer would guess: two samples of one distribution have a PSI far below 0.1, and the usual limits (0.1 and 0.25) can be used; a bin
# that is empty on one side counts a little, as its share is set to something small like 0.0001. What happens: the share is set to the smallest
# float, whose logarithm is -708, so each value in such a bin adds about 700 / n (above 0.25 up to 2,800 values). The ten bins reach from the
# least to the greatest value of both, so nearly half the pairs of 500 and 300 normal values have one, and are told as a large drift.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check frouros==0.9.0 numpy==2.1.3 scipy==1.14.1
"$work/venv/bin/python" - <<'PY'
from importlib.metadata import version

import numpy as np
from frouros.detectors.data_drift import PSI


def frouros(reference, sample):
    detector = PSI()
    detector.fit(X=reference)
    return float(detector.compare(X=sample)[0].distance)


def usual(reference, sample, least=1e-4):
    edges = np.histogram_bin_edges(np.concatenate([reference, sample]), 10)
    p, q = (np.maximum(np.histogram(values, edges)[0] / len(values), least) for values in (reference, sample))
    return float(np.sum((q - p) * np.log(q / p)))


rng = np.random.default_rng(0)
pairs = [(rng.normal(size=500), rng.normal(size=300)) for _ in range(200)]
seen, guess = (np.array([psi(*pair) for pair in pairs]) for psi in (frouros, usual))
print("frouros", version("frouros"))
print(f"200 pairs of samples of one normal distribution, 500 and 300 values; share with a PSI above 0.25: guess 0, seen {np.mean(seen > 0.25):.2f}")
print(f"their medians: with empty bins set to 0.0001 {np.median(guess):.3f}, seen {np.median(seen):.3f}")
ten = np.repeat(np.arange(10.0), 30)
one = (ten[ten > 0], np.append(ten[ten > 0], 0.0))
print(f"nine bins alike, and one value of 271 in the tenth: with 0.0001 {usual(*one):.3f}, seen {frouros(*one):.3f}")
assert np.mean(guess > 0.25) == 0 and np.mean(seen > 0.25) > 0.3, "the behaviour has changed"
assert usual(*one) < 0.05 and frouros(*one) > 2, "the behaviour has changed"
PY

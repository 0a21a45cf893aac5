#!/usr/bin/env bash
# Pillow: a TIFF that says "white is zero" is turned the right way round with 8 bits, and comes out as a negative with 16.

# A good engineer would guess: the tag that says which end is white (PhotometricInterpretation) is obeyed for every depth, as it is for 8 bits.
# What happens: of 16 bits the stored numbers are given as they are, so the picture is its own negative, and nothing is raised or warned of.
# X-rays and scans are written so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pillow==12.0.0 tifffile==2025.5.10 numpy==2.2.6
"$work/venv/bin/python" - "$work" <<'PY'
import sys
import warnings

import numpy as np
import PIL
import tifffile
from PIL import Image

warnings.simplefilter("error")
print("pillow", PIL.__version__)
print("guess: both files of a depth, one with black as zero and one with white as zero, open as the same picture")
same = {}
for depth, kind in ((8, np.uint8), (16, np.uint16)):
    top = 2**depth - 1
    ramp = np.tile(np.linspace(0, top, 64), (64, 1)).astype(kind)  # brighter from left to right
    tifffile.imwrite(f"{sys.argv[1]}/black.tif", ramp, photometric="minisblack")
    tifffile.imwrite(f"{sys.argv[1]}/white.tif", top - ramp, photometric="miniswhite")
    black, white = (np.asarray(Image.open(f"{sys.argv[1]}/{name}.tif")) for name in ("black", "white"))
    same[depth] = bool((black == white).all())
    print(f"seen:  {depth} bits, equal: {same[depth]}; first and last pixel {black[0, 0]}, {black[0, -1]} and {white[0, 0]}, {white[0, -1]}")
assert same == {8: True, 16: False}
PY

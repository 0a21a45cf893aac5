#!/usr/bin/env bash
# Pillow: a TIFF of 32-bit numbers without a sign opens with one, so that its brighter half is negative.

# A good engineer would guess: values above 2147483647 are kept (as floats, or in a wider kind), or the file is refused. What happens: they wrap
# round to negative numbers, the brightest pixel becomes -1, and nothing is raised or warned of. Detectors that sum many frames write such
# files.
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
ramp = np.tile(np.linspace(0, 2**32 - 1, 64), (64, 1)).astype(np.uint32)  # brighter from left to right
tifffile.imwrite(f"{sys.argv[1]}/deep.tif", ramp, photometric="minisblack")
image = Image.open(f"{sys.argv[1]}/deep.tif")
seen = np.asarray(image)
print("pillow", PIL.__version__)
print("guess: brighter from left to right, or an error")
print("seen:  mode", image.mode, "of", seen.dtype, "first, middle and last pixel", seen[0, [0, 31, 32, 63]].tolist())
assert image.mode == "I" and seen.dtype == np.int32 and seen[0, 63] == -1 and (seen == ramp.view(np.int32)).all()
PY

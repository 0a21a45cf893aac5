#!/usr/bin/env bash
# Pillow: a TIFF whose 16-bit colours lie in planes of their own opens as a picture of 8 bits made of their bytes.

# A good engineer would guess: 16-bit colours are read by their high byte, as from an interleaved file, or the layout is refused. What happens
# (uncompressed): each plane's bytes are taken for pixels of 8 bits, so that two bytes of one value become two neighbours, half of every
# plane is left out, and nothing is raised or warned of. Microscopes and satellites write such files.
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
ramp = np.tile(np.linspace(0, 65535, 64), (64, 1)).astype(np.uint16)  # brighter from left to right, in every row
colours = np.stack([ramp, ramp, ramp])
tifffile.imwrite(f"{sys.argv[1]}/planes.tif", colours, photometric="rgb", planarconfig="separate")
tifffile.imwrite(f"{sys.argv[1]}/mixed.tif", np.moveaxis(colours, 0, -1), photometric="rgb")
mixed, planes = (np.asarray(Image.open(f"{sys.argv[1]}/{name}.tif")) for name in ("mixed", "planes"))
high = (ramp >> 8).astype(np.uint8)
print("pillow", PIL.__version__)
print("guess: the high bytes from both files, or an error")
print("seen:  interleaved equals the high bytes:", bool((mixed[..., 0] == high).all()))
print("seen:  in planes, shape", planes.shape, "equals them:", bool((planes[..., 0] == high).all()), "first row", planes[0, :8, 0].tolist())
assert (mixed[..., 0] == high).all()
assert planes.shape == (64, 64, 3) and (planes[..., 0].ravel() == ramp.ravel()[:2048].view(np.uint8)).all()
PY

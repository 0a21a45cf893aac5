#!/usr/bin/env bash
# CleanVision: pictures of other colours, or of another shape, are called exact duplicates where they have a palette, or are blank.

# A good engineer would guess: exact duplicates are files of equal bytes, or pictures whose pixels look the same. What happens: the bytes of
# Pillow's pixels are compared without what gives them their meaning. Of a picture with a palette (GIFs, most drawn PNGs, masks) they are numbers
# of colours: a red and a blue drawing of the same shape are one. The size is not compared either, so a black frame that lies and one that
# stands are one. Whoever keeps one picture of each set loses a class that is told by its colour.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check cleanvision==0.3.7
mkdir "$work/pictures"
MPLCONFIGDIR="$work" "$work/venv/bin/python" - "$work/pictures" <<'PY'
import sys
from importlib.metadata import version
from pathlib import Path

from cleanvision import Imagelab
from PIL import Image, ImageDraw

folder = Path(sys.argv[1])
for name, colour in {"red": (200, 0, 0), "blue": (0, 0, 200)}.items():
    picture = Image.new("P", (64, 48))
    picture.putpalette([255, 255, 255, *colour])
    ImageDraw.Draw(picture).ellipse((8, 8, 40, 40), fill=1)
    picture.save(folder / f"{name}.png")
for name, size in {"lying": (64, 40), "standing": (40, 64)}.items():
    Image.new("RGB", size).save(folder / f"{name}.png")
shown = {path.stem: Image.open(path).convert("RGB") for path in folder.iterdir()}
lab = Imagelab(data_path=str(folder))
lab.find_issues({"exact_duplicates": {}}, n_jobs=1)
sets = sorted(sorted(Path(path).stem for path in each) for each in lab.info["exact_duplicates"]["sets"])
print("cleanvision", version("cleanvision"))
print("guess: no two of four pictures are exact duplicates; middle pixels", {name: shown[name].getpixel((24, 24)) for name in ("red", "blue")})
print("seen:  exact duplicates", sets)
assert shown["red"].getpixel((24, 24)) == (200, 0, 0) and shown["blue"].getpixel((24, 24)) == (0, 0, 200)
assert shown["lying"].size != shown["standing"].size
assert sets == [["blue", "red"], ["lying", "standing"]], sets
PY

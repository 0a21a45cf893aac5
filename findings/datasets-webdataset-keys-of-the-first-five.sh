#!/usr/bin/env bash
# datasets: of a WebDataset archive, what none of the first five images has is left out for all images.

# A good engineer would guess: load_dataset("webdataset") gives a column for each kind of file in the archive (png, txt, json), with None where an
# image has none, as the webdataset package does by giving each image what it has; or an error for the images that differ. What happens: columns,
# and the keys of a .json too, are those of the first five images. Captions that begin with the sixth, and a "flag" that only some later images
# carry, are read over without a word; the number of images is right. The order in the archive decides: with such an image among the first
# five all is there.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check datasets==5.2.0 pillow==12.0.0
HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1 HF_HOME="$work/cache" "$work/venv/bin/python" - "$work" <<'PY'
import io
import json
import sys
import tarfile

import datasets
from PIL import Image

datasets.disable_progress_bars()
picture = io.BytesIO()
Image.new("RGB", (4, 4)).save(picture, "PNG")


def loaded(name, order):
    """Ten images in this order, of which those from 5 on have a caption and a flag."""
    with tarfile.open(f"{sys.argv[1]}/{name}.tar", "w") as archive:
        for i in order:
            files = {"png": picture.getvalue(), "json": json.dumps({"place": "a", **({"flag": "wrong"} if i >= 5 else {})}).encode()}
            if i >= 5:
                files["txt"] = b"a caption"
            for ending, content in files.items():
                entry = tarfile.TarInfo(f"{i}.{ending}")
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    data = datasets.load_dataset("webdataset", data_files={"train": f"{sys.argv[1]}/{name}.tar"}, split="train")
    (nine,) = [row for row in data if row["__key__"] == "9"]
    return len(data), [column for column in data.column_names if not column.startswith("__")], nine["json"], nine.get("txt")


print("datasets", datasets.__version__)
print("guess: in any order 10 images, columns json, png and txt, and of the last image", {"place": "a", "flag": "wrong"}, "a caption")
late, early = loaded("late", range(10)), loaded("early", reversed(range(10)))
print("seen:  captions from the sixth on ", late)
print("       captions with the first    ", early)
assert late[0] == 10 and set(late[1]) == {"png", "json"} and late[2:] == ({"place": "a"}, None), "the behaviour has changed"
assert early[0] == 10 and set(early[1]) == {"png", "json", "txt"} and early[2:] == ({"place": "a", "flag": "wrong"}, "a caption"), "the behaviour has changed"
PY

"""Hostile files among good ones: good ones get their vector, bad ones their reason, and memory stays bounded."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

HERE = Path(__file__).parent

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes and sockets in the file system")

SCRIPT = """
import json, os, sys
import numpy as np
from latentdiff.embed.encoder import load_encoder
model, listing, out = sys.argv[1:4]
paths = [os.fsencode(p) for p in json.load(open(listing))]
encoder = load_encoder(model, device="cpu", dtype="float32")
encoder.encode_texts(["warm"])
if os.geteuid() == 0:
    os.seteuid(65534)  # root may read everything: be somebody else
encoded = encoder.encode_images(paths, batch_size=16, workers=4)
os.seteuid(os.getuid())
# Not ru_maxrss: it starts at what the parent holds.
peak = next(int(line.split()[1]) for line in open('/proc/self/status') if line.startswith('VmHWM'))
np.save(out, encoded.vectors)
json.dump({"failures": encoded.failures, "peak_kib": peak}, open(out + ".json", "w"))
"""


def _hostile():
    spec = importlib.util.spec_from_file_location("embed_hostile", HERE / "hostile.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_hostile_files_among_two_hundred_good_ones(open_clip_folder, encoder, photos, tmp_path):
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    bad_folder, good_folder = tmp_path / "bad", tmp_path / "good"
    bad_folder.mkdir(), good_folder.mkdir()
    bad = _hostile().make_hostile(bad_folder)
    assert len(bad) >= 40
    good = []
    for i in range(200):  # odd names and wrong extensions are no fault of the picture
        name = os.fsencode(good_folder) + b"/%03d" % i + (b".jpg", b"\n.jpg", b" \xff\xfe.JPG", b".png", b"", "é☃.jpg".encode())[i % 6]
        Path(os.fsdecode(name)).write_bytes(photos[i % len(photos)].read_bytes())
        good.append(name)
    mixed = [*good, *bad]
    order = np.random.default_rng(0).permutation(len(mixed))
    paths = [os.fsdecode(mixed[i]) for i in order]
    (tmp_path / "listing.json").write_text(json.dumps(paths))
    out = tmp_path / "out.npy"
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(open_clip_folder), str(tmp_path / "listing.json"), str(out)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=HERE.parents[1],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")])},
    )
    assert run.returncode == 0, run.stderr[-2000:]
    vectors, report = np.load(out), json.loads(Path(f"{out}.json").read_text())
    failures = {os.fsencode(paths[int(row)]): reason for row, reason in report["failures"].items()}
    expected = encoder.encode_images(photos).vectors
    for row, source in enumerate(order):
        if source < 200:
            assert np.abs(vectors[row] - expected[source % len(photos)]).max() < 1e-5, (paths[row], report["failures"].get(str(row)))
        else:
            assert np.isnan(vectors[row]).all(), paths[row]
    assert set(failures) == {os.fsencode(p) for p in bad}
    for path, word in bad.items():
        assert word in failures[os.fsencode(path)], (path, failures[os.fsencode(path)])
    assert report["peak_kib"] < 2_000_000  # torch and the model take about 700 MB; the bombs unpack to 10 GB


def test_memory_of_large_pictures_does_not_grow_with_workers(open_clip_folder, tmp_path):
    """Six 60-megapixel palette pictures (240 MB each as RGBA) by six workers: one at a time."""
    paths = []
    for i in range(6):
        image = Image.new("P", (10_000, 6_000), i)
        image.putpalette([c for j in range(256) for c in (j, 255 - j, 30 * i)])
        paths.append(str(tmp_path / f"{i}.png"))
        image.save(paths[-1], transparency=3)
    (tmp_path / "listing.json").write_text(json.dumps(paths))
    code = SCRIPT.replace("workers=4", "workers=6").replace("if os.geteuid() == 0", "if False")
    run = subprocess.run(
        [sys.executable, "-c", code, str(open_clip_folder), str(tmp_path / "listing.json"), str(tmp_path / "out.npy")],
        check=True,
        timeout=300,
        cwd=HERE.parents[1],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")])},
    )
    assert run.returncode == 0
    report = json.loads((tmp_path / "out.npy.json").read_text())
    assert report["failures"] == {}
    assert report["peak_kib"] < 2_000_000  # torch and the model take about 700 MB, one picture 540 MB, six would take 3.2 GB

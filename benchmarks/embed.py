"""Images per second from JPEG files: LatentDiff as it chooses, in float32, in bf16 by its own pass and by open_clip's, and FiftyOne.

    python benchmarks/embed.py [--photos FOLDER] [--models ViT-B-32 ViT-L-14] [--images 64 8] [--rounds 3]

Same photographs, same random weights, same batch size, one process. Every round runs all ways one after another, so that a machine that is
busy with something else slows them alike; ratios are taken within a round, and their median is reported. Seconds are of the processor.
Writes ``benchmarks/results/embed.json``.
"""

from __future__ import annotations

import argparse
import atexit
import copy
import functools
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
SCRATCH = tempfile.TemporaryDirectory(prefix="latentdiff-benchmark-")
RESULTS = ROOT / "benchmarks" / "results" / "embed.json"
PHOTOS = ROOT.parent / "shared" / "data" / "coco" / "originals"

ZOO = {
    "labels_path": "{{eta-resources}}/voc-labels.txt",
    "output_processor_cls": "fiftyone.utils.torch.ClassifierOutputProcessor",
    "embeddings_layer": "visual",
    "text_prompt": "A photo of",
}
"""What FiftyOne's model zoo sets for ``open-clip-torch``."""


def start_database() -> None:
    """A MongoDB of this run's own, so that no dataset of the user is touched."""
    import importlib.util

    found = importlib.util.find_spec("fiftyone")
    folders = (found.submodule_search_locations if found else None) or []
    server = next((Path(f, "db", "bin", "mongod") for f in folders if Path(f, "db", "bin", "mongod").exists()), None)
    os.environ |= {"FIFTYONE_DO_NOT_TRACK": "true", "FIFTYONE_DATABASE_VALIDATION": "false", "FIFTYONE_SHOW_PROGRESS_BARS": "false"}
    if server is None:
        return  # FiftyOne then starts its own
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = Path(SCRATCH.name, "db")
    data.mkdir()
    command = [str(server), "--dbpath", str(data), "--port", str(port), "--bind_ip", "127.0.0.1", "--nounixsocket"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    atexit.register(process.kill)
    os.environ["FIFTYONE_DATABASE_URI"] = f"mongodb://127.0.0.1:{port}"


def checkpoint(model: str) -> Path:
    """Random weights, seeded, in a file that all ways load."""
    import open_clip
    import torch

    path = Path(SCRATCH.name, f"{model}.pt")
    torch.manual_seed(0)
    torch.save(open_clip.create_model(model).state_dict(), path)
    return path


def ways(model: str, files: list[str], batch: int) -> tuple[dict[str, Callable[[], Any]], str]:
    """Name -> function that embeds all files once; and in what products are computed where nothing is asked for."""
    import fiftyone as fo
    from fiftyone.utils.open_clip import TorchOpenClipModel, TorchOpenClipModelConfig

    from latentdiff.embed.encoder import load_encoder

    weights = checkpoint(model)
    encoders = {name: load_encoder(model, weights, dtype=name) for name in ("float32", "bfloat16")}
    encoders["as chosen"] = load_encoder(model, weights)
    plain = encoders["plain bfloat16"] = copy.copy(encoders["bfloat16"])
    plain._tower = plain._backend.images  # open_clip's own pass, as it was before there was one of ours
    theirs = TorchOpenClipModel(TorchOpenClipModelConfig(ZOO | {"clip_model": model, "pretrained": str(weights)}))
    dataset = fo.Dataset()
    dataset.add_samples([fo.Sample(filepath=f) for f in files])
    out = {f"ours {name}": functools.partial(encoder.encode_images, files, batch_size=batch) for name, encoder in encoders.items()}
    out["fiftyone"] = lambda: dataset.compute_embeddings(theirs, batch_size=batch)
    tower = encoders["as chosen"]._tower
    return out, f"{tower.parts} bytes" if getattr(tower, "parts", 0) else encoders["as chosen"].fingerprint["dtype"]


def measure(model: str, files: list[str], batch: int, rounds: int) -> dict[str, Any]:
    """Seconds per way and round; medians and ratios."""
    import numpy as np

    runs, auto = ways(model, files, batch)
    for run in runs.values():  # first calls choose kernels and fill caches
        run()
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    vectors = {}
    for turn in range(rounds):
        names = list(runs) if turn % 2 == 0 else list(runs)[::-1]
        for name in names:
            start = time.process_time()
            vectors[name] = runs[name]()
            seconds[name].append(time.process_time() - start)
            print(f"  {model} round {turn + 1}: {name:16s} {len(files) / seconds[name][-1]:8.2f} images/s", flush=True)
    found = {name: np.asarray(getattr(v, "vectors", v)) for name, v in vectors.items()}
    unit = {name: v / np.linalg.norm(v, axis=1, keepdims=True) for name, v in found.items()}

    def ratio(a: str, b: str) -> float:
        return statistics.median(y / x for x, y in zip(seconds[a], seconds[b], strict=True))

    others = [name for name in runs if name != "ours as chosen"]
    return {
        "model": model,
        "images": len(files),
        "batch": batch,
        "rounds": rounds,
        "chosen": auto,
        "images_per_second": {name: len(files) / statistics.median(s) for name, s in seconds.items()},
        "as_chosen_over": {name: ratio("ours as chosen", name) for name in others},
        "smallest_cosine_to_fiftyone": {name: float((v * unit["fiftyone"]).sum(1).min()) for name, v in unit.items()},
        "seconds": seconds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, default=PHOTOS, help="folder of JPEG photographs")
    parser.add_argument("--models", nargs="+", default=["ViT-B-32", "ViT-L-14"])
    parser.add_argument("--images", nargs="+", type=int, default=[64, 8], help="photographs per model")
    parser.add_argument("--batch", nargs="+", type=int, default=[32, 4], help="batch size per model")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    photos = sorted(str(p) for p in options.photos.glob("*.jpg"))
    if not photos:
        parser.error(f"no *.jpg in {options.photos}: name a folder of photographs with --photos")
    start_database()
    import torch

    rows = []
    for model, count, batch in zip(options.models, options.images, options.batch, strict=True):
        rows.append(measure(model, (photos * (count // len(photos) + 1))[:count], batch, options.rounds))
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    machine = {"cores": os.cpu_count(), "threads": torch.get_num_threads(), "torch": torch.__version__, "load_average": load}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"machine": machine | {"platform": platform.platform()}, "rows": rows}, indent=1) + "\n", encoding="utf8")
    print(f"\n{'model':10s} {'way':16s} {'images/s':>9s}")
    for row in rows:
        for name, rate in row["images_per_second"].items():
            print(f"{row['model']:10s} {name:16s} {rate:9.2f}")
        print(f"{row['model']:10s} as chosen ({row['chosen']}) over", {k: round(v, 2) for k, v in row["as_chosen_over"].items()})
        print(f"{row['model']:10s} smallest cosine", {k: round(v, 6) for k, v in row["smallest_cosine_to_fiftyone"].items()})


if __name__ == "__main__":
    main()

"""How fast vectors come out of a FiftyOne dataset: ours beside ``view.values()``, same bytes. Prints a table, writes JSON.

    python benchmarks/fiftyone_io.py [--images 100000] [--width 768] [--repeats 5]

It uses the database that FIFTYONE_DATABASE_URI names, else one of its own that it stops and removes; its dataset is deleted either way.
"""

from __future__ import annotations

import argparse
import atexit
import importlib.util
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
RESULT = Path(__file__).parent / "results" / "fiftyone_io.json"
CHUNK = 10_000


@contextmanager
def database() -> Iterator[None]:
    """A MongoDB to work in: the one that is named, or one of our own for as long as this runs."""
    os.environ |= {"FIFTYONE_DO_NOT_TRACK": "true", "FIFTYONE_DATABASE_VALIDATION": "false"}
    if os.environ.get("FIFTYONE_DATABASE_URI"):
        yield
        return
    package = importlib.util.find_spec("fiftyone")
    if package is None or not package.submodule_search_locations:
        raise SystemExit("this benchmark needs fiftyone")
    mongod = Path(package.submodule_search_locations[0], "db", "bin", "mongod")
    folder = Path(tempfile.mkdtemp(prefix="latentdiff-io-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    where = ["--dbpath", str(folder), "--logpath", str(folder / "log"), "--bind_ip", "127.0.0.1", "--port", port, "--nounixsocket"]
    process = subprocess.Popen([str(mongod), *where], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def stop() -> None:
        process.terminate()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)  # after FiftyOne's own farewell to the database, which is registered later and so runs first
    os.environ["FIFTYONE_DATABASE_URI"] = f"mongodb://127.0.0.1:{port}"
    yield


def make_dataset(images: int, width: int) -> Any:
    """A dataset of random vectors: mantissas of real ones compress no better."""
    import fiftyone as fo

    rng = np.random.default_rng(0)
    dataset = fo.Dataset(f"latentdiff-io-{uuid.uuid4().hex[:8]}")
    dataset.add_sample_field("vectors", fo.VectorField)
    for start in range(0, images, CHUNK):
        rows = rng.standard_normal((min(CHUNK, images - start), width), np.float32)
        samples = [fo.Sample(filepath=f"/nowhere/{start + i}.jpg", vectors=row) for i, row in enumerate(rows)]
        dataset.add_samples(samples, progress=False)
    return dataset


def timed(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Seconds by the clock, seconds of this process's cores, and what came out."""
    clock, cores = time.perf_counter(), time.process_time()
    out = work()
    return time.perf_counter() - clock, time.process_time() - cores, out


def measure(dataset: Any, repeats: int) -> dict[str, dict[str, float]]:
    """Medians over interleaved repeats, so that other work on the machine meets both alike."""
    from fiftyone_plugin.sides import resolve
    from fiftyone_plugin.vectors import read_vectors

    ways = {
        "view.values()": lambda: dataset.values("vectors"),
        "latentdiff": lambda: read_vectors(resolve("A", dataset, dataset, "vectors")).values,
    }
    theirs, ours = (timed(way)[2] for way in ways.values())  # a first round that warms caches and is not counted
    if not all(np.array_equal(a, b) for a, b in zip(theirs, ours, strict=True)):
        raise SystemExit("the two ways give different vectors")
    del theirs, ours
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            seconds[name].append(timed(way)[:2])
    return {
        name: {"seconds": statistics.median(s for s, _ in runs), "core_seconds": statistics.median(c for _, c in runs)}
        for name, runs in seconds.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULT)
    args = parser.parse_args()
    with database():
        dataset = make_dataset(args.images, args.width)
        try:
            load = os.getloadavg()[0]
            found = measure(dataset, args.repeats)
        finally:
            dataset.delete()
    base = found["view.values()"]
    print(f"{args.images:,} vectors of width {args.width}, float32, median of {args.repeats} interleaved repeats\n")
    print(f"{'':16}{'seconds':>10}{'of values()':>13}{'core seconds':>14}{'images/s':>12}")
    for name, row in found.items():
        row["share_of_values"] = row["seconds"] / base["seconds"]
        rate = args.images / row["seconds"]
        print(f"{name:16}{row['seconds']:>10.2f}{row['share_of_values']:>13.2f}{row['core_seconds']:>14.2f}{rate:>12,.0f}")
    machine = {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version(), "load_before": load}
    result = {"images": args.images, "width": args.width, "repeats": args.repeats, "machine": machine, "ways": found}
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()

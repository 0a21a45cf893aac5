"""How fast a comparison goes into and out of a FiftyOne dataset.

    python benchmarks/fiftyone_io.py [--images 100000] [--width 768] [--repeats 5]

1. Reading vectors: ours beside ``view.values()``, same bytes.
2. Writing a finished comparison of half the images with the other half: a log ratio and a list of tags on every sample, the results, the
   record; ``set_values`` of the same two fields beside it; and writing it in place of one of that name.
3. Opening it, and all that the panel shows of it, in a process that has opened nothing yet and again.

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
RUN = "io"
SHARE, DIRECTION, CONCEPTS, WORDS = 0.1, 40, 1024, 1000


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
    """A dataset of random vectors (mantissas of real ones compress no better), one direction planted in some of the first half."""
    import fiftyone as fo

    rng = np.random.default_rng(0)
    dataset = fo.Dataset(f"latentdiff-io-{uuid.uuid4().hex[:8]}")
    dataset.add_sample_field("vectors", fo.VectorField)
    for start in range(0, images, CHUNK):
        rows = rng.standard_normal((min(CHUNK, images - start), width), np.float32)
        first_half = np.arange(start, start + len(rows)) < images // 2
        rows[first_half & (rng.random(len(rows)) < SHARE), :DIRECTION] += 2.0
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
    return {name: _median(runs) for name, runs in seconds.items()}


def compared(dataset: Any, images: int, width: int) -> tuple[Any, ...]:
    """The first half compared with the second, not stored yet: what ``storing.store`` takes after the run's name."""
    import latentdiff
    from fiftyone_plugin.comparing import comparable
    from latentdiff.progress import silent

    for name, some in (("first", dataset[: images // 2]), ("second", dataset[images // 2 :])):
        dataset.save_view(name, some)
    sides, read, record = comparable(dataset, "first", "second", "vectors", False, silent)
    rng = np.random.default_rng(1)
    directions = rng.standard_normal((max(CONCEPTS, WORDS), width)).astype(np.float32)
    directions[0] = np.arange(width) < DIRECTION
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    zero = np.zeros(CONCEPTS, np.float32)
    w = directions[:CONCEPTS]
    sae = latentdiff.SparseAutoencoder(w.T, zero, w, np.zeros(width, np.float32), zero + 2.3)
    words = latentdiff.Vocabulary([f"word {i}" for i in range(WORDS)], directions[:WORDS])
    comparison = latentdiff.compare(read[0].values, read[1].values, sae=sae, vocabulary=words)
    return sides, read, comparison, record | {"embeddings": "vectors", "encoder": None, "config": comparison.config.to_dict()}


def writing(dataset: Any, images: int, width: int, repeats: int) -> dict[str, Any]:
    """Seconds of storing a comparison, of replacing it, and of FiftyOne's own writer for the same two fields."""
    import fiftyone as fo

    from fiftyone_plugin import delete_comparison
    from fiftyone_plugin.store.storing import store
    from latentdiff.progress import silent

    given = compared(dataset, images, width)
    ours, replaced = [], []
    for _ in range(repeats):
        ours.append(timed(lambda: store(dataset, RUN, *given, False, silent))[:2])
        replaced.append(timed(lambda: store(dataset, RUN, *given, True, silent))[:2])
        delete_comparison(dataset, RUN)
    store(dataset, RUN, *given, False, silent)
    ratios, tags = dataset.values([f"{RUN}_log_ratio", f"{RUN}_concepts"])
    dataset.add_sample_field("theirs", fo.FloatField)
    dataset.add_sample_field("their_tags", fo.ListField, subfield=fo.StringField)

    def theirs() -> None:
        dataset.set_values("theirs", ratios)
        dataset.set_values("their_tags", tags)

    other = [timed(theirs)[:2] for _ in range(repeats)]
    ways = {"latentdiff": ours, "set_values": other, "latentdiff, in place of another": replaced}
    medians = {name: _median(runs) for name, runs in ways.items()}
    return {**medians, "tags": sum(map(len, filter(None, tags))), "hypotheses": len(given[2].hypotheses)}


OPEN = """
import json, sys, time
sys.path.insert(0, {root!r})
import fiftyone as fo
dataset = fo.load_dataset({name!r})
import fiftyone_plugin
from fiftyone_plugin.panels.app import cards, figures
seconds = []
for _ in range({repeats}):
    start = time.perf_counter()
    run = fiftyone_plugin.load_comparison(dataset, {run!r})
    opened = time.perf_counter()
    board, bars, dots = cards.board(run), figures.histogram(run), figures.volcano(run)
    seconds.append([opened - start, time.perf_counter() - opened])
print(json.dumps(seconds))
"""


def opening(dataset: Any, repeats: int) -> dict[str, Any]:
    """Seconds until a stored run is there, and until all that the panel shows is made, in another process."""
    code = OPEN.format(root=str(ROOT), name=dataset.name, repeats=repeats, run=RUN)
    done = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
    runs = json.loads(done.stdout.splitlines()[-1])
    again = [sum(r) for r in runs[1:]] or [sum(runs[0])]
    return {"first_load": runs[0][0], "first_shown": sum(runs[0]), "again_shown": statistics.median(again)}


def _median(runs: list[tuple[float, float]]) -> dict[str, float]:
    return {"seconds": statistics.median(s for s, _ in runs), "core_seconds": statistics.median(c for _, c in runs)}


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
            read = measure(dataset, args.repeats)
            written = writing(dataset, args.images, args.width, args.repeats)
            opened = opening(dataset, args.repeats)
        finally:
            dataset.delete()
    print(f"{args.images:,} vectors of width {args.width}, float32, median of {args.repeats} repeats (reading: interleaved)\n")
    print(f"{'':42}{'seconds':>10}{'core seconds':>14}{'images/s':>12}")
    rows = [(f"reading, {name}", row) for name, row in read.items()]
    rows += [(f"writing, {name}", row) for name, row in written.items() if isinstance(row, dict)]
    for name, row in rows:
        print(f"{name:42}{row['seconds']:>10.2f}{row['core_seconds']:>14.2f}{args.images / row['seconds']:>12,.0f}")
    for name, seconds in opened.items():
        print(f"{'opening, ' + name.replace('_', ' '):42}{seconds:>10.2f}")
    print(f"\n{written['tags']:,} tags of {written['hypotheses']} hypotheses")
    machine = {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version(), "load_before": load}
    found = {"reading": read, "writing": written, "opening": opened}
    result = {"images": args.images, "width": args.width, "repeats": args.repeats, "machine": machine, **found}
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()

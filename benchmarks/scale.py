"""Time per stage and memory of one comparison, by doubling, against the machine's own product and memory speed.

    python benchmarks/scale.py [--rows 10000 20000 ... 1000000] [--concepts 8192 49152] [--width 768]

Both sides are float16 files on disk, mapped, as a store of vectors is. Every size runs in a process of its own: its peak of anonymous
memory (what the comparison holds; pages of the mapped files are the system's to drop) and its bare bf16 and float32 products of the same
size are measured there. Prints a table, writes benchmarks/results/scale.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).parent / "results"
ACTIVE, CLUSTERS, WORDS, CHUNK = 20, 400, 20_000, 20_000


def write_world(folder: Path, rows: int, width: int) -> None:
    """Two files of clustered vectors, one cluster in 1 % of A and none of B."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(CLUSTERS, width)).astype(np.float32)
    np.save(folder / "centres.npy", centres)
    for name, rare in (("a", 0.01), ("b", 0.0)):
        out = np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.float16, (rows // 2, width))
        for start in range(0, len(out), CHUNK):
            n = min(CHUNK, len(out) - start)
            which = rng.integers(1, CLUSTERS, (n, 3))
            which[rng.random(n) < rare, 0] = 0
            x = centres[which].sum(1)
            x += 0.5 * rng.standard_normal((n, width), dtype=np.float32)
            out[start : start + n] = x
        out.flush()


def tools(folder: Path, a: np.ndarray, concepts: int) -> tuple[Any, Any]:
    """An SAE with about 20 active concepts an image, and 20,000 words."""
    import latentdiff

    rng = np.random.default_rng(1)
    centres = np.load(folder / "centres.npy")
    direction = rng.standard_normal((concepts, a.shape[1]), dtype=np.float32)
    direction[:CLUSTERS] = centres
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    sample = np.asarray(a[:2000], np.float32) @ direction.T
    threshold = np.partition(sample.ravel(), -ACTIVE * len(sample))[-ACTIVE * len(sample)]
    zero = np.zeros(concepts, np.float32)
    sae = latentdiff.SparseAutoencoder(direction.T, zero, direction, np.zeros(a.shape[1], np.float32), zero + threshold)
    words = rng.standard_normal((WORDS, a.shape[1]), dtype=np.float32)
    words[:CLUSTERS] = centres
    return sae, latentdiff.Vocabulary([f"word {i}" for i in range(WORDS)], words)


def bare_products(rows: int, sae: Any) -> dict[str, float]:
    """Seconds of (rows, d) x (d, K) on all cores, from 20 chunks of 4,096, in bf16 and float32; and of reading the vectors once."""
    import torch

    w = torch.from_numpy(sae.w_enc)
    x = torch.randn(4096, sae.width)
    seconds = {}
    for name, dtype in (("bf16", torch.bfloat16), ("float32", torch.float32)):
        xd, wd = x.to(dtype), w.to(dtype)
        out = torch.empty(len(xd), sae.concepts, dtype=dtype)
        torch.mm(xd, wd, out=out)
        times = []
        for _ in range(20 if name == "bf16" else 5):
            start = time.perf_counter()
            torch.mm(xd, wd, out=out)
            times.append(time.perf_counter() - start)
        seconds[name] = float(np.median(times)) * rows / len(xd)
    big = torch.zeros(1 << 27)
    start = time.perf_counter()
    for _ in range(3):
        big.sum()
    seconds["memory_gb_per_s"] = 3 * big.numel() * 4 / (time.perf_counter() - start) / 1e9
    return seconds


class Peak(threading.Thread):
    """The largest anonymous memory of this process, looked at every 20 ms."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.gigabytes, self._stop_it = 0.0, threading.Event()

    def run(self) -> None:
        while not self._stop_it.wait(0.02):
            self.gigabytes = max(self.gigabytes, anonymous())

    def stop(self) -> float:
        self._stop_it.set()
        self.join()
        return self.gigabytes


def anonymous() -> float:
    lines = Path("/proc/self/status").read_text(encoding="utf8").split("\n")
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1e6


def one(folder: Path, concepts: int) -> dict[str, Any]:
    """Measure one comparison, in this process."""
    import latentdiff

    a, b = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in "ab")
    sae, vocabulary = tools(folder, a, concepts)
    rows = len(a) + len(b)
    bare = bare_products(rows, sae)
    peak = Peak()
    peak.start()
    start, cpu = time.perf_counter(), time.process_time()
    comparison = latentdiff.compare(a, b, sae=sae, vocabulary=vocabulary)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    after = bare_products(rows, sae)
    return {
        "rows": rows,
        "concepts": concepts,
        "seconds": round(seconds, 2),
        "processor_seconds": round(cpu, 2),
        "bare_bf16_seconds": round((bare["bf16"] + after["bf16"]) / 2, 2),
        "bare_float32_seconds": round((bare["float32"] + after["float32"]) / 2, 2),
        "memory_gb_per_s": round(bare["memory_gb_per_s"], 1),
        "times_bare_bf16": round(2 * seconds / (bare["bf16"] + after["bf16"]), 2),
        "peak_anonymous_gb": round(peak.stop(), 2),
        "stages": comparison.info["seconds"],
        "first": comparison.hypotheses[0].text if comparison.hypotheses else None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    doubling = [10_000 * 2**i for i in range(6)] + [500_000, 1_000_000]
    parser.add_argument("--rows", type=int, nargs="+", default=doubling, help="images of both sides together")
    parser.add_argument("--concepts", type=int, nargs="+", default=[8192, 49152])
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.folder:
        print(json.dumps(one(args.folder, args.concepts[0])))
        return
    runs = []
    for rows in args.rows:
        with tempfile.TemporaryDirectory() as folder:
            write_world(Path(folder), rows, args.width)
            for concepts in args.concepts:
                command = [sys.executable, __file__, "--folder", folder, "--concepts", str(concepts)]
                run = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
                runs.append(run)
                print({k: v for k, v in run.items() if k != "stages"}, run["stages"], flush=True)
    import latentdiff

    head = {"machine": f"{platform.machine()}, {os.cpu_count()} cores", "version": latentdiff.__version__, "width": args.width}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "scale.json").write_text(json.dumps({**head, "runs": runs}, indent=1) + "\n")


if __name__ == "__main__":
    main()

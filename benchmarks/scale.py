"""Time per stage and memory of one comparison, by doubling, against the machine's own product and memory speed.

    python benchmarks/scale.py [--rows 10000 20000 ... 1000000] [--concepts 8192 49152] [--width 768] [--precision-rows 100000] [--add]

Both sides are float16 files on disk, mapped, as a store of vectors is. Every size runs in a process of its own: its peak of anonymous
memory (what the comparison holds; pages of the mapped files are the system's to drop), its bare bf16 and float32 products of the same size
and the speed of its memory are measured there. One size runs in bf16 and in float32: what the precision changes in the result. Prints
tables, writes benchmarks/results/scale.json, scale.md and scale.png; ``--add`` keeps the file's runs of other sizes.
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
import scale_report

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
    """GB of this process's own memory."""
    return _status("RssAnon")


def _status(key: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="utf8").split("\n")
    return next(int(line.split()[1]) for line in lines if line.startswith(key)) * 1024 / 1e9


def one(folder: Path, concepts: int) -> dict[str, Any]:
    """Measure one comparison, in this process."""
    import latentdiff
    from latentdiff.sae.encoding import fast_precision

    a, b = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in "ab")
    sae, vocabulary = tools(folder, a, concepts)
    rows, load = len(a) + len(b), os.getloadavg()[0]
    bare = bare_products(rows, sae)
    peak = Peak()
    peak.start()
    start, cpu = time.perf_counter(), time.process_time()
    comparison = latentdiff.compare(a, b, sae=sae, vocabulary=vocabulary)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    highest = peak.stop()
    after = bare_products(rows, sae)
    bare = {name: (value + after[name]) / 2 for name, value in bare.items()}
    stages = comparison.info["seconds"]
    precision = fast_precision(rows, sae)
    return {
        "rows": rows,
        "concepts": concepts,
        "precision": precision,
        "seconds": round(seconds, 2),
        "processor_seconds": round(cpu, 2),
        "bare_bf16_seconds": round(bare["bf16"], 2),
        "bare_float32_seconds": round(bare["float32"], 2),
        "memory_gb_per_s": round(bare["memory_gb_per_s"], 1),
        "reading_seconds": round(2 * rows * a.shape[1] / 1e9 / bare["memory_gb_per_s"], 3),
        "times_bare_bf16": round(seconds / bare["bf16"], 2),
        "times_bare": round(seconds / bare["bf16" if precision == "bfloat16" else "float32"], 2),
        "peak_anonymous_gb": round(highest, 2),
        "peak_resident_gb": round(_status("VmHWM"), 2),
        "stages": {"opening": round(seconds - sum(stages.values()), 3), **stages},
        "first": comparison.hypotheses[0].text if comparison.hypotheses else None,
        "load_average_before": round(load, 2),
    }


def precisions(folder: Path, concepts: int) -> dict[str, Any]:
    """One comparison in bf16 and in float32: the first five of both sides, and how far divergences and log ratios are apart."""
    import latentdiff

    a, b = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in "ab")
    sae, vocabulary = tools(folder, a, concepts)
    configs = (latentdiff.CompareConfig(precision=p) for p in ("bfloat16", "float32"))
    half, full = (latentdiff.compare(a, b, sae=sae, vocabulary=vocabulary, config=config) for config in configs)
    both, of_half, of_full = np.intersect1d(half.concepts.concept, full.concepts.concept, return_indices=True)
    jsd = half.concepts.jsd[of_half], full.concepts.jsd[of_full]
    found = np.flatnonzero(full.concepts.q_value[of_full] <= full.config.alpha)
    apart = np.abs(jsd[0] - jsd[1]) / np.maximum(jsd[1], 1e-12)
    log_ratios = [np.abs(getattr(half, name) - getattr(full, name)) for name in ("log_ratio_a", "log_ratio_b")]
    return {
        "rows": len(a) + len(b),
        "concepts": concepts,
        "same_first_five": all(
            [h.text for h in half.top(s, 5, gated=False)] == [h.text for h in full.top(s, 5, gated=False)] for s in ("A", "B")
        ),
        "significant_concepts": len(found),
        "jsd_apart_significant_largest": float(apart[found].max(initial=0)),
        "jsd_apart_all_median": float(np.median(apart)) if len(both) else 0.0,
        "jsd_sum_apart": float(abs(jsd[0].sum() / jsd[1].sum() - 1)) if len(both) else 0.0,
        "log_ratio_apart_mean": float(np.mean(np.concatenate(log_ratios))),
    }


def in_a_process(folder: str, concepts: int, what: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--folder", folder, "--concepts", str(concepts), "--what", what]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    doubling = [10_000 * 2**i for i in range(6)] + [500_000, 1_000_000]
    parser.add_argument("--rows", type=int, nargs="*", default=doubling, help="images of both sides together")
    parser.add_argument("--concepts", type=int, nargs="+", default=[8192, 49152])
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--precision-rows", type=int, default=100_000, help="images of the comparison in two precisions; 0 leaves it out")
    parser.add_argument("--add", action="store_true", help="keep the runs of other sizes that the results hold")
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("--what", choices=("one", "precisions"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.folder:
        work = one if args.what == "one" else precisions
        print(json.dumps(work(Path(args.folder), args.concepts[0])))
        return
    import latentdiff

    path = RESULTS / "scale.json"
    before = json.loads(path.read_text(encoding="utf8")) if args.add and path.is_file() else {"runs": []}
    runs = {(r["rows"], r["concepts"]): r for r in before["runs"]}
    head: dict[str, Any] = {"machine": machine(), "version": latentdiff.__version__, "width": args.width}
    head["precision"] = before.get("precision")
    RESULTS.mkdir(exist_ok=True)
    for rows in args.rows:
        with tempfile.TemporaryDirectory() as folder:
            write_world(Path(folder), rows, args.width)
            for concepts in args.concepts:
                run = runs[rows, concepts] = in_a_process(folder, concepts, "one")
                print({k: v for k, v in run.items() if k != "stages"}, run["stages"], flush=True)
                path.write_text(json.dumps({**head, "runs": [runs[k] for k in sorted(runs)]}, indent=1) + "\n", encoding="utf8")
    if args.precision_rows:
        with tempfile.TemporaryDirectory() as folder:
            write_world(Path(folder), args.precision_rows, args.width)
            head["precision"] = in_a_process(folder, args.concepts[0], "precisions")
    path.write_text(json.dumps({**head, "runs": [runs[k] for k in sorted(runs)]}, indent=1) + "\n", encoding="utf8")
    scale_report.main()


def machine() -> str:
    """Processor, what it multiplies bf16 with, and cores (last, as ``latentdiff plan --check`` reads it)."""
    flags = Path("/proc/cpuinfo").read_text(encoding="utf8")
    has = next((name for flag, name in (("amx_bf16", "AMX"), ("avx512_bf16", "AVX512-BF16")) if flag in flags), "no bf16")
    return f"{platform.machine()}, {has}, {os.cpu_count()} cores"


if __name__ == "__main__":
    main()

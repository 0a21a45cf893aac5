"""Monosemanticity of a whole dictionary: seconds, memory, and distance from the definition as a sum over pairs of images.

    python benchmarks/monosemanticity.py [--images N] [--width D] [--concepts K]

Random vectors and codes of 20 and 64 active concepts an image, each size in a process of its own, so that its peak of memory is its own.
The definition is computed over all pairs of 3,000 of the images, for 200 of the concepts. Prints a table, writes
benchmarks/results/monosemanticity.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import scipy.sparse as sp

import latentdiff

RESULTS = Path(__file__).resolve().parent / "results" / "monosemanticity.json"
ACTIVE = (20, 64)
SAMPLE, SAMPLED_CONCEPTS = 3000, 200


def data(n: int, d: int, k: int, active: int) -> tuple[sp.csr_array, np.ndarray]:
    """Random codes, with firing rates that span two decades, and vectors with a common direction as encoders have."""
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((n, d), dtype=np.float32) + 0.5
    columns = (k * rng.random((n, active), dtype=np.float32) ** 2).astype(np.int32)
    values = rng.gamma(2.0, 0.5, n * active).astype(np.float32)
    codes = sp.csr_array((values, columns.ravel(), np.arange(0, n * active + 1, active)), shape=(n, k))
    codes.sum_duplicates()
    return codes, vectors


def definition(codes: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """``sum_{i != j} a_i a_j <e_i, e_j> / sum_{i != j} a_i a_j`` by the (n, n) matrix of cosines, in float64."""
    e = vectors.astype(np.float64) / np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    cosine = e @ e.T
    out = []
    for column in codes.astype(np.float64).T:
        a = (column - column.min()) / (column.max() - column.min())
        weight = np.outer(a, a)
        np.fill_diagonal(weight, 0.0)
        out.append((weight * cosine).sum() / weight.sum())
    return np.array(out)


def one(args: argparse.Namespace) -> dict[str, float]:
    """Time, peak memory and error of one size, in this process."""
    codes, vectors = data(args.images, args.width, args.concepts, args.active)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        latentdiff.monosemanticity(codes, vectors)
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform != "darwin" else 1 << 30)
    some = codes[:SAMPLE]
    often = np.argsort(-np.bincount(some.indices, minlength=args.concepts))[: 2 * SAMPLED_CONCEPTS : 2]
    error = np.abs(latentdiff.monosemanticity(some, vectors[:SAMPLE])[often] - definition(some[:, often].toarray(), vectors[:SAMPLE]))
    return {"active": args.active, "seconds": float(np.median(seconds)), "peak_gb": peak, "largest_error": float(error.max())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("images", 50_000), ("width", 768), ("concepts", 8192), ("active", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    if args.active:
        print(json.dumps(one(args)))
        return
    rows = []
    print(f"{'active':>6} {'seconds':>8} {'peak GB':>8} {'largest error':>14}")
    for active in ACTIVE:
        command = [sys.executable, __file__, "--active", str(active)]
        command += [x for name in ("images", "width", "concepts") for x in (f"--{name}", str(getattr(args, name)))]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        rows.append(json.loads(done.stdout))
        print(f"{active:6} {rows[-1]['seconds']:8.2f} {rows[-1]['peak_gb']:8.2f} {rows[-1]['largest_error']:14.1e}", flush=True)
    head = {"images": args.images, "width": args.width, "concepts": args.concepts, "cores": os.cpu_count(), "cpu": platform.processor()}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({**head, "sizes": rows, "version": latentdiff.__version__}, indent=1) + "\n")


if __name__ == "__main__":
    main()

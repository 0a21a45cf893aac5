"""Time and memory of one comparison, and of the divergence stage against per-concept numpy histograms.

    python benchmarks/compare.py [--rows 50000] [--width 768] [--concepts 8192]

Random vectors with a planted shift, random dictionary, SAE given. The bare GEMM of the encoder, measured in the same run, is the limit.
Prints a table, writes benchmarks/results/compare.json.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

import latentdiff
from latentdiff.stats.divergence import divergence

RESULTS = Path(__file__).parent / "results"


def world(rows: int, width: int, concepts: int) -> tuple[np.ndarray, np.ndarray, latentdiff.SparseAutoencoder, latentdiff.Vocabulary]:
    """Two sides of clustered vectors (one cluster rarer in B), an SAE with about 20 active concepts, and 20,000 words."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(400, width)).astype(np.float32)

    def side(weight_of_first: float) -> np.ndarray:
        which = rng.integers(1, 400, (rows, 3))
        which[rng.random(rows) < weight_of_first, 0] = 0
        x = centres[which].sum(1)
        for start in range(0, rows, 10_000):
            x[start : start + 10_000] += rng.normal(0, 0.5, (len(x[start : start + 10_000]), width))
        return x

    a, b = side(0.01), side(0.0)
    direction = rng.normal(size=(concepts, width)).astype(np.float32)
    direction[: len(centres)] = centres
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    sample = a[:2000] @ direction.T
    threshold = np.partition(sample.ravel(), -20 * 2000)[-20 * 2000]
    zero = np.zeros(concepts, np.float32)
    sae = latentdiff.SparseAutoencoder(direction.T, zero, direction, np.zeros(width, np.float32), zero + threshold)
    words = rng.normal(size=(20_000, width)).astype(np.float32)
    words[: len(centres)] = centres
    return a, b, sae, latentdiff.Vocabulary([f"word {i}" for i in range(len(words))], words)


def bare_gemm(a: np.ndarray, sae: latentdiff.SparseAutoencoder) -> float:
    """Seconds of one (2n, d) x (d, K) float32 product in chunks: what no encoder can beat in this precision."""
    import torch

    w, x = torch.from_numpy(sae.w_enc), torch.from_numpy(a)
    out = torch.empty(1024, sae.concepts)
    start = time.perf_counter()
    for _ in range(2):
        for i in range(0, len(x) - 1023, 1024):
            torch.mm(x[i : i + 1024], w, out=out)
    return time.perf_counter() - start


def dense_loop(codes_a: sp.csr_array, codes_b: sp.csr_array, concepts: range) -> tuple[np.ndarray, float]:
    """JSD of some concepts by numpy histograms over dense columns, and the seconds that took."""
    a, b = codes_a.tocsc(), codes_b.tocsc()
    jsd, start = [], time.perf_counter()
    for k in concepts:
        x, y = (m[:, [k]].toarray().ravel().astype(float) for m in (a, b))
        nonzero = np.concatenate([x[x > 0], y[y > 0]])
        bins = 1
        if len(nonzero) and np.ptp(nonzero) > 0:
            iqr = np.subtract(*np.percentile(nonzero, [75, 25]))
            bins = int(np.ceil(np.ptp(nonzero) / (2 * iqr / np.cbrt(len(nonzero))))) if iqr > 0 and len(nonzero) >= 20 else int(
                np.ceil(np.log2(len(nonzero)) + 1)
            )
        span = (nonzero.min(), nonzero.max()) if len(nonzero) else (0.0, 1.0)
        p, q = (np.concatenate([[(v == 0).sum()], np.histogram(v[v > 0], min(bins, 64), span)[0]]) / len(v) for v in (x, y))
        m = (p + q) / 2
        jsd.append(sum(0.5 * (v[v > 0] * np.log(v[v > 0] / m[v > 0])).sum() for v in (p, q)))
    return np.array(jsd), time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--concepts", type=int, default=8192)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    a, b, sae, vocabulary = world(args.rows, args.width, args.concepts)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    totals, gemms, stages = [], [], {}
    for _ in range(args.repeats):
        gemms.append(bare_gemm(a, sae))
        start = time.perf_counter()
        comparison = latentdiff.compare(a, b, sae=sae, vocabulary=vocabulary)
        totals.append(time.perf_counter() - start)
        stages = comparison.info["seconds"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    codes_a, codes_b = sae.encode(a), sae.encode(b)
    start = time.perf_counter()
    ours = divergence(codes_a, codes_b)
    seconds = time.perf_counter() - start
    some = range(0, args.concepts, 16)
    loop, loop_seconds = dense_loop(codes_a, codes_b, some)
    result: dict[str, Any] = {
        "rows_a_side": args.rows,
        "width": args.width,
        "concepts": args.concepts,
        "compare_seconds_median": statistics.median(totals),
        "compare_seconds": totals,
        "bare_gemm_seconds_median": statistics.median(gemms),
        "stages_of_the_last_run": stages,
        "peak_memory_gb": peak,
        "inputs_gb": before,
        "first": comparison.hypotheses[0].text,
        "divergence_seconds": seconds,
        "dense_loop_seconds_extrapolated": loop_seconds * 16,
        "largest_difference": float(np.abs(ours.jsd[list(some)] - loop).max()),
        "machine": f"{platform.machine()}, {__import__('os').cpu_count()} cores",
        "version": latentdiff.__version__,
    }
    for key, value in result.items():
        print(f"{key:36} {value}")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "compare.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""What the Ray engine costs beside the local one, on the same cores, for the same vectors in Parquet.

    python benchmarks/ray_local.py [--rows 200000] [--width 768] [--concepts 8192] [--workers 2]

Both engines run in this process, turn about; Ray's start is counted apart. Says whether candidates and log ratios are the same, and how far
the driver's own memory rose. Prints a table, writes benchmarks/results/ray_local.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scale import Peak, anonymous, tools, write_world

RESULTS = Path(__file__).parent / "results"


def to_parquet(folder: Path) -> tuple[str, str]:
    """The world's two files as Parquet with ids."""
    from latentdiff.embed.parquet import BLOCK_ROWS, vector_table, write_table

    def tables(x: np.ndarray, name: str) -> Iterator[Any]:
        for start in range(0, len(x), BLOCK_ROWS):
            some = x[start : start + BLOCK_ROWS]
            yield vector_table([f"{name}{start + i}" for i in range(len(some))], some)

    for name in "ab":
        write_table(tables(np.load(folder / f"{name}.npy", mmap_mode="r"), name), str(folder / f"{name}.parquet"))
    return str(folder / "a.parquet"), str(folder / "b.parquet")


def one(sides: tuple[str, str], engine: str, sae: Any, words: Any) -> tuple[dict[str, Any], Any]:
    """One comparison: seconds in all, by stage, and how far this process's memory rose."""
    from latentdiff import scale

    before, peak = anonymous(), Peak()
    peak.start()
    start = time.perf_counter()
    found = scale.compare_parquet(*sides, engine=engine, sae=sae, vocabulary=words)
    seconds = time.perf_counter() - start
    stages = found.info["seconds"]
    row = {"seconds": seconds, "stages": stages, "opening": seconds - sum(stages.values()), "driver_gb": peak.stop() - before}
    return row, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000, help="images of both sides together")
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--concepts", type=int, default=8192)
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="worker processes")
    parser.add_argument("--repeats", type=int, default=1)
    args = parser.parse_args()
    from latentdiff.cluster import connected

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_world(folder, args.rows, args.width)
        sae, words = tools(folder, np.load(folder / "a.npy", mmap_mode="r"), args.concepts)
        sides = to_parquet(folder)
        runs: dict[str, list[dict[str, Any]]] = {"local": [], "ray": []}
        found: dict[str, Any] = {}
        start = time.perf_counter()
        with connected(workers=args.workers):
            started = time.perf_counter() - start
            for _ in range(args.repeats):
                for engine, rows in runs.items():
                    row, found[engine] = one(sides, engine, sae, words)
                    rows.append(row)
    local, ray = found["local"], found["ray"]
    same = {
        "candidates_equal": [(h.text, h.side) for h in local.candidates] == [(h.text, h.side) for h in ray.candidates],
        "largest_log_ratio_difference": float(
            max(np.abs(local.log_ratio_a - ray.log_ratio_a).max(), np.abs(local.log_ratio_b - ray.log_ratio_b).max())
        ),
    }
    median = {engine: statistics.median(r["seconds"] for r in rows) for engine, rows in runs.items()}
    print(f"{args.rows:,} x {args.width}, {args.concepts:,} concepts, {args.workers} workers; Ray started in {started:.1f} s\n")
    print(f"{'stage':20}{'local':>10}{'ray':>10}")
    for stage in ("opening", *local.info["seconds"]):
        cells = [r[-1]["opening"] if stage == "opening" else r[-1]["stages"][stage] for r in runs.values()]
        print(f"{stage:20}{cells[0]:>10.2f}{cells[1]:>10.2f}")
    print(f"{'all (median)':20}{median['local']:>10.2f}{median['ray']:>10.2f}   ray/local {median['ray'] / median['local']:.2f}")
    print(f"{'driver, GB more':20}{runs['local'][-1]['driver_gb']:>10.2f}{runs['ray'][-1]['driver_gb']:>10.2f}\n{same}")
    head = {"rows": args.rows, "width": args.width, "concepts": args.concepts, "workers": args.workers, "start_seconds": started}
    machine = {"machine": f"{platform.machine()}, {os.cpu_count()} cores", "load_average": os.getloadavg()[0]}
    RESULTS.mkdir(exist_ok=True)
    overhead = median["ray"] / median["local"] - 1
    (RESULTS / "ray_local.json").write_text(json.dumps({**head, **machine, "overhead": overhead, **same, "runs": runs}, indent=1) + "\n")


if __name__ == "__main__":
    main()

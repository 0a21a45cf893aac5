"""What the Ray engine costs beside the local one, on the same cores, for the same vectors in Parquet; and what a killed worker changes.

    python benchmarks/ray_local.py [--rows 1000000] [--width 768] [--concepts 8192] [--workers 2 4]

In one process, one after the other: the local engine, Ray with each number of workers, and Ray with a worker that is killed (SIGKILL) in
the middle. Ray's start is counted apart. Says whether candidates and log ratios are those of the local engine, and how far the driver's own
memory rose, beside that of a quarter of the images. Prints a table, writes benchmarks/results/ray_local.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
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
    from latentdiff.embed.filesystem import write_table
    from latentdiff.embed.parquet import BLOCK_ROWS, vector_table

    def tables(x: np.ndarray, name: str) -> Iterator[Any]:
        for start in range(0, len(x), BLOCK_ROWS):
            some = x[start : start + BLOCK_ROWS]
            yield vector_table([f"{name}{start + i}" for i in range(len(some))], some)

    for name in "ab":
        write_table(tables(np.load(folder / f"{name}.npy", mmap_mode="r"), name), str(folder / f"{name}.parquet"))
    return str(folder / "a.parquet"), str(folder / "b.parquet")


class Killer:
    """A progress callback that kills one busy worker, once encoding has begun."""

    def __init__(self) -> None:
        self.killed: list[str] = []

    def __call__(self, fraction: float, label: str) -> None:
        import psutil

        if self.killed or fraction < 0.35:
            return
        for process in psutil.Process().children(recursive=True):
            if process.name() == "ray::_span":
                os.kill(process.pid, signal.SIGKILL)
                self.killed.append(f"a worker at {fraction:.0%}, {label}")
                return


def one(sides: tuple[str, str], engine: str, sae: Any, words: Any, progress: Any = None) -> tuple[dict[str, Any], Any]:
    """One comparison: seconds in all, by stage, and how far this process's memory rose."""
    from latentdiff.scale import parquet as scale

    before, peak = anonymous(), Peak()
    peak.start()
    start = time.perf_counter()
    found = scale.compare_parquet(*sides, engine=engine, sae=sae, vocabulary=words, progress=progress)
    seconds = time.perf_counter() - start
    stages = found.info["seconds"]
    row = {"seconds": seconds, "stages": {"opening": seconds - sum(stages.values()), **stages}, "driver_gb": peak.stop() - before}
    return row, found


def against(found: Any, local: Any) -> dict[str, Any]:
    """Whether a comparison is the local engine's."""
    ratios = [(getattr(found, name), getattr(local, name)) for name in ("log_ratio_a", "log_ratio_b")]
    return {
        "candidates_equal": [(h.text, h.side, h.q_value, h.exemplars) for h in found.candidates]
        == [(h.text, h.side, h.q_value, h.exemplars) for h in local.candidates],
        "largest_log_ratio_difference": float(max(np.abs(x - y).max() for x, y in ratios)),
    }


def measure(rows: int, args: argparse.Namespace, workers: list[int], kill: bool) -> dict[str, Any]:
    """All runs with so many images."""
    from latentdiff.scale.ray_sides import connected

    runs: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_world(folder, rows, args.width)
        sae, words = tools(folder, np.load(folder / "a.npy", mmap_mode="r"), args.concepts)
        sides = to_parquet(folder)
        for side in "ab":
            (folder / f"{side}.npy").unlink()
        runs["local"], local = one(sides, "local", sae, words)
        ways = [(f"ray, {n} workers", n, None) for n in workers]
        ways += [(f"ray, {workers[0]} workers, one killed", workers[0], Killer())] if kill else []
        for way, count, killer in ways:
            start = time.perf_counter()
            with connected(workers=count):
                started = time.perf_counter() - start
                row, found = one(sides, "ray", sae, words, killer)
            overhead = row["seconds"] / runs["local"]["seconds"] - 1
            runs[way] = {**row, "start_seconds": started, "overhead": overhead, **against(found, local)}
            if killer is not None:
                runs[way]["killed"] = killer.killed
            del found
    return runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="images of both sides together")
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--concepts", type=int, default=8192)
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 4], help="worker processes")
    args = parser.parse_args()
    load = os.getloadavg()[0]
    small = measure(args.rows // 4, args, args.workers[:1], kill=False)
    runs = measure(args.rows, args, args.workers, kill=True)
    print(f"{args.rows:,} x {args.width}, {args.concepts:,} concepts, {os.cpu_count()} cores\n")
    print(f"{'':22}" + "".join(f"{name:>30}" for name in runs))
    for stage in runs["local"]["stages"]:
        print(f"{stage:22}" + "".join(f"{r['stages'][stage]:>30.2f}" for r in runs.values()))
    for key in ("seconds", "overhead", "start_seconds", "driver_gb", "candidates_equal", "largest_log_ratio_difference", "killed"):
        cells = (r.get(key, "") for r in runs.values())
        print(f"{key:22}" + "".join(f"{c:>30.3g}" if isinstance(c, float) else f"{c!s:>30}" for c in cells))
    name = next(n for n in small if n != "local")
    grown = [found[name]["driver_gb"] for found in (small, runs)]
    print(f"\ndriver with {args.rows // 4:,} images: {grown[0]:.3f} GB more, with {args.rows:,}: {grown[1]:.3f}")
    head = {"rows": args.rows, "width": args.width, "concepts": args.concepts, "machine": f"{platform.machine()}, {os.cpu_count()} cores"}
    result = {**head, "load_average_before": load, "runs": runs, "quarter": small}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "ray_local.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()

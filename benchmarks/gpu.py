"""CUDA beside the CPU, in at most five minutes: do encoder, codes and training agree, and what does a card bring.

    python benchmarks/gpu.py [--images N] [--rows N]

Checks, each with the largest difference that is allowed: vectors of one encoder on both devices (cosine), SAE codes
(largest difference), training (explained variance). Then images a second of ViT-L/14 from JPEG files, and a
comparison of 2 x N vectors of width 768 by stages. Random weights and vectors: nothing is fetched. Prints a table, writes
benchmarks/results/gpu.json. Without CUDA it says so, and ends with status 3.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).resolve().parent / "results" / "gpu.json"
WIDTH, CONCEPTS, ACTIVE = 768, 8192, 32
LEAST_COSINE, MOST_DIFFERENT, EXPLAINED = 0.9995, 1e-5, 0.01


def planted(n: int, seed: int) -> np.ndarray:
    """(n, 768) float16 sums of a few of 4,096 directions, as image vectors are."""
    rng = np.random.default_rng(seed)
    directions = np.random.default_rng(0).standard_normal((4096, WIDTH)).astype(np.float32)
    out = np.empty((n, WIDTH), np.float16)
    for start in range(0, n, 8192):
        m = min(8192, n - start)
        chosen = rng.integers(0, len(directions), (m, 6))
        out[start : start + m] = directions[chosen].sum(1) + 0.3 * rng.standard_normal((m, WIDTH), dtype=np.float32)
    return out


def agree() -> dict[str, Any]:
    """What must be the same on both devices."""
    import latentdiff

    x = planted(20_000, 1).astype(np.float32)
    made = {device: latentdiff.train_sae(x, concepts=2048, active=ACTIVE, steps=400, device=device) for device in ("cpu", "cuda")}
    explained = {device: sae.info["training"]["explained_variance"] for device, sae in made.items()}
    codes = {device: made["cpu"].encode(x, device=device, precision="bfloat16") for device in ("cpu", "cuda")}
    gap = np.abs((codes["cpu"] - codes["cuda"]).data).max(initial=0) / np.abs(codes["cpu"].data).max()
    return {
        "explained variance": explained,
        "training agrees": abs(explained["cpu"] - explained["cuda"]) <= EXPLAINED,
        "largest difference of codes, share of the largest": float(gap),
        "codes agree": bool(gap <= MOST_DIFFERENT),
    }


def jpegs(folder: Path, n: int) -> list[str]:
    from PIL import Image

    rng, paths = np.random.default_rng(0), []
    for i in range(n):
        small = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
        path = folder / f"{i}.jpg"
        Image.fromarray(small).resize((640, 480), Image.Resampling.BICUBIC).save(path, quality=90)
        paths.append(str(path))
    return paths


def embedding(n: int) -> dict[str, Any]:
    """Cosine of the vectors on both devices, and images a second of each from files."""
    import open_clip
    import torch

    from latentdiff import load_encoder

    with tempfile.TemporaryDirectory() as temporary:
        torch.manual_seed(0)
        weights = Path(temporary, "random.pt")
        torch.save(open_clip.create_model("ViT-L-14").state_dict(), weights)
        paths = jpegs(Path(temporary), n)
        made, rate = {}, {}
        for device, some in (("cpu", paths[:16]), ("cuda", paths)):
            encoder = load_encoder("ViT-L-14", str(weights), device=device)
            encoder.encode_images(paths[:8])
            start = time.perf_counter()
            made[device] = encoder.encode_images(some).vectors
            rate[device] = len(some) / (time.perf_counter() - start)
        a, b = (v[:16].astype(np.float64) for v in made.values())
        cosine = float(((a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)).min())
    return {"images a second": rate, "least cosine": cosine, "encoders agree": cosine >= LEAST_COSINE}


def comparison(n: int) -> dict[str, Any]:
    """2 x n vectors by an SAE that is given, by stages."""
    import torch

    import latentdiff

    a, b = planted(n, 2), planted(n, 3)
    sae = latentdiff.train_sae(a[:50_000].astype(np.float32), concepts=CONCEPTS, active=ACTIVE, steps=300)
    torch.cuda.reset_peak_memory_stats()
    start = time.perf_counter()
    found = latentdiff.compare(a, b, sae=sae)
    took = time.perf_counter() - start
    peak = torch.cuda.max_memory_allocated() / 1e9
    return {"rows a side": n, "seconds": took, "stages": found.info["seconds"], "GPU memory, GB": peak}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=512, help="JPEG files that are embedded (default: %(default)s)")
    parser.add_argument("--rows", type=int, default=500_000, help="vectors a side (default: %(default)s)")
    args = parser.parse_args()
    import torch

    if not torch.cuda.is_available():
        print("no CUDA device here: nothing is measured")
        sys.exit(3)
    found: dict[str, Any] = {"device": torch.cuda.get_device_name(), "torch": torch.__version__}
    for name, part in (("agree", agree), ("embedding", lambda: embedding(args.images)), ("comparison", lambda: comparison(args.rows))):
        start = time.perf_counter()
        found[name] = part()
        print(f"{name} ({time.perf_counter() - start:.0f} s): {json.dumps(found[name], indent=1)}", flush=True)
        RESULTS.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()

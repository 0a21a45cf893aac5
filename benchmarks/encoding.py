"""SAE encoding over the bare bf16 product, by int8, bf16 and float32, and whether codes are the same.

    python benchmarks/encoding.py [--rows N]

Real CLIP ViT-B/32 vectors (../shared/data/clip_b32), repeated to N rows with noise of a hundredth of their spread, with K = 8,192 concepts;
one thread, processor time, minimum of three. Prints a table, writes benchmarks/results/encoding.json.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import latentdiff
from latentdiff.compute.parallel import one_thread
from latentdiff.sae import encoding
from latentdiff.sae.screening import has_int8

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data" / "clip_b32"
CONCEPTS, ACTIVE = 8192, 32


def fastest(work: Callable[[], object]) -> float:
    took = []
    for _ in range(3):
        start = time.process_time()
        work()
        took.append(time.process_time() - start)
    return min(took)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    n = parser.parse_args().rows
    import torch

    x = np.concatenate([np.load(path) for path in sorted(DATA.glob("*.npy")) if path.stem != "words"]).astype(np.float32)
    sae = latentdiff.train_sae(x[::2], concepts=CONCEPTS, active=ACTIVE, steps=150)
    rng = np.random.default_rng(0)
    x = x[rng.integers(0, len(x), n)]
    x += 0.01 * x.std(0) * rng.standard_normal(x.shape, dtype=np.float32)
    largest = float((np.abs(x - x.mean(0)) / x.std(0)).max())
    h, w, bias = torch.from_numpy(x).bfloat16(), torch.from_numpy(sae.w_enc).bfloat16(), torch.zeros(CONCEPTS).bfloat16()
    out = torch.empty(1024, CONCEPTS, dtype=torch.bfloat16)

    def bare() -> None:
        for start in range(0, n - 1023, 1024):
            torch.addmm(bias, h[start : start + 1024], w, out=out)

    found, codes = {}, {}
    with one_thread():
        base = fastest(bare) * n / (n // 1024 * 1024)
        for name in ("int8", "bfloat16", "float32"):
            if name == "int8" and not has_int8():
                print("no int8 on this processor")
                continue
            encoding.has_int8 = lambda chosen=name: chosen == "int8"
            precision = "float32" if name == "float32" else "bfloat16"
            codes[name] = sae.encode(x, precision=precision)
            found[name] = fastest(lambda precision=precision: sae.encode(x, precision=precision)) / base
    reference = codes["float32"]
    support = {name: int(((c > 0) != (reference > 0)).nnz) for name, c in codes.items()}
    told = {"rows": n, "width": x.shape[1], "concepts": CONCEPTS, "largest entry, standard deviations": largest}
    told |= {"bare bf16 product, s": base}
    told |= {"over the bare product": found, "activations that are in one and not the other": support, "of": reference.nnz}
    print(json.dumps(told, indent=1))
    (ROOT / "benchmarks" / "results" / "encoding.json").write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()

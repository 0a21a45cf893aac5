"""An SAE of the whole space, kept, beside one trained for each pair: what it finds, what passes the gate, and processor time.

    python benchmarks/kept_sae.py [--against CLONE] [--pairs N]

Real CLIP ViT-B/32 vectors: a background, and in B a few images of one class, whose exact name is asked for. CLONE is a checkout of an
earlier commit, whose own SAE per pair is measured beside on the same pairs. Needs the vectors in ../shared/data/clip_b32. Prints a
table, writes benchmarks/results/kept_sae.json. Every process takes one thread and its own time, so others on the machine do not count.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data" / "clip_b32"
RESULTS = ROOT / "benchmarks" / "results" / "kept_sae.json"
SETS = ("imagenet", "ucf101", "caltech101", "food101", "sun397", "oxford_flowers", "oxford_pets")
SIZES = {(50, 3): 1.5, (200, 10): 1.0, (500, 10): 0.6, (2000, 20): 0.2}
"""Images a side and planted ones among them → share of the pairs that are run."""


def vectors() -> tuple[np.ndarray, dict[str, int]]:
    parts = [np.load(DATA / f"{name}.npy") for name in SETS]
    starts = np.cumsum([0, *map(len, parts[:-1])]).tolist()
    return np.concatenate(parts).astype(np.float32), dict(zip(SETS, starts, strict=True))


def cases(pairs: int) -> list[tuple[int, int, str, np.ndarray, np.ndarray]]:
    """(n, planted, word, rows of A, rows of B), the same in every process."""
    _, start = vectors()
    listed = [p for p in json.loads((DATA / "pairs.json").read_text()) if p["m"] == 20]
    out = []
    for (n, m), share in SIZES.items():
        rng = np.random.default_rng(n)
        for i in rng.permutation(len(listed))[: max(1, round(share * pairs))]:
            p = listed[i]
            background = "imagenet" if n > 500 else p["background"]
            size = len(np.load(DATA / f"{background}.npy", mmap_mode="r"))
            rows = start[background] + rng.permutation(size)[: 2 * n - m]
            planted = start[p["planted_set"]] + np.array(p["b_planted"])[:m]
            out.append((n, m, p["word"], rows[:n], np.r_[rows[n:], planted]))
    return out


def measure(how: str, pairs: int) -> dict[str, Any]:
    """One way, in a process of its own: per size the shares, and processor seconds of a comparison."""
    import latentdiff

    assert Path(latentdiff.__file__).is_relative_to(os.environ["PYTHONPATH"]), f"this environment insists on {latentdiff.__file__}"
    x, _ = vectors()
    names = [name.lower() for name in json.loads((DATA / "words.json").read_text(encoding="utf8"))["names"]]
    rows = list({name: i for i, name in reversed(list(enumerate(names)))}.values())
    words = latentdiff.Vocabulary([names[i] for i in rows], np.load(DATA / "words.npy")[rows])
    given: Any = "pair" if how == "pair" else None
    made: dict[str, float] = {}
    if how == "kept":
        from latentdiff.sae.sampling import spread_sample

        start = time.process_time()
        given = latentdiff.train_sae(spread_sample(x))
        training = given.info["training"]
        made = {"training seconds": time.process_time() - start, "concepts": given.concepts}
        made |= {"vectors": training["vectors"], "explained variance": training["explained_variance"]}
    latentdiff.compare(x[:50], x[50:100], sae=given, vocabulary=words)  # imports, and words that are kept
    found: dict[str, list[list[float]]] = {}
    for n, m, word, a, b in cases(pairs):
        start = time.process_time()
        c = latentdiff.compare(x[a], x[b], sae=given, vocabulary=words)
        took = time.process_time() - start
        five = [h.text.lower() for h in c.top("B", 5, gated=False)]
        concepts = [h.text.lower() for h in c.candidates if h.side == "B" and h.source == "sae"][:5]
        gated = [h for h in c.hypotheses if h.side == "B" and h.text.lower() == word.lower()]
        hits = five[:1] == [word.lower()], word.lower() in five, word.lower() in concepts, bool(gated)
        figures = [*hits, len(c.hypotheses), c.differs, took]
        found.setdefault(f"{m} of {n}", []).append([float(f) for f in figures])
    header = ("first", "among five", "among five concepts", "gated", "hypotheses", "differs", "processor s")
    means = {size: np.mean(rows, axis=0).round(4).tolist() for size, rows in found.items()}
    table = {size: dict(zip(header, mean, strict=True)) | {"pairs": len(found[size])} for size, mean in means.items()}
    return {"sizes": table, **made}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", metavar="CLONE", help="checkout of an earlier commit")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--way", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.way:
        print(json.dumps(measure(args.way, args.pairs)))
        return
    ways = {"kept": ROOT, "pair": ROOT} | ({"earlier": Path(args.against)} if args.against else {})
    found: dict[str, Any] = {}
    for way, tree in ways.items():
        with tempfile.TemporaryDirectory() as cache:
            environment = os.environ | {"PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1", "LATENTDIFF_CACHE": cache}
            command = [sys.executable, __file__, "--way", way, "--pairs", str(args.pairs)]
            told = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
        found[way] = json.loads(told.splitlines()[-1])
        print(way, {k: v for k, v in found[way].items() if k != "sizes"})
        for size, figures in found[way]["sizes"].items():
            print(f"  {size:12}", "  ".join(f"{name} {value:.2f}" for name, value in figures.items()), flush=True)
    commit = subprocess.run(["git", "-C", args.against or str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout
    RESULTS.write_text(json.dumps({"earlier": commit.strip() if args.against else None, "ways": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()

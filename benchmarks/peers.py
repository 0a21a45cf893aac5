"""The same work by others and by us, in one run: histograms, density ratio, reading vectors.

    python benchmarks/peers.py [--rows 10000] [--width 768] [--concepts 8192] [--images 20000] [--head-rows 50000]

1. Divergence of every concept: a loop of numpy histograms over dense columns (every 16th concept, extrapolated) beside ours, which tests
   them too.
2. Out-of-fold log density ratio, five folds: scikit-learn's LogisticRegression and densratio's RuLSIF at their defaults, our head, and our
   head with the evidence of concepts. Quality: AUC of all images, and how many of the images of a planted cluster (1 % of A, none of B) are
   among as many top-ranked ones.
3. The same head by scikit-learn, solved to 1e-8 at the same penalties on the same standardised columns: how far log ratios are apart.
4. Vectors out of a FiftyOne dataset: ``view.values()`` beside our reader (skipped without FiftyOne).

Prints tables, writes benchmarks/results/peers.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from compare import dense_loop

import latentdiff
from latentdiff.stats.density_ratio import cross_fit, stratified_folds
from latentdiff.stats.divergence import divergence

RESULTS = Path(__file__).parent / "results"
FOLDS, SHARE, CLUSTERS, ACTIVE, EVERY = 5, 0.01, 400, 20, 16


def world(rows: int, width: int, concepts: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, latentdiff.SparseAutoencoder]:
    """(2 rows, d) vectors of three clusters each and noise, A's first; A's mask; the planted rows; an SAE with about 20 active concepts."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((CLUSTERS, width), np.float32)
    which = rng.integers(1, CLUSTERS, (2 * rows, 3))
    in_a = np.arange(2 * rows) < rows
    planted = in_a & (rng.random(2 * rows) < SHARE)
    which[planted, 0] = 0
    x = centres[which].sum(1) + rng.standard_normal((2 * rows, width), np.float32)
    direction = rng.standard_normal((concepts, width), np.float32)
    direction[:CLUSTERS] = centres
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    sample = (x[:2000] @ direction.T).ravel()
    zero = np.zeros(concepts, np.float32)
    threshold = zero + np.partition(sample, -ACTIVE * 2000)[-ACTIVE * 2000]
    return x, in_a, planted, latentdiff.SparseAutoencoder(direction.T, zero, direction, np.zeros(width, np.float32), threshold)


def histograms(codes: Any, in_a: np.ndarray) -> dict[str, Any]:
    """Seconds of both ways over all concepts, and how far their divergences differ."""
    a, b = codes[np.flatnonzero(in_a)], codes[np.flatnonzero(~in_a)]
    start = time.perf_counter()
    ours = divergence(a, b)
    seconds = time.perf_counter() - start
    some = range(0, codes.shape[1], EVERY)
    loop, loop_seconds = dense_loop(a, b, some)
    theirs = loop_seconds * codes.shape[1] / len(some)
    return {
        "numpy_loop_seconds": theirs,
        "latentdiff_seconds": seconds,
        "times_faster": theirs / seconds,
        "largest_difference": float(np.abs(ours.jsd[list(some)] - loop).max()),
    }


def ratios(x: np.ndarray, in_a: np.ndarray, planted: np.ndarray, codes: Any) -> dict[str, dict[str, float]]:
    """Seconds and quality of four out-of-fold log density ratios, on the same folds."""
    from sklearn.metrics import roc_auc_score

    penalties = latentdiff.CompareConfig().penalties
    ways: dict[str, Callable[[], np.ndarray]] = {
        "scikit-learn, defaults": lambda: folded(x, in_a, scikit_learn),
        "densratio RuLSIF, defaults": lambda: folded(x, in_a, rulsif),
        "latentdiff, vectors": lambda: cross_fit(x, in_a, None, penalties, FOLDS, 0).log_ratio,
        "latentdiff, with concepts": lambda: cross_fit(x, in_a, codes, penalties, FOLDS, 0).log_ratio,
    }
    out = {}
    for name, way in ways.items():
        if name.startswith("densratio") and find_spec("densratio") is None:
            print(f"{name}: skipped; pip install densratio")
            continue
        start = time.perf_counter()
        score = way()
        seconds = time.perf_counter() - start
        top = np.argsort(-score)[: planted.sum()]
        out[name] = {"seconds": seconds, "auc": float(roc_auc_score(in_a, score)), "planted_on_top": float(planted[top].mean())}
    return out


def exactness(rows: int, width: int, concepts: int) -> list[dict[str, float]]:
    """Log ratios of our head and of scikit-learn's on all of 2 * rows images, by penalty: largest and root mean square difference."""
    from sklearn.linear_model import LogisticRegression

    from latentdiff.stats.logistic import LogisticProblem

    x, in_a, _, _ = world(rows, width, concepts)
    wide = x.astype(np.float64)
    wide -= wide.mean(0)
    wide /= wide.std(0)
    out = []
    for penalty in latentdiff.CompareConfig().penalties:
        start = time.perf_counter()
        problem = LogisticProblem(x, in_a)
        ours = problem.logits(problem.fit(np.array([penalty]), np.ones((len(x), 1), bool)))[:, 0]
        middle = time.perf_counter()
        theirs = LogisticRegression(C=penalty, tol=1e-8, max_iter=5000).fit(wide, in_a).decision_function(wide)
        seconds = middle - start, time.perf_counter() - middle
        apart = np.abs(ours - theirs)
        row = {"penalty": penalty, "largest": float(apart.max()), "rms": float(np.sqrt(np.mean(apart**2)))}
        out.append({**row, "seconds": seconds[0], "scikit_learn_seconds": seconds[1]})
    return out


def folded(x: np.ndarray, y: np.ndarray, head: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
    """Scores of held-out rows by a head that saw the others."""
    fold, score = stratified_folds(y, FOLDS, 0), np.empty(len(x))
    for f in range(FOLDS):
        held = fold == f
        score[held] = head(x[~held], y[~held], x[held])
    return score


def scikit_learn(x: np.ndarray, y: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Standardised columns, C = 1, 100 iterations of L-BFGS; its warning that they do not suffice is kept quiet."""
    import warnings

    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y).decision_function(held)


def rulsif(x: np.ndarray, y: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Relative ratio at alpha = 0.1, kernel width and penalty by its own search."""
    from densratio import densratio

    fitted = densratio(x[y].astype(float), x[~y].astype(float), method="RuLSIF", verbose=False)
    return np.log(np.maximum(fitted.compute_density_ratio(held.astype(float)), 1e-12))


def reading(images: int, width: int) -> dict[str, dict[str, float]] | None:
    """Seconds of FiftyOne's ``values`` and of our reader; None without FiftyOne."""
    if find_spec("fiftyone") is None:
        return None
    from fiftyone_io import database, make_dataset, measure

    with database():
        dataset = make_dataset(images, width)
        try:
            return measure(dataset, 3)
        finally:
            dataset.delete()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000, help="images a side")
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--concepts", type=int, default=8192)
    parser.add_argument("--images", type=int, default=20_000, help="images of the FiftyOne dataset; 0 leaves it out")
    parser.add_argument("--head-rows", type=int, default=50_000, help="images a side of the comparison of heads; 0 leaves it out")
    args = parser.parse_args()
    load = os.getloadavg()[0]
    x, in_a, planted, sae = world(args.rows, args.width, args.concepts)
    codes = sae.encode(x)
    found: dict[str, Any] = {"histograms": histograms(codes, in_a)}
    print(f"{args.rows:,} images a side, width {args.width}, {args.concepts:,} concepts, {codes.nnz / len(x):.0f} active an image\n")
    h = found["histograms"]
    print(f"divergence: numpy loop {h['numpy_loop_seconds']:.1f} s, latentdiff {h['latentdiff_seconds']:.2f} s, {h['times_faster']:.0f} x")
    found["density_ratio"] = ratios(x, in_a, planted, codes)
    print(f"\n{'log density ratio, 5 folds':30}{'seconds':>10}{'AUC':>8}{'planted on top':>16}")
    for name, row in found["density_ratio"].items():
        print(f"{name:30}{row['seconds']:>10.1f}{row['auc']:>8.3f}{row['planted_on_top']:>16.2f}")
    found["head"] = exactness(args.head_rows, args.width, args.concepts) if args.head_rows else []
    for row in found["head"]:
        apart = f"log ratios at most {row['largest']:.1e} apart, {row['rms']:.1e} in the root mean square"
        print(f"head at C = {row['penalty']:g}: {row['seconds']:.1f} s, scikit-learn {row['scikit_learn_seconds']:.1f} s; {apart}")
    found["reading"] = reading(args.images, args.width) if args.images else None
    for name, row in (found["reading"] or {}).items():
        print(f"\n{args.images:,} vectors from FiftyOne, {name:16}{row['seconds']:>8.2f} s", end="")
    print()
    head = {"rows_a_side": args.rows, "width": args.width, "concepts": args.concepts, "images": args.images, "load_average": load}
    head["head_rows_a_side"] = args.head_rows
    RESULTS.mkdir(exist_ok=True)
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    (RESULTS / "peers.json").write_text(json.dumps({**head, "machine": machine, **found}, indent=1) + "\n")


if __name__ == "__main__":
    main()

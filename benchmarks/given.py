"""What else? A known difference is looked past: is it silent then, does the weaker one come first, and is nothing made up?

    python benchmarks/given.py [draws] [kinds...]      kinds: phrase field null camera

Real CLIP ViT-B/32 vectors (../shared/data/clip_b32): 1,000 images a side of scenes and actions; B has 200 of one class and 40 of another in
place of as many. A finding is of a class where most of its exemplars are.

phrase  held equal by the strong class's word; field: by its label as a field
null    only the strong one is planted: is anything claimed where its word, or its label, is held equal?
camera  classes go by a camera alone, 80/20 against 20/80; then a class that differs beside it
Prints a table, writes benchmarks/results/given.json.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import latentdiff

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data" / "clip_b32"
RESULTS = ROOT / "benchmarks" / "results" / "given.json"
N, STRONG, WEAK, SHIFT = 1000, 200, 40, 80
PLANTED = {
    "airplane": ("fgvc", None),
    "car": ("stanford_cars", None),
    "flower": ("oxford_flowers", None),
    "motorcycle": ("caltech101", {"motorbike"}),
    "dog": ("oxford_pets", {"beagle", "pug", "samoyed", "saint bernard", "boxer", "chihuahua", "pomeranian", "shiba inu"}),
    "cat": ("oxford_pets", {"Ragdoll", "Bengal", "Siamese", "Persian", "Birman", "Abyssinian", "Bombay", "Sphynx"}),
}
"""Word → the set, and its classes, that show it."""


class Space:
    """Vectors by set, words, and an SAE of all of them."""

    def __init__(self) -> None:
        names = ("sun397", "ucf101", "fgvc", "stanford_cars", "oxford_flowers", "caltech101", "oxford_pets", "imagenet", "food101")
        self.sets = {n: np.load(DATA / f"{n}.npy").astype(np.float32) for n in names}
        self.background = np.concatenate([self.sets["sun397"], self.sets["ucf101"]])
        listed, vectors = json.loads((DATA / "words.json").read_text())["names"], np.load(DATA / "words.npy").astype(np.float32)
        rows = list({n.lower(): i for i, n in reversed(list(enumerate(listed)))}.values())
        self.vocabulary = latentdiff.Vocabulary([listed[i].lower() for i in rows], vectors[rows])
        kept = Path(tempfile.gettempdir()) / "latentdiff-benchmarks" / "given-sae"
        if not kept.exists():
            pooled = np.concatenate(list(self.sets.values()))
            some = np.random.default_rng(0).permutation(len(pooled))[:18_000]
            latentdiff.train_sae(pooled[some], concepts=1024, active=16, seed=0).save(kept)
        self.sae = latentdiff.load_sae(kept)

    def planted(self, word: str) -> np.ndarray:
        """Vectors of the images that show a word."""
        name, classes = PLANTED[word]
        if classes is None:
            return self.sets[name]
        meta = json.loads((DATA / f"{name}.json").read_text())
        label = np.array([meta["class_names"][i] if isinstance(i, int) else i for i in meta["label"]])
        return self.sets[name][np.isin(label, list(classes))]

    def compare(self, a: np.ndarray, b: np.ndarray, **options: Any) -> latentdiff.Comparison:
        """With the words and the SAE of the space."""
        return latentdiff.compare(a, b, sae=self.sae, vocabulary=self.vocabulary, **options)

    def draw(self, seed: int, strong: str, weak: str | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A, B, and what each row of B is: 0 background, 1 strong, 2 weak."""
        rng = np.random.default_rng(seed)
        rows = rng.permutation(len(self.background))[: 2 * N]
        b, what = self.background[rows[N:]].copy(), np.zeros(N, int)
        for value, word, count, at in ((1, strong, STRONG, 0), (2, weak, WEAK, STRONG)):
            if word is not None:
                own = self.planted(word)
                b[at : at + count] = own[rng.permutation(len(own))[:count]]
                what[at : at + count] = value
        return self.background[rows[:N]], b, what


def kind_of(h: latentdiff.Hypothesis, what: np.ndarray) -> int:
    """What most of its exemplars are; -1 of a finding of A."""
    if h.side == "A" or not h.exemplars:
        return -1
    shown = what[list(h.exemplars)]
    return next((k for k in (1, 2) if (shown == k).mean() > 0.5), 0)


def past(space: Space, seed: int, by: str, weak: bool) -> dict[str, Any]:
    """One draw: what is found without and with what is known."""
    words = list(PLANTED)
    rng = np.random.default_rng(100 + seed)
    strong, other = (words[i] for i in rng.choice(len(words), 2, replace=False))
    a, b, what = space.draw(seed, strong, other if weak else None)
    if by == "phrase":
        found = space.compare(a, b, given=[strong])
    else:
        labels = {"label": ["other"] * N}, {"label": np.where(what == 1, strong, "other").tolist()}
        found = space.compare(a, b, fields_a=labels[0], fields_b=labels[1], given=["label"])
    kinds = [kind_of(h, what) for h in found.hypotheses]
    of_b = [k for k in kinds if k >= 0]
    return {
        "strong": strong,
        "weak": other,
        "silent": 1 not in kinds,
        "weak first": bool(kinds) and kinds[0] == 2 if weak else None,
        "anything": bool(kinds) or bool(found.fields),
        "differs": found.differs,
        "texts": [(h.side, h.text, k) for h, k in zip(found.hypotheses, kinds, strict=True)][:5],
        "given": found.info["given"],
        "of_b": of_b[:3],
    }


def camera(space: Space, seed: int, shift: bool) -> dict[str, Any]:
    """Camera 1 takes cars in 15 %, camera 2 flowers in 15 %; A is 80 % camera 1, B 20 %. With a shift, B has 8 % dogs too."""
    rng = np.random.default_rng(seed)
    sides, cameras, whats = [], [], []
    for share, dogs in ((0.8, 0), (0.2, SHIFT if shift else 0)):
        x = space.background[rng.permutation(len(space.background))[:N]].copy()
        cam, what = np.where(np.arange(N) < share * N, 1, 2), np.zeros(N, int)
        for value, c, word in ((1, 1, "car"), (1, 2, "flower")):
            rows = rng.permutation(np.flatnonzero(cam == c))[: round(0.15 * (cam == c).sum())]
            own = space.planted(word)
            x[rows], what[rows] = own[rng.permutation(len(own))[: len(rows)]], value
        rows = rng.permutation(np.flatnonzero(what == 0))[:dogs]
        own = space.planted("dog")
        x[rows], what[rows] = own[rng.permutation(len(own))[: len(rows)]], 2
        sides.append(x), cameras.append(cam), whats.append(what)
    fields = {"fields_a": {"camera": cameras[0]}, "fields_b": {"camera": cameras[1]}}
    plain = space.compare(*sides, **fields)
    found = space.compare(*sides, **fields, given=["camera"])
    kinds = [kind_of(h, whats[1]) for h in found.hypotheses]
    return {
        "without": bool(plain.hypotheses),
        "anything": bool(kinds) or bool(found.fields),
        "shift found": 2 in kinds if shift else None,
        "texts": [(h.side, h.text) for h in found.hypotheses][:4],
        "given": found.info["given"],
    }


def main() -> None:
    """Every kind that is named, or all."""
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    kinds = sys.argv[2:] or ["phrase", "field", "null", "camera"]
    space, table = Space(), json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    runs = {
        "phrase": ("past a phrase", lambda s: past(space, s, "phrase", True)),
        "field": ("past a field", lambda s: past(space, s, "field", True)),
        "null": ("past a phrase, nothing else", lambda s: past(space, s, "phrase", False)),
        "null-field": ("past a field, nothing else", lambda s: past(space, s, "field", False)),
        "camera": ("past a camera, nothing else", lambda s: camera(space, s, False)),
        "shift": ("past a camera, and a shift", lambda s: camera(space, s, True)),
    }
    for kind in kinds:
        name, run = runs[kind]
        found = []
        for seed in range(draws):
            began = time.perf_counter()
            found.append(run(seed))
            print(name, seed, f"{time.perf_counter() - began:.1f}s", found[-1], flush=True)
        table[name] = {"draws": draws}
        for key in ("silent", "weak first", "anything", "differs", "without", "shift found"):
            values = [f[key] for f in found if f.get(key) is not None]
            if values:
                table[name][key] = float(np.mean(values))
        print(name, table[name], flush=True)
        RESULTS.write_text(json.dumps(table, indent=1) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()

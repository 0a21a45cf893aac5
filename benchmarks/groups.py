"""Many groups, a watched stream, and closing a gap, on real CLIP vectors with planted classes.

    python benchmarks/groups.py [groups] [equal] [speed] [monitor] [gap] [weights]

groups   eight groups of 500 photographs of scenes, one with 8 % of a class of another set: is it named first, is anything claimed elsewhere
equal    eight equal groups: how often is any of them told apart
speed    seconds of eight groups against one comparison of all rows; 100,000 rows in 20 groups
monitor  streams of batches of 50: alarms where nothing changes; batches until the alarm where a class makes 5 % from batch 50 on
gap      scenes and 10 % of a class against scenes, a pool of 3,000 with 60 of the class
weights  importance weights on Gaussians, where the right ones are known

Needs the vectors in ../shared/data/clip_b32. Prints a table, writes benchmarks/results/groups.json.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import latentdiff
from latentdiff.benchmark.spaces import kept_sae
from latentdiff.gap.closing import importance
from latentdiff.groups.comparing import verdict_of
from latentdiff.groups.partition import Partition
from latentdiff.stats.importance import effective_size

ROOT = Path(__file__).resolve().parents[1]
CLIP = ROOT.parent / "shared" / "data" / "clip_b32"
RESULTS = ROOT / "benchmarks" / "results" / "groups.json"
CONFIG = latentdiff.CompareConfig()
NULLS = 60
SAME_WORD = 0.6
"""Cosine of centred text vectors from which a phrase names the class."""


class Space:
    """Scenes as the background, classes of other sets to plant, an SAE trained on sets of neither, and words."""

    def __init__(self) -> None:
        self.scenes = _vectors("sun397")
        others = np.concatenate([_vectors(s) for s in ("imagenet", "ucf101", "dtd", "oxford_flowers")])
        self.sae = kept_sae(others, concepts=2048, active=16)
        words = json.loads((CLIP / "words.json").read_text())["names"]
        self.words = latentdiff.Vocabulary(words, np.load(CLIP / "words.npy").astype(np.float32))
        self.sets = {name: (_vectors(name), json.loads((CLIP / f"{name}.json").read_text())) for name in ("caltech101", "food101")}
        self.classes = self._classes()

    def _classes(self) -> list[tuple[str, np.ndarray]]:
        """(word, vectors) of the planted classes of pairs.json with 60 or more images, in the order of their words."""
        found: dict[str, np.ndarray] = {}
        for pair in json.loads((CLIP / "pairs.json").read_text()):
            name, word = pair["planted_set"], pair["word"]
            if name in self.sets and word not in found:
                x, about = self.sets[name]
                label = np.array(about["label"])
                own = np.array([s in ("test", "val") or name == "food101" for s in about["split"]])
                rows = np.flatnonzero((label == label[pair["b_planted"][0]]) & own)
                if len(rows) >= 40:
                    found[word] = x[rows]
        return sorted(found.items())

    def names(self, text: str, word: str) -> bool:
        """Whether a phrase says a class."""
        row = {w: i for i, w in enumerate(self.words.words)}
        if word == text or word in text.split() or text in word.split():
            return True
        return text in row and word in row and float(self.words.centred[row[text]] @ self.words.centred[row[word]]) > SAME_WORD


def _vectors(name: str) -> np.ndarray:
    return np.load(CLIP / f"{name}.npy").astype(np.float32)


def groups(space: Space) -> dict[str, Any]:
    """20 comparisons, the classes in turn."""
    first, elsewhere, rows = 0, 0, []
    for i in range(20):
        word, x = space.classes[i % len(space.classes)]
        rng = np.random.default_rng(i)
        scenes = space.scenes[rng.permutation(len(space.scenes))[:4000]].copy()
        scenes[:40] = x[rng.permutation(len(x))[:40]]
        found = latentdiff.compare_groups(scenes, np.arange(4000) // 500, sae=space.sae, vocabulary=space.words)
        top = [h.text for h in found.groups["0"].top("A")]
        named = bool(top) and (space.names(top[0], word) or any(space.names(t, word) for t in found.groups["0"].top("A")[0].also))
        others = [name for name in found.differing if name != "0"]
        first, elsewhere = first + named, elsewhere + bool(others)
        rows.append({"class": word, "top": top, "others": others})
        print(word, top, others, flush=True)
    return {"comparisons": len(rows), "named first": first, "claimed elsewhere": elsewhere, "rows": rows}


def equal(space: Space, times: int = 100) -> dict[str, Any]:
    """Eight equal groups, the verdict alone: a hypothesis is one only where it says that a group differs."""
    claimed = 0
    for i in range(times):
        rng = np.random.default_rng(1000 + i)
        x = space.scenes[rng.permutation(len(space.scenes))[:4000]]
        partition = Partition(x, np.arange(4000) // 500)
        mean = partition.side(0).mean_direction
        verdict = verdict_of(partition, mean, space.sae.encode(partition), space.words, CONFIG)
        claimed += bool((verdict.p_value <= CONFIG.alpha).any())
    return {"comparisons": times, "any claim": claimed}


def speed(space: Space) -> dict[str, Any]:
    """Seconds of eight groups, over those of one comparison of the same rows."""
    x = space.scenes[np.random.default_rng(0).permutation(len(space.scenes))[:4000]]
    label = np.arange(4000) // 500
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        latentdiff.compare(x[label == 0], x[label != 0], sae=space.sae, vocabulary=space.words)
        middle = time.perf_counter()
        latentdiff.compare_groups(x, label, sae=space.sae, vocabulary=space.words)
        seconds.append((middle - start, time.perf_counter() - middle))
    one, many = np.median(seconds, 0)
    return {"one comparison": round(float(one), 2), "eight groups": round(float(many), 2), "ratio": round(float(many / one), 2)}


def gap(space: Space, times: int = 20) -> dict[str, Any]:
    """A = scenes and 10 % of a breed, B = scenes, a pool of 3,000 with 60 of the breed; the finding on fresh images; equal sides."""
    x, about = _vectors("oxford_pets"), json.loads((CLIP / "oxford_pets.json").read_text())
    label = np.array(about["label"])
    breeds = [rows for rows in (np.flatnonzero(label == i) for i in range(len(about["class_names"]))) if len(rows) >= 140]
    given: dict[str, Any] = {"sae": space.sae, "vocabulary": space.words}
    right, there, gone, proposed = 0, 0, 0, 0
    for i in range(times):
        rng = np.random.default_rng(i)
        breed, scenes = x[rng.permutation(breeds[i % len(breeds)])], space.scenes[rng.permutation(len(space.scenes))]
        a, b = np.concatenate([scenes[:450], breed[:50]]), scenes[450:950]
        pool = np.concatenate([scenes[1520:4460], breed[80:140]])
        found = latentdiff.close_gap(a, b, pool, budget=60, **given)
        right, there = right + int((found.rows >= 2940).sum()), there + len(found.rows)
        part = pool[rng.permutation(found.rows)[: round(0.6 * len(found.rows))]]  # 300 fresh images a side, of 500
        fresh = latentdiff.compare(np.concatenate([scenes[950:1220], breed[50:80]]), np.concatenate([scenes[1220:1520], part]), **given)
        gone += not any(h.side == "A" for h in fresh.hypotheses)
    for i in range(NULLS):
        scenes = space.scenes[np.random.default_rng(500 + i).permutation(len(space.scenes))]
        proposed += latentdiff.compare(scenes[:500], scenes[500:1000], **given).differs
    share = round(right / max(there, 1), 3)
    return {"times": times, "chosen": there, "of the class": share, "gone": gone, "equal": NULLS, "proposed where equal": proposed}


def weights(_: Space | None = None) -> dict[str, Any]:
    """Largest error of the weighted mean of B over A's, in shares of the shift, on Gaussians of 16 dimensions."""
    worst, sizes = 0.0, []
    for i in range(5):
        rng = np.random.default_rng(i)
        shift = rng.standard_normal(16) / 4
        a, b = rng.standard_normal((4000, 16)) + shift + 3, rng.standard_normal((4000, 16)) + 3
        sae = latentdiff.train_sae(b.astype(np.float32), concepts=64, active=6, steps=60)
        w = importance(latentdiff.compare(a, b, sae=sae))
        error = np.linalg.norm(w @ b / len(b) - 3 - shift) / np.linalg.norm(3 + shift)
        worst, sizes = max(worst, float(error)), [*sizes, effective_size(w) / len(w) / np.exp(-shift @ shift)]
    return {"worst error": round(worst, 4), "effective size over its closed form": [round(s, 3) for s in sizes]}


def monitor(space: Space, nulls: int = 100, changes: int = 20) -> dict[str, Any]:
    """Streams of 200 batches of 50 against 2,000 scenes; a class that makes 5 % from batch 50 on."""
    alarms = 0
    for i in range(nulls):
        rng = np.random.default_rng(i)
        order = rng.permutation(len(space.scenes))
        watch = latentdiff.Monitor(space.scenes[order[:2000]], sae=space.sae, seed=i)
        rest = space.scenes[order[2000:]]
        alarms += any(watch.update(batch).alarm for batch in np.split(rest[rng.permutation(len(rest))[:7000]], 140))
    delays, named = [], 0
    for i in range(changes):
        word, x = space.classes[i % len(space.classes)]
        rng = np.random.default_rng(700 + i)
        order = rng.permutation(len(space.scenes))
        watch = latentdiff.Monitor(space.scenes[order[:2000]], sae=space.sae, vocabulary=space.words, seed=i)
        rest = np.array_split(space.scenes[order[2000:]], 144)
        for t in range(144):
            batch = rest[t].copy()
            if t >= 50:
                shown = rng.binomial(len(batch), 0.05)
                batch[:shown] = x[rng.integers(len(x), size=shown)]
            reading = watch.update(batch)
            if reading.alarm:
                break
        delays.append(t - 49 if reading.alarm and t >= 50 else None)
        named += any(space.names(c.text, word) for c in reading.hypotheses[:5])
        print(word, delays[-1], [c.text for c in reading.hypotheses[:5]], flush=True)
    late = float(np.median([1e9 if d is None else d for d in delays]))
    told = {"streams": nulls, "alarms": alarms, "changed": changes, "named": named, "rows": delays}
    return {**told, "batches until alarm, median": late}


PARTS = {"monitor": monitor, "groups": groups, "equal": equal, "speed": speed, "gap": gap, "weights": weights}


def main() -> None:
    """Run the parts that are named, or all."""
    space = Space()
    for name in sys.argv[1:] or list(PARTS):
        found = PARTS[name](space)
        print(name, {k: v for k, v in found.items() if k != "rows"}, flush=True)
        kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        RESULTS.write_text(json.dumps({**kept, name: found, "version": latentdiff.__version__}, indent=1) + "\n")


if __name__ == "__main__":
    main()

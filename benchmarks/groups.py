"""Many groups, a watched stream, and closing a gap, on real CLIP vectors with planted classes.

    python benchmarks/groups.py [groups] [equal] [speed] [monitor] [looks] [gap] [weights] [trends] [large ROWS]

groups   eight groups of 500 photographs of scenes, one with 8 % of a class of another set: is it named first, is anything claimed elsewhere
equal    eight equal groups: how often is any of them told apart
speed    seconds of eight groups against one comparison of all rows
large    so many rows in 20 groups, float16 on disk: seconds, seconds of processor time, peak memory
monitor  streams of batches of 50: alarms where nothing changes; batches until the alarm where a class makes 5 % from batch 50 on
looks    the same, looked at ten times a day
trends   twelve months of 300 scenes, a class of 8 % from the seventh on; months that are alike
gap      scenes and 10 % of a class against scenes, a pool of 3,000 with 60 of the class
weights  importance weights on Gaussians, where the right ones are known

Needs the vectors in ../shared/data/clip_b32. Prints a table, writes benchmarks/results/groups.json.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
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


def large(space: Space, rows: int, groups: int = 20) -> dict[str, Any]:
    """Scenes drawn with replacement, each shaken so that no two are alike, in groups of one size; peak memory is that of the process."""
    rng, at_once = np.random.default_rng(0), 50_000
    noise = 0.1 * float(space.scenes.std())
    with tempfile.TemporaryDirectory() as folder:
        x = np.lib.format.open_memmap(Path(folder) / "x.npy", "w+", np.float16, (rows, space.scenes.shape[1]))
        for start in range(0, rows, at_once):
            part = space.scenes[rng.integers(len(space.scenes), size=min(at_once, rows - start))]
            x[start : start + at_once] = part + noise * rng.standard_normal(part.shape, dtype=np.float32)
        x.flush()
        wall, busy = time.perf_counter(), time.process_time()
        found = latentdiff.compare_groups(x, np.arange(rows) * groups // rows, sae=space.sae, vocabulary=space.words)
        wall, busy = time.perf_counter() - wall, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    told = {"seconds": round(wall, 1), "processor seconds": round(busy, 1), "peak GB": round(peak, 2), "differs": found.differs}
    return {"rows": rows, "groups": groups, "width": x.shape[1], "concepts": space.sae.concepts, **told}


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
    """Streams of 200 batches of 50 against 2,000 scenes; a class that makes 5 % from batch 50 on, named among five at the alarm."""
    alarms = sum(_quiet(space, i, 50, 200) for i in range(nulls))
    print("alarms where nothing changes", alarms, "of", nulls, flush=True)
    delays, named, rows = [], 0, []
    for i in range(changes):
        word, x = space.classes[i % len(space.classes)]
        delay, told = _changed(space, word, x, 1700 + i, 50)
        named += any(space.names(text, word) for text in told)
        rows.append({"class": word, "batches": delay, "told": told})
        delays.append(delay)
        print(word, delay, told, flush=True)
    late = float(np.median([1e9 if d is None else d for d in delays]))
    told_of = {"streams": nulls, "alarms": alarms, "changed": changes, "named": named, "rows": rows}
    return {**told_of, "alarm before the change": sum(d is None for d in delays), "batches until alarm, median": late}


def looks(space: Space, nulls: int = 40, changes: int = 10) -> dict[str, Any]:
    """The same streams looked at ten times a day, five images a time: 50 quiet days, and days until the alarm."""
    alarms = sum(_quiet(space, i, 5, 500) for i in range(nulls))
    delays = [_changed(space, *space.classes[i % len(space.classes)], 1700 + i, 5)[0] for i in range(changes)]
    late = float(np.median([1e9 if d is None else d / 10 for d in delays]))
    return {"streams": nulls, "alarms": alarms, "changed": changes, "days until alarm, median": late}


def _quiet(space: Space, seed: int, size: int, batches: int) -> bool:
    """Whether a stream that never changes has an alarm; reference and stream are drawn alike, with replacement: there are not as many."""
    rng = np.random.default_rng(seed)
    watch = latentdiff.Monitor(space.scenes[rng.integers(len(space.scenes), size=2000)], sae=space.sae, vocabulary=space.words, seed=seed)
    return any(watch.update(space.scenes[rng.integers(len(space.scenes), size=size)]).alarm for _ in range(batches))


def _changed(space: Space, word: str, x: np.ndarray, seed: int, size: int) -> tuple[int | None, list[str]]:
    """Batches from the change, after 2,500 images, until the alarm (None: before it, or never), and what is told then, five at most."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(space.scenes))
    watch = latentdiff.Monitor(space.scenes[order[:2000]], sae=space.sae, vocabulary=space.words, seed=seed)
    rest = np.array_split(space.scenes[order[2000:]], 144 * 50 // size)
    quiet = 2500 // size
    for t, batch in enumerate(rest):
        batch = batch.copy()
        if t >= quiet:
            shown = rng.binomial(len(batch), 0.05)
            batch[:shown] = x[rng.integers(len(x), size=shown)]
        reading = watch.update(batch)
        if reading.alarm:
            return (t - quiet + 1 if t >= quiet else None), [change.text for change in reading.hypotheses[:5]]
    return None, []


def trends(space: Space, times: int = 20, nulls: int = 60) -> dict[str, Any]:
    """Twelve months of 300 scenes; 8 % of a class from the seventh on: is it told first, in that month, within the span; equal months."""
    first, month, within, claims, rows = 0, 0, 0, 0, []
    given: dict[str, Any] = {"sae": space.sae, "vocabulary": space.words}
    when = np.arange(3600) // 300
    for i in range(times):
        word, x = space.classes[i % len(space.classes)]
        rng = np.random.default_rng(3000 + i)
        scenes = space.scenes[rng.permutation(len(space.scenes))[:3600]].copy()
        shown = np.concatenate([1800 + 300 * m + np.arange(24) for m in range(6)])
        scenes[shown] = x[rng.integers(len(x), size=len(shown))]
        found = latentdiff.compare_over_time(scenes, when, **given)
        told = [t.text for t in found.trends[:5]]
        first += bool(told) and space.names(told[0], word)
        change = found.trends[0].changes[0] if found.trends else None
        month += change is not None and change.bin == 6
        within += change is not None and change.earliest <= 6 <= change.latest
        rows.append({"class": word, "told": told})
        print(word, told, change, flush=True)
    for i in range(nulls):
        scenes = space.scenes[np.random.default_rng(4000 + i).permutation(len(space.scenes))[:3600]]
        claims += latentdiff.compare_over_time(scenes, when, **given).differs
    counts = {"named first": first, "in the month": month, "span holds it": within}
    return {"times": times, **counts, "equal": nulls, "claimed": claims, "rows": rows}


PARTS = {f.__name__: f for f in (monitor, looks, groups, equal, speed, gap, weights, trends)}


def main() -> None:
    """Run the parts that are named, or all; ``large`` is run where it is named with its rows, alone."""
    space = Space()
    if sys.argv[1:2] == ["large"]:
        rows = int(sys.argv[2])
        return _keep(f"large, {rows} rows", large(space, rows))
    for name in sys.argv[1:] or list(PARTS):
        _keep(name, PARTS[name](space))


def _keep(name: str, found: dict[str, Any]) -> None:
    print(name, {k: v for k, v in found.items() if k != "rows"}, flush=True)
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps({**kept, name: found, "version": latentdiff.__version__}, indent=1) + "\n")


if __name__ == "__main__":
    main()

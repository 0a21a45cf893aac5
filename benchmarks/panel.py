"""How long the panel's handlers take on a comparison of many images, in the server's process, and how much goes over the wire.

"sent" is what the App sends with a click (the panel's state among it), "answered" what comes back, in bytes of JSON. Prints a table, writes
JSON.

    python benchmarks/panel.py [--images 100000] [--repeats 5]

It uses the database that FIFTYONE_DATABASE_URI names, else one of its own that it stops and removes; its dataset is deleted either way.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]
from fiftyone_io import CHUNK, database, timed  # noqa: E402

RESULT = Path(__file__).parent / "results" / "panel.json"
WIDTH, CONCEPTS = 64, 512


def stored_comparison(images: int) -> Any:
    """A dataset of two views that differ in one direction of their vectors, compared as the run "made"."""
    import fiftyone as fo

    import latentdiff
    from fiftyone_plugin import compare_views

    rng = np.random.default_rng(0)
    dataset = fo.Dataset()
    dataset.add_sample_field("vectors", fo.VectorField)
    for start in range(0, images, CHUNK):
        rows = rng.standard_normal((min(CHUNK, images - start), WIDTH), np.float32)
        rows[: len(rows) // 10, 0] += 6
        sides = ["a" if i < len(rows) // 2 else "b" for i in range(len(rows))]
        samples = [fo.Sample(filepath=f"/nowhere/{start + i}.jpg", vectors=row, tags=[sides[i]]) for i, row in enumerate(rows)]
        dataset.add_samples(samples, progress=False)
    for side in "ab":
        dataset.save_view(side, dataset.match_tags(side))
    words = latentdiff.Vocabulary([f"word {i}" for i in range(WIDTH)], np.eye(WIDTH, dtype=np.float32))
    sae = latentdiff.train_sae(rng.standard_normal((20_000, WIDTH)).astype(np.float32), concepts=CONCEPTS, active=8, seed=0)
    compare_views(dataset, "a", "b", embeddings="vectors", vocabulary=words, sae=sae, run="made")
    return dataset


def handlers(dataset: Any, sizes: dict[str, dict[str, int]]) -> dict[str, Callable[[], Any]]:
    """What a user does → a call of the panel's handler, as the App's server makes it; ``sizes`` gets the bytes of each, by method."""
    import fiftyone.operators as foo

    from fiftyone_plugin import hypotheses

    state: dict[str, Any] = {}

    def call(method: str, **params: Any) -> Any:
        given = {"__method__": method, "panel_id": "p1", "panel_state": dict(state), **params}
        context = {"dataset": dataset, "params": given, "panel_id": "p1", "panel_state": dict(state)}
        sent = len(json.dumps({**context, "dataset": dataset.name}))
        result = foo.execute_operator("@latentdiff/latentdiff/latentdiff_panel", context)
        requests = result.executor.to_json()["requests"]
        for request in requests:
            if request["operator_uri"].endswith("patch_panel_state"):
                state.update(request["params"]["state"])
        sizes[method] = {"sent": sent, "answered": len(json.dumps(requests, default=str))}
        return requests

    def opened() -> Any:
        hypotheses._opened.clear()
        return call("on_load")

    return {
        "open, first time": opened,
        "open again": lambda: call("on_load"),
        "look for changes": lambda: call("look"),
        "show a card's images": lambda: call("show", run="made", rank=0, side="A"),
        "filter by score": lambda: call("brush", data=[{"id": "0.5|9.0"}]),
        "accept a card": lambda: call("accept", run="made", rank=0, side="A"),
        "take it back": lambda: call("undo", run="made"),
        "sort the cards": lambda: call("order", value="text" if (state.get("how") or {}).get("order") != "text" else "best"),
        "most typical images": lambda: call("show_typical", run="made", side="A"),
        "open the form": lambda: call("compare"),
        "the grid's view changed": lambda: call("regrid"),
        "the map": lambda: call("map_colour", value="score" if (state.get("mapped") or {}).get("colour") != "score" else "side"),
        "lasso round a quarter": lambda: call("lasso", data=[{"id": f"A{row}"} for row in range(0, dataset.count() // 2, 50)]),
    }


METHODS = {"open, first time": "on_load", "open again": "on_load", "look for changes": "look", "show a card's images": "show"}
METHODS |= {"filter by score": "brush", "accept a card": "accept", "take it back": "undo", "sort the cards": "order"}
METHODS |= {"open the form": "compare", "the grid's view changed": "regrid"}
METHODS |= {"most typical images": "show_typical", "the map": "map_colour", "lasso round a quarter": "lasso"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULT)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as plugins, database():
        Path(plugins, "latentdiff").symlink_to(ROOT, target_is_directory=True)
        os.environ["FIFTYONE_PLUGINS_DIR"] = plugins
        dataset = stored_comparison(args.images)
        try:
            sizes: dict[str, dict[str, int]] = {}
            ways, load = handlers(dataset, sizes), os.getloadavg()[0]
            found = {name: [timed(way)[:2] for _ in range(args.repeats)] for name, way in ways.items()}
        finally:
            dataset.delete()
    print(f"{args.images:,} images compared, median of {args.repeats}\n")
    print(f"{'':24}{'seconds':>10}{'core seconds':>14}{'sent':>10}{'answered':>10}")
    rows = {
        name: {
            "seconds": statistics.median(s for s, _ in runs),
            "core_seconds": statistics.median(c for _, c in runs),
            **sizes.get(METHODS[name], {}),
        }
        for name, runs in found.items()
    }
    for name, row in rows.items():
        print(f"{name:24}{row['seconds']:>10.2f}{row['core_seconds']:>14.2f}{row.get('sent', 0):>10,}{row.get('answered', 0):>10,}")
    machine = {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version(), "load_before": load}
    args.out.write_text(json.dumps({"images": args.images, "machine": machine, "handlers": rows}, indent=1) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()

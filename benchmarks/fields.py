"""How fast the fields of a dataset are read and tested: 100,000 samples with 30 fields.

    python benchmarks/fields.py [images] [fields]

Numbers, texts, truth values, dates, classifications and detections in equal parts; FiftyOne writes the first samples, and the rest are
copies of their documents. Seconds to read them in bulk (and, of the first samples, by ``view.values()`` of the same paths), to make columns
of them, and to test them. Writes benchmarks/results/fields.json. Its database is one of its own.
"""

from __future__ import annotations

import datetime
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.fiftyone_io import database

RESULTS = Path(__file__).parent / "results" / "fields.json"
OWN = 2_000
"""Samples that FiftyOne writes: it takes a hundred times as long as copying them."""


def make(images: int, fields: int) -> tuple[Any, list[str]]:
    """A dataset whose documents are written as FiftyOne would."""
    import fiftyone as fo

    rng, dataset = np.random.default_rng(0), fo.Dataset()
    names = [f"f{i}" for i in range(fields)]
    start = datetime.datetime(2024, 1, 1)
    dataset.add_sample_field("clip", fo.VectorField)

    def value(i: int, u: float) -> Any:
        kind = i % 6
        if kind == 0:
            return u
        if kind == 1:
            return f"value {int(20 * u)}"
        if kind == 2:
            return u < 0.3
        if kind == 3:
            return start + datetime.timedelta(days=400 * u)
        if kind == 4:
            return fo.Classification(label=f"class {int(10 * u)}", confidence=u)
        box = [u / 2, u / 2, 0.1, 0.1]
        return fo.Detections(detections=[fo.Detection(label=f"thing {j}", bounding_box=box) for j in range(int(4 * u))])

    samples = []
    for n, row in enumerate(rng.random((min(OWN, images), fields)).tolist()):
        own = {k: value(i, row[i]) for i, k in enumerate(names)}
        samples.append(fo.Sample(filepath=f"/nowhere/{n}.jpg", clip=np.ones(4, np.float32), **own))
    dataset.add_samples(samples, progress=False)
    written = list(dataset._sample_collection.find({}, {"_id": 0}))
    for first in range(OWN, images, OWN):
        some = written[: images - first]
        dataset._sample_collection.insert_many([{**d, "filepath": f"/nowhere/{first + n}.jpg"} for n, d in enumerate(some)])
    return dataset, names


def main() -> None:
    """Seconds of each step."""
    images, fields = (int(x) for x in (*sys.argv[1:], 100_000, 30)[:2]) if len(sys.argv) > 2 else (100_000, 30)
    with database():
        import fiftyone as fo

        from fiftyone_plugin.sample_fields import fields_of
        from fiftyone_plugin.sides import resolve
        from fiftyone_plugin.vectors import read_vectors
        from latentdiff import CompareConfig
        from latentdiff.comparing.fields import field_differences
        from latentdiff.inputs.columns import check_fields, read_columns

        dataset, names = make(images, fields)
        try:
            a, b = dataset[: images // 2], dataset[images // 2 :]
            sides = resolve("A", a, dataset, "clip"), resolve("B", b, dataset, "clip")
            rows = tuple(read_vectors(side) for side in sides)
            steps: dict[str, float] = {}
            clock = time.perf_counter()

            def done(step: str) -> None:
                nonlocal clock
                steps[step] = round(time.perf_counter() - clock, 2)
                clock = time.perf_counter()

            read = fields_of(sides, rows, names)
            done("read in bulk")
            dataset[:OWN].values(names)
            done(f"view.values() of the same fields, {OWN:,} samples")
            held = check_fields(read["fields_a"], read["fields_b"], (len(rows[0]), len(rows[1])))
            columns = read_columns(held, np.arange(images))
            done("columns")
            found = field_differences(columns, np.arange(images) < images // 2, CompareConfig())
            done("tests")
        finally:
            fo.delete_dataset(dataset.name)
    report = {"images": images, "fields": fields, "columns": len(columns.columns), "tests": len(found), "seconds": steps}
    print(json.dumps(report, indent=1))
    RESULTS.write_text(json.dumps(report, indent=1) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()

"""Picture quality as fields: is the right measure first where some photographs of one side were changed, and is nothing claimed else?

    python benchmarks/measures.py [draws] [nulls]

10 % of one side of 200 photographs are blurred, darkened, desaturated, recompressed (quality 15), made smaller and larger again, or framed;
or 30 % mildly so. Photographs: Corel-1000 and COCO val2017 in ../shared/data, all saved anew at quality 92 first, so that nothing but the
change differs. Measures and tests were chosen on Corel; COCO reports. Null: random halves. Pictures' vectors play no part: fields are held
to the level that is theirs where the pictures say nothing. Prints a table, writes benchmarks/results/measures.json.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from latentdiff import CompareConfig, measure_images
from latentdiff.comparing.fields import field_differences
from latentdiff.inputs.columns import check_fields, read_columns
from latentdiff.stats.fields import together

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
RESULTS = ROOT / "benchmarks" / "results" / "measures.json"
SIDE, POOL, QUALITY = 200, 120, 92
Change = Callable[[Image.Image], Image.Image]


def smaller_and_back(image: Image.Image, factor: float) -> Image.Image:
    """Detail of a picture ``factor`` times as small, at its own size."""
    small = image.resize((round(image.width / factor), round(image.height / factor)), Image.Resampling.BICUBIC)
    return small.resize(image.size, Image.Resampling.BICUBIC)


def framed(image: Image.Image, share: float) -> Image.Image:
    """A black frame, within the picture's own size."""
    edge = round(share * min(image.size))
    inner = image.resize((image.width - 2 * edge, image.height - 2 * edge), Image.Resampling.LANCZOS)
    return ImageOps.expand(inner, edge, "black")


CHANGES: dict[str, tuple[set[str], Change, Change, tuple[int, int]]] = {
    "blurred": (
        {"sharpness"},
        lambda p: p.filter(ImageFilter.GaussianBlur(2)),
        lambda p: p.filter(ImageFilter.GaussianBlur(1)),
        (QUALITY, QUALITY),
    ),
    "darkened": (
        {"brightness", "highlights"},
        lambda p: ImageEnhance.Brightness(p).enhance(0.25),
        lambda p: ImageEnhance.Brightness(p).enhance(0.55),
        (QUALITY, QUALITY),
    ),
    "desaturated": (
        {"saturation", "colourfulness", "vividness", "purity", "greyscale"},
        lambda p: ImageEnhance.Color(p).enhance(0.1),
        lambda p: ImageEnhance.Color(p).enhance(0.5),
        (QUALITY, QUALITY),
    ),
    "recompressed": ({"blockiness", "bytes_per_pixel"}, lambda p: p, lambda p: p, (15, 40)),
    # Not 1.6 = 8 / 5, which lays the pattern of resampling onto JPEG's grid of 8: that is blockiness.
    "up-scaled": ({"sharpness"}, lambda p: smaller_and_back(p, 3), lambda p: smaller_and_back(p, 1.7), (QUALITY, QUALITY)),
    "framed": ({"borders"}, lambda p: framed(p, 0.08), lambda p: framed(p, 0.03), (QUALITY, QUALITY)),
}
"""Change → the measures that are right, the change, the mild one, and the quality at which both are saved."""


def measured(paths: list[Path], change: Change, quality: int, folder: Path) -> dict[str, np.ndarray]:
    """Measures of changed photographs, saved and read again."""
    files = []
    for i, path in enumerate(paths):
        files.append(folder / f"{i}.jpg")
        change(Image.open(path).convert("RGB")).save(files[-1], quality=quality)
    return measure_images(files)


def first(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> str:
    """The field that comes first, if it passes; else nothing."""
    held = check_fields(a, b, (len(a["pixels"]), len(b["pixels"])))
    assert held is not None
    n_a = len(a["pixels"])
    n = n_a + len(b["pixels"])
    found = field_differences(read_columns(held, np.arange(n)), np.arange(n) < n_a, CompareConfig())
    return found[0].field if found and together(1.0, found[0].q_value)[1] <= 0.05 else ""


def main() -> None:
    """Both sets of photographs, all changes, and random halves."""
    draws, nulls = (int(x) for x in (*sys.argv[1:], 20, 200)[:2])
    table: dict[str, object] = {}
    for name in ("corel", "coco"):
        paths = sorted((DATA / name / "photos").glob("*.jpg"))[:1000]
        rng = np.random.default_rng(0)
        with tempfile.TemporaryDirectory() as folder:
            plain = measured(paths, lambda p: p, QUALITY, Path(folder))
            pool = np.sort(rng.choice(len(paths), POOL, replace=False))
            for kind, (right, strong, mild, qualities) in CHANGES.items():
                for how, change, quality, share in (("10 %", strong, qualities[0], 0.1), ("30 % mildly", mild, qualities[1], 0.3)):
                    changed = measured([paths[i] for i in pool], change, quality, Path(folder))
                    count, wrong = 0, []
                    for draw in range(draws):
                        own = np.random.default_rng(draw)
                        some = own.choice(POOL, round(share * SIDE), replace=False)
                        rest = own.permutation(np.setdiff1d(np.arange(len(paths)), pool[some]))[: 2 * SIDE - len(some)]
                        a = {m: v[rest[:SIDE]] for m, v in plain.items()}
                        b = {m: np.concatenate([v[rest[SIDE:]], changed[m][some]]) for m, v in plain.items()}
                        seen = first(a, b)
                        count += seen in right
                        wrong += [seen or "nothing"] * (seen not in right)
                    table[f"{name}: {kind}, {how}"] = {"right": count / draws, "else": sorted(set(wrong))}
                    print(name, kind, how, f"{count / draws:.2f}", sorted(set(wrong)), flush=True)
        claimed = 0
        for draw in range(nulls):
            rows = np.random.default_rng(10_000 + draw).permutation(len(paths))[: 2 * SIDE]
            claimed += bool(first({m: v[rows[:SIDE]] for m, v in plain.items()}, {m: v[rows[SIDE:]] for m, v in plain.items()}))
        table[f"{name}: random halves"] = claimed / nulls
        print(name, "random halves", claimed / nulls, flush=True)
    RESULTS.write_text(json.dumps({"draws": draws, "nulls": nulls, "table": table}, indent=1) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()

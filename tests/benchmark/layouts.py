"""Small folders of drawn images in the layouts in which the benchmarks are published."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

from latentdiff import demo
from latentdiff.demo import Rules

SIZE = 64
"""What the demo's encoder takes."""


def draw_files(files: Sequence[Path], kind: str | None, setting: str, seed: int, forbid: tuple[str, ...] = ()) -> list[Path]:
    """Draw one scene per file: one object of a kind (or any) in a setting."""
    if not files:
        return []
    rule = Rules(settings=(setting,), require=(kind,) if kind else (), forbid=forbid, objects=(1, 1), natural=False)
    for file, (image, _) in zip(files, demo.draw(len(files), seed, size=SIZE, rules=[rule] * len(files)), strict=True):
        file.parent.mkdir(parents=True, exist_ok=True)
        image.save(file, quality=92)
    return list(files)


def numbered(folder: Path, n: int) -> list[Path]:
    """``000001.jpg`` and so on."""
    return [folder / f"{i + 1:06d}.jpg" for i in range(n)]


def words_file(path: Path) -> Path:
    """The demo's vocabulary as a text file."""
    path.write_text("\n".join(demo.words()) + "\n", encoding="utf8")
    return path


def visdiffbench_released(root: Path, pairs: dict[str, list[tuple[str, str]]], n: int = 24) -> Path:
    """VisDiffBench by its ``PairedImageSets.csv``: ``easy/1_a`` against ``easy/1_b``, named by the two sentences of a pair."""
    rows = []
    for d, (difficulty, named) in enumerate(pairs.items()):
        for i, kinds in enumerate(named, 1):
            for letter, kind in zip("ab", kinds, strict=True):
                folder = root / "VisDiffBench" / difficulty / f"{i}_{letter}"
                files = draw_files(numbered(folder, n), kind, "field", seed=1000 * d + 10 * i + ord(letter))
                rows += [(f"./data/{file.relative_to(root).as_posix()}", kind) for file in files]
    with (root / "PairedImageSets.csv").open("w", newline="", encoding="utf8") as f:
        csv.writer(f).writerows([("path", "group_name"), *rows])
    return root


def visdiffbench(root: Path, pairs: dict[str, list[tuple[str, str]]], n: int = 24) -> Path:
    """VisDiffBench as its archive unpacks: ``VisDiffBench/<difficulty>.jsonl`` and ``VisDiffBench/<difficulty>/<i>_<1|2>/000001.jpg``."""
    base = root / "VisDiffBench"
    for d, (difficulty, named) in enumerate(pairs.items()):
        lines = []
        for i, kinds in enumerate(named):
            for side, kind in enumerate(kinds, 1):
                draw_files(numbered(base / difficulty / f"{i}_{side}", n), kind, "field", seed=1000 * d + 10 * i + side)
            files = {f"set{s}_images": [f"{difficulty}/{i}_{s}/{k + 1:06d}.jpg" for k in range(n)] for s in (1, 2)}
            lines.append(json.dumps({"set1": kinds[0], "set2": kinds[1], "difference": f"{kinds[0]} vs {kinds[1]}", **files}))
        base.mkdir(parents=True, exist_ok=True)
        (base / f"{difficulty}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf8")
    return root


RENDITIONS = (
    "art", "cartoon", "deviantart", "embroidery", "graffiti", "graphic", "misc", "origami", "painting", "sculpture", "sketch", "sticker",
    "tattoo", "toy", "videogame",
)  # fmt: skip
"""Groups of ``ImageNetR.csv`` beside imagenet; the archive has no misc."""


def visdiff_csv(
    root: Path, stem: str, groups: dict[str, tuple[str | None, str]], n: int = 24, lacking: Sequence[str] = (), synset: str = ""
) -> Path:
    """One of VisDiff's CSVs with its images: group → (kind, setting); paths as published (``./data/VisDiffBench/...``).

    ``lacking`` groups are listed and have no images; with a ``synset`` files are named as ImageNet-R's, ``n04147183_art_2.jpg``.
    """
    rows = []
    for i, (name, (kind, setting)) in enumerate(groups.items()):
        folder = root / "VisDiffBench" / stem.lower() / name.replace(" ", "_")
        files = [folder / f"{synset}_{name}_{k}.jpg" for k in range(n)] if synset else numbered(folder, n)
        if name not in lacking:
            draw_files(files, kind, setting, seed=5000 + 10 * i)
        rows += [(f"./data/{file.relative_to(root).as_posix()}", name, kind) for file in files]
    with (root / f"{stem}.csv").open("w", newline="", encoding="utf8") as f:
        writer = csv.writer(f)
        writer.writerow(("path", "group_name", "target"))
        writer.writerows(rows)
    return root


def metashift(root: Path, subsets: dict[tuple[str, str], str], n: int = 30, shared: int = 3) -> Path:
    """MetaShift's generated folders, ``cat/cat(sofa)/<id>.jpg``: (class, context) → setting; ``shared`` images lie in the first two."""
    for i, ((name, context), setting) in enumerate(subsets.items()):
        folder = root / name / f"{name}({context})"
        draw_files([folder / f"{1000 * i + k}.jpg" for k in range(n)], name, setting, seed=7000 + i)
    first, second = (root / name / f"{name}({context})" for name, context in list(subsets)[:2])
    for k in range(shared):
        (second / f"{k}.jpg").symlink_to(first / f"{k}.jpg")
    return root


def imagenet(root: Path, classes: dict[str, tuple[str | None, int]]) -> Path:
    """ImageNet's training set as published: ``ILSVRC/Data/CLS-LOC/train/<synset>/<synset>_<i>.JPEG``; synset → (kind, images)."""
    for i, (synset, (kind, n)) in enumerate(classes.items()):
        folder = root / "ILSVRC/Data/CLS-LOC/train" / synset
        forbid = () if kind else ("boat", "umbrella")
        draw_files([folder / f"{synset}_{k}.JPEG" for k in range(n)], kind, "field", seed=9000 + 100 * i, forbid=forbid)
    return root


def coco_zoo(root: Path, images: Sequence[tuple[str, Sequence[str]]], split: str) -> Path:
    """``<split>/labels.json`` and ``<split>/data/*.jpg`` by FiftyOne's exporter, in place of ``train2017`` and its annotations."""
    import shutil

    import fiftyone as fo
    from fiftyone.utils.coco import COCODetectionDatasetExporter

    names = sorted({name for _, own in images for name in own})
    with COCODetectionDatasetExporter(export_dir=str(root / split), classes=names) as exporter:
        for file, own in images:
            found = [fo.Detection(label=name, bounding_box=[0.1, 0.1, 0.5, 0.5]) for name in own]
            metadata = fo.ImageMetadata(width=SIZE, height=SIZE, num_channels=3)
            exporter.export_sample(str(root / "train2017" / file), fo.Detections(detections=found), metadata)
    shutil.rmtree(root / "train2017")
    shutil.rmtree(root / "annotations")
    return root


def imagenet_zoo(root: Path, labels: Sequence[str], split: str = "train") -> list[str]:
    """``<split>/data/000001.jpg`` and ``<split>/labels.json`` of one image per synset named, as the zoo's imagenet-2012 writes them.

    Torchvision's data set gives (image, index) pairs and names each class by its first word; FiftyOne's exporter does the rest.
    """
    import fiftyone.utils.data as foud
    import numpy as np

    from latentdiff.benchmark.wordnet import imagenet_classes

    classes = imagenet_classes()
    index = {synset: i for i, synset in enumerate(classes)}
    parser = foud.ImageClassificationSampleParser(classes=[c.name for c in classes.values()])
    exporter = foud.FiftyOneImageClassificationDatasetExporter(str(root / split), classes=parser.classes)
    pairs = [(np.full((8, 8, 3), i % 255, np.uint8), index[synset]) for i, synset in enumerate(labels)]
    foud.write_dataset(pairs, parser, exporter, num_samples=len(pairs))
    return [str(root / split / "data" / f"{i + 1:06d}.jpg") for i in range(len(pairs))]


def coco(root: Path, images: Sequence[tuple[str, Sequence[str]]], split: str = "train") -> Path:
    """COCO's annotations alone, ``annotations/instances_<split>2017.json``: (file, object names), twice-seen objects twice."""
    names = sorted({name for _, own in images for name in own})
    number = {name: 3 * i + 1 for i, name in enumerate(names)}
    content = {
        "categories": [{"id": k, "name": name} for name, k in number.items()],
        "images": [{"id": 10 * i, "file_name": file} for i, (file, _) in enumerate(images)],
        "annotations": [{"image_id": 10 * i, "category_id": number[name]} for i, (_, own) in enumerate(images) for name in own],
    }
    path = root / "annotations" / f"instances_{split}2017.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf8")
    return root

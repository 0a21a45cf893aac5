"""VisDiffBench as it is released: the archive's folders and lists, and the CSV files of its repository."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError

DIFFICULTIES = ("easy", "medium", "hard")
SETS = {"ImageNetR": ("ImageNet-R", "imagenet"), "ImageNetStar": ("ImageNet*", "base")}
"""CSV → what it is called, and the group that every other one is compared with."""
SIDE = {"a": "A", "b": "B", "1": "A", "2": "B"}
"""Ending of a pair's folder → its side."""
_FOLDER = re.compile(r"(?:^|/)(easy|medium|hard)/(\d+)_([12ab])/")


@dataclass(frozen=True)
class PairedSet:
    """One pair of the benchmark."""

    group: str
    """"PIS easy", ..., "ImageNet-R", "ImageNet*"."""
    name_a: str
    """Ground truth: what is true of A."""
    name_b: str
    """The same of B; "" where B is the plain counterpart of all."""
    files_a: tuple[str, ...]
    """Empty, as ``files_b``, where the file names images of the other side alone."""
    files_b: tuple[str, ...]


def read_benchmark(root: Path) -> list[PairedSet]:
    """Every pair that is in a folder of VisDiff's repository (``data/``) or of the VisDiffBench archive unpacked into it.

    Args:
        root: holds ``VisDiffBench/{easy,medium,hard}.jsonl`` or ``PairedImageSets.csv``, ``ImageNetR.csv``, ``ImageNetStar.csv``, and
            the images under ``VisDiffBench/``; or is the repository, which holds that folder as ``data``; or is ``VisDiffBench`` in it.
    """
    root = _home(root)
    by_part = {d: _from_jsonl(root / "VisDiffBench", d) for d in DIFFICULTIES}
    if (root / "PairedImageSets.csv").is_file() and not all(by_part.values()):
        listed = _from_paired_csv(root)
        by_part = {d: own or [p for p in listed if p.group == f"PIS {d}"] for d, own in by_part.items()}
    pairs = [p for own in by_part.values() for p in own]
    for stem, (title, plain) in SETS.items():
        if (root / f"{stem}.csv").is_file():
            groups = _csv_groups(root, root / f"{stem}.csv")
            if plain not in groups:
                raise InputError(f"{root / stem}.csv has no images of the group {plain!r}, with which the others are compared")
            pairs += [PairedSet(title, name, "", tuple(files), tuple(groups[plain])) for name, files in groups.items() if name != plain]
    return pairs


def _home(root: Path) -> Path:
    """The folder of the lists: as named, ``data`` of the repository, or the one that holds ``VisDiffBench``."""
    lists = ["PairedImageSets.csv", *(f"{stem}.csv" for stem in SETS), *(f"VisDiffBench/{d}.jsonl" for d in DIFFICULTIES)]
    places = (root, root / "data", *([root.parent] if root.name == "VisDiffBench" else []))
    return next((place for place in places if any((place / name).is_file() for name in lists)), root)


def _from_jsonl(root: Path, difficulty: str) -> list[PairedSet]:
    path = root / f"{difficulty}.jsonl"
    if not path.is_file():
        return []
    out = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        try:
            item = json.loads(line)
            files = [tuple(str(root / f) for f in item[f"set{i}_images"]) for i in (1, 2)]
            out.append(PairedSet(f"PIS {difficulty}", item["set1"], item["set2"], files[0], files[1]))
        except (ValueError, KeyError, TypeError) as e:
            raise InputError(f"line {number} of {path} is no pair with set1, set2, set1_images and set2_images: {e}") from e
    return out


def _from_paired_csv(root: Path) -> list[PairedSet]:
    """Pairs by the folder that the images are in: ``easy/1_a`` against ``easy/1_b`` (other releases: ``easy/0_1``, ``easy/0_2``)."""
    found: dict[tuple[int, int], dict[str, tuple[str, list[str]]]] = {}
    for name, files in _csv_groups(root, root / "PairedImageSets.csv").items():
        for file in files:
            match = _FOLDER.search(Path(file).as_posix())
            if not match:
                raise InputError(f"{file} of PairedImageSets.csv is in no folder such as easy/1_a, which says its pair")
            key = DIFFICULTIES.index(match[1]), int(match[2])
            found.setdefault(key, {}).setdefault(SIDE[match[3]], (name, []))[1].append(file)
    nothing: tuple[str, list[str]] = ("", [])
    pairs = [(DIFFICULTIES[d], s.get("A", nothing), s.get("B", nothing)) for (d, _), s in sorted(found.items())]
    return [PairedSet(f"PIS {d}", a[0], b[0], tuple(a[1]), tuple(b[1])) for d, a, b in pairs]


def _csv_groups(root: Path, path: Path) -> dict[str, list[str]]:
    """Files by group, in the file's order; the published paths start at the repository (``./data/VisDiffBench/...``)."""
    groups: dict[str, list[str]] = {}
    with path.open(encoding="utf-8-sig", newline="") as f:
        for row in csv.DictReader(f):
            if not row.get("path") or not row.get("group_name"):
                raise InputError(f"{path} needs the columns path and group_name")
            relative = Path(row["path"])
            parts = relative.parts[1:] if relative.parts[:1] == ("data",) else relative.parts
            groups.setdefault(row["group_name"], []).append(str(relative if relative.is_absolute() else root.joinpath(*parts)))
    return groups

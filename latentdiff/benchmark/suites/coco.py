"""``noisy-diff-coco``: the paper's main table on COCO's photographs, and where its images and labels are looked for."""

from __future__ import annotations

import json
from functools import cached_property
from math import comb
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...progress import Progress
from .. import noisy_diff
from ..case_suite import CaseSuite
from ..cases import Case, Space
from ..spaces import embedded_space
from ..suite import Table

DATA = Path("coco")
SPLITS = {"train": "train", "val": "val", "validation": "val"}
"""What a split may be called (validation: by FiftyOne) → what COCO's files call it."""
PAIRS = 15
"""Pairs per parent of the paper's table 1; its table 2 has all 1,826."""


class CocoFolder:
    """COCO 2017 as published, or as FiftyOne's zoo lays it out.

    Args:
        root: holds ``annotations/instances_<split>2017.json`` and ``<split>2017/*.jpg``; or (zoo) ``train/labels.json`` or
            ``validation/labels.json``, of the images that were downloaded, and ``data/*.jpg`` beside it; or the zoo's
            ``raw/instances_<split>2017.json``, of all images.
        split: "train" or "val".
    """

    def __init__(self, root: Path, split: str) -> None:
        self.root, self.split = root, split
        name = f"instances_{split}2017.json"
        zoo = root / ("validation" if split == "val" else split)
        places = (root / "annotations" / name, zoo / "labels.json", root / "raw" / name)
        self.annotations = next((p for p in places if p.is_file()), places[0])
        self.images = next((p for p in (root / f"{split}2017", zoo / "data") if p.is_dir()), root / f"{split}2017")

    def missing(self) -> list[str]:
        """What is not there."""
        out = []
        archive = "annotations_trainval2017.zip"
        if not self.annotations.is_file():
            out.append(f"COCO's object labels: fetch {archive} from cocodataset.org and unpack it, so that {self.annotations} exists")
        if not self.images.is_dir():
            out.append(f"COCO's images: fetch {self.split}2017.zip from cocodataset.org and unpack it into {self.images}")
        return [f"{line} (or name the folder with --data)" for line in out]

    @cached_property
    def labels(self) -> dict[str, list[str]]:
        """Object names by file name, in the order of the file; images without objects are there with none."""
        return read_instances(self.annotations)


def read_instances(path: Path) -> dict[str, list[str]]:
    """Object names by image file of a COCO ``instances`` file.

    Raises:
        InputError: it holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf8"))
        names = {c["id"]: c["name"] for c in content["categories"]}
        files = {i["id"]: i["file_name"] for i in content["images"]}
        out: dict[str, list[str]] = {name: [] for name in files.values()}
        for annotation in content["annotations"]:
            out[files[annotation["image_id"]]].append(names[annotation["category_id"]])
    except (ValueError, KeyError, TypeError) as e:
        raise InputError(f"{path} is no COCO instances file: {type(e).__name__}: {e}") from e
    return out


def attribute_counts(labels: noisy_diff.Labels, minimum: int = noisy_diff.MINIMUM) -> Table:
    """Eligible attributes and pairs of the paper's parents, its counts beside those of some labels."""
    rows: list[tuple[Any, ...]] = []
    known = noisy_diff.parents(labels, 1)
    for parent, paper in noisy_diff.PAPER_ATTRIBUTES.items():
        own = len(noisy_diff.eligible(labels, parent, minimum)) if parent in known else 0
        rows.append((parent, known.get(parent, 0), paper, own, comb(paper, 2), comb(own, 2), "yes" if own == paper else "no"))
    header = ("parent", "images", "attributes (paper)", "attributes here", "pairs (paper)", "pairs here", "agree")
    note = f"An attribute is eligible where {minimum} of the parent's images show it. The paper's counts belong to COCO's train split."
    return Table("Eligible attributes", header, tuple(rows), note)


class NoisyDiffCoco(CaseSuite):
    """Six parents, 15 pairs each (all 1,826 with ``--pairs all``)."""

    name = "noisy-diff-coco"
    own_options = frozenset({"split"})
    photographs = True
    published_images = 25_000
    """The train split's images of six parents that overlap little."""
    help = "Noisy-Diff on COCO (paper section 6): bicycle, backpack, cat, dog, tv and motorcycle, 15 pairs each; --pairs all for 1,826."

    @cached_property
    def coco(self) -> CocoFolder:
        """Labels and images."""
        named = self.options.split or "train"
        if named not in SPLITS:
            raise InputError(f"COCO has no labelled split {named!r}; there are {', '.join(SPLITS)}")
        return CocoFolder(self.options.data or DATA, SPLITS[named])

    def missing(self) -> list[str]:
        return self.coco.missing()

    def published_pairs(self) -> dict[str, int]:
        return {parent: min(comb(n, 2), self.options.pairs or PAIRS) for parent, n in noisy_diff.PAPER_ATTRIBUTES.items()}

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "split": self.coco.split}

    def about(self) -> list[Table]:
        return [attribute_counts(list(self.coco.labels.values()))]

    def make_cases(self) -> list[Case]:
        labels, out = list(self.coco.labels.values()), []
        for parent in noisy_diff.PAPER_ATTRIBUTES:
            pairs = noisy_diff.count_pairs(labels, parent) if noisy_diff.parents(labels, 1).get(parent, 0) else []
            for p in noisy_diff.choose_pairs(pairs, self.options.pairs or PAIRS, self.options.seed):
                out.append(Case.of_pair(noisy_diff.build(labels, parent, p.attribute_a, p.attribute_b, self.options.seed), parent))
        if not out:
            few = f"no parent of the paper has two attributes of {noisy_diff.MINIMUM} images"
            raise InputError(f"{few} in {self.coco.annotations}; use --split train")
        return out

    @cached_property
    def used_rows(self) -> np.ndarray:
        """Rows of the parents' images, ascending: what is embedded, and what an SAE is trained on, however many pairs there are."""
        parents = {case.group for case in self.cases}
        return np.array([i for i, own in enumerate(self.coco.labels.values()) if not parents.isdisjoint(own)])

    def images(self) -> int:
        return len(self.used_rows)

    def make_space(self, progress: Progress) -> Space:
        names, used = list(self.coco.labels), self.used_rows
        paths = [str(self.coco.images / names[i]) for i in used]
        return spread_space(embedded_space(paths, self.options, progress), used, len(names))


def spread_space(space: Space, rows: np.ndarray, total: int) -> Space:
    """The space of some images as one of all, so that cases keep their row numbers; what is not used is NaN."""
    vectors = np.full((total, space.vectors.shape[1]), np.nan, np.float32)
    vectors[rows] = space.vectors
    space.vectors = vectors
    place = {int(row): i for i, row in enumerate(rows)}
    if space.captions is not None:
        space.captions = [space.captions[place[i]] if i in place else [] for i in range(total)]
    if space.paths is not None:
        space.paths = [space.paths[place[i]] if i in place else "" for i in range(total)]
    return space

"""ImageNet's training images by class: as published, and as FiftyOne's zoo writes them."""

from __future__ import annotations

import difflib
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError
from .wordnet import imagenet_classes, imagenet_groups

PLACES = ("ILSVRC/Data/CLS-LOC/train", "train", ".")
"""Where the folders of synsets, or the zoo's ``data`` and ``labels.json``, may lie below the root."""
IMAGES = (".jpeg", ".jpg", ".png")


@dataclass(frozen=True)
class GroupedImages:
    """Images of ImageNet that are here."""

    files: list[str]
    groups: list[str]
    """Of each file, the WordNet group of its class."""
    unclear: int = 0
    """Images left out, because their class name stands for two classes in different groups and nothing tells which it is."""


def grouped_images(root: Path) -> GroupedImages:
    """Files with their groups.

    Args:
        root: holds ``train/n01440764/*.JPEG`` (also below ``ILSVRC/Data/CLS-LOC``), or FiftyOne's ``train/data/000001.jpg`` with
            ``train/labels.json``.

    Raises:
        InputError: a ``labels.json`` of other classes.
    """
    classes = imagenet_classes()
    for place in PLACES:
        folder = root / place
        if not folder.is_dir():
            continue
        found = {f.name: _images(f) for f in sorted(folder.iterdir()) if f.name in classes and f.is_dir()}
        if found:
            files = [file for own in found.values() for file in own]
            return GroupedImages(files, [classes[synset].group for synset, own in found.items() for _ in own])
        if (folder / "labels.json").is_file() and (folder / "data").is_dir():
            group = zoo_groups(folder / "labels.json")
            known = [(f, group[Path(f).stem]) for f in _images(folder / "data") if Path(f).stem in group]
            clear = [(f, g) for f, g in known if g is not None]
            return GroupedImages([f for f, _ in clear], [g for _, g in clear], len(known) - len(clear))
    return GroupedImages([], [])


def zoo_groups(path: Path) -> dict[str, str | None]:
    """Group by the name of the file, without its ending, of the ``labels.json`` that FiftyOne's zoo writes for ImageNet.

    FiftyOne looks an image's index up by its class name, so both classes named crane (a bird, a machine) are written with one index. The
    images are numbered in the order of their classes: a crane among the birds is one. None where the order does not tell, as of images that
    were exported in another order.

    Raises:
        InputError: it is no such file, or its classes are not ImageNet's.
    """
    try:
        content = json.loads(path.read_text(encoding="utf8"))
        names, labels = content["classes"], content["labels"]
        plain = {stem: label["label"] if isinstance(label, dict) else label for stem, label in labels.items()}  # with a confidence
        named = [(stem, names[label] if names else label) for stem, label in sorted(plain.items(), key=_number)]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as e:
        raise InputError(f"{path} is no labels.json of FiftyOne's image classification ({type(e).__name__}: {e})") from e
    places = _places()
    strange = next((name for _, name in named if name not in places), None)
    if strange is not None:
        raise InputError(f"{path}: {strange!r} is no class of ImageNet")
    groups = [c.group for c in imagenet_classes().values()]
    sure = [places[name][0] for _, name in named if len(places[name]) == 1]
    in_order = all(a <= b for a, b in itertools.pairwise(sure))
    before, after = [-1], [len(groups)]
    for _, name in named:  # the last place that is sure, up to each image, and the first one from it on
        before.append(places[name][0] if len(places[name]) == 1 else before[-1])
    for _, name in reversed(named):
        after.append(places[name][0] if len(places[name]) == 1 else after[-1])
    out: dict[str, str | None] = {}
    for i, (stem, name) in enumerate(named):
        fitting = [p for p in places[name] if in_order and before[i + 1] <= p <= after[len(named) - i]] or places[name]
        out[stem] = _only({groups[p] for p in fitting})
    return out


def groups_of_files(files: Sequence[str], names: Sequence[str | None]) -> list[str | None]:
    """The group of each image of a dataset: by its folder (a synset), else by the zoo's ``labels.json`` above it, else by its class name.

    Args:
        files: paths of the images.
        names: class names of the same images.

    Returns:
        None where the class is not known, or is one of two of that name in different groups.
    """
    classes, places, out = imagenet_classes(), _places(), list[str | None]()
    every, known = list(classes.values()), dict[Path, dict[str, str | None]]()
    for file, name in zip(map(Path, files), names, strict=True):
        if file.parent.name in classes:
            out.append(classes[file.parent.name].group)
            continue
        labels = file.parent.parent / "labels.json"
        if labels not in known:
            known[labels] = zoo_groups(labels) if labels.is_file() else {}
        by_name = _only({every[p].group for p in places.get(name or "", [])})
        out.append(known[labels].get(file.stem, by_name))
    return out


def check_group(name: str) -> None:
    """Refuse what is no group of classes, before anything is read or unpacked.

    Raises:
        InputError: says which groups are near.
    """
    groups = imagenet_groups()
    if name not in groups:
        near = difflib.get_close_matches(name, groups, 3, 0.5)
        of = next((c for c in imagenet_classes().values() if c.name == name), None)
        more = f"; the class {name} is in the group {of.group!r}" if of else f"; near: {', '.join(near)}" if near else ""
        raise InputError(f"ImageNet has no group {name!r}{more}. latentdiff noisy-diff FOLDER lists the groups of a folder's classes")


def _images(folder: Path) -> list[str]:
    return sorted(str(f) for f in folder.iterdir() if f.suffix.lower() in IMAGES)


def _number(item: tuple[str, Any]) -> tuple[int, str]:
    """Files are numbered with six digits, those past the millionth with seven."""
    return len(item[0]), item[0]


def _places() -> dict[str, list[int]]:
    """Class name → indices of the classes of that name."""
    out: dict[str, list[int]] = {}
    for i, c in enumerate(imagenet_classes().values()):
        out.setdefault(c.name, []).append(i)
    return out


def _only(groups: set[str]) -> str | None:
    return next(iter(groups)) if len(groups) == 1 else None

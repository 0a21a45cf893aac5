"""WordNet tables that travel with the package: groups of ImageNet's classes, and nouns that mean the same."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cache
from importlib import resources

CUT = 6
"""Greatest depth of a group in WordNet (shortest path to the root): 88 groups of the 1,000 classes, the nearest to the paper's "on the
order of 100" (appendix E); its examples building, clothing, establishment and protective covering are among them, its dog is not."""
WHY_NO_DOG = (
    "The paper's example dog is no group: in WordNet it lies two steps below its other examples, and at no depth, along shortest, longest "
    "or first paths, are dog and building both groups (cut 6: 88 groups with building, clothing, establishment, protective covering; cut "
    "7: 234 without them)."
)


@dataclass(frozen=True)
class ImageNetClass:
    """One of the 1,000 classes."""

    synset: str
    """WordNet id such as ``"n02084071"``: the name of the class's folder."""
    name: str
    group_synset: str
    group: str
    """Name of its deepest ancestor that is not deeper than ``CUT``."""


@cache
def imagenet_classes() -> dict[str, ImageNetClass]:
    """Every class by its synset, in the order of the class indices."""
    lines = resources.files(__package__).joinpath("imagenet_groups.tsv").read_text(encoding="utf8").splitlines()
    rows = (line.split("\t") for line in lines if line.startswith("n") and line[1:9].isdigit())
    return {synset: ImageNetClass(synset, name, group_synset, group) for synset, name, group_synset, group in rows}


def imagenet_groups() -> dict[str, tuple[str, ...]]:
    """Group → synsets of its classes, largest group first."""
    out: dict[str, list[str]] = {}
    for synset, own in imagenet_classes().items():
        out.setdefault(own.group, []).append(synset)
    return {group: tuple(members) for group, members in sorted(out.items(), key=lambda x: (-len(x[1]), x[0]))}


@cache
def _synonyms() -> dict[str, frozenset[str]]:
    packed = resources.files(__package__).joinpath("noun_synonyms.txt.gz").read_bytes()
    out: dict[str, set[str]] = {}
    for line in gzip.decompress(packed).decode("utf8").splitlines():
        words = line.split("|")
        for word in words:
            out.setdefault(word, set()).update(words)
    return {word: frozenset(others - {word}) for word, others in out.items()}


def synonyms(noun: str) -> frozenset[str]:
    """Nouns that share a WordNet synset with a noun (any of its meanings), lower case, without itself."""
    return _synonyms().get(" ".join(noun.lower().replace("_", " ").split()), frozenset())

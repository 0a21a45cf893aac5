"""Plurals and singulars of English words and phrases."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from functools import lru_cache

import numpy as np

IRREGULAR_PLURALS = {
    "children": "child",
    "feet": "foot",
    "geese": "goose",
    "halves": "half",
    "knives": "knife",
    "leaves": "leaf",
    "loaves": "loaf",
    "men": "man",
    "mice": "mouse",
    "people": "person",
    "scarves": "scarf",
    "sheep": "sheep",
    "shelves": "shelf",
    "teeth": "tooth",
    "wolves": "wolf",
    "women": "woman",
}


def singular(word: str, known: Container[str]) -> str:
    """The singular of a lower-case word or phrase, where it is irregular or among the known words; else the word itself."""
    if word in IRREGULAR_PLURALS:
        return IRREGULAR_PLURALS[word]
    forms = [word[:-3] + "y"] if word.endswith("ies") else []
    if word.endswith(("ses", "xes", "zes", "ches", "shes", "oes")):
        forms.append(word[:-2])
    if word.endswith("s") and not word.endswith("ss"):
        forms.append(word[:-1])
    return next((f for f in forms if len(f) > 2 and f in known), word)


def unqualified(word: str) -> str:
    """A name without the sense that stands behind it in brackets: "crab (animal)" is a crab."""
    return re.sub(r"\s+\([^()]*\)$", "", word)


def same_word(one: str, other: str) -> bool:
    """Whether two phrases are near-identical: equal but for case and a regular plural ending ("bus", "buses")."""
    (one, of_one), (other, of_other) = _forms(one), _forms(other)
    return one == other or one in of_other or other in of_one


def same_words(phrases: Sequence[str]) -> np.ndarray:
    """(n, n) bool: :func:`same_word` of each of n phrases with each, without looking at every pair."""
    forms = [_forms(phrase) for phrase in phrases]
    places: dict[str, list[int]] = {}
    for i, (plain, _) in enumerate(forms):
        places.setdefault(plain, []).append(i)
    out = np.eye(len(forms), dtype=bool)
    for i, (plain, plurals) in enumerate(forms):
        for form in (plain, *plurals):
            for j in places.get(form, ()):
                out[i, j] = out[j, i] = True
    return out


@lru_cache(1 << 16)
def _forms(word: str) -> tuple[str, tuple[str, ...]]:
    """A word without case, and its plurals: words are compared far more often than there are words."""
    plain = word.casefold().strip()
    return plain, _plurals(plain)


def _plurals(word: str) -> tuple[str, ...]:
    """Regular English plurals: built from the singular, since "buses" and "houses" cannot be told apart by their endings."""
    if len(word) < 3:
        return ()
    if word.endswith("y") and word[-2] not in "aeiou":
        return (word[:-1] + "ies",)
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return (word + "es",)
    return (word + "s", word + "es") if word.endswith("o") else (word + "s",)

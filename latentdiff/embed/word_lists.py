"""Words as people write them in files: one spelling each, and those that only look alike."""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Iterable

LOOKS_LIKE = str.maketrans(
    "аеорсухіјѕԁһӏԛԝ" + "αορνικυχ" + "АВЕКМНОРСТУХІЈЅ" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ" + "ı",
    "aeopcyxijsdhlqw" + "aopvikux" + "abekmhopctyxijs" + "abezhikmnoptyx" + "i",
)
"""Cyrillic, Greek and other letters that are drawn as Latin ones (the commonest of Unicode's confusables)."""
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def cleaned(text: str) -> str:
    """One spelling of a text: composed characters (NFC), no invisible format characters, single spaces."""
    visible = (c for c in unicodedata.normalize("NFC", text) if unicodedata.category(c) != "Cf")
    return " ".join("".join(visible).split())


def canonical(text: str) -> str:
    """A text as SigLIP and SigLIP 2 were trained on: lower case, no punctuation, single spaces (``canonicalize_text`` of big_vision)."""
    return " ".join(text.replace("_", " ").translate(_PUNCTUATION).lower().split())


def look_alikes(words: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of different words that are drawn (nearly) alike: letters of other alphabets, full-width forms, ligatures."""
    words = list(words)
    foreign = [word for word in words if not word.isascii()]
    if not foreign:
        return []
    drawn: dict[str, str] = {}
    for word in words:
        if word.isascii():
            drawn.setdefault(word.lower(), word)
    found = []
    for word in foreign:
        first = drawn.setdefault(_drawn(word), word)
        if first != word:
            found.append((first, word))
    return found


def _drawn(word: str) -> str:
    return unicodedata.normalize("NFKC", word).translate(LOOKS_LIKE).lower()

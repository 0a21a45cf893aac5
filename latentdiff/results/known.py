"""What is looked past, as text: by what it is found again, and the name by which people know it."""

from __future__ import annotations

import re

from .hypothesis import Hypothesis

CONCEPT = re.compile(r"(?:(?P<name>.*\S) \()?concept (?P<concept>\d{1,9})(?(name)\))")
PHRASE = re.compile(r"(?P<name>.*\S) \(“(?P<phrase>.+)”\)")


def as_read(text: str, weak: bool) -> str:
    """A finding's words as its card says them: "looks like bus" where they are a guess."""
    return f"{'looks like ' * weak}{text}"


def known_text(h: Hypothesis, name: str) -> str:
    """A finding that is to be looked past, with the name that a reader saw: "looks like bus (concept 2)", "our van (“bus”)", "bus".

    Args:
        h: the finding. What its words hardly fit, or people called otherwise, goes by its concept, where it has one.
        name: what its card says.
    """
    name = name.replace(";", ",")  # which stands between several in forms
    if h.concept is not None and (h.weak or name != h.text):
        return concept_known(h.concept, name)
    return h.text if name in (h.text, as_read(h.text, True)) else f"{name} (“{h.text}”)"


def concept_known(concept: int, name: str) -> str:
    """A concept that is looked past, with its name: "looks like bus (concept 2)"; "concept 2" where that is its name."""
    number = f"concept {concept}"
    return number if name in ("", number, as_read(number, True)) else f"{name} ({number})"


def concept_of(text: str) -> int | None:
    """The concept that a text of what is looked past means; None for anything else."""
    found = CONCEPT.fullmatch(" ".join(text.split()))
    return int(found["concept"]) if found else None


def phrase_of(text: str) -> str:
    """The phrase that a text of what is looked past means: the one in quotes, else all of it."""
    found = PHRASE.fullmatch(text)
    return found["phrase"] if found else text


def same_known(one: str, other: str) -> bool:
    """Whether two texts mean the same thing, whatever name they give it."""
    concept = concept_of(one)
    return concept == concept_of(other) if concept is not None else phrase_of(one) == phrase_of(other)

"""A comparison in words: what the command line, the panel, reports and the App's messages say."""

from __future__ import annotations

import dataclasses
import html
import itertools
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from ..config import CompareConfig
from ..progress import duration
from ..results.comparison import FOLLOWS, Comparison
from ..results.feedback import REJECTED, Feedback, said_of
from ..results.hypothesis import Hypothesis

Found = TypeVar("Found")
MADE_BY = "Made by LatentDiff"
"""Tells a report from files of others."""
MARKDOWN = re.compile(
    r"[\\`*\[\]|~@]|(?<![^\W_])_|_(?![^\W_])|^>|^\+(?=\s|$)|^-(?=\s|-*$)|^=(?==*$)|^#(?=#{0,5}\s|#*$)|(?<=\s)#(?=#*$)"
    r"|(?<=\bwww)\.|:(?=//)|(?<=\bmailto):|(?<=\bxmpp):",
    re.IGNORECASE,
)
"""Escaped in text: what begins markup where it stands, and what would make a link of a bare address. A sign before a number begins none."""
NUMBERED = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")
"""At the start of a line: the first item of a list."""
ENTITY, TAG = re.compile(r"&(?=#?\w+;)"), re.compile(r"<(?=[a-z/!?]|$)", re.IGNORECASE)
"""What begins a character's name, and what begins HTML or a link: "R&D" and "<1%" begin neither."""

ISOLATE, END = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"
DIRECTIONS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Characters that steer in which direction a line is read, beyond themselves."""


def unmarked(text: str) -> str:
    """Text without direction marks, as data and labels that stand by themselves have it."""
    return re.sub(f"[{DIRECTIONS}]", "", text)


def isolated(name: str) -> str:
    """A name as it stands in a sentence: one in a right-to-left script keeps to itself, and no direction mark in it reaches further.

    What " = " or " · " joins, as a field and its value, does so each by itself: they stay in this order.
    """
    return name if name.isascii() else "".join(map(_isolated, re.split("( [=·] )", unmarked(name))))


def _isolated(part: str) -> str:
    leftward = any(unicodedata.bidirectional(c) in ("R", "AL", "AN") for c in part)
    return f"{ISOLATE}{part}{END}" if leftward else part


def apart(found: Found) -> Found:
    """A result, or any part of one, for sentences that people read: each text in it is :func:`isolated`, keys of mappings too.

    Returns:
        A copy; what has nothing to change is itself, and so is a configuration.
    """
    made: Any = found
    if found is None or isinstance(found, (int, float)):
        return found
    if isinstance(found, str):
        made = isolated(found)
    elif isinstance(found, (tuple, list)):
        parts = [apart(part) for part in found]
        made = type(found)(parts) if _changed(parts, found) else found
    elif isinstance(found, dict):
        parts = [(apart(key), apart(value)) for key, value in found.items()]
        made = dict(parts) if _changed(itertools.chain(*parts), itertools.chain(*found.items())) else found
    elif dataclasses.is_dataclass(found) and not isinstance(found, (type, CompareConfig)):
        values = [(f.name, getattr(found, f.name)) for f in dataclasses.fields(found)]
        changed = {name: part for name, value in values if (part := apart(value)) is not value}
        made = dataclasses.replace(found, **changed) if changed else found
    return made


def _changed(parts: Iterable[Any], before: Iterable[Any]) -> bool:
    return any(part is not was for part, was in zip(parts, before, strict=True))


def directed(text: str) -> str:
    """Text without direction marks, but for those that :func:`isolated` put round a name."""
    return re.sub(f"({ISOLATE}[^{DIRECTIONS}]*{END})|[{DIRECTIONS}]", lambda found: found[1] or "", text)


def escape(text: str, quote: bool = True) -> str:
    """As :func:`html.escape`, of :func:`directed` text."""
    return html.escape(directed(text), quote)


def verdict(comparison: Comparison, name_a: str, name_b: str) -> str:
    """Whether the sides differ, in one plain sentence (two where that helps).

    Args:
        comparison: the result.
        name_a, name_b: what people call the sides.
    """
    said = _verdict(comparison, name_a, name_b)
    return f"First answer: {said}" if comparison.provisional else said


def coming(comparison: Comparison) -> str:
    """Of a first answer, what is to follow and when, in a sentence."""
    seconds = (comparison.info.get("seconds") or {}).get(FOLLOWS)
    when = f" in {duration(seconds)}" if isinstance(seconds, (int, float)) and seconds > 0 else ""
    return f"First answer: better concepts come{when}, in its place."


def _verdict(comparison: Comparison, name_a: str, name_b: str) -> str:
    test, count = comparison.two_sample, len(comparison.fields)
    fields = f" {count} {'field differs' if count == 1 else 'fields or values differ'}, first {comparison.fields[0].name}." if count else ""
    near = " A borderline case: a few other images could have turned it." if comparison.borderline else ""
    p = f"{p_text(test.p_value)} against {comparison.config.alpha:g}" if test.p_value >= 0.001 else p_text(test.p_value)
    evidence = f" (AUC {test.auc:.2f}, {p})" if math.isfinite(test.auc) else ""  # baselines have no such test
    if not comparison.differs:
        what = "the pictures of " if count else ""
        share = f"{comparison.smallest_detectable:.0%}" if comparison.smallest_detectable >= 0.01 else "1%"
        found = f"No detectable difference between {what}{name_a} and {name_b}{evidence}."
        if not math.isfinite(comparison.smallest_detectable):
            return found + near + fields
        return f"{found}{near} Something in {share} more images of one side than of the other would have been seen.{fields}"
    count = len(comparison.hypotheses)
    if count == 0:
        slight = " beyond slight shifts" if comparison.shifts else ""
        return f"{name_a} and {name_b} differ{evidence}, but no single difference stands out{slight}.{near}{fields}"
    found = f"{count} {'difference' if count == 1 else 'differences'} found{_judged(comparison)}"
    return f"{name_a} and {name_b} differ: {found}{evidence}.{near}{fields}"


def _judged(comparison: Comparison) -> str:
    """How many of its findings have no card of their own, since people rejected them or made them a part of another one."""
    said = [said_of(comparison.feedback, h) for h in comparison.hypotheses]
    rejected = sum(one.state == REJECTED for one in said)
    parts = sum(one.hidden for one in said) - rejected
    part_of = f", {parts} {'a part' if parts == 1 else 'parts'} of another" if parts else ""
    return (f", {rejected} rejected" if rejected else "") + part_of


def p_text(p: float, name: str = "p") -> str:
    """A p- or q-value as one writes it: "p < 0.001" or "p = 0.03"."""
    if math.isnan(p):
        return f"{name} unknown"
    return f"{name} < 0.001" if p < 0.001 else f"{name} = {p:.2g}"


def percent(rate: float) -> str:
    """A rate in whole percent, without calling a few images none or nearly all of them all."""
    if math.isnan(rate):
        return "?"
    if 0 < rate < 0.01:
        return "<1%"
    return ">99%" if 0.99 < rate < 1 else f"{rate:.0%}"


def images(count: int) -> str:
    """ "1 image" or "1,234 images"."""
    return f"{count:,} image" if count == 1 else f"{count:,} images"


def rates_of(hypothesis: Hypothesis, names: Sequence[str]) -> str:
    """Its rates in a sentence: "30% of winter, 10% of summer"; ``names`` are what people call A and B."""
    return f"{percent(hypothesis.rate_a)} of {names[0]}, {percent(hypothesis.rate_b)} of {names[1]}"


def title(hypothesis: Hypothesis) -> str:
    """Its phrase; where that is a guess, marked, with the concept and the next word: "concept 812 · looks like: court, net"."""
    if not hypothesis.weak:
        return hypothesis.text
    number = "" if hypothesis.concept is None else f"concept {hypothesis.concept} · "
    return f"{number}looks like: {', '.join((hypothesis.text, *hypothesis.words[:1]))}"


def headline(hypothesis: Hypothesis, feedback: Iterable[Feedback]) -> str:
    """What people call it, else its :func:`title`."""
    return said_of(feedback, hypothesis).name or title(hypothesis)


def plain_markdown(text: str) -> str:
    """Text that Markdown shows as it is, on one line: phrases come from models and files, never trusted with markup."""
    text = TAG.sub("&lt;", ENTITY.sub("&amp;", " ".join(directed(text).split())))
    text = MARKDOWN.sub(lambda found: f"\\{found[0]}", text)
    return NUMBERED.sub(r"\1\\\2", text)

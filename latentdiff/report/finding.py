"""One difference → the plain texts of its card: what the panel, the page, the command line and every report draw.

A number becomes words here and nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ..config import REFITS
from ..results.comparison import Comparison
from ..results.feedback import Feedback, said_of
from ..results.hypothesis import Hypothesis
from ..results.known import as_read
from .concept import concept_facts
from .fields import ALONG, GOES_WITH, beside_text
from .meanings import MEANING, NAME_FITS, SOURCES
from .telling import counted, leans_back, listed, other_words, told_beside
from .text import headline, p_text, percent
from .tree import path_of

SIDES = ("A", "B")
Fact = tuple[str, str, str]
"""What it is called, its value, and what that means."""


@dataclass(frozen=True)
class Card:
    """One difference, as texts. What is not known is left out of the facts; a number by itself is "" then."""

    hypothesis: Hypothesis
    rank: int
    """Place among the hypotheses that pass, 0 = best; -1 for one that does not pass."""
    title: str
    """Its phrase, marked where it is a guess: one line."""
    phrase: str
    """The phrase alone: what people call it, else its words."""
    named: str
    """The same where nothing else marks a guess: "looks like white dog"."""
    guess: bool
    """Whether the phrase is a guess that nobody has replaced."""
    said: tuple[str, ...]
    """What people said of it: "accepted", how it was called before it was renamed, a note."""
    also: tuple[str, ...]
    """Other wordings, at most three; none that ``tells`` or another card has."""
    path: tuple[str, ...]
    """What the coarser concepts above it are called, coarsest first."""
    tells: str
    """What its card tells beside it, in a line: parts of it, other words for it, what differs only along with it; guesses are counted."""
    leans: str
    """What is to be known where its AUROC is below one half; else ""."""
    rates: dict[str, str]
    """Share of each side's images that show it, in percent."""
    images: dict[str, int]
    """How many images of each side show it."""
    q: str
    """Its q by itself: "0.03" or "< 0.001"."""
    auroc: str
    found: tuple[str, str]
    """The branch or method that found it, and what that means."""
    facts: tuple[Fact, ...]
    """What else is known, in short: difference, q, AUROC, branch, name."""
    badges: tuple[Fact, ...]
    """The evidence in a few words, each of which can be asked about: (key, label, meaning)."""
    details: tuple[Fact, ...]
    """All that is known, one number each."""
    where: tuple[str, str]
    """Its side and phrase, and how often it is shown: two lines."""
    concept: tuple[Fact, ...] = ()
    """The same of the concept behind it; see :func:`concept_facts`."""

    @property
    def line(self) -> str:
        """Its title, and in brackets what people said of it and what else its card says."""
        beside = "; ".join(filter(None, (*self.said, f"also {self.tells}" if self.tells else "", self.leans)))
        return f"{self.title} ({beside})" if beside else self.title

    def as_text(self, run: str = "") -> str:
        """The difference in two lines, to paste into a mail or a notebook; ``run``: the comparison that found it."""
        sure = ", ".join((p_text(self.hypothesis.q_value, "q"), *([f"AUROC {self.auroc}"] if self.auroc else [])))
        told = "; ".join(filter(None, (sure, self.leans, f"comparison {run}" if run else "")))
        return f"{self.where[0]}\n{self.where[1]} ({told})"


def card(comparison: Comparison, h: Hypothesis, rank: int, names: Mapping[str, str]) -> Card:
    """What there is to say of one difference.

    Args:
        comparison: the result.
        h: one of its candidates, of whatever method.
        rank: its place.
        names: what people call "A" and "B".
    """
    found, said = legend(comparison, h.source), said_of(comparison.feedback, h)
    heading, told = headline(h, comparison.feedback), told_beside(comparison, h)
    rates = {"A": percent(h.rate_a), "B": percent(h.rate_b)}
    return Card(
        hypothesis=h,
        rank=rank,
        title=heading,
        phrase=said.name or h.text,
        named=named(h, said),
        guess=bool(h.weak) and not said.name,
        said=said_in_words(said),
        also=other_words(comparison, h, told),
        path=path_of(comparison, h),
        tells=counted(comparison, h, told),
        leans=leans_back(h, names),
        rates=rates,
        images={side: len(comparison.rows_showing(h, side)) for side in SIDES},
        q=_alone(h.q_value),
        auroc=_number(h.auroc),
        found=found,
        facts=_facts(h, found, names),
        badges=_badges(h, found, said),
        details=_details(h, names, counted(comparison, h, h.folded)),
        where=(f"More in {names[h.side]}: {heading}", f"{rates['A']} of {names['A']}, {rates['B']} of {names['B']}"),
        concept=concept_facts(comparison, h),
    )


def named(h: Hypothesis, said: Feedback) -> str:
    """What a line calls a finding: the name that people gave it, else its phrase, marked where that is a guess."""
    return said.name or as_read(h.text, h.weak)


def said_in_words(said: Feedback) -> tuple[str, ...]:
    """What people said of a finding, a phrase each; nothing where they said nothing."""
    called = f"found as “{said.text}”" if said.name and said.name != said.text else ""
    return tuple(text for text in (said.state, called, f"note: {said.note}" if said.note else "") if text)


def legend(comparison: Comparison, source: str) -> tuple[str, str]:
    """What a branch or method is called on cards, and what it means that it found something; whatever wrote the comparison."""
    own = (comparison.info.get("legend") or {}).get(source)
    if own:
        return str(own[0]), str(own[1])
    return SOURCES.get(source, (source, f"A phrase that the method “{source}” found."))


def further_facts(h: Hypothesis, names: Mapping[str, str], also: str = "") -> list[Fact]:
    """What stands beside a difference: the firing of its pattern, and the differences that it goes with.

    Args:
        h: the difference.
        names: what people call side "A" and "B".
        also: what else says the same.
    """
    rows = []
    if math.isfinite(h.fires_a) and math.isfinite(h.fires_b):
        rows.append(("pattern fires on", f"{percent(h.fires_a)} of {names['A']}, {percent(h.fires_b)} of {names['B']}"))
    if math.isfinite(h.crowd_p):
        rows.append(("crowd", f"of images beyond chance, {p_text(h.crowd_p)}"))
    if h.refits is not None:
        rows.append(("found again", f"in {h.refits} of {REFITS} refits"))
    rows += [("also", also)] if also else []
    rows += [(name, listed(texts)) for name, texts in (("overlaps with", h.overlaps), ("along with it", h.echoes)) if texts]
    return [(name, value, MEANING[name]) for name, value in rows] + [(GOES_WITH, beside_text(field), ALONG) for field in h.fields]


def interval_text(h: Hypothesis) -> str:
    """The interval of a difference in points, "not measurable", or nothing for methods that give none."""
    low, high = h.interval
    if math.isfinite(low) and math.isfinite(high):
        return f"{_points(low)} to {_points(high)}"
    return "not measurable" if h.source in SOURCES else ""


def _facts(h: Hypothesis, found: tuple[str, str], names: Mapping[str, str]) -> tuple[Fact, ...]:
    sure = f" ({interval_text(h)})" if interval_text(h) else ""
    name = "none" if math.isnan(h.name_strength) else f"{'a guess' if h.weak else 'fits'} ({h.name_strength:.2f})"
    facts = [
        ("difference", f"{_points(h.effect)} points{sure}", MEANING["difference"]),
        *(fact for fact in further_facts(h, names) if fact[0] != "along with it"),  # ``tells`` has it
        ("q", _alone(h.q_value), MEANING["q"]),
        ("AUROC", _number(h.auroc), MEANING["AUROC"]),
        ("found as", *found),
        ("name", name, MEANING["name"]),
    ]
    return tuple(fact for fact in facts if fact[1])


def _badges(h: Hypothesis, found: tuple[str, str], said: Feedback) -> tuple[Fact, ...]:
    strength = _number(h.name_strength) if not said.name else ""  # how its own words fit says nothing of a name that people gave it
    badges = [("q", p_text(h.q_value, "q"), f"q: {MEANING['q']}")]
    badges += [("auroc", f"AUROC {h.auroc:.2f}", f"AUROC: {MEANING['AUROC']}")] if not math.isnan(h.auroc) else []
    badges.append(("branch", *found))
    if strength:
        badges.append(("sure", "name is a guess" if h.weak else "name fits", NAME_FITS[bool(h.weak)].format(strength=strength)))
    return tuple(badges)


def _details(h: Hypothesis, names: Mapping[str, str], also: str) -> tuple[Fact, ...]:
    own, other = h.side, "B" if h.side == "A" else "A"
    rate, (low, high) = {"A": h.rate_a, "B": h.rate_b}, h.interval
    known = math.isfinite(low) and math.isfinite(high)
    told = f"95 % interval {interval_text(h)} points" if known else interval_text(h) or "rate on its own side minus rate on the other"
    rows = [
        *((f"Rate in {names[s]}", f"{rate[s]:.2%}", "share of the images compared that show it") for s in (own, other)),
        ("Difference", f"{_points(h.effect)} points", told),
        *further_facts(h, names, also),
        ("p", _alone(h.p_value), "chance of this much if nothing differed"),
        ("q", _alone(h.q_value), "the same, with all that was tested in mind"),
        ("AUROC", _number(h.auroc, 3), "how well it alone tells the images apart: 0.5 not at all, 1 perfectly"),
        ("Fit of the name", _number(h.name_strength), "similarity of the words to what fires; near 0 is a guess"),
        ("Lead of the name", _number(h.name_margin), "how much better it fits than the next word"),
    ]
    return tuple(row for row in rows if row[1])


def _number(value: float, digits: int = 2) -> str:
    return "" if math.isnan(value) else f"{value:.{digits}f}"


def _alone(p: float) -> str:
    """A p or q without its letter; "" where it is not known."""
    return "" if math.isnan(p) else p_text(p, "").strip().removeprefix("= ")


def _points(rate: float) -> str:
    """A difference of rates in percentage points, signed; what rounds to nothing has no minus."""
    return f"{round(100 * rate, 1) + 0.0:+.1f}"

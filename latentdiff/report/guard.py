"""Whether a batch passes a guard: the finding that fails it, in words, for CI servers, and as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any
from xml.sax.saxutils import quoteattr

from ..results.comparison import Comparison
from ..results.hypothesis import Hypothesis
from .text import p_text, percent, title
from .watch import JUNIT, printable

CHANGED = "the batch differs from the reference, and nothing says in what"


@dataclass(frozen=True)
class Guarded:
    """A batch (A) that was held against a reference (B)."""

    comparison: Comparison
    smallest: float
    """Difference of rates from which a finding matters."""

    @property
    def failing(self) -> tuple[Hypothesis, ...]:
        """Findings that pass their test and are large enough to matter, the largest first."""
        found = [h for h in self.comparison.hypotheses if abs(h.rate_a - h.rate_b) >= self.smallest]
        return tuple(sorted(found, key=lambda h: -abs(h.rate_a - h.rate_b)))

    @property
    def passes(self) -> bool:
        """Whether nothing that matters differs. Where the sides differ and nothing says in what, nobody knows how much: it fails."""
        return not self.failing and not self.unnamed

    @property
    def unnamed(self) -> bool:
        """Whether the sides differ and there is no finding at all."""
        return bool(self.comparison.differs) and not self.comparison.hypotheses

    def sentences(self) -> list[str]:
        """What is to be said, a plain sentence each, the outcome first."""
        c, known = self.comparison, (self.comparison.info.get("given") or {}).get("names") or []
        past = f" Looking past: {', '.join(map(str, known))}." if known else ""
        evidence = p_text(c.two_sample.p_value)
        if self.unnamed:
            return [f"Fails: {CHANGED} (AUC {c.two_sample.auc:.2f}, {evidence}).{past}"]
        if count := len(self.failing):
            limit = f" of at least {percent(self.smallest)}" if self.smallest else ""
            return [f"Fails: {count} difference{'' if count == 1 else 's'}{limit} ({evidence}).{past}", *map(said, self.failing)]
        if not c.differs:
            least = max(c.smallest_detectable, 0.01)
            return [f"Passes: no detectable difference ({evidence}); something in {percent(least)} more images would have been seen.{past}"]
        return [f"Passes: none of the {len(c.hypotheses)} differences found is as large as {percent(self.smallest)} ({evidence}).{past}"]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        listed = [{"text": title(h), "side": h.side, "batch": h.rate_a, "reference": h.rate_b, "q_value": h.q_value} for h in self.failing]
        test = self.comparison.two_sample
        evidence = {"differs": bool(self.comparison.differs), "p_value": test.p_value, "auc": test.auc}
        return {"passes": self.passes, "smallest": self.smallest, **evidence, "failing": listed, "said": self.sentences()}


def said(h: Hypothesis) -> str:
    """ "more kite: 8% of the batch, 1% of the reference (q < 0.001)"."""
    kind = "more" if h.rate_a > h.rate_b else "less"
    return f"{kind} {title(h)}: {percent(h.rate_a)} of the batch, {percent(h.rate_b)} of the reference ({p_text(h.q_value, 'q')})"


def guard_junit(found: Guarded, name: str) -> str:
    """A JUnit file of one test case, which fails where the batch does."""
    first, *rest = found.sentences()
    failure = "" if found.passes else f"<failure message={quoteattr(printable(first))}>{escape(printable(chr(10).join(rest)))}</failure>"
    suite = f'{JUNIT}guard" tests="1" failures="{int(not found.passes)}">'
    case = f'<testcase classname="latentdiff" name={quoteattr(printable(name))}>{failure}</testcase>'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{suite}{case}</testsuite>\n'


def guard_annotation(found: Guarded) -> str:
    """A line that a workflow's log shows as an error, or as a notice."""
    kind = "notice" if found.passes else "error"
    text = " ".join(found.sentences()[:6]).replace("%", "%25").replace("\r", " ").replace("\n", " ")
    return f"::{kind} title=latentdiff guard::{text}"

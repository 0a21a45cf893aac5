"""How a :class:`~latentdiff.results.comparison.Comparison` shows itself at a prompt, in a notebook, and as a table."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable
from typing import Any

from ..compute.extras import needs
from .hypothesis import Hypothesis
from .known import as_read

SHOWN = 3
"""Differences per side in a summary: two sides of these and what there is more, below one head, are nine lines."""
LONGEST = 60
"""Characters of a phrase in a summary."""

_html: Callable[[Any], str] | None = None


def show_html_by(function: Callable[[Any], str]) -> None:
    """Register what draws a comparison in notebooks: reports stand above results and are not imported from here."""
    global _html
    _html = function


def as_html(comparison: Any) -> str | None:
    """HTML for a notebook; None where nothing is registered that draws it."""
    return _html(comparison) if _html is not None else None


def summary(comparison: Any) -> str:
    """At most ten lines: verdict, sizes, test, the first differences of each side, and the first fields."""
    names = [str(n) for n in comparison.info.get("names") or ("A", "B")]
    n_a, n_b = len(comparison.log_ratio_a), len(comparison.log_ratio_b)
    auc, p = comparison.two_sample.auc, comparison.two_sample.p_value
    test = "" if math.isnan(auc) else f", AUC {auc:.3g}, p {p:.2g}"  # baselines test phrases alone
    found = comparison.hypotheses
    first = "first answer: " if comparison.provisional else ""
    lines = [f"Comparison({first}{'differs' if comparison.differs else 'no detectable difference'}; {n_a:,} and {n_b:,} images{test})"]
    for side, name in zip("AB", names, strict=False):
        own = sum(h.side == side for h in found)
        lines += [f"  more in {_short(name)}: {_line(h)}" for h in comparison.top(side, SHOWN)]
        lines += [f"  and {own - SHOWN} more in {_short(name)}"] * (own > SHOWN)
    if comparison.fields:
        lines += [f"  fields that differ: {', '.join(_short(d.name) for d in comparison.fields[:SHOWN])}"]
    return "\n".join(lines)


def frame(found: Iterable[Any], kind: type) -> Any:
    """A ``pandas.DataFrame`` of instances of a dataclass: one row each, one column for each field of it.

    Raises:
        MissingPackageError: pandas is not installed.
    """
    with needs("tables", "to_pandas()"):
        import pandas
    columns = [f.name for f in dataclasses.fields(kind)]
    return pandas.DataFrame([[getattr(one, name) for name in columns] for one in found], columns=columns)


def _line(h: Hypothesis) -> str:
    return f"{as_read(_short(h.text), h.weak)} ({h.rate_a:.1%} of A, {h.rate_b:.1%} of B, q {h.q_value:.2g})"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"

"""One progress callback for every front end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Progress = Callable[[float, str], None]
"""``progress(fraction, label)`` with fraction in [0, 1]. Raise :class:`~latentdiff.errors.Cancelled` in it to stop the work."""
Begun = Callable[[int], None]
"""Told, right before an SAE is trained because none is kept that will do, of how many vectors."""
First = Callable[[Any], None]
"""Given a first answer while the SAE of the final one is trained, see :mod:`latentdiff.comparing.first`: what the call itself returns."""


def silent(fraction: float, label: str) -> None:
    """Report nothing."""


def nobody(vectors: int) -> None:
    """Is told, and does nothing."""


def then(told: Callable[[Any], Any], first: First | None) -> First | None:
    """What gives ``first`` that which ``told`` makes of a first answer; None where none is wanted."""
    return None if first is None else lambda early: first(told(early))


def part(progress: Progress, start: float, end: float) -> Progress:
    """A callback that maps [0, 1] of one stage onto [start, end] of the whole."""

    def report(fraction: float, label: str) -> None:
        progress(start + (end - start) * min(max(fraction, 0.0), 1.0), label)

    return report


def duration(seconds: float) -> str:
    """About so long, as one says it: "about 12 s", "about 3 min", "about 2 h"."""
    if seconds < 90:
        return f"about {max(1, round(seconds / 5) * 5 if seconds > 10 else round(seconds))} s"
    return f"about {round(seconds / 60)} min" if seconds < 5400 else f"about {round(seconds / 3600)} h"

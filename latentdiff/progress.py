"""One progress callback for every front end."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[float, str], None]
"""``progress(fraction, label)`` with fraction in [0, 1]. Raise :class:`~latentdiff.errors.Cancelled` in it to stop the work."""


def silent(fraction: float, label: str) -> None:
    """Report nothing."""


def part(progress: Progress, start: float, end: float) -> Progress:
    """A callback that maps [0, 1] of one stage onto [start, end] of the whole."""

    def report(fraction: float, label: str) -> None:
        progress(start + (end - start) * min(max(fraction, 0.0), 1.0), label)

    return report

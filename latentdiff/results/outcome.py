"""What a request returns: a comparison, and what people call what was compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .comparison import Comparison


@dataclass(frozen=True)
class Outcome:
    """A comparison with what people call its sides and its images."""

    comparison: Comparison
    names: tuple[str, str]
    run: str | None = None
    """Name under which a dataset stores it."""
    items: tuple[Any, Any] | None = None
    """Per side, what row i is: a sample id or a file's path; None where rows have no name."""
    stored: Any = None
    """The ``ComparisonRun`` where a dataset holds it."""

    @classmethod
    def of_run(cls, run: Any) -> Outcome:
        """Of a comparison that a dataset holds."""
        sides = run.sides
        return cls(run.comparison, (sides["A"].name, sides["B"].name), run.name, (sides["A"].ids, sides["B"].ids), run)

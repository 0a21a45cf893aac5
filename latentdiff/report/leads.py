"""What to look at where nothing was found, and what would decide it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..results.comparison import Comparison
from .text import percent, title


def leads(comparison: Comparison, names: Sequence[str]) -> tuple[str, ...]:
    """A sentence for each side that has no finding: what came nearest to one, told apart from findings.

    Args:
        comparison: the result.
        names: what people call A and B.
    """
    notes = []
    for side, name in zip("AB", names, strict=True):
        best = [h for h in comparison.leads if h.side == side]
        if not best or any(h.side == side for h in comparison.hypotheses):
            continue
        first = best[0]
        rates = f"{percent(first.rate_a)} of {names[0]}, {percent(first.rate_b)} of {names[1]}"
        others = f"; then {', '.join(title(h) for h in best[1:])}" if best[1:] else ""
        needed = comparison.to_decide(first)
        decide = f"; about {_rounded(needed):,} images in all would decide it" if math.isfinite(needed) else ""
        notes.append(f"nothing passes as more frequent in {name}; nearest to it, perhaps chance: {title(first)} ({rates}{decide}){others}")
    return tuple(notes)


def _rounded(count: float) -> int:
    """To two digits."""
    digits = max(math.floor(math.log10(count)) - 1, 0)
    return math.ceil(count / 10**digits) * 10**digits

"""What comparing over time returns."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..compute.files import strict


@dataclass(frozen=True)
class ChangePoint:
    """A bin from which on a rate is another."""

    bin: int
    """The first bin of the new rate: the likeliest."""
    earliest: int
    latest: int
    """With 95 % the first bin of the new rate lies between these, both included."""
    before: float
    """Rate from the change before it (or the beginning) up to it."""
    after: float
    """Rate from it to the next change, or the end."""
    p_value: float


@dataclass(frozen=True)
class Trend:
    """Something whose rate changes."""

    text: str
    """The word, or what the concept is called."""
    source: str
    """``"concept"`` or ``"word"``; ``"finding"`` of groups that are bins."""
    concept: int | None
    """Row of the SAE's dictionary; None for a word."""
    p_value: float
    q_value: float
    """False-discovery-adjusted over all concepts, or all words, and for there being two families."""
    rates: tuple[float, ...]
    """Share of each bin's images that show it."""
    low: tuple[float, ...]
    high: tuple[float, ...]
    """95 % bands of the rates, each bin by itself."""
    changes: tuple[ChangePoint, ...]
    """In order; at least one."""
    first_seen: int | None = None
    """The first bin that shows it, where next to none did before it came up; else None."""
    exemplars: tuple[int, ...] = ()
    """Rows as given of images that show it best, of the bins with more of it."""

    @property
    def rises(self) -> bool:
        """Whether there is more of it at the end than at the beginning."""
        return self.changes[-1].after > self.changes[0].before


@dataclass(frozen=True, eq=False)
class Trends:
    """Result of :func:`latentdiff.compare_over_time`."""

    bins: tuple[str, ...]
    """Names of the bins, in order: "2026-03", "10 to 20"."""
    images: tuple[int, ...]
    """Images in each."""
    bin_of: np.ndarray
    """(n,) int32 bin of each row as given, -1 for rows in none."""
    trends: tuple[Trend, ...]
    """What changes, the surest first; what is called alike, or nearly, is told once."""
    differs: bool
    """Whether anything changes, by one control of false discoveries."""
    p_value: float
    """The smallest q of all."""
    info: dict[str, Any] = field(default_factory=dict)

    def told(self, trend: Trend) -> str:
        """A trend in one plain sentence."""
        change = max(trend.changes, key=lambda c: abs(c.after - c.before))
        place = self.bins[change.bin]
        sure = f" ({self.bins[change.earliest]} to {self.bins[change.latest]})" if change.earliest < change.latest else ""
        kind = "more" if change.after > change.before else "less"
        said = f"{kind} {trend.text} from {place}{sure}: {_percent(change.before)} before, {_percent(change.after)} after"
        return f"{said}; first seen in {self.bins[trend.first_seen]}" if trend.first_seen is not None else said

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        told = [{**dataclasses.asdict(trend), "told": self.told(trend)} for trend in self.trends]
        rest = {"differs": self.differs, "p_value": self.p_value, "info": self.info}
        found: dict[str, Any] = strict({"bins": list(self.bins), "images": list(self.images), "trends": told, **rest})
        return found

    def __repr__(self) -> str:
        lines = [f"Trends({len(self.bins)} bins, {sum(self.images):,} images; {len(self.trends)} change)"]
        return "\n".join([*lines, *(f"  {self.told(trend)}" for trend in self.trends[:5])])


def _percent(rate: float) -> str:
    return "<1%" if 0 < rate < 0.01 else f"{rate:.0%}"

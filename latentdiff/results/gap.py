"""What closing a gap returns."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..compute.files import strict


@dataclass(frozen=True)
class GapFinding:
    """A finding that passes the gate between two sets."""

    text: str
    side: str
    """``"A"`` or ``"B"``: where there is more of it."""
    rate_a: float
    rate_b: float
    q_value: float


@dataclass(frozen=True)
class GapState:
    """How far apart two sets are."""

    differs: bool
    auc: float
    """Out-of-fold AUC of telling them apart; 0.5 is chance."""
    p_value: float
    findings: tuple[GapFinding, ...] = ()


@dataclass(frozen=True)
class Shortfall:
    """A mode of A that B lacks, and how far the pool goes to mend it."""

    text: str
    wanted: int
    """Images that would bring B to A's rate."""
    there: int
    """Images of the pool that show it, near-duplicates counted once."""
    chosen: int

    def __str__(self) -> str:
        return f"{self.text}: {self.there} of {self.wanted} wanted are there, {self.chosen} are chosen"


@dataclass(frozen=True, eq=False)
class Gap:
    """Result of :func:`latentdiff.close_gap`."""

    rows: np.ndarray
    """Row numbers of the pool to add to B, at most ``budget``, those of the strongest finding first; empty where A and B do not differ."""
    why: tuple[str, ...]
    """For each of them the finding that it mends; ``"density ratio"`` where no finding says what differs."""
    weights: np.ndarray
    """(n_b,) importance weights of B's images, mean 1: weighted, B is like A as far as its images reach. NaN for dropped rows."""
    effective: float
    """Effective sample size of the weights, ``(sum w)^2 / sum w^2``: how many unweighted images they are worth."""
    leave_out: np.ndarray
    """Row numbers of B whose images are more than A has of their kind, those most typical of B first."""
    before: GapState
    """A against B, on halves of both."""
    after: GapState
    """The same halves with images added to B's that were chosen by the other halves alone; ``before`` where nothing is proposed."""
    modes: tuple[Shortfall, ...] = ()
    """Every mode of A that B lacks."""
    info: dict[str, Any] = field(default_factory=dict)

    @property
    def left(self) -> tuple[Shortfall, ...]:
        """Modes of which the pool has fewer images than are wanted."""
        return tuple(mode for mode in self.modes if mode.there < mode.wanted)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        plain = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in ("before", "after", "modes")}
        arrays = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in plain.items()}
        nested = {"before": dataclasses.asdict(self.before), "after": dataclasses.asdict(self.after)}
        told = [{**dataclasses.asdict(mode), "left": mode in self.left} for mode in self.modes]
        found: dict[str, Any] = strict({**arrays, **nested, "modes": told})
        return found

    def __repr__(self) -> str:
        lines = [f"Gap({len(self.rows)} images to add; AUC {self.before.auc:.2f} before, {self.after.auc:.2f} after)"]
        lines += [f"  {mode}" for mode in self.modes[:5]]
        return "\n".join(lines)

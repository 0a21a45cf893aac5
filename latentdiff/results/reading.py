"""What a watched stream shows at one time."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from ..compute.files import strict


@dataclass(frozen=True)
class Change:
    """Something of which the stream has more, or less, than the reference."""

    text: str
    """The word that fits the latest images best that show it; where there are none, or less of it, what the concept is called."""
    concept: int | None
    """Row of the SAE's dictionary; None for a word."""
    more: bool
    """Whether there is more of it now."""
    log_e: float
    """Natural logarithm of its e-value."""
    rate_reference: float
    """Share of the reference's images that show it; of a word, those that it fits as well as the best 2 % of the reference."""
    rate_recent: float
    """Share of the recent images (the last ten batches count most) that show it."""


@dataclass(frozen=True)
class Reading:
    """Result of :meth:`latentdiff.Monitor.update`."""

    batch: int
    """Number of this batch, from 1."""
    images: int
    """Images seen so far, this batch's among them."""
    e_value: float
    """Evidence against "the stream is like the reference", now: under it the mean is at most 1, at any time."""
    p_value: float
    """One over the largest e-value so far: valid at any time and after any number of looks."""
    alarm: bool
    """Whether p was at most alpha at this time or before: at most alpha of streams that never change ever have an alarm."""
    hypotheses: tuple[Change, ...] = ()
    """What changed, strongest first, at false-discovery rate alpha (e-BH), at any time; what is named alike, or nearly, is told once."""
    remarks: tuple[str, ...] = ()
    """What people should know of this batch, in sentences."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        found: dict[str, Any] = strict(dataclasses.asdict(self))
        return found

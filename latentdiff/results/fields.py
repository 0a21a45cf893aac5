"""What the fields of the images say: labels, cameras, times, sizes, measures, beside what the pictures show."""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass

from .schema import Share, Side, Text


@dataclass(frozen=True)
class FieldDifference:
    """One field, or one value of it, that differs between the sides."""

    field: Text
    """Its name, such as ``"camera"``."""
    value: Text | None
    """The value that is more frequent on its side (``"none"``: nothing entered, called so where no text is "none"; ``"below 20"``,
    ``"above 20"``: the lowest or highest numbers; ``"exactly 0"``: the very lowest, which many share; ``"below 20, 0 apart"``: the lowest
    of the others); None where the field's numbers or dates are higher."""
    kind: Text
    """``"category"``, ``"tags"``, ``"truth"``, ``"number"`` or ``"date"``."""
    side: Side
    """``"A"`` or ``"B"``: the side that has the value more often, or the higher numbers."""
    rate_a: Share
    """Share of A's images with the value, in [0, 1]; NaN for numbers and dates."""
    rate_b: Share
    """The same share of B's images."""
    center_a: float
    """Median of A's numbers (dates: seconds since 1970, UTC); NaN for other values."""
    center_b: float
    """The same of B's."""
    auroc: Share
    """Probability that a random image of its side has the value, or the higher number, and a random one of the other not; ties half."""
    p_value: Share
    """Fisher's exact test of a value; of numbers, Wilcoxon's rank test and Fisher's of the tails together. By group where there are any."""
    q_value: Share
    """False-discovery-adjusted p over all fields and values, never below the p of all fields together; it passes at q <= alpha."""

    @property
    def name(self) -> str:
        """``"camera = 2"``, or ``"brightness"``."""
        if self.value is None:
            return self.field
        return f"{self.field} {self.value}" if self.is_tail else f"{self.field} = {self.value}"

    @property
    def is_tail(self) -> bool:
        """Whether it is the lowest or the highest numbers of its field that differ, and not the numbers as a whole."""
        return self.value is not None and math.isfinite(self.center_a)


def moment(seconds: float) -> str:
    """A date in UTC, with its time where it has one."""
    then = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return then.strftime("%Y-%m-%d" if (then.hour, then.minute) == (0, 0) else "%Y-%m-%d %H:%M")


@dataclass(frozen=True)
class FieldShare:
    """How one field goes along with a finding."""

    field: Text
    """The field, or the value: ``"label = surfboard"``."""
    share: Share
    """Share of the images that show the finding, of both sides, with that value; NaN for numbers."""
    usual: Share
    """The same share of all images."""
    left: float = math.nan
    """Difference of the finding's rates that is left where this field is held equal, as a share of the difference found; 1: all of it, near
    0: it follows the field. NaN where no images of both sides are alike in the field."""

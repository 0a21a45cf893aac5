"""Which values of deep pictures are drawn black, and which white: one range for all pictures that are compared."""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..errors import InputError
from .depth import is_deep, measured, values_of
from .opening import SUFFIXES as KNOWN
from .opening import opened

if TYPE_CHECKING:
    from PIL import Image

TOPS = (*(4.0**-k for k in range(15, -1, -1)), *(4.0**k - 1 for k in range(4, 17)))
"""White of the usual ranges, two bits apart: floats up to 1 and below, and 8, 10, 12, 14, 16 and up to 32 bits."""
LEAST_WHOLE = 255.0
"""The smallest white of whole numbers."""
BRIGHT = 0.99
"""Quantile of a picture's values that has to fit, and its counterpart at the dark end: a few hot or missing pixels say nothing."""
OVER = 1.1
"""And how far it may lie beyond a range: resampled and calibrated floats overshoot it a little."""
BEYOND = 0.05
"""Share of the pictures that may lie beyond their range: from 20 on, one alone does not move it."""
DEEP = b"latentdiff.deep"
"""Key of the range (JSON) in the metadata of a Parquet file's schema."""
LOOKED_AT, FEWEST = 64, 4
"""Pictures by which a range is chosen, and the fewest of each set, where there are several: each set counts alike."""
SUFFIXES = (".tif", ".tiff", ".png", ".apng", ".pgm", ".pfm", ".pnm", ".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx")
"""Endings of files that may be deep; so may those whose ending says nothing."""
SIGNED = 0.05
"""Values that reach this far below zero, as a share of white, are signed: black then lies as far below zero as white above (-1 to 1)."""


class Span(NamedTuple):
    """What is drawn black, and what white."""

    black: float
    white: float


class Ranges(NamedTuple):
    """The spans of deep pictures of whole numbers and of those of floats, whose units differ; None: each picture by its own values."""

    whole: Span | None = None
    floats: Span | None = None

    def of(self, values: np.ndarray) -> Span:
        """What is black and white in a picture.

        Args:
            values: of the picture, as :func:`~latentdiff.embed.depth.values_of` reads them.
        """
        return getattr(self, kind_of(values)) or span_of(values)

    def filled(self, other: Ranges) -> Ranges:
        """These, and where there is none the other's."""
        return Ranges(self.whole or other.whole, self.floats or other.floats)

    def to_dict(self) -> dict[str, list[float]]:
        """As JSON and databases hold it: [black, white] by kind, without those that are None."""
        return {kind: [float(v) for v in span] for kind, span in zip(self._fields, self, strict=True) if span is not None}

    def as_info(self) -> dict[str, Any]:
        """What the ``info`` of a result says of this: :meth:`to_dict` under ``deep``; empty where no kind has a range."""
        return {"deep": self.to_dict()} if any(self) else {}

    @classmethod
    def from_dict(cls, said: Any) -> Ranges:
        """Of what :meth:`to_dict` gave.

        Args:
            said: that; None or empty: no range.

        Raises:
            InputError: it is something else.
        """
        try:
            found = cls(**{kind: Span(*map(float, span)) for kind, span in dict(said or {}).items()})
        except (TypeError, ValueError) as e:
            raise InputError(f"{str(said)[:200]} is no range of deep pictures; make the vectors anew") from e
        if not all(math.isfinite(span.white - span.black) and span.black < span.white for span in found if span is not None):
            raise InputError(f"{str(said)[:200]} is no range of deep pictures; make the vectors anew")
        return found


def read_ranges(said: bytes | None, source: str) -> Ranges | None:
    """The range that a file's note holds; None where there is no note.

    Args:
        said: JSON of what :meth:`Ranges.to_dict` gave.
        source: the file, for messages.

    Raises:
        InputError: the note is damaged.
    """
    try:
        return Ranges.from_dict(json.loads(said)) if said else None
    except (ValueError, RecursionError, InputError) as e:
        raise InputError(f"{source} has a damaged note on its deep pictures: {e}; write it anew") from e


NO_RANGES = Ranges()
"""Of pictures of which nothing is known yet, or of which none is deep."""


def said_ranges(said: Mapping[str, Sequence[float]]) -> str:
    """The range in words, of what :meth:`Ranges.to_dict` gives; empty where there is none."""
    kinds = {"whole": "deep pictures", "floats": "pictures of floats"}
    parts = [f"in {kinds[kind]} {black:,.6g} is black and {white:,.10g} white" for kind, (black, white) in said.items() if kind in kinds]
    return "; ".join(parts)


def kind_of(values: np.ndarray) -> str:
    """The name of the range, of :class:`Ranges`, that is a picture's."""
    return "floats" if values.dtype.kind == "f" else "whole"


def tell_ranges(info: dict[str, Any], a: Ranges, b: Ranges) -> None:
    """Say in a result's ``info`` with which range deep pictures were drawn, or that it was not one.

    Args:
        info: gets :meth:`Ranges.as_info`; or, where the sides have two, an entry more of ``remarks``.
        a, b: of the sides.
    """
    if not any(mine and other and mine != other for mine, other in zip(a, b, strict=True)):
        info.update(a.filled(b).as_info())
        return
    told = f"of A {said_ranges(a.to_dict())}, of B {said_ranges(b.to_dict())}"
    remedy = "that alone lets them differ; embed both with one range"
    info["remarks"] = [*info.get("remarks", ()), f"deep pictures of the sides were drawn with two ranges ({told}): {remedy}"]


def extent(values: np.ndarray) -> tuple[float, float]:
    """The dark and the bright end of a picture: of those pixels that were measured, 98 in 100 lie between them."""
    seen = values if values.ndim == 2 else values[..., : 3 if values.shape[-1] > 2 else 1]  # how opaque it is says nothing
    seen = seen[measured(seen)]
    low, high = np.quantile(seen, (1 - BRIGHT, BRIGHT)).tolist() if seen.size else (0.0, 0.0)
    return low, high


def span_of(values: np.ndarray) -> Span:
    """The smallest usual range that holds a picture."""
    return _usual(*extent(values), values.dtype.kind == "f")


def steps(floats: bool) -> tuple[float, ...]:
    """White of the usual ranges of floats, or of whole numbers, ascending."""
    return TOPS if floats else tuple(top for top in TOPS if top >= LEAST_WHOLE)


def _usual(low: float, high: float, floats: bool) -> Span:
    far, tops = max(high, -low), steps(floats)
    white = next((top for top in tops if far <= OVER * top), tops[-1])
    return Span(-white if low < -SIGNED * white else 0.0, white)


def common_ranges(*sets: Sequence[Any]) -> Ranges:
    """One range for all deep pictures of what is compared, so that they stay as bright to each other as they are.

    The white is the smallest usual one that holds all pictures but the brightest twentieth; these are clipped.

    Args:
        sets: paths or PIL images, for each set; some that may be deep, evenly spaced, are looked at, equally many of each set.

    Returns:
        The range of each kind; None of a kind that was not met.
    """
    share = max(FEWEST, LOOKED_AT // max(1, len(sets)))
    found: tuple[list[tuple[float, float]], ...] = ([], [])
    for sources in sets:
        for source in evenly([source for source in sources if may_be_deep(source)], share):
            values = deep_values(source)
            if values is not None and any(ends := extent(values)):  # one that is black all over says nothing
                found[values.dtype.kind == "f"].append(ends)
    whole, floats = (_held(ends, bool(kind)) if ends else None for kind, ends in enumerate(found))
    return Ranges(whole, floats)


def evenly(things: Sequence[Any], most: int) -> Sequence[Any]:
    """At most so many of a list, evenly spaced, the first among them."""
    return things[:: max(1, -(-len(things) // most))]


def deep_values(source: Any) -> np.ndarray | None:
    """Values of a picture that is deep; None of another, and of one that cannot be read: that is reported when it is its turn.

    Args:
        source: path or PIL image.
    """
    from PIL import Image

    with contextlib.suppress(Exception), contextlib.nullcontext(source) if isinstance(source, Image.Image) else opened(source) as image:
        if is_deep(image):
            return values_of(image)
    return None


def may_be_deep(source: str | bytes | os.PathLike | Image.Image) -> bool:
    """Whether a picture may be deep, by its name alone.

    Args:
        source: path or PIL image.
    """
    from PIL import Image

    if isinstance(source, Image.Image):
        return True
    name = os.fsdecode(source).lower()
    return name.endswith(SUFFIXES) or not name.endswith(KNOWN)


def _held(ends: Sequence[tuple[float, float]], floats: bool) -> Span:
    """The range that holds all pictures but a few, at either end."""
    lows, highs = (sorted(values) for values in zip(*ends, strict=True))
    few = int(BEYOND * len(ends))
    return _usual(lows[few], highs[-1 - few], floats)

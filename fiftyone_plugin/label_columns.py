"""Labels of which an image has several (detections, say), many images at once → one value an image."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

LISTS = {"Classifications": "classifications", "Detections": "detections", "Polylines": "polylines", "Keypoints": "keypoints"}
"""Kinds of labels that hold several, and the key of these."""
_NOWHERE = [np.nan] * 4


class Lists:
    """Lists of several images, one after the other."""

    def __init__(self, lists: Sequence[list[Any] | None]) -> None:
        """
        Args:
            lists: by image, what its labels say; None: nothing is known of it.
        """
        self._lists = lists
        self._flat = list(itertools.chain.from_iterable(own or () for own in lists))
        self._image = np.repeat(np.arange(len(lists)), [len(own or ()) for own in lists])
        self._boxes: np.ndarray | None = None

    def texts(self) -> list[list[str]]:
        """The texts of each."""
        return [[x for x in own or () if isinstance(x, str)] for own in self._lists]

    def truths(self) -> list[list[str]]:
        """The truth values of each, as texts."""
        return [["true" if x else "false" for x in own or () if isinstance(x, bool)] for own in self._lists]

    def mean(self) -> list[float]:
        """The mean of each, NaN where there is none."""
        return self._mean(np.array(self._flat, np.float64))

    def size(self) -> list[float]:
        """Share of the picture that the largest box covers."""
        largest = np.full(len(self._lists), np.nan)
        np.fmax.at(largest, self._image, self.boxes()[:, 2] * self.boxes()[:, 3])
        return [float(x) for x in largest]

    def across(self) -> list[float]:
        """Where the boxes' middles lie on average, 0 left to 1 right."""
        return self._mean(self.boxes()[:, 0] + self.boxes()[:, 2] / 2)

    def down(self) -> list[float]:
        """0 top to 1 bottom."""
        return self._mean(self.boxes()[:, 1] + self.boxes()[:, 3] / 2)

    def boxes(self) -> np.ndarray:
        """(labels, 4) float64: left, top, width, height, as shares of the picture; NaN where a label has no such box."""
        if self._boxes is None:
            given = [box if box and len(box) == len(_NOWHERE) else _NOWHERE for box in self._flat]
            self._boxes = np.array(given, np.float64).reshape(-1, 4)
        return self._boxes

    def _mean(self, values: np.ndarray) -> list[float]:
        known, n = ~np.isnan(values), len(self._lists)
        count, total = np.bincount(self._image[known], minlength=n), np.bincount(self._image[known], values[known], n)
        return [float(x) for x in np.divide(total, count, out=np.full(n, np.nan), where=count > 0)]


@dataclass(frozen=True)
class Reader:
    """One column: what the database is asked for, and what is made of that."""

    name: str
    asks: Any
    """An expression of MongoDB's aggregations."""
    make: Callable[[Lists], list[Any]] | None = None


ATTRIBUTES: dict[str, Callable[[Lists], list[Any]]] = {
    "StringField": Lists.texts,
    "BooleanField": Lists.truths,
    "IntField": Lists.mean,
    "FloatField": Lists.mean,
}
"""Kinds of fields that labels may declare, and what is made of their values."""


def readers_of(name: str, keys: tuple[str, ...], kind: str, attributes: Mapping[str, tuple[str, str]]) -> list[Reader]:
    """Columns of labels of which an image has several.

    Args:
        name: of the field.
        keys: that lead to it.
        kind: of the labels, one of :data:`LISTS`.
        attributes: declared beyond what every such label has: by name, the key and the kind, one of :data:`ATTRIBUTES`.
    """
    place = "$" + ".".join((*keys, LISTS[kind]))
    count = {"$cond": [{"$isArray": place}, {"$size": place}, None]}
    out = [Reader(f"{name}.label", f"{place}.label", Lists.texts), Reader(f"{name}.count", count)]
    if kind == "Detections":
        out += boxes_of(name, f"{place}.bounding_box")
    out.append(Reader(f"{name}.confidence", f"{place}.confidence", Lists.mean))
    return [*out, *(Reader(f"{name}.{own}", f"{place}.{key}", ATTRIBUTES[what]) for own, (key, what) in attributes.items())]


def box_of(name: str, keys: tuple[str, ...]) -> list[Reader]:
    """Columns of the box of a single detection."""
    box = "$" + ".".join((*keys, "bounding_box"))
    return boxes_of(name, {"$cond": [{"$isArray": box}, [box], None]})


def boxes_of(name: str, boxes: Any) -> list[Reader]:
    """Columns of a list of boxes, as the database is asked for it."""
    return [Reader(f"{name}.size", boxes, Lists.size), Reader(f"{name}.x", boxes, Lists.across), Reader(f"{name}.y", boxes, Lists.down)]


def columns_of(documents: list[list[Any]], readers: list[Reader], asked: list[Any]) -> dict[str, Sequence[Any]]:
    """By name, a value for each document; None where nothing is known.

    Args:
        documents: what the database answered to each of ``asked``; at least one.
        readers: the columns.
        asked: different expressions.
    """
    answers = list(zip(*documents, strict=True))
    lists: dict[int, Lists] = {}
    out: dict[str, Sequence[Any]] = {}
    for reader in readers:
        at = asked.index(reader.asks)
        out[reader.name] = answers[at]
        if reader.make is not None:
            own = lists[at] = lists.get(at) or Lists(answers[at])
            out[reader.name] = [None if given is None else made for made, given in zip(reader.make(own), answers[at], strict=True)]
    return out

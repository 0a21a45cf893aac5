"""Two sides as people name them → their vectors, what their rows are, what they are called, and the words to speak of them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..embed.identity import LeftOut, counts_of, distinct, file_key
from ..embed.identity import left_out as rows_left_out
from ..embed.parquet import ParquetVectors
from ..embed.ranges import Ranges
from ..embed.vocabulary import Vocabulary
from ..errors import InputError
from ..progress import Progress, part
from .folders import ImageSide, distinct_names, ranges_of
from .named import COMMON, OF_IMAGES, OpenSide, groups_of, images_of, labels_of, name_of, open_encoder, open_vocabulary, read_side


@dataclass(frozen=True)
class Opened:
    """Two sides with their vectors at hand."""

    a: OpenSide
    b: OpenSide
    names: tuple[str, str]
    """What people call them."""
    encoder: Any = None
    """Of the images and words; None where none was named."""
    vocabulary: Vocabulary | None = None
    left_out: dict[str, Any] = field(default_factory=dict)
    """Of files: ``overlap`` (on both sides), and per side ``repeated`` and ``passed_over`` (formats that are not read, by ending)."""

    groups: dict[str, Any] = field(default_factory=dict)
    """Which rows are no independent evidence: ``groups_a``, ``groups_b`` and ``paired``, as :func:`latentdiff.compare` takes them."""
    ranges: Ranges = field(default_factory=Ranges)
    """What is drawn black and white in the deep pictures of both sides."""

    @property
    def items(self) -> tuple[Any, Any]:
        """Per side, what row i is: a file's path, an id; None where rows have no name."""
        return self.a.items, self.b.items


def open_both(request: Any, kinds: tuple[str, str], skip_bad: bool, folder: Path | None, progress: Progress) -> Opened:
    """Open the sides of a request; of anything but views.

    Args:
        request: a :class:`latentdiff.request.CompareRequest`.
        kinds: of its sides.
        skip_bad: leave NaN rows where images cannot be read, in place of an error.
        folder: empty, for what zip files hold.
        progress: ``progress(fraction, label)``.

    Raises:
        InputError: sides, words or an encoder that cannot be used.
    """
    given = (request.a, request.b)
    if kinds == ("table", "table"):
        given, kinds = groups_of(request.a, request.table_sides), ("images", "images")
    encoder = open_encoder(request.encoder)[0] if request.encoder is not None else None
    names = names_of(request, given, kinds)
    found: list[Any] = list(given)
    for i, (side, how) in enumerate(zip(given, kinds, strict=True)):
        if how in OF_IMAGES:
            found[i] = images_of(side, how, folder / "ab"[i] if folder is not None else None, part(progress, 0.05 * i, 0.05 * (i + 1)))
        elif how == "parquet":
            found[i] = ParquetVectors(os.fspath(side), **request.columns)
    found, left_out = each_once(found, request.paired or request.groups is not None)
    ranges, sides = ranges_of(found), []
    for i, (side, how) in enumerate(zip(found, kinds, strict=True)):
        sides.append(read_side(side, how, encoder, skip_bad, part(progress, 0.1 + 0.35 * i, 0.1 + 0.35 * (i + 1)), ranges))
    if kinds == ("parquet", "parquet"):
        sides, left_out = without(sides, rows_left_out(*found))
    a, b = sides
    words = words_of(request, encoder, part(progress, 0.8, 1.0))
    return Opened(a, b, names, encoder, words, left_out, groups_by_row(request), ranges)


def groups_by_row(request: Any) -> dict[str, Any]:
    """The labels that a request gives row by row, as a comparison takes them."""
    a, b = map(labels_of, request.groups or (None, None))
    return {"groups_a": a, "groups_b": b, "paired": request.paired}


def without(sides: list[OpenSide], rows: LeftOut) -> tuple[list[OpenSide], dict[str, Any]]:
    """Sides without the rows that are left out, and the counts of these."""
    out = []
    for letter, side in zip("AB", sides, strict=True):
        keep = np.setdiff1d(np.arange(len(side.vectors)), np.concatenate(list(rows[letter].values())))
        out.append(OpenSide(side.vectors[keep], [side.items[int(row)] for row in keep], side.encoder))
    return out, counts_of(rows)


def each_once(sides: list[Any], by_row: bool) -> tuple[list[Any], dict[str, Any]]:
    """Sides of files with each file once, and without those on both sides; other sides as they are.

    Args:
        sides: A and B, :class:`ImageSide` or anything else.
        by_row: rows are labelled or paired one by one: none can be left out.

    Returns:
        The sides, and the counts of what was left out.

    Raises:
        InputError: files are listed again or on both sides, and rows count one by one; or all files of a side are on the other too.
    """
    files = [[file_key(p) for p in side.paths] if isinstance(side, ImageSide) else [] for side in sides]
    a, b, counts = distinct(*files)
    if by_row and (counts["overlap"] or counts["A"]["repeated"] or counts["B"]["repeated"]):
        raise InputError("with pairs or groups by row each image file is listed once, on one side; take the repeated ones out")
    out = list(sides)
    for i, (letter, kept) in enumerate((("A", a), ("B", b))):
        if not isinstance(sides[i], ImageSide):
            continue
        counts[letter]["passed_over"] = dict(sides[i].passed_over)
        if not kept and files[i]:
            raise InputError(f"all {len(set(files[i])):,} images of {sides[i].name} are on the other side too; choose two different sets")
        first = dict(zip(reversed(files[i]), reversed(sides[i].paths), strict=True))
        out[i] = replace(sides[i], paths=tuple(first[real] for real in kept))
    return out, counts


def add_left_out(info: dict[str, Any], counts: dict[str, Any]) -> None:
    """Add to a comparison's ``info`` what was left out before its vectors were made."""
    known = info.get("left_out") or {}
    added = {"overlap": known.get("overlap", 0) + counts["overlap"]}
    for side in "AB":
        own = known.get(side) or {}
        reasons = {*own, *counts[side]} - {"passed_over"}
        added[side] = {reason: own.get(reason, 0) + counts[side].get(reason, 0) for reason in sorted(reasons)}
    info["left_out"] = added
    info["passed_over"] = {side: counts[side].get("passed_over", {}) for side in "AB"}


def names_of(request: Any, given: tuple[Any, Any], kinds: tuple[str, str]) -> tuple[str, str]:
    """What people call both sides: as they say, or the short names of what they named, or the long ones where these are equal."""
    if request.names is not None:
        return request.names
    short = tuple(name_of(side, how, letter) for side, how, letter in zip(given, kinds, "AB", strict=True))
    return distinct_names(short, (str(side) if isinstance(side, (str, Path)) else name for side, name in zip(given, short, strict=True)))


def words_of(request: Any, encoder: Any, progress: Progress) -> Vocabulary | None:
    """The words that a request asks for; where it names none, common English ones by its encoder."""
    given = COMMON if request.vocabulary is None and encoder is not None else request.vocabulary
    return open_vocabulary(given, request.vocabulary_vectors, lambda: encoder, progress)

"""With which range the deep pictures of a vector field are drawn: recorded, or told from its vectors, or chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from latentdiff.embed.fingerprint import disagreement
from latentdiff.embed.ranges import LOOKED_AT, NO_RANGES, Ranges, Span, common_ranges, deep_values, evenly, kind_of, may_be_deep, steps

from . import encoders

CHECKED = 4
"""Images that are encoded again to tell by which encoder, and with which range, a field was made."""
SAME = 0.9
"""Cosine below which a stored vector is another encoder's. Other resizing or precision leaves more than .98; other weights about 0."""
FAR = 1024
"""Ranges tried are at most so many times as wide, or as narrow, as the one that would be chosen."""


def ranges_for(dataset: Any, field: str, encoder: Any) -> Ranges:
    """The range for pictures whose vectors go into a field: that of the vectors in it, else one chosen for the dataset's pictures.

    Args:
        dataset: ``fo.Dataset``.
        field: name of the vector field; it need not be there yet.
        encoder: that makes the vectors.
    """
    chosen = common_ranges([path for path in dataset.values("filepath") if path])
    before = encoders.recorded(dataset, field)
    if before is None or disagreement(encoder.fingerprint, before.fingerprint):
        return chosen
    new = any(span is not None and kept is None for span, kept in zip(chosen, before.ranges, strict=True))
    kept = _of_vectors(dataset, field, encoder, before.ranges) if new and dataset.has_field(field) else before.ranges
    return kept.filled(chosen)


def fitting(encoder: Any, paths: Sequence[str], stored: np.ndarray, kept: Ranges = NO_RANGES) -> tuple[Ranges, float]:
    """The range with which an encoder comes closest to stored vectors.

    Args:
        encoder: that is said to have made them.
        paths: n image files.
        stored: (n, d) their vectors.
        kept: ranges that are known; only for other kinds are the usual ones tried.

    Returns:
        ``kept``, and the best range of each other kind that is among the pictures; and the median cosine of the vectors made with it.
    """
    values = [deep_values(path) for path in paths]
    kinds = [None if v is None else kind_of(v) for v in values]
    common, found = common_ranges(paths), kept
    for kind in Ranges._fields:
        rows = [row for row, own in enumerate(kinds) if own == kind]
        usual = getattr(common, kind)
        if rows and usual is not None and getattr(kept, kind) is None:
            some, near = [paths[row] for row in rows], stored[rows]
            tried = [Ranges(**{kind: span}) for span in _near(usual, kind == "floats")]
            found = found.filled(max(tried, key=lambda ranges: _cosine(encoder, some, near, ranges)))
    return found, _cosine(encoder, paths, stored, found)


def _near(usual: Span, floats: bool) -> list[Span]:
    """The range that would be chosen, and the other usual ones."""
    whites = [white for white in steps(floats) if usual.white / FAR <= white <= usual.white * FAR]
    signed = [Span(-white, white) for white in whites] if usual.black < 0 else []
    return [usual, *(Span(0.0, white) for white in whites), *signed]


def _cosine(encoder: Any, paths: Sequence[str], stored: np.ndarray, ranges: Ranges) -> float:
    """The median over images that can be read; 1 where there are none, since nothing speaks against it."""
    fresh = np.asarray(encoder.encode_images(list(paths), ranges=ranges).vectors, np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = (stored * fresh).sum(1) / (np.linalg.norm(stored, axis=1) * np.linalg.norm(fresh, axis=1))
    return float(np.nanmedian(cosine)) if np.isfinite(cosine).any() else 1.0


def _of_vectors(dataset: Any, field: str, encoder: Any, kept: Ranges) -> Ranges:
    """The ranges that are recorded, and those by which the field's vectors can be made again: earlier versions recorded none."""
    ids, paths = dataset.exists(field).values(["id", "filepath"])
    deep: dict[str, list[tuple[str, str]]] = {kind: [] for kind in Ranges._fields}
    for key, path in evenly([(key, path) for key, path in zip(ids, paths, strict=True) if path and may_be_deep(path)], LOOKED_AT):
        values = deep_values(path)
        if values is not None:
            deep[kind_of(values)].append((key, path))
    for kind, rows in deep.items():
        if rows and getattr(kept, kind) is None:
            few = [key for key, _ in rows[:CHECKED]]
            vectors = np.asarray(dataset.select(few, ordered=True).values(field), np.float64)
            found, cosine = fitting(encoder, [path for _, path in rows[:CHECKED]], vectors, kept)
            kept = found if cosine >= SAME else kept
    return kept

"""Images of a stored comparison in two dimensions: a sample of both sides, projected once and remembered."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np

from latentdiff.errors import InputError
from latentdiff.stats.projection import PCA, plane

from .label_columns import LISTS
from .sample_fields import of_comparisons
from .sides import resolve
from .store.run import ComparisonRun
from .values import value_fields
from .vectors import read_vectors

POINTS = 4000
"""Images on a map, both sides together: as many as a browser draws fluidly; of more, evenly spaced ones of either side."""
KEPT = 4
MOST_FIELDS = 40
"""Fields that are offered to colour a map by."""

_maps: OrderedDict[tuple[str, ...], Map] = OrderedDict()
_lock = threading.Lock()


@dataclass(frozen=True, eq=False)
class Map:
    """Where images lie."""

    rows: dict[str, np.ndarray]
    """By side, row numbers of the comparison."""
    at: dict[str, np.ndarray]
    """By side, (m, 2) float32."""
    of: int
    """Images that were compared."""


def map_of(run: ComparisonRun, way: str = PCA) -> Map:
    """A map of a comparison's images.

    Args:
        run: the comparison.
        way: see :func:`latentdiff.stats.projection.plane`.

    Raises:
        InputError: another way, or vectors that are gone. RunError: a side's dataset was deleted.
        MissingPackageError: UMAP is not installed.
    """
    key = (run.dataset.name, run.name, str(run.config.get("record")), way)
    with _lock:
        if key in _maps:
            _maps.move_to_end(key)
            return _maps[key]
    sides = {side: run.sides[side].ids for side in "AB"}
    total = sum(map(len, sides.values()))
    rows, vectors = {}, []
    for side, ids in sides.items():
        count = max(2, round(POINTS * len(ids) / total)) if total > POINTS else len(ids)
        wanted = np.unique(np.linspace(0, len(ids) - 1, min(count, len(ids))).astype(int))
        rows[side], values = _read(run, side, wanted)
        vectors.append(values)
    at = plane(np.concatenate(vectors), way)
    made = Map(rows, {"A": at[: len(rows["A"])], "B": at[len(rows["A"]) :]}, total)
    with _lock:
        _maps[key] = made
        while len(_maps) > KEPT:
            _maps.popitem(last=False)
    return made


def colouring_fields(run: ComparisonRun) -> list[str]:
    """Paths of fields by whose values a map can be coloured: one label, text, number or truth an image; none for patches.

    What comparisons wrote is not among them: the scores of the open one are a choice of their own.
    """
    if any(side.labels is not None for side in run.sides.values()):
        return []
    several = tuple(f".{key}." for key in LISTS.values())
    ours = of_comparisons(run.dataset)
    paths = [path for path in value_fields(run.dataset) if path not in ours and not any(key in f"{path}." for key in several)]
    return [path for path in paths if not hasattr(run.dataset.get_field(path), "field")][:MOST_FIELDS]


def values_on(run: ComparisonRun, found: Map, path: str) -> dict[str, list[Any]]:
    """By side, what a field says of each point's image; None where nothing, and where the side's dataset has no such field."""
    out: dict[str, list[Any]] = {}
    for side, rows in found.rows.items():
        place = run.sides[side]
        ids = [str(i) for i in place.ids[rows]]
        known: dict[str, Any] = {}
        if place.dataset is not None and path in value_fields(place.dataset):
            known = dict(zip(*place.select(ids, ordered=False).values(["id", path]), strict=True))
        out[side] = [known.get(i) for i in ids]
    return out


def view_of_points(run: ComparisonRun, points: list[str]) -> Any:
    """The images of points of a map ("A12": row 12 of side A), as a view; where the sides are of two datasets, those of the first point's.

    Raises:
        InputError: a point that is none. RunError: the side's dataset was deleted.
    """
    ids: dict[str, list[str]] = {"A": [], "B": []}
    for point in points:
        side, row = point[0], int(point[1:])
        if row >= len(run.sides[side].ids):
            raise InputError(f"there is no image {point!r} in comparison {run.name!r}")
        ids[side].append(str(run.sides[side].ids[row]))
    first = points[0][0]
    one = run.sides["A"].dataset is run.sides["B"].dataset and run.sides["A"].labels == run.sides["B"].labels
    return run.sides[first].select(ids["A"] + ids["B"] if one else ids[first])


def _read(run: ComparisonRun, side: str, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Those of some rows that still have a vector, and the vectors."""
    place = run.sides[side]
    view = place.select([str(i) for i in place.ids[rows]], ordered=False)
    read = read_vectors(resolve(side, view, run.dataset, run.config["embeddings"]), lambda fraction, label: None)
    usable = np.isfinite(read.values).all(1)
    at = {name: i for i, name in enumerate(read.ids.tolist()) if usable[i]}
    held = [row for row in rows.tolist() if str(place.ids[row]) in at]
    if len(held) < 2:
        raise InputError(f"the images of {place.name!r} have no vectors any more; compare again")
    return np.array(held), np.asarray(read.values[[at[str(place.ids[row])] for row in held]], np.float32)

"""A stored comparison → a report file, with thumbnails of its samples."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from latentdiff.compute.temporary import make_folder
from latentdiff.errors import InputError
from latentdiff.report import write_report
from latentdiff.report.content import typical

from .store.groups import GroupsOfDataset
from .store.run import ComparisonRun, RunSide
from .store.runs import list_comparisons, load_comparison, load_groups
from .store.targets import as_dataset

MARGIN = 0.1
"""Shown round points, as a share of their extent."""
SMALLEST = 0.05
"""Of a picture's side, what is shown at least: a single point has no extent."""


def export_report(dataset: Any, run: str, path: str | os.PathLike[str], *, title: str | None = None) -> Path:
    """Write a report of a stored comparison.

    Args:
        dataset: ``fo.Dataset`` or its name.
        run: the comparison's name.
        path: where to; its suffix says what: ``.html`` (one page with thumbnails), ``.md``, ``.csv`` or ``.json``.
        title: headline; None makes one of the views' names.

    Returns:
        The path.

    Raises:
        InputError: another suffix, or a path that cannot be written. RunError: no such run, or it was never finished.
    """
    dataset = as_dataset(dataset)
    kinds = {str(known): known.groups for known in list_comparisons(dataset)}
    if kinds.get(run):
        return groups_report_of(load_groups(dataset, run), path, title=title)
    return report_of(load_comparison(dataset, run), path, title=title)


_downloads: list[Path] = []


def downloads() -> Path:
    """A folder of this process for reports that a browser is about to fetch; it goes with the process."""
    if not _downloads or not _downloads[0].is_dir():
        _downloads[:] = [make_folder("reports-")]
    return _downloads[0]


def groups_report_of(groups: GroupsOfDataset, path: str | os.PathLike[str], *, title: str | None = None) -> Path:
    """Write a report of a comparison of groups that is open; see :func:`export_report`."""
    images: dict[int, Any] = {}
    for name in groups.found.differing:
        run = groups.comparison(name)
        for side, rows in (("A", groups.found.rows(name)), ("B", groups.found.rest(name))):
            images |= {int(rows[row]): image for row, image in exemplar_images(run, side).items()}
    title = title or f"How groups by {groups.config['by']} differ"
    return write_report(groups.found, path, images=images, title=title)


def report_of(run: ComparisonRun, path: str | os.PathLike[str], *, title: str | None = None) -> Path:
    """Write a report of a comparison that is open; see :func:`export_report`."""
    images = {side: exemplar_images(run, side) for side in ("A", "B")}
    names = (run.sides["A"].name, run.sides["B"].name)
    return write_report(run.comparison, path, images=images, names=names, title=title)


def exemplar_images(run: ComparisonRun, side: str) -> dict[int, Any]:
    """Row → the image of each exemplar of one side: its file's path, or for patches the picture of the patch.

    Samples that were deleted since are left out. One query for all.
    """
    place = run.sides[side]
    if place.dataset is None:
        return {}
    comparison = run.comparison
    rows = {row for h in comparison.hypotheses if h.side == side for row in h.exemplars}
    rows |= set(typical(comparison, side))
    row_of = {str(place.ids[row]): row for row in sorted(rows)}
    if not row_of:
        return {}
    return _patches(place, row_of) if place.labels else _files(place, row_of)


def _files(place: RunSide, row_of: dict[str, int]) -> dict[int, Any]:
    view = place.select(list(row_of), ordered=False)
    return {row_of[i]: path for i, path in zip(*view.values(["id", "filepath"]), strict=True)}


def _patches(place: RunSide, row_of: dict[str, int]) -> dict[int, Any]:
    view = place.select(list(row_of))
    found = {}
    for identity, path, box in patch_boxes(place, view):
        picture = _crop(path, box)
        if picture is not None:
            found[row_of[identity]] = picture
    return found


def patch_boxes(place: RunSide, view: Any) -> list[tuple[str, str, tuple[float, ...]]]:
    """(label id, file, relative [x, y, width, height] box) of the patches of a view; of lines and points, the box round them."""
    field = str(place.labels).split(".")[0]
    shape = "bounding_box" if view.has_field(f"{field}.bounding_box") else "points"
    found = zip(*view.values(["id", "filepath", f"{field}.{shape}"]), strict=True)
    return [(i, path, tuple(at or ()) if shape == "bounding_box" else _box_round(at)) for i, path, at in found]


def _box_round(points: Any) -> tuple[float, ...]:
    """The box round points, or lists of points, with a margin; empty where there are none."""
    flat = np.array([value for point in _points(points) for value in point], float).reshape(-1, 2)
    flat = flat[np.isfinite(flat).all(1)]  # a keypoint that is not seen is NaN
    if not len(flat):
        return ()
    (left, top), (right, bottom) = flat.min(0), flat.max(0)
    margin = max(MARGIN * max(right - left, bottom - top), SMALLEST / 2)
    left, top, right, bottom = max(left - margin, 0.0), max(top - margin, 0.0), min(right + margin, 1.0), min(bottom + margin, 1.0)
    return (float(left), float(top), float(right - left), float(bottom - top))


def _points(nested: Any) -> list[Any]:
    if not nested:
        return []
    return [nested] if isinstance(nested[0], (int, float)) else [point for inner in nested for point in _points(inner)]


def patch_thumbnail(path: str, box: tuple[float, ...]) -> str | None:
    """A patch's small picture as a data address, about 5 kB; None where the file or the box cannot be used."""
    try:
        return _thumbnail(path, box)
    except InputError:
        return None


@lru_cache(maxsize=1000)
def _thumbnail(path: str, box: tuple[float, ...]) -> str:
    """Remembered: a panel asks for the same ones at every click. A failure is raised, so that it is not."""
    from latentdiff.report.thumbnails import inline

    made = inline(_crop(path, box))
    if made is None:
        raise InputError(f"{path} shows no patch at {box}")
    return made


def _crop(path: str, box: Any) -> Any:
    """The part of an image in a relative [x, y, width, height] box; None where either cannot be used."""
    from latentdiff.report.thumbnails import whole

    if not box or len(box) != 4:
        return None
    try:
        image = whole(path, 1600)
    except InputError:
        return None
    x, y, w, h = box
    left, top = max(round(x * image.width), 0), max(round(y * image.height), 0)
    right, bottom = min(round((x + w) * image.width), image.width), min(round((y + h) * image.height), image.height)
    return image.crop((left, top, right, bottom)) if right > left and bottom > top else None

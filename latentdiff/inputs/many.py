"""Many sets of images, or one with a label a row → vectors, labels, and what each row is; every image once."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..compute.names import Named, shown
from ..embed.alike import told_apart
from ..embed.encoder import Encoder
from ..embed.filesystem import is_parquet
from ..embed.identity import file_key, listed_again
from ..embed.parquet import ParquetVectors
from ..embed.ranges import NO_RANGES, Ranges
from ..embed.usable import check_widths
from ..errors import InputError
from ..progress import Progress, part
from .arrays import read_labels
from .folders import ImageSide, ranges_of
from .named import OF_IMAGES, images_of, kind, name_of, read_side
from .tables import table_column


@dataclass(frozen=True, eq=False)
class Labelled:
    """Vectors and the label of each row."""

    vectors: np.ndarray
    labels: list[Any]
    items: list[Any] | None = None
    """What row i is: a file's path, an entry of a zip file, an id; None where rows have no name."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Images that are in none of the rows: ``repeated``, ``shared`` (in several groups) and ``missing`` (no vector)."""
    passed_over: dict[str, int] = field(default_factory=dict)
    """Files of formats that are not read, by ending."""
    ranges: Ranges = field(default_factory=Ranges)
    """What is drawn black and white in their deep pictures."""


@dataclass(frozen=True, eq=False)
class OneSet:
    """A set of images or vectors, each once."""

    name: str
    vectors: np.ndarray
    items: Any
    """What row i is, as of :class:`Labelled`."""
    rows: np.ndarray
    """(n,) number of each row as given."""
    given: int
    """Rows as given."""
    keys: list[Any] | None = None
    """What tells row i from images of other sets; None where nothing does."""
    first: dict[int, int] = field(default_factory=dict)
    """Rows as given that are an image listed before, and where it was listed first."""
    missing: int = 0
    """Rows without a vector."""
    passed_over: dict[str, int] = field(default_factory=dict)
    files: bool = False
    """Whether keys are those of files that were read: equal ones are one image."""
    ranges: Ranges = field(default_factory=Ranges)
    """What is drawn black and white in the deep pictures of all sets."""

    def without(self, is_elsewhere: Callable[[Any], bool]) -> tuple[OneSet, int]:
        """The set without the images whose key is somewhere else, and how many these were."""
        if self.keys is None:
            return self, 0
        keep = np.array([key is None or not is_elsewhere(key) for key in self.keys], bool)
        if keep.all():
            return self, 0
        keys = [key for key, stays in zip(self.keys, keep.tolist(), strict=True) if stays]
        items = None if self.items is None else [self.items[row] for row in np.flatnonzero(keep).tolist()]
        return replace(self, vectors=self.vectors[keep], items=items, rows=self.rows[keep], keys=keys), int((~keep).sum())


def read_sets(sets: Sequence[Any], encoder: Encoder | None, skip_bad: bool, progress: Progress, kept: Ranges = NO_RANGES) -> list[OneSet]:
    """Read sets of images or vectors: images that a set lists again count once, and rows without a vector are no images.

    Args:
        sets: what :func:`~latentdiff.inputs.named.kind` takes but for views.
        encoder: of images.
        skip_bad: leave NaN rows where images cannot be read, in place of an error.
        progress: ``progress(fraction, label)``.
        kept: what is black and white in deep pictures; of kinds without a range one is chosen for all sets.

    Raises:
        InputError: sets that cannot be read, or do not fit together.
    """
    kinds = [kind(one) for one in sets]
    if "view" in kinds:
        raise InputError("views of a dataset are grouped by a field: name the dataset alone, and the field with --by")
    if any(how in OF_IMAGES for how in kinds) and encoder is None:
        raise InputError("folders of images need an encoder (--encoder fast)")
    names = [name_of(one, how, f"group {i + 1}") for i, (one, how) in enumerate(zip(sets, kinds, strict=True))]
    names = names if len(set(names)) == len(names) else [os.fspath(one) for one in sets]
    found, read = list(sets), []
    with tempfile.TemporaryDirectory(prefix="latentdiff-") as folder:
        for i, (one, how) in enumerate(zip(sets, kinds, strict=True)):
            if how in OF_IMAGES:
                at = Path(folder, str(i))
                at.mkdir()
                found[i] = images_of(one, how, at, part(progress, 0.1 * i / len(sets), 0.1 * (i + 1) / len(sets)))
        ranges = kept.filled(ranges_of(found))
        for i, (one, how) in enumerate(zip(found, kinds, strict=True)):
            report = part(progress, 0.1 + 0.9 * i / len(sets), 0.1 + 0.9 * (i + 1) / len(sets))
            read.append(_read(one, how, names[i], encoder, skip_bad, report, ranges))
    for name, one in zip(names, read, strict=True):
        if one.vectors.shape[1] != read[0].vectors.shape[1]:
            check_widths({names[0]: read[0].vectors.shape[1], name: one.vectors.shape[1]})
    keys = told_apart([None if one.files else one.keys for one in read], [one.vectors for one in read])
    return [one if own is None else replace(one, keys=own) for one, own in zip(read, keys, strict=True)]


def read_groups(
    sets: Sequence[Any], by: str | os.PathLike[str] | None, encoder: Encoder | None, skip_bad: bool, progress: Progress
) -> Labelled:
    """Read sets as groups; an image in several of them is in none.

    Args:
        sets: as :func:`read_sets`; each a group of its own, or all together in one with ``by``.
        by: file with the label of each row, one a line; an empty line is a row of no group. Of one Parquet, or one CSV with a column
            ``path``, also the name of a column. None: each set is a group, by its name.
        encoder, skip_bad, progress: as :func:`read_sets`.

    Raises:
        InputError: as :func:`read_sets`; or labels that do not fit the rows.
    """
    given: list[Any] | None = None
    if _is_column(sets, by):
        read, given = _by_column(os.fspath(sets[0]), str(by), encoder, skip_bad, progress)
    else:
        read = read_sets(sets, encoder, skip_bad, progress)
        given = None if by is None else list(read_labels(os.fspath(by)))
    labels: list[list[Any]] = [[one.name] * len(one.rows) for one in read] if given is None else _labels(given, str(by), read)
    places: Counter[Any] = Counter(key for one in read for key in one.keys or () if key is not None)
    left_out = {"repeated": sum(len(one.first) for one in read), "shared": 0, "missing": sum(one.missing for one in read)}
    for i, one in enumerate(read):
        kept, shared = one.without(lambda key: places[key] > 1)
        if shared and by is not None:
            raise InputError(f"with --by each image is in one set; {shared:,} of {one.name} are in others too: take these out")
        if shared and not len(kept.rows):
            raise InputError(f"all {shared:,} images of {one.name} are in other groups too; choose different sets")
        read[i], labels[i] = kept, labels[i][: len(kept.rows)] if shared else labels[i]
        left_out["shared"] += shared
    named = not any(one.items is None for one in read)
    vectors = read[0].vectors if len(read) == 1 else np.concatenate([one.vectors for one in read])
    return Labelled(
        vectors,
        [label for own in labels for label in own],
        [item for one in read for item in one.items] if named else None,
        {why: count for why, count in left_out.items() if count},
        dict(sum((Counter(one.passed_over) for one in read), Counter())),
        next((one.ranges for one in read if any(one.ranges)), Ranges()),
    )


def _read(one: Any, how: str, name: str, encoder: Any, skip_bad: bool, progress: Progress, ranges: Ranges) -> OneSet:
    if isinstance(one, ImageSide):
        return _files(one, name, ranges, lambda kept: read_side(kept, how, encoder, skip_bad, progress, ranges))
    table = ParquetVectors(os.fspath(one)) if how == "parquet" else None
    read = read_side(table or one, how, encoder, skip_bad, progress)
    rows = np.arange(len(read.vectors))
    if table is None:
        return OneSet(name, read.vectors, read.items, rows, len(rows))
    column = table.column(table.id_column) if table.id_column else None
    first: dict[int, int] = {}
    if column is not None:
        first = dict(zip(*(some.tolist() for some in listed_again(column, table)), strict=True))
    kept = np.setdiff1d(rows, [*first, *table.missing.tolist()])
    there = set(kept.tolist())
    first = {row: at for row, at in first.items() if at in there}
    vectors = read.vectors if len(kept) == len(rows) else read.vectors[kept]
    own = None if column is None else [str(key) if key is not None else None for key in column.take(kept).to_pylist()]
    return OneSet(name, vectors, [table.ids[row] for row in kept.tolist()], kept, len(rows), own, first, len(table.missing))


def _files(side: ImageSide, name: str, ranges: Ranges, read: Callable[[ImageSide], Any]) -> OneSet:
    """A set of files, each once, whatever its paths."""
    keys = [file_key(path) for path in side.paths]
    first = _first(keys)
    rows = np.setdiff1d(np.arange(len(keys)), list(first))
    found = read(replace(side, paths=tuple(side.paths[row] for row in rows.tolist())))
    own = [keys[row] for row in rows.tolist()]
    items = [shown(item) if isinstance(item, Named) else item for item in found.items]  # what was unpacked of an archive is soon gone
    return OneSet(name, found.vectors, items, rows, len(keys), own, first, 0, dict(side.passed_over), True, ranges)


def _first(keys: Sequence[Any]) -> dict[int, int]:
    """Rows whose key is in a row before, and which that is; rows without a key are images of their own."""
    seen: dict[Any, int] = {}
    return {row: at for row, key in enumerate(keys) if key is not None and (at := seen.setdefault(key, row)) != row}


def _is_column(sets: Sequence[Any], by: Any) -> bool:
    """Whether ``by`` names a column of the one set that there is, a Parquet or a CSV."""
    return len(sets) == 1 and by is not None and (_is_csv(sets[0]) or (is_parquet(os.fspath(sets[0])) and not Path(by).is_file()))


def _is_csv(one: Any) -> bool:
    return isinstance(one, (str, os.PathLike)) and Path(one).suffix.lower() == ".csv" and Path(one).expanduser().is_file()


def _by_column(one: str, column: str, encoder: Encoder | None, skip_bad: bool, progress: Progress) -> tuple[list[OneSet], list[Any]]:
    """Rows of a Parquet, or images of a CSV, and what a column says of each row as given."""
    if not _is_csv(one):
        values = ParquetVectors(one).values(column)
        return read_sets([one], encoder, skip_bad, progress), values
    if encoder is None:
        raise InputError("tables of images need an encoder (--encoder fast)")
    path = Path(one).expanduser()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as e:
        raise InputError(f"{one} cannot be read as UTF-8 text: {e}") from e
    side, labels = table_column(text, path.parent, column, part(progress, 0.0, 0.1))
    report, ranges = part(progress, 0.1, 1.0), ranges_of([side])
    return [_files(side, path.name, ranges, lambda kept: read_side(kept, "images", encoder, skip_bad, report, ranges))], list(labels)


def _labels(labels: list[Any], by: str, sets: Sequence[OneSet]) -> list[list[Any]]:
    """The label of each row of each set, from those of the rows as given."""
    n = sum(one.given for one in sets)
    if len(labels) != n:
        raise InputError(f"{by} has {len(labels):,} lines, one label each, for {n:,} rows")
    out, start = [], 0
    for one in sets:
        odd = next((pair for pair in one.first.items() if labels[start + pair[0]] != labels[start + pair[1]]), None)
        if odd is not None:
            raise InputError(
                f"rows {odd[1]} and {odd[0]} of {one.name} are one image with two labels, {labels[start + odd[1]]!r} and "
                f"{labels[start + odd[0]]!r}; take one of them out"
            )
        out.append([labels[start + row] for row in one.rows.tolist()])
        start += one.given
    return out

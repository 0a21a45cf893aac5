"""Many sets of images, or one with a label a row → vectors, labels, and what each row is."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..embed.encoder import Encoder
from ..embed.usable import check_widths
from ..errors import InputError
from ..progress import Progress, part
from .arrays import read_labels
from .named import OF_IMAGES, images_of, kind, name_of, read_side


@dataclass(frozen=True, eq=False)
class Labelled:
    """Vectors and the label of each row."""

    vectors: np.ndarray
    labels: list[Any]
    items: list[Any] | None = None
    """What row i is: a file's path, an id; None where rows have no name, or their files are gone."""


def read_groups(
    sets: Sequence[Any], by: str | os.PathLike[str] | None, encoder: Encoder | None, skip_bad: bool, progress: Progress
) -> Labelled:
    """Read sets of images or vectors.

    Args:
        sets: what :func:`~latentdiff.inputs.named.kind` takes but for views; each a group of its own, or all together in one with ``by``.
        by: file with the label of each row, one a line; an empty line is a row of no group. None: each set is a group, by its name.
        encoder: of images.
        skip_bad: leave NaN rows where images cannot be read, in place of an error.
        progress: ``progress(fraction, label)``.

    Raises:
        InputError: sets that cannot be read, do not fit together, or are named alike.
    """
    kinds = [kind(one) for one in sets]
    if "view" in kinds:
        raise InputError("views of a dataset are grouped by a field: name the dataset alone, and the field with --by")
    if any(how in OF_IMAGES for how in kinds) and encoder is None:
        raise InputError("folders of images need an encoder (--encoder fast)")
    names = [name_of(one, how, f"group {i + 1}") for i, (one, how) in enumerate(zip(sets, kinds, strict=True))]
    names = names if len(set(names)) == len(names) else [os.fspath(one) for one in sets]
    with tempfile.TemporaryDirectory(prefix="latentdiff-") as folder:
        read = []
        for i, (one, how) in enumerate(zip(sets, kinds, strict=True)):
            share = part(progress, i / len(sets), (i + 1) / len(sets))
            if how in OF_IMAGES:
                at = Path(folder, str(i))
                at.mkdir()
                one = images_of(one, how, at, share)
            read.append(read_side(one, how, encoder, skip_bad, share))
    for name, side in zip(names, read, strict=True):
        if side.vectors.shape[1] != read[0].vectors.shape[1]:
            check_widths({names[0]: read[0].vectors.shape[1], name: side.vectors.shape[1]})
    labels: list[Any] = [name for name, side in zip(names, read, strict=True) for _ in range(len(side.vectors))]
    items = None if "zip" in kinds or any(side.items is None for side in read) else [item for side in read for item in side.items]
    vectors = read[0].vectors if len(read) == 1 else np.concatenate([side.vectors for side in read])
    return Labelled(vectors, labels if by is None else _labels(by, len(vectors)), items)


def _labels(path: str | os.PathLike[str], n: int) -> list[str | None]:
    labels = read_labels(os.fspath(path))
    if len(labels) != n:
        raise InputError(f"{os.fspath(path)} has {len(labels):,} lines, one label each, for {n:,} rows")
    return labels

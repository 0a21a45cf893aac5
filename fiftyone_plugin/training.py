"""A vector field → a sparse autoencoder, in memory that does not grow with the dataset."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import latentdiff
from latentdiff.compute.temporary import temporary_folder
from latentdiff.errors import InputError
from latentdiff.progress import Progress, part, silent

from .encoders import recorded
from .sides import Side, resolve
from .store.targets import as_dataset
from .vectors import CHUNK, _documents, _part, _stored_path

SIDE = "to train on"
"""What messages call these images."""


def train_sae(
    dataset_or_view: Any,
    embeddings: str,
    *,
    view: str | None = None,
    folder: str | Path | None = None,
    overwrite: bool = False,
    skip_bad: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> latentdiff.SparseAutoencoder:
    """Train a sparse autoencoder on the vectors of a dataset or view. Nothing is written to the dataset.

    Args:
        dataset_or_view: ``fo.Dataset`` (or its name) or ``fo.DatasetView``; images without a vector are left out.
        embeddings: field of the image vectors; for patches the labels' attribute ("ground_truth.detections.clip").
        view: name of a saved view of the dataset.
        folder: where to save the SAE; None: it is only returned.
        overwrite: replace an SAE in that folder.
        skip_bad: leave out vectors with NaN or infinite values in place of an error.
        progress: ``progress(fraction, label)``; raise :class:`latentdiff.Cancelled` in it to stop.
        **options: as :func:`latentdiff.train_sae`: concepts, active, trainer, seed, steps, seconds, validation, early_stop, resume, device.

    Returns:
        The SAE, with the fingerprint of the field's encoder where one is recorded.

    Raises:
        InputError: a view or field without vectors, options that cannot be used, or a folder that holds an SAE already.
    """
    import fiftyone as fo

    progress = progress or silent
    if folder is not None and (Path(folder).expanduser() / "config.json").exists() and not overwrite:
        raise InputError(f"{folder} already holds an SAE; pass overwrite=True or another folder")
    given = dataset_or_view if isinstance(dataset_or_view, fo.DatasetView) else as_dataset(dataset_or_view)
    side = resolve(SIDE, view or given, given, embeddings)
    stamp = recorded(side.dataset, side.stored)
    encoder = stamp.fingerprint if stamp else None
    with spooled(side, part(progress, 0.0, 0.1)) as vectors:
        sae = latentdiff.train_sae(vectors, skip_bad=skip_bad, encoder=encoder, progress=part(progress, 0.1, 1.0), **options)
    if folder is not None:
        sae.save(Path(folder).expanduser())
    return sae


@contextlib.contextmanager
def spooled(side: Side, progress: Progress) -> Iterator[np.ndarray]:
    """(n, d) float32 of a side as a memory map: read from the database once, since training passes over them dozens of times."""
    path, total = _stored_path(side), max(1, side.view.count())
    with temporary_folder() as temporary:
        file, count, width, seen = temporary / "vectors", 0, 0, 0
        with open(file, "wb") as out, contextlib.closing(_documents(side, path)) as documents:
            while chunk := list(itertools.islice(documents, CHUNK)):
                read = _part(side, path, chunk)
                if read.values is not None:
                    width = width or read.values.shape[1]
                    if read.values.shape[1] != width:
                        raise InputError(f"{side.name!r}: {side.path!r} holds vectors of width {width} and of {read.values.shape[1]}")
                    _spool(out, read.values, file)
                    count += len(read.values)
                seen += len(chunk)
                progress(min(1.0, seen / total), f"reading {side.name}")
        if not count:
            raise InputError(f"{side.name!r}: none of its images has a vector in {side.path!r}; compute them first")
        yield np.memmap(file, np.float32, "r", shape=(count, width))


def _spool(out: Any, values: np.ndarray, file: Path) -> None:
    try:
        out.write(np.ascontiguousarray(values, np.float32).tobytes())
        out.flush()
    except OSError as e:
        raise OSError(e.errno, f"cannot be written ({e.strerror}); free space, or set TMPDIR to another folder", str(file)) from e

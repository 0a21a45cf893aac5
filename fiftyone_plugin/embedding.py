"""Photographs of a dataset → a vector field, written as it is made, so that a killed run goes on where it stopped."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from dataclasses import field as entry
from typing import Any

import numpy as np

from latentdiff.embed.backends import check_name
from latentdiff.embed.encoder import Encoder
from latentdiff.embed.fingerprint import NAMED, disagreement
from latentdiff.embed.ranges import NO_RANGES, Ranges
from latentdiff.errors import EncoderError, InputError
from latentdiff.inputs.named import encoder_source, open_encoder
from latentdiff.progress import Progress, part, silent

from . import encoders
from .field_ranges import CHECKED, SAME, fitting, ranges_for
from .measuring import compute_measures
from .sides import each_once, listed, vector_fields
from .store import database, schema
from .store.targets import as_dataset
from .vector_writer import OWNER, VectorWriter

CHUNK = 256
"""Images written at once: the most work that a killed run loses."""
VECTORS = 0.8
"""Share of the bar that is the vectors', where images are measured too."""


@dataclass(frozen=True)
class Embedded:
    """What one run of :func:`compute_embeddings` did."""

    field: str
    encoded: int
    """Images that got their vector now."""
    kept: int
    """Images that had one already."""
    failures: dict[str, str] = entry(default_factory=dict)
    """Reason per sample id that could not be read."""


def compute_embeddings(
    dataset_or_view: Any,
    encoder: Any = "fast",
    field: str = "clip",
    *,
    batch_size: int | None = None,
    workers: int | None = None,
    overwrite: bool = False,
    measures: str | None = None,
    progress: Progress | None = None,
) -> Embedded:
    """Give every image a vector; images that have one of the same encoder are skipped, so a stopped run can just be repeated.

    Writes the vector field ``<field>``, a string field ``<field>_error`` with the reason on images that could not be read (cleared once
    they can), and the encoder's fingerprint in ``dataset.info``, with the range in which deep pictures of the field are drawn.

    Args:
        dataset_or_view: ``fo.Dataset`` (or its name) or ``fo.DatasetView`` of images; of a grouped dataset, the active slice.
        encoder: a preset ("fast", "paper", "demo"), a model folder or hub id, a pair ``(architecture, weights)``, or an ``Encoder``.
        field: name of the vector field, made where it is missing.
        batch_size: images per forward pass; None: 32 on a CPU, 256 on a GPU.
        workers: decoding threads; None: one per core.
        overwrite: replace the vectors of these images. Where another encoder made the field, all its vectors are removed first, those of
            images outside the view too: a field never mixes encoders.
        measures: also measure the images, into an embedded field of this name, as :func:`compute_measures` does; None: do not.
        progress: ``progress(fraction, label)``; raise :class:`latentdiff.Cancelled` in it to stop. What was written stays and is resumed.

    Returns:
        Counts and failures.

    Raises:
        InputError: a view without images of its own, a field that holds something else or another encoder's vectors.
        EncoderError, CheckpointError: the encoder cannot be built.
    """
    import fiftyone as fo

    whole = progress or silent
    progress = part(whole, 0.0, VECTORS) if measures else whole
    given = dataset_or_view if isinstance(dataset_or_view, fo.DatasetView) else as_dataset(dataset_or_view)
    view = given.view()
    dataset = view._root_dataset
    with database.explained(f"computing {field!r}", dataset):
        _refuse_kinds(view)
        _check_fields(dataset, field)
        progress(0.0, "loading the encoder")
        made, source = _open_alike(dataset, field, encoder, overwrite)
        ranges = ranges_for(dataset, field, made)
        _claim(dataset, field, encoders.Stamp(made.fingerprint, source, ranges), overwrite)
        ids, paths = each_once(view if overwrite else view.exists(field, False), "filepath")
        writer = VectorWriter(dataset, field, made.fingerprint, overwrite)
        done, failures = 0, dict[str, str]()
        with contextlib.closing(made.iter_vectors(paths, batch_size=batch_size, workers=workers, ranges=ranges)) as pieces:
            for start, vectors, failed in pieces:
                end = start + len(vectors)
                writer.add(ids[start:end], vectors, {ids[row]: reason for row, reason in failed.items()})
                failures |= {ids[row]: reason for row, reason in failed.items()}
                if writer.waiting >= CHUNK or end == len(ids):
                    writer.flush()
                done = end
                progress(done / len(ids), f"{done:,} of {len(ids):,} images")
        database.require(database.identity(dataset), dataset.name)  # without it there are no images, and so no errors above
        if measures:
            compute_measures(view, measures, overwrite=overwrite, progress=part(whole, VECTORS, 1.0))
        return Embedded(field, done - len(failures), len(each_once(view)[0]) - len(ids), failures)


def declare_embeddings(dataset: Any, field: str, encoder: Any, *, check: int = CHECKED, overwrite: bool = False) -> None:
    """Say which encoder made a vector field that is there already (FiftyOne Brain's, anyone's).

    Args:
        dataset: ``fo.Dataset`` or its name.
        field: path of the vectors.
        encoder: as :func:`compute_embeddings`.
        check: images that are encoded again to see whether it is true; 0 believes it, and loads no encoder that is given by name: its
            weights need not be here until words are to be encoded.
        overwrite: replace what was recorded.

    Raises:
        InputError: no such vectors, vectors of another width, vectors that this encoder does not make, or another encoder is recorded.
    """
    dataset = as_dataset(dataset)
    if field not in vector_fields(dataset):
        raise InputError(f"{dataset.name!r} has no vector field {field!r}; it has {listed(vector_fields(dataset))}")
    before = encoders.recorded(dataset, field)
    if not check and not isinstance(encoder, Encoder):
        _believe(dataset, field, encoder_source(encoder), before, overwrite)
        return
    made, source = open_encoder(encoder, "float32")  # what is not known to be of another precision is held for this one
    if before and not overwrite:
        different = disagreement(made.fingerprint, before.fingerprint, precision=False)
        if different:
            raise InputError(f"another encoder is recorded for field {field!r}: {different}; pass overwrite=True to replace the record")
    sample = dataset.exists(field).first() if dataset.exists(field).count() else None
    ranges, fingerprint = NO_RANGES, made.fingerprint
    if before is not None and not disagreement(fingerprint, before.fingerprint, precision=False):
        ranges = before.ranges
        fingerprint = {**fingerprint, "dtype": before.fingerprint.get("dtype", "float32")} if source else fingerprint
    if sample is not None and "." not in field:
        ranges = _check_made_by(dataset, field, made, check, ranges)
    encoders.record(dataset, field, encoders.Stamp(fingerprint, source, ranges))


def _believe(dataset: Any, field: str, source: encoders.Source, before: encoders.Stamp | None, overwrite: bool) -> None:
    """Record an encoder by its name alone; what is known of the same one from before stays."""
    check_name(*source)
    if before is not None and before.source == source:
        return
    if before is not None and not overwrite:
        known = before.source[0] if before.source else before.fingerprint.get("model")
        raise InputError(f"another encoder is recorded for field {field!r}: {known!r}; pass overwrite=True to replace the record")
    encoders.record(dataset, field, encoders.Stamp({NAMED: ", ".join(filter(None, source))}, source))


def _check_made_by(dataset: Any, field: str, encoder: Any, check: int, ranges: Ranges) -> Ranges:
    """Refuse vectors that the encoder does not make, whatever range their deep pictures may have; the range with which it does."""
    some = dataset.exists(field).limit(max(check, 1))
    vectors, paths = some.values([field, "filepath"])
    stored = np.asarray(vectors, np.float64)
    if stored.ndim != 2 or stored.shape[1] != encoder.width:
        raise InputError(f"field {field!r} holds vectors of shape {stored.shape[1:]}, this encoder makes ({encoder.width},)")
    if not check:
        return ranges
    ranges, cosine = fitting(encoder, paths, stored, ranges)
    if cosine < SAME:
        raise InputError(f"field {field!r} was not made by this encoder: cosine {cosine:.2f} on {check} images; name the right encoder")
    return ranges


def _refuse_kinds(view: Any) -> None:
    if view._is_patches:
        raise InputError(
            "patches have no image file of their own: give their labels vectors with FiftyOne's compute_patch_embeddings(), "
            "then name the encoder with declare_embeddings()"
        )
    if view._is_clips or view._is_frames or view._is_dynamic_groups:
        raise InputError("this is a view of clips, frames or groups; pass the dataset, or a view of single images")


def _check_fields(dataset: Any, field: str) -> None:
    """Refuse names that cannot be used before the encoder is loaded."""
    import fiftyone as fo

    if not isinstance(field, str) or not field.isidentifier() or field.startswith("_"):
        raise InputError(f"field is letters, digits and underscores, such as 'clip', not {field!r}")
    vectors, errors = dataset.get_field(field), dataset.get_field(f"{field}_error")
    if vectors is not None and not isinstance(vectors, fo.VectorField):
        raise InputError(f"{dataset.name!r} already has a field {field!r} that holds no vectors; choose another name")
    if errors is not None and (errors.info or {}).get(OWNER) != field:
        raise InputError(
            f"{dataset.name!r} already has a field '{field}_error', where failures would go; choose another name, not {field!r}"
        )


def _open_alike(dataset: Any, field: str, encoder: Any, overwrite: bool) -> tuple[Any, encoders.Source | None]:
    """The encoder, and its name where it has one; by name, in the precision in which the vectors that are there were computed."""
    holds = not overwrite and dataset.has_field(field) and dataset.exists(field).count()
    before = encoders.recorded(dataset, field) if holds else None
    kept = before.fingerprint.get("dtype") if before else None
    try:
        return open_encoder(encoder, kept)
    except EncoderError as e:
        if kept != "int8":  # the others are computed everywhere
            raise
        remedy = "add to it on a machine that can, choose another field, or pass overwrite=True to compute all its vectors anew"
        raise EncoderError(f"field {field!r} of {dataset.name!r} was computed in int8 ({e}): {remedy}") from e


def _claim(dataset: Any, field: str, stamp: encoders.Stamp, overwrite: bool) -> None:
    """Make the field one of this encoder: declared, recorded, without another's vectors."""
    import fiftyone as fo

    description = f"Image vectors by {stamp.fingerprint['model']} ({stamp.fingerprint['library']}), not normalised"
    if dataset.get_field(field) is None:
        encoders.record(dataset, field, stamp)  # before the first vector: a kill in between leaves a record of an empty field
        schema.add(dataset, field, fo.VectorField(description=description))  # False: somebody else has just made it, which will do
        database.refresh(dataset)
        encoders.record(dataset, field, stamp)  # once more, now that there is a field to mark
        return
    before = encoders.recorded(dataset, field)
    if dataset.exists(field).count():
        different = disagreement(stamp.fingerprint, before.fingerprint) if before else "no encoder is recorded for it"
        if different and not overwrite:
            raise InputError(
                f"field {field!r} of {dataset.name!r} holds vectors of another or an unknown encoder: {different}. "
                "Choose another field, pass overwrite=True to replace them all, or name their encoder with declare_embeddings()"
            )
        if different:
            dataset.clear_sample_field(field)  # before the record: a kill in between leaves vectors of the encoder that is recorded
    encoders.record(dataset, field, stamp)
    if before and disagreement(stamp.fingerprint, before.fingerprint) and dataset.exists(field).count():
        dataset.clear_sample_field(field)  # what a run with the other encoder, at work meanwhile, wrote before it could see the record

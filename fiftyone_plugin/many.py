"""Groups of a dataset by a field: compared, and stored where they get a name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import latentdiff
from latentdiff.errors import InputError
from latentdiff.progress import Progress, part, silent
from latentdiff.trends.binning import binned

from .encoders import recorded, vocabulary_for
from .sides import Side, resolve
from .store import database, fields, runs
from .store.groups import GroupsOfDataset
from .store.run import RunSide
from .store.storing import store_groups
from .vectors import Vectors, read_vectors


def compare_groups(
    dataset: Any,
    by: str,
    *,
    embeddings: str,
    bins: str | int | Sequence[Any] | None = None,
    run: str | None = None,
    sae: Any = None,
    vocabulary: latentdiff.Vocabulary | str | Path | Sequence[str] | None = None,
    config: latentdiff.CompareConfig | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> GroupsOfDataset:
    """How do the groups of a dataset differ: cameras, sites, months. See :func:`latentdiff.compare_groups`.

    With a name for it, all is stored with the dataset, as a comparison of two views is: a run of that name, ``<run>_log_ratio`` (how
    typical each image is of its own group) and ``<run>_concepts`` (what it shows). It is listed, renamed and deleted like others;
    :func:`load_groups` opens it, and ``load_comparison(dataset, "cameras:front")`` one group against the rest.

    Args:
        dataset: an ``fo.Dataset``, or an ``fo.DatasetView`` of some of its images.
        by: field of the samples whose values are the groups: a text, a number, or a label's text ("camera.label"). Samples without a value
            are in no group.
        embeddings: vector field, or brain key of a similarity index.
        bins: of dates ("month", "week", ...) or numbers (how many), or edges: the groups are the bins, as
            :func:`latentdiff.compare_over_time` makes them. None: every value is a group.
        run: name under which it is stored, an identifier; None: nothing is written.
        sae: what :func:`latentdiff.load_sae` takes; None trains one.
        vocabulary: words, as :func:`compare_views` takes them; None leaves concepts unnamed.
        config: every choice; None for the defaults.
        overwrite: replace a comparison of that name.
        progress: ``progress(fraction, label)``.

    Returns:
        The comparison, and the samples of its rows.

    Raises:
        InputError: no such field, or groups that cannot be compared. RunError: the name is taken. Nothing is written then.

    Example:
        >>> cameras = fiftyone_plugin.compare_groups(dataset, "camera.label", embeddings="clip", vocabulary="common", run="cameras")
        >>> session.view = cameras.group(cameras.found.differing[0])
    """
    progress = progress or silent
    side = resolve("A", dataset, getattr(dataset, "_root_dataset", dataset), embeddings)
    home = side.dataset
    with database.explained(f"the comparison {run!r}" if run else "comparing groups", home):
        if run is not None:
            runs.check_new(home, run, overwrite)
            fields.check_free(home, [side.field(f"{run}_{what}") for what in (fields.LOG_RATIO, fields.CONCEPTS)], run)
        words = vocabulary_for(vocabulary, home, side.stored, part(progress, 0.0, 0.1))
        read = read_vectors(side, part(progress, 0.1, 0.3))
        values = values_of(side, read, by)
        labels = binned(values, bins) if bins is not None else values
        given = {"sae": sae, "vocabulary": words, "config": config}
        found = latentdiff.compare_groups(read.values, labels, **given, progress=part(progress, 0.3, 0.8 if run else 1.0))
        found.info["left_out"] |= {why: n for why, n in (("missing", read.missing), ("repeated", read.repeated)) if n}
        stamp = recorded(home, side.stored)
        encoder = stamp.fingerprint if stamp else None
        record = {"embeddings": embeddings, "by": by, "encoder": encoder, "config": found.config.to_dict()}
        if run is not None:
            return store_groups(home, run, side, read, found, record, overwrite, part(progress, 0.8, 1.0))
        whole = RunSide(side.name, home, home.name, side.labels, read.ids)
        return GroupsOfDataset(found, whole, read.missing, None, record)


def values_of(side: Side, read: Vectors, field: str) -> list[Any]:
    """The value of a field of each row's sample."""
    if not side.dataset.has_field(field.split(".")[0]):
        raise InputError(f"{side.dataset.name!r} has no field {field!r} by which its images could be grouped")
    ids, values = side.dataset.select(sorted(set(read.samples.tolist()))).values(["id", field])
    of = dict(zip(ids, values, strict=True))
    odd = next((v for v in values if isinstance(v, (list, dict)) or hasattr(v, "to_dict")), None)
    if odd is not None:
        what = f"a {type(odd).__name__}"
        raise InputError(f"the field {field!r} holds {what}; groups are told by a text or a number a sample, such as '{field}.label'")
    return [of.get(i) for i in read.samples.tolist()]

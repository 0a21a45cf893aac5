"""Groups of a dataset by a field: compared, and stored where they get a name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import latentdiff
from latentdiff.progress import Progress, part, silent
from latentdiff.sae.shipped import shipped_sae
from latentdiff.trends.binning import binned

from .by_field import read_by_field, whole_side
from .encoders import name_of, recorded
from .feedback import inherited, past_rejected
from .store import database, runs
from .store.free import check_sides_free
from .store.groups import GroupsOfDataset
from .store.storing import store_groups


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
        sae: what :func:`latentdiff.load_sae` takes; None: the one that comes with the encoder (the demo's), else one is trained.
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
    side = whole_side(dataset, embeddings)
    home = side.dataset
    with database.explained(f"the comparison {run!r}" if run else "comparing groups", home):
        if run is not None:
            runs.check_new(home, run, overwrite)
            check_sides_free(home, run, [side])
        images = read_by_field(side, by, vocabulary, part(progress, 0.0, 0.3))
        labels = binned(images.values, bins) if bins is not None else images.values
        stamp = recorded(home, side.stored)
        encoder = stamp.fingerprint if stamp else None
        config = past_rejected(config, home)
        own: Any = shipped_sae(encoder, config.sae_trainer) if sae is None else sae
        given: dict[str, Any] = {"sae": own, "vocabulary": images.words, "config": config}
        found = latentdiff.compare_groups(images.read.values, labels, **given, progress=part(progress, 0.3, 0.8 if run else 1.0))
        images.count_left_out(found.info)
        found.info.update(stamp.ranges.as_info() if stamp else {})
        record = {"embeddings": embeddings, "by": by, "over_time": bins is not None, "encoder": encoder, "encoder_name": name_of(side)}
        key = (found.info.get("sae") or {}).get("key")
        record["config"], record["sae"] = found.config.to_dict(), key
        if run is not None:
            record["feedback"] = inherited(home, key, {name: c.candidates for name, c in found.groups.items()})
            return store_groups(home, run, side, images.read, found, record, overwrite, part(progress, 0.8, 1.0))
        return GroupsOfDataset(found, images.whole, images.read.missing, None, record)

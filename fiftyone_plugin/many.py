"""Groups of a dataset by a field, and images of a pool that close the gap between two views."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import latentdiff
from latentdiff.errors import InputError
from latentdiff.progress import Progress, part, silent

from .sides import Side, resolve
from .vectors import Vectors, read_vectors


@dataclass(frozen=True, eq=False)
class GroupsOfDataset:
    """Result of :func:`compare_groups`."""

    found: latentdiff.GroupComparison
    """Its rows are the images of ``ids``."""
    ids: np.ndarray
    """(n,) str: the samples (or labels of patches), in the order of the rows."""
    view: Any
    """What was compared."""
    missing: int
    """Images without a vector, which are in no group."""

    def group(self, name: str) -> Any:
        """The view of one group's images."""
        return _select(self.view, self.ids[self.found.rows(name)])

    def showing(self, name: str, hypothesis: latentdiff.Hypothesis) -> Any:
        """The view of a group's images that show a hypothesis of its comparison, side A."""
        rows = self.found.groups[name].rows_showing(hypothesis, "A")
        return _select(self.view, self.ids[self.found.rows(name)[rows]])


@dataclass(frozen=True, eq=False)
class GapOfViews:
    """Result of :func:`close_gap`."""

    gap: latentdiff.Gap
    ids: np.ndarray
    """(k,) str: the pool's samples to add, in the order of ``gap.rows``."""
    leave_out: np.ndarray
    """(m,) str: B's samples that are more than A has of their kind."""
    view: Any
    """The view of the samples to add."""


def compare_groups(
    dataset: Any,
    by: str,
    *,
    embeddings: str,
    sae: Any = None,
    vocabulary: latentdiff.Vocabulary | None = None,
    config: latentdiff.CompareConfig | None = None,
    progress: Progress | None = None,
) -> GroupsOfDataset:
    """How do the groups of a dataset differ: cameras, sites, months. See :func:`latentdiff.compare_groups`.

    Args:
        dataset: an ``fo.Dataset``, or an ``fo.DatasetView`` of some of its images.
        by: field of the samples whose values are the groups: a text, a number, or a label's text ("camera.label"). Samples without a value
            are in no group.
        embeddings: vector field, or brain key of a similarity index.
        sae: what :func:`latentdiff.load_sae` takes; None trains one.
        vocabulary: words with text vectors in the images' space; None leaves concepts unnamed.
        config: every choice; None for the defaults.
        progress: ``progress(fraction, label)``.

    Returns:
        The comparison, and the samples of its rows. Nothing is written.

    Raises:
        InputError: no such field, or groups that cannot be compared.

    Example:
        >>> cameras = fiftyone_plugin.compare_groups(dataset, "camera.label", embeddings="clip", vocabulary=words)
        >>> session.view = cameras.group(cameras.found.differing[0])
    """
    progress = progress or silent
    side = resolve("A", dataset, getattr(dataset, "_root_dataset", dataset), embeddings)
    read = read_vectors(side, part(progress, 0.0, 0.3))
    given = {"sae": sae, "vocabulary": vocabulary, "config": config}
    found = latentdiff.compare_groups(read.values, _labels(side, read, by), **given, progress=part(progress, 0.3, 1.0))
    return GroupsOfDataset(found, read.ids, side.view, read.missing)


def close_gap(
    dataset: Any,
    view_a: Any,
    view_b: Any,
    pool: Any,
    *,
    embeddings: str,
    budget: int,
    tag: str | None = None,
    save_as: str | None = None,
    sae: Any = None,
    vocabulary: latentdiff.Vocabulary | None = None,
    config: latentdiff.CompareConfig | None = None,
    progress: Progress | None = None,
) -> GapOfViews:
    """Which samples of a pool, added to view B, make it like view A? See :func:`latentdiff.close_gap`.

    Args:
        dataset: dataset in which names of saved views are looked up.
        view_a: what B should be like: a saved view's name, a view or a dataset.
        view_b: the view to mend.
        pool: where to choose from; samples of B in it are passed over.
        embeddings: vector field of all three.
        budget: samples to choose at most.
        tag: tag that the chosen samples get; None writes none.
        save_as: name of a saved view of them in the pool's dataset; None saves none.
        sae: what :func:`latentdiff.load_sae` takes; None trains one.
        vocabulary: words with text vectors in the images' space; None leaves concepts unnamed.
        config: of the comparisons; None for the defaults.
        progress: ``progress(fraction, label)``.

    Raises:
        InputError: views of patches, no such field, a saved view of that name, or vectors that cannot be used.
    """
    progress = progress or silent
    sides = [resolve(letter, given, dataset, embeddings) for letter, given in zip("ABC", (view_a, view_b, pool), strict=True)]
    if any(side.labels for side in sides):
        raise InputError("images that close a gap are whole images; choose views of samples, not of patches")
    home = sides[2].dataset
    if save_as is not None and home.has_saved_view(save_as):
        raise InputError(f"{home.name!r} has a saved view {save_as!r} already; choose another name")
    a, b, c = (read_vectors(side, part(progress, 0.1 * i, 0.1 * (i + 1))) for i, side in enumerate(sides))
    c = c.take(~np.isin(c.ids, b.ids))
    given = {"sae": sae, "vocabulary": vocabulary, "config": config}
    gap = latentdiff.close_gap(a.values, b.values, c.values, budget=budget, **given, progress=part(progress, 0.3, 1.0))
    ids = c.ids[gap.rows]
    view = home.select(ids.tolist())
    if tag is not None and len(ids):
        view.tag_samples(tag)
    if save_as is not None and len(ids):
        home.save_view(save_as, view, description=f"{len(ids)} images that make {sides[1].name} like {sides[0].name}")
    return GapOfViews(gap, ids, b.ids[gap.leave_out], view)


def _select(view: Any, ids: np.ndarray) -> Any:
    return view.select(ids.tolist())


def _labels(side: Side, read: Vectors, field: str) -> list[Any]:
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

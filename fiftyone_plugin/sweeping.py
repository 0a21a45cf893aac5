"""Two views class by class: which classes differ most, and in what."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

import latentdiff
from latentdiff.embed.usable import FEWEST, bad_rows
from latentdiff.errors import InputError
from latentdiff.progress import Progress, part, silent
from latentdiff.results.comparison import Comparison
from latentdiff.results.hypothesis import Hypothesis
from latentdiff.stats.divergence import q_values

from .feedback import past_rejected
from .noisy_diff import label_path
from .recipes import _view, class_patches, literal
from .sides import resolve
from .usable import shared_ids
from .vectors import read_vectors


@dataclass(frozen=True, eq=False)
class ClassDifference:
    """What tells one class's images of two views apart."""

    label: str
    n_a: int
    n_b: int
    comparison: Comparison
    q_value: float
    """False-discovery-adjusted p of the two-sample tests of all classes."""

    @property
    def auc(self) -> float:
        """How well its images of A and of B can be told apart, out of fold; 0.5 is chance."""
        return self.comparison.two_sample.auc

    def top(self, side: str, k: int = 5) -> tuple[Hypothesis, ...]:
        """The k best differences of one side; see :meth:`latentdiff.Comparison.top`."""
        return self.comparison.top(side, k)


def sweep_classes(
    view_a: Any,
    view_b: Any,
    field: str,
    *,
    embeddings: str,
    patches: bool = False,
    vocabulary: latentdiff.Vocabulary | None = None,
    sae: latentdiff.SparseAutoencoder | None = None,
    config: latentdiff.CompareConfig | None = None,
    minimum: int = FEWEST,
    progress: Progress | None = None,
) -> list[ClassDifference]:
    """Compare two views once per class (VisDiff section 6.1: 1,000 classes of two ImageNets). Nothing is written.

    Args:
        view_a, view_b: ``fo.Dataset`` (or its name) or ``fo.DatasetView``.
        field: classification, detections or string field of both, whose labels are the classes.
        embeddings: vector field; with ``patches`` the labels' attribute.
        patches: compare the patches of each class, not the images that show it.
        vocabulary: words with vectors in the images' space.
        sae: a sparse autoencoder of the same encoder; None trains one per class, which is slow and needs many images.
        config: options of each comparison.
        minimum: images that a class needs in both views, at least 20.
        progress: ``progress(fraction, label)``.

    Returns:
        One entry per class with enough images, those that can be told apart best first.

    Raises:
        InputError: fields or vectors that cannot be used.
    """
    views, progress = (_view(view_a), _view(view_b)), progress or silent
    config = past_rejected(config, views[0]._root_dataset)
    counts = [_counts(v, field, patches) for v in views]
    shared = [c for c in sorted(counts[0]) if min(counts[0][c], counts[1][c]) >= max(minimum, FEWEST)]
    found = []
    for i, label in enumerate(shared):
        step = part(progress, i / len(shared), (i + 1) / len(shared))
        a, b, left_out = _vectors(views, field, label, embeddings, patches)
        if min(len(a), len(b)) >= FEWEST:
            c = latentdiff.compare(a, b, sae=sae, vocabulary=vocabulary, config=config, progress=step)
            c.info["left_out"] = left_out
            found.append(ClassDifference(label, len(a), len(b), c, 1.0))
        step(1.0, label)
    if not found:
        return []
    q = q_values(np.array([d.comparison.two_sample.p_value for d in found]), config.correction)
    adjusted = [dataclasses.replace(d, q_value=float(value)) for d, value in zip(found, q, strict=True)]
    return sorted(adjusted, key=lambda d: (not d.comparison.hypotheses, d.comparison.two_sample.p_value, -d.auc))


def _counts(view: Any, field: str, patches: bool) -> Counter[str]:
    """Images (or patches) by class."""
    path = label_path(view, field)
    if patches:
        return Counter(view.count_values(path))
    values = view.values(path)
    return Counter(label for own in values for label in ({own} if isinstance(own, str) else set(own or ())) if label)


def _vectors(views: Any, field: str, label: str, embeddings: str, patches: bool) -> tuple[Any, Any, dict[str, Any]]:
    """(n_a, d), (n_b, d) vectors of one class, and counts of what was left out."""
    a, b = (_of_class(view, field, label, patches) for view in views)
    sides = resolve("A", a, a._root_dataset, embeddings), resolve("B", b, b._root_dataset, embeddings)
    read_a, read_b = map(read_vectors, sides)
    shared = shared_ids(sides, read_a, read_b)
    if len(read_a) == len(read_b) == len(shared):
        raise InputError(f"both views hold the same {len(shared)} images of {label!r}; choose two different views")
    counts: dict[str, Any] = {"overlap": len(shared)}
    out = []
    for letter, read in (("A", read_a), ("B", read_b)):
        read = read.take(~np.isin(read.ids, shared))
        bad = bad_rows(read.values)
        out.append(np.delete(read.values, bad, axis=0) if len(bad) else read.values)
        counts[letter] = {"missing": read.missing, "bad": len(bad), "repeated": read.repeated}
    return out[0], out[1], counts


def _of_class(view: Any, field: str, label: str, patches: bool) -> Any:
    """The images, or the patches, of one class."""
    import fiftyone as fo
    from fiftyone import ViewField as F

    if patches:
        return class_patches(view, field, label)
    path = label_path(view, field)
    several = path.count(".") == 2 or isinstance(view.get_field(path), fo.ListField)
    return view.match(F(path).contains([literal(label)]) if several else F(path) == literal(label))

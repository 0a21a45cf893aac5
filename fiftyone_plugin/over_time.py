"""What changes over time in a dataset, by a field of dates or numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import latentdiff
from latentdiff.progress import Progress, part, silent

from .by_field import read_by_field, whole_side
from .feedback import past_rejected
from .store import database
from .store.groups import files_of
from .store.run import RunSide


@dataclass(frozen=True, eq=False)
class TrendsOfDataset:
    """Result of :func:`compare_over_time`."""

    found: latentdiff.Trends
    """Row i of it is the image ``side.ids[i]``."""
    side: RunSide
    """All images that were compared."""

    def bin(self, name: str) -> Any:
        """The view of one bin's images (one of ``found.bins``)."""
        return self._select(np.flatnonzero(self.found.bin_of == self.found.bins.index(name)))

    def exemplars(self, trend: latentdiff.Trend) -> Any:
        """The view of images that show a trend best, of the bin with most of it first."""
        return self.side.select(self.side.ids[list(trend.exemplars)].tolist())

    def files(self) -> list[str | None] | None:
        """The file of each row; None for patches."""
        return files_of(self.side)

    def _select(self, rows: np.ndarray) -> Any:
        return self.side.select(self.side.ids[rows].tolist(), ordered=False)


def compare_over_time(
    dataset: Any,
    by: str,
    *,
    embeddings: str,
    bins: str | int | Sequence[Any] | None = None,
    sae: Any = None,
    vocabulary: latentdiff.Vocabulary | str | Path | Sequence[str] | None = None,
    config: latentdiff.CompareConfig | None = None,
    progress: Progress | None = None,
) -> TrendsOfDataset:
    """What changes over time, and when? See :func:`latentdiff.compare_over_time`. Nothing is written.

    ``compare_groups(dataset, by, bins="month")`` compares the months with each other, stores that, and shows it in the panel.

    Args:
        dataset: an ``fo.Dataset``, or an ``fo.DatasetView`` of some of its images.
        by: field of the samples that holds dates or numbers. Samples without a value are left out.
        embeddings: vector field, or brain key of a similarity index.
        bins: as :func:`latentdiff.compare_over_time` takes them.
        sae: what :func:`latentdiff.load_sae` takes; None trains one.
        vocabulary: words, as :func:`compare_views` takes them; None leaves concepts unnamed.
        config: level, seed and the SAE's choices; None for the defaults.
        progress: ``progress(fraction, label)``.

    Raises:
        InputError: no such field, or one that holds no dates or numbers.

    Example:
        >>> months = fiftyone_plugin.compare_over_time(dataset, "captured_at", embeddings="clip", bins="month", vocabulary="common")
        >>> session.view = months.exemplars(months.found.trends[0])
    """
    progress = progress or silent
    side = whole_side(dataset, embeddings)
    with database.explained("comparing over time", side.dataset):
        images = read_by_field(side, by, vocabulary, part(progress, 0.0, 0.3))
        given = {"bins": bins, "sae": sae, "vocabulary": images.words, "config": past_rejected(config, side.dataset)}
        found = latentdiff.compare_over_time(images.read.values, images.values, **given, progress=part(progress, 0.3, 1.0))
        images.count_left_out(found.info)
    return TrendsOfDataset(found, images.whole)

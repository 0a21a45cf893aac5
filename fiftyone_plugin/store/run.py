"""What :func:`compare_views` returns and :func:`load_comparison` opens: a comparison that knows its samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from latentdiff.compute.files import strict
from latentdiff.errors import InputError, RunError
from latentdiff.results.comparison import Comparison
from latentdiff.results.feedback import Feedback
from latentdiff.results.hypothesis import Hypothesis, TwoSampleTest

from .document import labels

LOOKED_FOR = 1000
"""Images of a side by which one tells whether a copy of its dataset kept their ids."""


@dataclass(frozen=True, eq=False)
class RunSide:
    """One side of a stored comparison."""

    name: str
    """What people call it."""
    dataset: Any
    """Its ``fo.Dataset``; None where that was deleted since."""
    dataset_name: str
    """Name of the dataset when the comparison was made."""
    labels: str | None
    """Path of the labels for patches, else None."""
    ids: np.ndarray
    """(n,) str: sample (or label) ids of the comparison's rows."""

    def select(self, ids: list[str], *, ordered: bool = True) -> Any:
        """View of some of its images, in that order (patches, and all where ``ordered`` is false: in the dataset's order)."""
        if self.dataset is None:
            raise RunError(f"dataset {self.dataset_name!r} was deleted; side {self.name!r} can no longer be shown")
        if self.labels is None:
            # Of a grouped dataset only the active slice is seen, which need not be the one that was compared.
            grouped = self.dataset.media_type == "group"
            return (self.dataset.select_group_slices(_allow_mixed=True) if grouped else self.dataset).select(ids, ordered=ordered)
        field = self.labels.split(".")[0]
        return self.dataset.select_labels(ids=ids, fields=field).to_patches(field)

    @property
    def there(self) -> bool:
        """Whether some of its images are in its dataset; of patches nobody looks, since these would have to be made first."""
        some = [str(i) for i in self.ids[:: max(1, len(self.ids) // LOOKED_FOR)]]
        return self.dataset is None or self.labels is not None or len(self.select(some, ordered=False).limit(1)) > 0


@dataclass(frozen=True, eq=False)
class ComparisonRun:
    """A comparison stored in a dataset."""

    name: str
    """The run's name."""
    dataset: Any
    """The ``fo.Dataset`` that holds the record."""
    comparison: Comparison
    """All that was found; row i of a side is ``sides[side].ids[i]``."""
    config: dict[str, Any]
    """The record: state, sides with their counts, vector field, options, verdict."""
    sides: dict[str, RunSide]
    """Both sides, by "A" and "B"."""

    def __repr__(self) -> str:
        return f"ComparisonRun {self.name!r}: {self.comparison!r}"

    def _repr_html_(self) -> str | None:
        """What notebooks show, as of its comparison."""
        return self.comparison._repr_html_()

    @property
    def hypotheses(self) -> tuple[Hypothesis, ...]:
        """Those that pass the gate, best first."""
        return self.comparison.hypotheses

    @property
    def candidates(self) -> tuple[Hypothesis, ...]:
        """All ranked candidates, best first."""
        return self.comparison.candidates

    @property
    def feedback(self) -> tuple[Feedback, ...]:
        """What people said of its findings; see :func:`~fiftyone_plugin.judge_finding`."""
        return self.comparison.feedback

    @property
    def differs(self) -> bool:
        """The verdict at level alpha."""
        return self.comparison.differs

    @property
    def two_sample(self) -> TwoSampleTest:
        """Do the sides differ at all."""
        return self.comparison.two_sample

    @property
    def smallest_detectable(self) -> float:
        """The smallest rate difference that this many images would have shown."""
        return self.comparison.smallest_detectable

    @property
    def counts(self) -> dict[str, Any]:
        """What was left out.

        Per side ``compared``, ``missing`` (no vector), ``bad`` (not finite, dropped), ``repeated`` (listed again); ``overlap`` (in both).
        """
        sides = self.config["sides"]
        per_side = {letter: {k: sides[letter].get(k, 0) for k in ("compared", "missing", "bad", "repeated")} for letter in ("A", "B")}
        return {**per_side, "overlap": self.config["overlap"]}

    def top(self, side: str, k: int = 5, *, gated: bool = True) -> tuple[Hypothesis, ...]:
        """The k best of one side; see :meth:`latentdiff.Comparison.top`."""
        return self.comparison.top(side, k, gated=gated)

    def label(self, hypothesis: Hypothesis) -> str:
        """The tag by which a gated hypothesis stands in the ``<run>_concepts`` field."""
        return dict(zip(self.hypotheses, labels(self.comparison), strict=True))[self._own(hypothesis)]

    def ids(self, hypothesis: Hypothesis, side: str) -> list[str]:
        """Sample ids of one side that show a hypothesis: its exemplars first, then the most typical of its side."""
        if side not in ("A", "B"):
            raise InputError(f'side is "A" or "B", not {side!r}')
        hypothesis = self._own(hypothesis)
        rows = self.comparison.rows_showing(hypothesis, side)
        ratio = self.comparison.log_ratio_a if side == "A" else self.comparison.log_ratio_b
        typical = ratio[rows] * (-1 if hypothesis.side == "A" else 1)
        first = {row: i for i, row in enumerate(hypothesis.exemplars)} if side == hypothesis.side else {}
        place = np.array([first.get(int(row), len(first)) for row in rows], int)
        return [str(i) for i in self.sides[side].ids[rows[np.lexsort((typical, place))]]]

    def view(self, hypothesis: Hypothesis, side: str | None = None) -> Any:
        """The images that show a hypothesis, as a view.

        Args:
            hypothesis: one of this run's candidates.
            side: "A", "B", or None for both (its own side first); both need to be views of one dataset.

        Returns:
            ``fo.DatasetView`` (of patches, where patches were compared).

        Raises:
            InputError: another side, a hypothesis of another run, or both sides where they are of two datasets.
            RunError: the side's dataset was deleted.
        """
        own = self._own(hypothesis).side
        if side is not None:
            return self.sides[side].select(self.ids(hypothesis, side)) if side in self.sides else self.ids(hypothesis, side)
        here, there = self.sides[own], self.sides["B" if own == "A" else "A"]
        if here.labels != there.labels or here.dataset is None or here.dataset is not there.dataset:
            raise InputError('the sides are views of two datasets, which no view can hold; ask for side="A" or side="B"')
        return here.select(self.ids(hypothesis, own) + self.ids(hypothesis, "B" if own == "A" else "A"))

    def exemplars(self, hypothesis: Hypothesis) -> list[str]:
        """Ids of the images, of its own side, that show a hypothesis best, best first."""
        hypothesis = self._own(hypothesis)
        return [str(self.sides[hypothesis.side].ids[row]) for row in hypothesis.exemplars]

    def _own(self, hypothesis: Hypothesis) -> Hypothesis:
        if isinstance(hypothesis, Hypothesis):
            # Not by ==: a NaN that went through the database is another NaN, and NaN != NaN.
            wanted = strict(hypothesis)
            for mine in self.candidates:
                if mine is hypothesis or strict(mine) == wanted:
                    return mine
        raise InputError(f"{getattr(hypothesis, 'text', hypothesis)!r} is not one of the candidates of run {self.name!r}")

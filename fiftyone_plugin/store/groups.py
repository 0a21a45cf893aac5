"""What :func:`compare_groups` returns and :func:`load_groups` opens: groups of a dataset that know their samples, and their document."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

import latentdiff
from latentdiff.compute.files import strict
from latentdiff.errors import CheckpointError, InputError
from latentdiff.results.group_storage import groups_from_parts, groups_to_parts
from latentdiff.trends.courses import course_of

from .document import TEXTS, read_document, texts_of, to_stored
from .run import ComparisonRun, RunSide

GROUPS = "groups"
"""Kind of a record, and of its document, that holds groups; others hold two sides and name no kind."""
REST = "the rest"
BETWEEN = ":"
"""What stands between a run and one of its groups in an address; no run's name has it."""


@dataclass(frozen=True, eq=False)
class GroupsOfDataset:
    """Groups of a dataset's images by a field, compared."""

    found: latentdiff.GroupComparison
    """Row i of it is the image ``ids[i]``."""
    side: RunSide
    """All images that were compared, those in no group too."""
    missing: int
    """Images without a vector, which are in no group."""
    name: str | None = None
    """The run's name; None where it is not stored."""
    config: dict[str, Any] = field(default_factory=dict)
    """The record of the run: field, options, counts."""

    def __repr__(self) -> str:
        return f"GroupsOfDataset {self.name or '(not stored)'}: {self.found!r}"

    @property
    def ids(self) -> np.ndarray:
        """(n,) str: the samples (or labels of patches), in the order of the rows."""
        return self.side.ids

    @property
    def view(self) -> Any:
        """What was compared."""
        return self._select(np.arange(len(self.ids)))

    @property
    def trends(self) -> latentdiff.Trends | None:
        """How the findings go over the groups, and where they change, where the groups are bins of a date or number; else None."""
        return course_of(self.found) if self.config.get("over_time") else None

    def group(self, name: str) -> Any:
        """The view of one group's images."""
        return self._select(self.found.rows(name))

    def showing(self, name: str, hypothesis: latentdiff.Hypothesis | str, most: int | None = None) -> Any:
        """The view of a group's images that show something.

        Args:
            name: the group.
            hypothesis: of its comparison, or one of ``found.rate_texts``.
            most: only as many, those that are most typical of the group; None: all.
        """
        if isinstance(hypothesis, str):
            rows = self.found.rows_showing(hypothesis, name)
        else:
            rows = self.found.rows(name)[self.found.groups[name].rows_showing(hypothesis, "A")]
        if most is not None and len(rows) > most:
            typical = dict(zip(self.found.rows(name).tolist(), self.found.groups[name].log_ratio_a.tolist(), strict=True))
            rows = np.sort(sorted(rows.tolist(), key=lambda row: -typical[row])[:most])
        return self._select(rows)

    def comparison(self, name: str) -> ComparisonRun:
        """One group against the rest, as a comparison of two sides.

        Raises:
            InputError: there is no such group.
        """
        if name not in self.found.names:
            raise InputError(f"there is no group {name!r}; there are {', '.join(self.found.names[:10])}")
        rows = {"A": self.found.rows(name), "B": self.found.rest(name)}
        called = {"A": name, "B": REST}
        where = self.side
        sides = {s: RunSide(called[s], where.dataset, where.dataset_name, where.labels, where.ids[rows[s]]) for s in "AB"}
        counts = {s: {"name": called[s], "compared": len(rows[s])} for s in "AB"}
        config = {**self.config, "sides": counts, "overlap": 0}
        address = f"{self.name}{BETWEEN}{name}" if self.name else name
        return ComparisonRun(address, where.dataset, self.found.groups[name], config, sides)

    def files(self) -> list[str | None] | None:
        """The file of each row; None for patches, and where the dataset is gone."""
        return files_of(self.side)

    def _select(self, rows: np.ndarray) -> Any:
        return self.side.select(self.ids[rows].tolist(), ordered=False)


def files_of(side: RunSide) -> list[str | None] | None:
    """The file of each image of a side; None for patches, and where the dataset is gone."""
    if side.labels is not None or side.dataset is None:
        return None
    path = dict(zip(*side.select(side.ids.tolist(), ordered=False).values(["id", "filepath"]), strict=True))
    return [path.get(row) for row in side.ids.tolist()]


def split(address: str) -> tuple[str, str | None]:
    """("cameras", "front") of "cameras:front", one group of a run; ("cameras", None) of a run."""
    run, between, group = str(address).partition(BETWEEN)
    return run, group if between else None


def log_ratios(found: latentdiff.GroupComparison) -> np.ndarray:
    """(n,) how typical each image is of its own group, against the rest; NaN for rows in none."""
    out = np.full(len(found.label), np.nan, np.float32)
    for name, comparison in found.groups.items():
        out[found.rows(name)] = comparison.log_ratio_a
    return out


def tags(found: latentdiff.GroupComparison) -> list[list[str]]:
    """Per row, the findings that it shows."""
    out: list[list[str]] = [[] for _ in range(len(found.label))]
    for text in found.rate_texts:
        for row in np.flatnonzero(found.showing(text)).tolist():
            out[row].append(text)
    return out


def verdict_of_groups(found: latentdiff.GroupComparison) -> dict[str, Any]:
    """What the record of a run says of it, before its results are opened."""
    auc = max(c.two_sample.auc for c in found.comparisons)
    told = {"auc": auc, "p_value": found.p_value, "hypotheses": len(found.hypotheses), "groups": list(found.differing)}
    return dict(strict({"differs": bool(found.differs), **told, TEXTS: texts_of(*found.comparisons)}))


def to_group_document(found: latentdiff.GroupComparison, ids: np.ndarray) -> dict[str, Any]:
    """Everything that was found, as strict JSON."""
    head, arrays = groups_to_parts(found)
    return {**to_stored(head, arrays, {"rows": ids}), "kind": GROUPS}


def from_group_document(document: dict[str, Any]) -> tuple[latentdiff.GroupComparison, np.ndarray]:
    """Read what :func:`to_group_document` made, in this version or an earlier one.

    Returns:
        The comparison, and the ids (n,) of its rows.

    Raises:
        CheckpointError: a document that is damaged, or that a later version made and this one cannot read.
    """

    def opened(head: dict[str, Any], arrays: dict[str, np.ndarray]) -> latentdiff.GroupComparison:
        found: latentdiff.GroupComparison = groups_from_parts(latentdiff.GroupComparison, head, arrays)
        return found

    found, (ids,) = read_document(document, ("rows",), opened)
    if len(ids) != len(found.label):
        raise CheckpointError("the stored comparison cannot be read: ids and labels differ in number; delete it and compare again")
    return found, ids

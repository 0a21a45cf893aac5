"""What a comparison of many groups returns; saved as JSON + npz without pickles, by the schema of a comparison."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from ..compute.cache import write_together
from ..compute.files import read_json, read_npz, what_is_wrong
from ..config import CompareConfig
from ..errors import CheckpointError, InputError
from .comparison import Comparison
from .group_storage import groups_from_parts, groups_to_parts
from .hypothesis import Hypothesis
from .schema import Indices, Share, Text
from .storage import Newer, too_new

HEAD, ARRAYS = "groups.json", "arrays.npz"
SHOWN_A_GROUP = 5
"""Findings of a group that the map of rates shows."""


@dataclass(frozen=True, eq=False)
class GroupComparison:
    """Result of :func:`latentdiff.compare_groups`."""

    names: tuple[Text, ...]
    """k groups, in the order of their labels."""
    comparisons: tuple[Any, ...]
    """k comparisons: each group as A with all others as B. Use ``groups[name]``."""
    label: Indices
    """(n,) int32 group of each row as given, -1 for rows in none."""
    distances: np.ndarray
    """(k, k) out-of-fold AUC of every pair: 0.5 cannot be told apart, 1 always; symmetric, 0.5 on the diagonal."""
    p_value: Share
    """p of "the groups are samples of one population"."""
    differs: bool
    """Verdict: at least one group differs from the rest; at most alpha of comparisons of equal groups say so."""
    rate_texts: tuple[Text, ...]
    """m findings, the strongest of each group first."""
    rates: np.ndarray
    """(m, k) share of each group's images that show each, in [0, 1]."""
    config: CompareConfig
    info: dict[str, Any] = field(default_factory=dict)
    """SAE and vocabulary in use, rows left out, seconds, versions. Plain JSON values."""

    @cached_property
    def groups(self) -> Mapping[str, Comparison]:
        """By name: the comparison of that group (A) with the rest (B): hypotheses, scores, evidence."""
        return MappingProxyType(dict(zip(self.names, self.comparisons, strict=True)))

    @cached_property
    def typical(self) -> Mapping[str, np.ndarray]:
        """By name: (n,) float32 out-of-fold log density ratio of each row, group against rest; NaN for rows in no group."""
        return MappingProxyType({name: self._of_rows(g) for g, name in enumerate(self.names)})

    def rows(self, name: str) -> np.ndarray:
        """Row numbers of a group's images, ascending: row i of its comparison's A is the i-th of them.

        Raises:
            InputError: there is no such group.
        """
        return np.flatnonzero(self.label == self._number(name))

    def rest(self, name: str) -> np.ndarray:
        """Row numbers of all other groups' images, ascending: row i of the comparison's B is the i-th of them."""
        return np.flatnonzero((self.label >= 0) & (self.label != self._number(name)))

    def showing(self, text: str) -> np.ndarray:
        """(n,) bool: the rows that show a finding, as its rates count them.

        Args:
            text: one of ``rate_texts``.

        Raises:
            InputError: there is no such finding.
        """
        rates = self.rates[self.rate_texts.index(text)] if text in self.rate_texts else None
        like = None
        for g, h in self._findings(text):
            shown = _shown(self.comparisons[g], h, self.label, g)
            like = shown if like is None else like
            if rates is None or np.allclose(_rates(self.comparisons[g], shown, self.label, g), rates):
                return shown
        if like is None:
            raise InputError(f"no group has a finding {text!r}; there are {', '.join(self.rate_texts[:10]) or 'none'}")
        return like

    def told_by(self, text: str) -> Hypothesis | None:
        """The finding whose rates a text of ``rate_texts`` has; None where no group's comparison holds it."""
        return next((h for _, h in self._findings(text)), None)

    def rows_showing(self, text: str, name: str) -> np.ndarray:
        """Row numbers of a group's images that show a finding, ascending.

        Args:
            text: one of ``rate_texts``.
            name: the group.

        Raises:
            InputError: there is no such finding, or group.
        """
        return np.flatnonzero(self.showing(text) & (self.label == self._number(name)))

    @property
    def differing(self) -> tuple[str, ...]:
        """Groups that differ from the rest, by one control of false alarms over all groups."""
        return tuple(name for name, c in zip(self.names, self.comparisons, strict=True) if c.differs)

    @property
    def hypotheses(self) -> tuple[tuple[str, Hypothesis], ...]:
        """(group, hypothesis) of all that pass the gate, smallest q first; side A: more in the group, B: less."""
        found = [(name, h) for name, c in zip(self.names, self.comparisons, strict=True) for h in c.hypotheses]
        return tuple(sorted(found, key=lambda x: x[1].q_value))

    def tree(self) -> np.ndarray:
        """(k - 1, 4) average-linkage tree of the groups by distance, as ``scipy.cluster.hierarchy`` has it."""
        from scipy.cluster.hierarchy import linkage
        from scipy.spatial.distance import squareform

        apart = np.maximum(self.distances - 0.5, 0.0)
        np.fill_diagonal(apart, 0.0)
        return np.asarray(linkage(squareform(apart, checks=False), "average"))

    def __repr__(self) -> str:
        said = f"{', '.join(self.differing)} differ" if self.differs else "no detectable difference"
        return f"GroupComparison({len(self.names)} groups, {int((self.label >= 0).sum()):,} images; {said}, p {self.p_value:.2g})"

    def save(self, folder: str | Path) -> Path:
        """Write ``groups.json`` and ``arrays.npz`` into a folder (made if missing) and return it.

        Raises:
            OSError: the folder cannot be written; what was in it is as it was.
        """
        folder, packed = Path(folder), io.BytesIO()
        plain, arrays = groups_to_parts(self)
        np.savez_compressed(packed, allow_pickle=False, **arrays)
        write_together({folder / ARRAYS: packed.getvalue(), folder / HEAD: json.dumps(plain, indent=1).encode("utf8")})
        return folder

    @classmethod
    def load(cls, folder: str | Path) -> GroupComparison:
        """Read what :meth:`save` wrote, in this version or an earlier one.

        Raises:
            CheckpointError: where a file is missing or damaged, or a later version made what this one cannot read.
        """
        folder, head = Path(folder), {}
        try:
            head = read_json(folder / HEAD)
            found: GroupComparison = groups_from_parts(cls, head, read_npz(folder / ARRAYS))
            return found
        except Newer as e:
            raise CheckpointError(f"{folder} was {e}") from e
        except Exception as e:
            newer = too_new(head) if isinstance(head, dict) else ""
            said = f"does not hold a saved comparison of groups: {what_is_wrong(e)}; delete it and compare again"
            raise CheckpointError(f"{folder} was {newer}" if newer else f"{folder} {said}") from e

    def _number(self, name: str) -> int:
        if name not in self.names:
            raise InputError(f"there is no group {name!r}; there are {', '.join(self.names[:10])}")
        return self.names.index(name)

    def _findings(self, text: str) -> Iterator[tuple[int, Hypothesis]]:
        """(group, finding) of a text that several groups may have: first the one that the map tells, if this version chose it."""
        yield from ((g, h) for g, h in self._on_map if h.text == text)
        yield from ((g, h) for g, c in enumerate(self.comparisons) for h in (*c.hypotheses, *c.candidates) if h.text == text)

    @cached_property
    def _on_map(self) -> list[tuple[int, Hypothesis]]:
        return _strongest(self.comparisons, SHOWN_A_GROUP)

    def _of_rows(self, group: int) -> np.ndarray:
        comparison, out = self.comparisons[group], np.full(len(self.label), np.nan, np.float32)
        out[self.rows(self.names[group])] = comparison.log_ratio_a
        out[self.rest(self.names[group])] = comparison.log_ratio_b
        return out


def rates_of(comparisons: Sequence[Comparison], label: np.ndarray, each: int = SHOWN_A_GROUP) -> dict[str, Any]:
    """``rate_texts`` and ``rates`` of the strongest findings of each group, in all groups; a phrase is told once.

    Args:
        comparisons: k, each group with the rest.
        label: (n,) group of each row as given, -1 for none.
        each: findings of a group.
    """
    found = _strongest(comparisons, each)
    rates = [_rates(comparisons[g], _shown(comparisons[g], h, label, g), label, g) for g, h in found]
    return {"rate_texts": tuple(h.text for _, h in found), "rates": np.array(rates, np.float64).reshape(len(rates), len(comparisons))}


def _strongest(comparisons: Sequence[Comparison], each: int) -> list[tuple[int, Hypothesis]]:
    """(group, finding) of the strongest of each group, a text once."""
    found: dict[str, tuple[int, Hypothesis]] = {}
    for g, comparison in enumerate(comparisons):
        for h in (comparison.top("A", each) + comparison.top("B", each))[:each]:
            found.setdefault(h.text, (g, h))
    return list(found.values())


def _shown(comparison: Comparison, hypothesis: Hypothesis, label: np.ndarray, group: int) -> np.ndarray:
    """(n,) bool: the rows of all groups that show a finding of one."""
    of_a, of_b = _column(comparison, hypothesis, "A"), _column(comparison, hypothesis, "B")
    return np.asarray(_spread(of_a, of_b, label, group) == 1)


def _rates(comparison: Comparison, shown: np.ndarray, label: np.ndarray, group: int) -> np.ndarray:
    """(k,) share of each group's usable images that show it."""
    usable = np.isfinite(_spread(comparison.log_ratio_a, comparison.log_ratio_b, label, group))
    k = int(label.max()) + 1
    size = np.maximum(np.bincount(label[usable & (label >= 0)], minlength=k), 1)
    return np.asarray(np.bincount(label[shown], minlength=k) / size)


def _column(comparison: Comparison, hypothesis: Hypothesis, side: str) -> np.ndarray:
    out = np.zeros((comparison.shows_a if side == "A" else comparison.shows_b).shape[0])
    out[comparison.rows_showing(hypothesis, side)] = 1
    return out


def _spread(of_a: np.ndarray, of_b: np.ndarray, label: np.ndarray, group: int) -> np.ndarray:
    """(n,) values of a group's rows and of the rest's at their places among all; NaN for rows in no group."""
    out = np.full(len(label), np.nan)
    out[label == group], out[(label >= 0) & (label != group)] = of_a, of_b
    return out

"""What people said of a run's findings: a journal in its record, each line whole or not there, of which the last is taken back by undo."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

from latentdiff.errors import InputError, RunError
from latentdiff.results.comparison import Comparison
from latentdiff.results.feedback import SAID
from latentdiff.results.groups import GroupComparison
from latentdiff.results.hypothesis import Hypothesis

from . import database
from .groups import GroupsOfDataset
from .records import COMPLETE, Record
from .run import ComparisonRun

KEY, QUESTIONS = "feedback", "questions"
"""Entries of a record's config."""
GROUP = "group"
"""Of a line: the group whose finding it is; lines of two sides have none."""


def line(h: Hypothesis, said: dict[str, str], group: str | None = None) -> dict[str, Any]:
    """A line of the journal.

    Args:
        h: the finding.
        said: what is said of it, see :class:`~latentdiff.results.feedback.Feedback`.
        group: of a run of groups, the one whose finding it is.
    """
    at = {} if group is None else {GROUP: group}
    return {**at, "finding": of(h), "said": dict(said), "at": datetime.now(timezone.utc).isoformat(timespec="seconds")}


def of(h: Hypothesis) -> dict[str, Any]:
    """A finding as a line of the journal names it."""
    return {"side": h.side, "source": h.source, "text": h.text, "concept": h.concept}


def append(record: Record, entry: dict[str, Any], journal: str = KEY, most: int = 10_000) -> None:
    """Add a line to a journal of a finished run, which keeps the last ``most``.

    Raises:
        RunError: the run was deleted, replaced, or is being changed.
    """
    _update(record, {"$push": {f"config.{journal}": {"$each": [entry], "$slice": -most}}})


def take_back(record: Record) -> None:
    """Remove the last line; see :func:`append`."""
    _update(record, {"$pop": {f"config.{KEY}": 1}})


def _update(record: Record, change: dict[str, Any]) -> None:
    found = {"_id": record.id, "config.state": COMPLETE}
    if not database.journaled("runs").update_one(found, change).matched_count:
        raise RunError(f"the comparison {record.run!r} was deleted or replaced meanwhile")


def lines(config: dict[str, Any]) -> list[dict[str, Any]]:
    """The journal of a record; what is damaged in it is no line."""
    stored = config.get(KEY)
    return [one for one in stored if _is_line(one)] if isinstance(stored, list) else []


def _is_line(one: Any) -> bool:
    said = one.get("said") if isinstance(one, dict) and isinstance(one.get("finding"), dict) else None
    return isinstance(said, dict) and all(isinstance(text, str) for text in said.values())


def carried(config: dict[str, Any], sae: str | None, findings: Mapping[Any, Iterable[Hypothesis]]) -> list[dict[str, Any]]:
    """Lines of a comparison's journal for the one that takes its place.

    Args:
        config: of the record that is replaced.
        sae: key of the new one's SAE: a concept of another SAE is found again by its words, and by its number no more.
        findings: candidates of the new one, by group; of two sides by None.
    """
    told = [one for one in lines(config) if one.get(GROUP) in findings]
    if sae and config.get("sae") == sae:
        return told
    return [{**one, "finding": _by_words(one["finding"], findings[one.get(GROUP)])} for one in told]


def _by_words(finding: dict[str, Any], candidates: Iterable[Hypothesis]) -> dict[str, Any]:
    """What a line is of, among candidates of another SAE; what none of them says stays, as no concept of it."""
    same = [h for h in candidates if (h.side, h.text) == (finding.get("side"), finding.get("text"))]
    same = [h for h in same if h.source == finding.get("source")] or same
    return of(same[0]) if same else {**finding, "concept": None}


def with_feedback(comparison: Comparison, config: dict[str, Any], group: str | None = None) -> Comparison:
    """A comparison with what its run's journal says; of findings that it has no more (other words, say) nothing is told.

    Args:
        comparison: as it was stored.
        config: of its run's record.
        group: of a run of groups, the one that it is of.
    """
    comparison = dataclasses.replace(comparison, feedback=())
    for one in lines(config):
        if one.get(GROUP) != group:
            continue
        h = find(comparison.candidates, one["finding"])
        said = {name: value for name, value in one["said"].items() if name in SAID}
        if h is not None and said:
            try:
                comparison = comparison.judged(h, **said)
            except InputError:
                continue  # a part of what is no finding any more
    return comparison


def groups_with_feedback(found: GroupComparison, config: dict[str, Any]) -> GroupComparison:
    """As :func:`with_feedback`, of each group against the rest."""
    told = tuple(with_feedback(c, config, name) for name, c in zip(found.names, found.comparisons, strict=True))
    return dataclasses.replace(found, comparisons=told)


def with_what_was_said(opened: ComparisonRun | GroupsOfDataset, config: dict[str, Any]) -> ComparisonRun | GroupsOfDataset:
    """An opened comparison with the feedback and questions of a record of now: its results need not be read again for that."""
    now = {name: config.get(name) for name in (KEY, QUESTIONS)}
    if all(opened.config.get(name) == value for name, value in now.items()):
        return opened
    now = {**opened.config, **now}
    if isinstance(opened, GroupsOfDataset):
        return dataclasses.replace(opened, found=groups_with_feedback(opened.found, now), config=now)
    return dataclasses.replace(opened, comparison=with_feedback(opened.comparison, now), config=now)


def find(candidates: Iterable[Hypothesis], finding: dict[str, Any]) -> Hypothesis | None:
    """The candidate that a line is of: the same concept, whatever it is called now, else the same phrase."""
    concept, side = finding.get("concept"), finding.get("side")
    wanted = (side, finding.get("source"), finding.get("text"))
    for h in candidates:
        same = h.concept == concept and h.side == side if concept is not None else (h.side, h.source, h.text) == wanted
        if same and (concept is not None or h.concept is None):
            return h
    return None

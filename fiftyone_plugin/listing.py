"""What a list of comparisons says of each: when, of what, how it ended, and what people said of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from latentdiff.report.text import images
from latentdiff.results.feedback import ACCEPTED, REJECTED

from .requests import HANDED_OVER
from .store import feedback as journal
from .store.summary import RunSummary

NEWEST = "newest"
ORDERS: dict[str, tuple[str, Callable[[RunSummary], Any]]] = {
    NEWEST: ("Newest first", lambda run: 0),
    "name": ("By name", lambda run: run.casefold()),
    "found": ("Most differences first", lambda run: -(run.verdict.get("hypotheses") or 0)),
    "auc": ("Told apart best first", lambda run: -(run.verdict.get("auc") or 0)),
    "open": ("Most to judge first", lambda run: _judged(run) - (run.verdict.get("hypotheses") or 0)),
    "accepted": ("Most accepted first", lambda run: -_states(run.config).count(ACCEPTED)),
}
"""Order of the list → what people read, and what it sorts by."""


def found_in(runs: Sequence[RunSummary], order: str = NEWEST, search: str = "") -> list[RunSummary]:
    """Comparisons whose name, sides, findings (as cards are searched, and fields that differ), details or notes hold a text, in an order.

    Of findings of earlier versions nothing is in the record: these comparisons are found by the rest.

    Args:
        runs: newest first.
        order: one of ``ORDERS``.
        search: part of a text; empty: all.
    """
    wanted = search.strip().casefold()
    held = [run for run in runs if any(wanted in text.casefold() for text in _texts(run))]
    return sorted(held, key=ORDERS.get(order, ORDERS[NEWEST])[1])


def _texts(run: RunSummary) -> list[str]:
    """All that is searched."""
    names = [said.get("name", "") for said in _last_said(run.config)]
    return [" ".join([str(run), *run.views, about(run), details(run)]), *run.texts, *names]


def results(run: RunSummary) -> str:
    """Tells its results, and what was said of them, from what they were before."""
    return f"{run.verdict}, {len(journal.lines(run.config))} said, {run.provisional} {run.going_on}"


def about(run: RunSummary) -> str:
    """ "summer against winter: 7 found", "3 groups by camera: 1 differs"."""
    found = run.verdict.get("hypotheses") or 0
    a, b = run.views
    if run.groups:
        differ = len(run.verdict.get("groups") or ())
        return f"{len(run.groups)} groups by {a}: " + (f"{differ} differ{'' if differ > 1 else 's'}" if differ else "no difference")
    first = "first answer, " if run.provisional else ""
    return f"{a} against {b}: {first}" + (f"{found} found" if run.verdict.get("differs") else "no difference")


def details(run: RunSummary) -> str:
    """Date, images, AUC, vectors and their encoder, SAE, level, and what was said of its findings."""
    config, auc = run.config, run.verdict.get("auc")
    counts = [images(int(config["sides"][side].get("compared") or 0)) for side in ("A" if run.groups else "AB")]
    model = config.get("encoder_name") or (config.get("encoder") or {}).get("model")
    asked = (config.get("asked") or {}).get("sae")
    sae = asked if asked not in (None, HANDED_OVER) else str(config.get("sae") or "")[:8]  # alike where the SAE is the same
    level = (config.get("config") or {}).get("alpha")
    told = [
        f"{run.made:%d %b %Y, %H:%M}" if run.made is not None else "",
        " and ".join(counts),
        f"AUC {auc:.2f}" if isinstance(auc, float) else "",
        f"{config.get('embeddings')}{f' ({model})' if model else ''}",
        f"SAE {sae}" if sae else "",
        f"level {level:g}" if isinstance(level, float) else "",
        _said(config),
    ]
    return ", ".join(filter(None, told))


def _said(config: dict[str, Any]) -> str:
    """ "2 accepted, 1 rejected; notes: look again"."""
    states = _states(config)
    counted = [f"{states.count(kind)} {kind}" for kind in (ACCEPTED, REJECTED) if kind in states]
    notes = "; ".join(said["note"] for said in _last_said(config) if said.get("note"))
    return ", ".join(counted + ([f"notes: {notes}"] if notes else []))


def _states(config: dict[str, Any]) -> list[str]:
    return [said.get("state", "") for said in _last_said(config)]


def _judged(run: RunSummary) -> int:
    """Findings that were accepted or rejected."""
    return sum(state in (ACCEPTED, REJECTED) for state in _states(run.config))


def _last_said(config: dict[str, Any]) -> list[dict[str, str]]:
    """Per finding of which something was said, what holds now: later lines stand in place of earlier ones."""
    said: dict[str, dict[str, str]] = {}
    for line in journal.lines(config):
        finding = str((line.get(journal.GROUP), sorted(line["finding"].items(), key=str)))
        said[finding] = {**said.get(finding, {}), **line["said"]}
    return list(said.values())

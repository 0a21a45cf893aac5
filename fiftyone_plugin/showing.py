"""Whose images the App's grid shows, in words; of what operators made it show, also for panels that did not ask for it."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from typing import Any

from latentdiff.report.finding import named
from latentdiff.report.text import images
from latentdiff.results.feedback import said_of

from . import hypotheses

NOTED = 32
"""Views of which it is known what they show."""

_noted: OrderedDict[tuple[str, str], str] = OrderedDict()
_lock = threading.Lock()


def shown_of(run: Any, hypothesis: Any, side: str, *, best: bool = True) -> str:
    """Whose images the grid shows: "bus in site_a, 16 images", "what looks like bus in site_a, 16 images".

    Args:
        run: the comparison.
        hypothesis: one of its candidates.
        side: "A", "B" or "both".
        best: whether of very many only the best are shown.
    """
    letters = "AB" if side == "both" else side
    count = sum(len(run.comparison.rows_showing(hypothesis, one)) for one in letters)
    where = " and ".join(run.sides[one].name for one in letters)
    said = said_of(run.feedback, hypothesis)
    name = f"{'what ' * (hypothesis.weak and not said.name)}{named(hypothesis, said)}"
    return f"{name} in {where}, {counted(count) if best else images(count)}"


def counted(count: int) -> str:
    """How many images the grid shows: "16 images", "the best 4,000 of 50,000 images"."""
    most = hypotheses.SHOWN
    return images(count) if count <= most else f"the best {most:,} of {images(count)}"


def of_stages(view: Any) -> str:
    """Tells one view of a dataset from another."""
    stages = json.dumps(view._serialize(include_uuids=False), sort_keys=True, default=str)
    return hashlib.blake2b(stages.encode(), digest_size=8).hexdigest()


def note(view: Any, what: str) -> None:
    """Remember what an operator makes the grid show."""
    with _lock:
        _noted[_key(view)] = what
        while len(_noted) > NOTED:
            _noted.popitem(last=False)


def noted(view: Any) -> str | None:
    """What an operator made the grid show by this view; None where no operator did."""
    with _lock:
        return _noted.get(_key(view)) if _noted else None


def _key(view: Any) -> tuple[str, str]:
    return view._root_dataset.name, of_stages(view)

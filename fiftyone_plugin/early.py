"""A first answer, stored while the final one is still being made, which takes its place; where that does not come, it stays."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from latentdiff.errors import RunError
from latentdiff.progress import First, silent
from latentdiff.results.comparison import FIRST

from .found import Found
from .store import database, writers
from .store.runs import list_comparisons
from .store.storing import store


@contextlib.contextmanager
def storing(first: First | None) -> Iterator[tuple[Callable[[Any], None] | None, Callable[[Found], str | None]]]:
    """What stores the first answer that is found within the block, and gives ``first`` the run; None where none is wanted.

    Its record bears its writer, by which whoever lists it sees whether the final answer is still being made; and no SAE: that of a
    few steps is not kept, and no name of a concept is carried over to another comparison.

    Yields:
        What takes it as :func:`~fiftyone_plugin.store.storing.store` does, and a question of what is found last: under which name is the
        first answer stored whose place it takes? None where there was none; a ``RunError`` where it was deleted or replaced meanwhile.
    """
    if first is None:
        yield None, lambda found: None
        return
    kept: list[str] = []
    with writers.working() as writer:

        def keep(found: Found) -> None:
            record = {**found.record, "sae": None, FIRST: {"writer": writer}}
            with database.explained(f"the comparison {found.run!r}", found.dataset):
                stored = store(*found._replace(record=record), False, silent)
            kept.append(stored.name)
            first(stored)

        def name(found: Found) -> str | None:
            if not kept:
                return None
            now = [str(one) for one in list_comparisons(found.dataset) if (one.config.get(FIRST) or {}).get("writer") == writer]
            if not now:
                raise RunError(f"the comparison {kept[0]!r} was deleted or replaced meanwhile")
            return now[0]

        yield keep, name

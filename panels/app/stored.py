"""What the panel knows of a dataset's comparisons before one of them is opened."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

STORED = ("runs", "names", "of_groups", "interrupted", "leftovers", "delegated", "vectors", "sidebar")
"""What is looked up of a dataset's comparisons."""


def stored(dataset: Any, how: dict[str, str] | None = None) -> dict[str, Any]:
    """What is stored with a dataset, and what is on its way; a few small queries, however many images there are.

    Args:
        dataset: ``fo.Dataset``.
        how: ``order`` and ``search`` of the list.
    """
    from fiftyone_plugin import delegated
    from fiftyone_plugin.listing import NEWEST, found_in
    from fiftyone_plugin.sides import vector_sources
    from fiftyone_plugin.store.leftovers import leftover_fields
    from fiftyone_plugin.store.runs import list_comparisons
    from fiftyone_plugin.store.sidebar import grouped

    runs = list_comparisons(dataset)
    complete = [run for run in runs if run.complete]
    waiting = [dataclasses.asdict(one) for one in delegated.delegated_comparisons(dataset)]
    busy = {one["run"] for one in waiting if one["state"] == delegated.RUNNING}
    return {
        "runs": [_listed(run) for run in found_in(complete, (how or {}).get("order") or NEWEST, (how or {}).get("search") or "")],
        "names": [str(run) for run in complete],
        "of_groups": {str(run): [list(run.groups), list(run.verdict.get("groups") or ())] for run in complete if run.groups},
        "interrupted": [str(run) for run in runs if not run.complete and str(run) not in busy],
        "writing": any(run.being_written for run in runs),
        "leftovers": leftover_fields(dataset),
        "delegated": waiting,
        "vectors": bool(runs) or bool(vector_sources(dataset)),
        "sidebar": grouped(dataset),
    }


def newest(dataset: Any) -> str | None:
    """Tells the newest comparison from any other, and from what it replaced; None where there is none."""
    from fiftyone_plugin.store.runs import list_comparisons

    return next((f"{run} {run.made}" for run in list_comparisons(dataset) if run.complete), None)


def _listed(run: Any) -> dict[str, Any]:
    """What is kept of a comparison in the panel's state."""
    from fiftyone_plugin.listing import about, details, results

    return {"name": str(run), "about": about(run), "details": details(run), "results": results(run)}


def opened(panel: Any, ctx: Any, how: Callable[[Any, str], Any]) -> Any:
    """What is open in the panel, opened so (a comparison, or its groups); None, and said, where it is gone."""
    from latentdiff.errors import LatentDiffError, sentence

    try:
        return how(ctx.dataset, str(ctx.panel.state.run))
    except LatentDiffError as e:
        ctx.ops.notify(sentence(e), variant="error")
        panel.update(ctx)
        return None


def address(names: list[str], of_groups: dict[str, Any], wanted: str | None) -> str | None:
    """The address of the run that is open; of groups also which: the wanted one, else the first that differs.

    Args:
        names: of the runs, newest first.
        of_groups: by the name of a run of groups, these and those that differ.
        wanted: an address.
    """
    from fiftyone_plugin.store.groups import BETWEEN, split

    name, group = split(wanted or "")
    run = name if name in names else next(iter(names), None)
    if run is None or run not in of_groups:
        return run
    groups, differing = of_groups[run]
    group = group if group in groups and run == name else next(iter(differing), groups[0])
    return f"{run}{BETWEEN}{group}"

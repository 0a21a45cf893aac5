"""Stored comparisons as the command line lists them, and two of them beside each other."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from ..compute.files import strict_json as dump
from ..report import verdict
from ..report.beside import Change, beside
from ..report.finding import SIDES
from ..results.changes import called
from .terminal import console, table


def show_runs(runs: Iterable[Any], *, as_json: bool) -> None:
    """Print the stored comparisons of a dataset, with what the panel's list says of each."""
    from fiftyone_plugin.listing import details

    rows = [
        {
            "run": str(run),
            "state": run.state,
            "provisional": run.provisional,
            "made": run.made and run.made.isoformat(),
            "a": run.views[0],
            "b": run.views[1],
            "embeddings": run.config.get("embeddings"),
            "details": details(run),
            **run.verdict,
        }
        for run in runs
    ]
    if as_json:
        print(dump(rows))
        return
    from rich.text import Text

    if not rows:
        print("no comparisons")
        return
    drawn = table(("run", "A", "B", "differ", "differences", "AUC", "state"), right=(4, 5))
    for row in rows:
        differs = "" if "differs" not in row else "yes" if row["differs"] else "no"
        auc = f"{row['auc']:.2f}" if row.get("auc") is not None else ""
        state = "first answer" if row["provisional"] and row["state"] == "complete" else row["state"]
        cells = (row["run"], row["a"], row["b"], differs, str(row.get("hypotheses", "")), auc, state)
        drawn.add_row(*(Text(cell) for cell in cells))
    out = console()
    out.print(drawn)
    for row in rows:  # below it: a column of sentences would leave a narrow terminal no room for names
        out.print(Text(f"{row['run']}: {row['details']}", style="dim"))


def show_changes(before: Any, after: Any, *, as_json: bool) -> None:
    """Print what became of the differences of one stored comparison in another."""
    names = [[run.sides[side].name for side in SIDES] for run in (before, after)]
    found = beside(before.comparison, after.comparison, names, (before.name, after.name))
    if as_json:
        print(dump([_change_json(one) for one in found]))
        return
    from rich.text import Text

    out, named = console(), called(*names)
    which = {"before": (before, named["gone"]), "after": (after, named["new"])}
    for when, (run, _) in which.items():
        said = verdict(run.comparison, run.sides["A"].name, run.sides["B"].name)
        out.print(Text(f"{when}, {run.name}: {said}", style="bold"))
    rates = (f"{when}:\n{called_so['A']} /\n{called_so['B']}" for when, (_, called_so) in which.items())
    drawn = table(("", "more in", "what", *rates), right=(3, 4))  # names of runs are long: they would leave what differs no room
    for one in found:
        what = f"{one.what} ({one.remark})" if one.remark else one.what
        drawn.add_row(*map(Text, (one.state, one.more_in, what, *(" / ".join(pair or ()) for pair in (one.before, one.after)))))
    out.print(drawn if found else Text("neither has any difference", style="dim"))


def _change_json(one: Change) -> dict[str, Any]:
    was, now = (found and dataclasses.asdict(found) for found in one.found)
    kind = "field" if one.is_field else "finding"
    return {"state": one.state, "kind": kind, "what": one.what, "more_in": one.more_in, "remark": one.remark, "before": was, "after": now}

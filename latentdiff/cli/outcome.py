"""What was found, as the command line gives it: a table for people, strict JSON for machines, files; a bar on standard error."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..compute.files import strict_json as dump
from ..compute.names import shown
from ..errors import InputError
from ..progress import Progress
from ..report import verdict, write_report
from ..report.content import Content, content
from ..report.finding import SIDES
from ..report.text import coming
from ..report.tree import Branch
from ..results.comparison import Comparison
from ..results.feedback import said_of
from ..results.hypothesis import Hypothesis
from ..results.outcome import Outcome
from .terminal import console, table

DIFFERS = 1
"""Exit status of ``--exit-code`` where sides or groups differ."""
FIRST_NAMES = 5
"""Differences of a side that a first answer names."""
ITEMS = "items.json"
"""Beside a saved comparison: what its rows are."""


def write_outcome(outcome: Outcome, path: str) -> Path:
    """Write a report of an outcome; its thumbnails are of the images that it names, and of a dataset's where it is stored in one."""
    if outcome.stored is not None:
        from fiftyone_plugin.reporting import report_of

        return report_of(outcome.stored, path)
    return write_report(outcome.comparison, path, images=outcome.items, names=outcome.names)


def open_comparison(dataset: str, run: str | None) -> Outcome:
    """A comparison from a dataset (by run name), or from a folder that ``--save`` wrote."""
    if run is None:
        if not Path(dataset).is_dir():
            raise InputError(f"{dataset!r} is no folder; for a dataset name the run too: latentdiff show {dataset} RUN")
        comparison = Comparison.load(dataset)
        names = comparison.info.get("names") or ("A", "B")
        items = saved_items(Path(dataset), 2)
        return Outcome(comparison, (str(names[0]), str(names[1])), items=None if items is None else (items[0], items[1]))
    from fiftyone_plugin import load_comparison

    return Outcome.of_run(load_comparison(dataset, run))


def known_as(rows: Any) -> list[str] | None:
    """What people know the rows of a side by; kept, since what was unpacked of an archive is soon gone."""
    return None if rows is None else [shown(row) for row in rows]


def saved_items(folder: Path, sides: int | None = None) -> list[Any] | None:
    """What the rows of a saved comparison are; None where that was not kept or cannot be read.

    Args:
        folder: where it was saved.
        sides: of how many sides a list each is kept, None in place of one that has no names; None: one list, of groups.
    """
    try:
        kept = json.loads((folder / ITEMS).read_text(encoding="utf8"))
    except (OSError, ValueError):
        return None
    if sides is None:
        return kept if _are_names(kept) else None
    return [side if _are_names(side) else None for side in kept] if isinstance(kept, list) and len(kept) == sides else None


def _are_names(kept: Any) -> bool:
    return isinstance(kept, list) and all(isinstance(item, str) for item in kept)


def output_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of everything that lists differences."""
    parser.add_argument("--top", type=_positive, default=5, metavar="K", help="differences listed per side (default: %(default)s)")
    parser.add_argument("--tree", action="store_true", help="list fine concepts below the coarse ones that contain them (Matryoshka SAEs)")
    parser.add_argument("--json", action="store_true", help="print JSON on standard output, for machines")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {value}")
    return value


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A bar on standard error while it is a terminal; silent in a pipe."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TimeElapsedColumn())
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("starting", total=1.0)
        yield lambda fraction, label: bar.update(task, completed=fraction, description=escape(label))


def tell_first(outcome: Outcome) -> None:
    """Print a first answer on standard error: the verdict, what is more in either side (guesses with a "?"), and what follows."""
    comparison, names = outcome.comparison, dict(zip(SIDES, outcome.names, strict=True))
    print(verdict(comparison, *outcome.names), file=sys.stderr)
    found = {names[side]: ", ".join(f"{h.text}{'?' * h.weak}" for h in comparison.top(side, FIRST_NAMES)) for side in SIDES}
    told = "; ".join(f"more in {name}: {words}" for name, words in found.items() if words)
    print(*filter(None, (told, coming(comparison))), sep="\n", file=sys.stderr)


def show(outcome: Outcome, args: argparse.Namespace) -> None:
    """Print a comparison: as a table, or as JSON with ``--json``."""
    if args.json:
        print(dump(_json(outcome, args.top)))
        return
    from rich.text import Text

    out = console()
    said = content(outcome.comparison, outcome.names, cards=args.top)
    out.print(Text(said.verdict, style="bold"))
    for note in said.notes:
        out.print(Text(note, style="dim"))
    if any(said.cards.values()):
        lines = {side: _lines(said, side, args.tree) for side in SIDES}
        out.print(_table(said, lines))
        if args.tree and not any(line.depth for some in lines.values() for line in some):
            out.print(Text("No tree: none of these lies below a coarser concept. Matryoshka SAEs have such.", style="dim"))
    for note in said.below:
        out.print(Text(note, style="dim"))
    if said.fields:
        out.print(_fields_table(said, args.top))
    if any(card.hypothesis.weak for side in SIDES for card in said.cards[side]):
        out.print(Text('"looks like": the words fit the images poorly; look at them before believing the name.', style="dim"))
    if outcome.run:
        out.print(Text(f"stored as run {outcome.run}", style="dim"))


def _lines(said: Content, side: str, tree: bool) -> Sequence[Branch]:
    """One line a difference, best first; as a tree, also one for each coarser concept above them."""
    return (said.trees[side] if tree else ()) or [Branch(0, card.title, card.hypothesis) for card in said.cards[side]]


def _table(said: Content, lines: dict[str, Sequence[Branch]]) -> Any:
    from rich.text import Text

    drawn = table(("more in", "what", *(f"in {said.names[side]}" for side in SIDES), "q", "AUROC"), right=range(2, 6))
    cards = {id(card.hypothesis): card for side in SIDES for card in said.cards[side]}
    for side in SIDES:
        for line in lines[side]:
            card = cards.get(id(line.hypothesis))
            what = Text("  " * line.depth + (card.line if card else line.label), style="" if line.hypothesis else "dim")
            figures = (card.rates["A"], card.rates["B"], card.q, card.auroc) if card else ("",) * 4
            drawn.add_row(Text(said.names[side]), what, *map(Text, figures))
        if said.more[side]:
            drawn.add_row(Text(said.names[side]), Text(f"and {said.more[side]} more", style="dim"))
    return drawn


def _fields_table(said: Content, top: int) -> Any:
    from rich.text import Text

    drawn = table(("field", "more in", *(f"in {said.names[side]}" for side in SIDES), "q", "AUROC"), right=range(2, 6))
    for row in said.fields[: 2 * top]:
        cells = (row.title, said.names[row.difference.side], row.values["A"], row.values["B"], row.q, row.auroc)
        drawn.add_row(*map(Text, cells))
    if len(said.fields) > 2 * top:
        drawn.add_row(Text(f"and {len(said.fields) - 2 * top} more", style="dim"))
    return drawn


def _json(outcome: Outcome, top: int) -> dict[str, Any]:
    comparison = outcome.comparison

    def listed(h: Hypothesis) -> dict[str, Any]:
        entry, items = dataclasses.asdict(h), (outcome.items or (None, None))["AB".index(h.side)]
        if items is not None:
            entry["exemplar_items"] = [shown(items[row]) for row in h.exemplars]
        said = said_of(comparison.feedback, h).told
        return {**entry, "feedback": said} if said else entry

    sides = {
        side: {"name": name, "images": len(scores), "more_here": [listed(h) for h in comparison.top(side, top)]}
        for side, name, scores in zip("AB", outcome.names, (comparison.log_ratio_a, comparison.log_ratio_b), strict=True)
    }
    return {
        "differs": bool(comparison.differs),
        "verdict": verdict(comparison, *outcome.names),
        "two_sample": dataclasses.asdict(comparison.two_sample),
        "smallest_detectable": comparison.smallest_detectable,
        "provisional": comparison.provisional,
        "hypotheses": [listed(h) for h in comparison.hypotheses],
        "run": outcome.run,
        "sides": sides,
        "fields": [dataclasses.asdict(d) for d in comparison.fields],
        "config": comparison.config.to_dict(),
        "info": comparison.info,
    }

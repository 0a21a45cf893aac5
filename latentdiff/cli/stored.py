"""``latentdiff runs``, ``show``, ``report`` and ``delete``: comparisons that were stored or saved."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..report import write_report
from ..results.groups import HEAD, GroupComparison
from .listed import show_changes, show_runs
from .outcome import open_comparison, output_arguments, saved_items, show, write_outcome
from .outputs import check_report


def show_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``latentdiff show``."""
    parser.add_argument("dataset", metavar="DATASET", help="a FiftyOne dataset, or a folder that --save wrote")
    parser.add_argument("run", metavar="RUN", nargs="?", help="name of the comparison (needed for a dataset)")
    output_arguments(parser)


def run_show(args: argparse.Namespace) -> int:
    """Print a comparison as ``compare``, or ``groups``, did."""
    groups = _groups(args.dataset, args.run)
    if groups is not None:
        from .groups import show_groups

        show_groups(groups[0], args.top, args.json)
        return 0
    show(open_comparison(args.dataset, args.run), args)
    return 0


def runs_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``latentdiff runs``."""
    parser.add_argument("dataset", metavar="DATASET", help="a FiftyOne dataset")
    two = "two of them side by side: which differences stayed, are new, are gone, or are told on the card of another now"
    parser.add_argument("--compare", metavar=("BEFORE", "AFTER"), nargs=2, help=two)
    parser.add_argument("--sort", metavar="ORDER", default="newest", help="newest, name, found, auc, open, accepted (default: %(default)s)")
    parser.add_argument("--search", metavar="TEXT", default="", help="only those whose names, findings, details or notes hold this")
    parser.add_argument("--tidy", action="store_true", help="remove fields of comparisons that are gone (after FiftyOne's own delete_run)")
    parser.add_argument("--json", action="store_true", help="print JSON on standard output, for machines")


def run_runs(args: argparse.Namespace) -> int:
    """List a dataset's comparisons, or what changed between two of them."""
    if args.compare:
        runs = [_sdk().load_comparison(args.dataset, name) for name in args.compare]
        show_changes(*runs, as_json=args.json)
        return 0
    runs = _sdk().list_comparisons(args.dataset)
    from fiftyone_plugin.listing import ORDERS, found_in

    if args.sort not in ORDERS:
        raise InputError(f"--sort is {', '.join(ORDERS)}, not {args.sort!r}")
    show_runs(found_in(runs, args.sort, args.search), as_json=args.json)
    left = _sdk().leftover_fields(args.dataset, remove=args.tidy)
    if left:
        what = "removed" if args.tidy else f"removed by: latentdiff runs {shlex.quote(args.dataset)} --tidy"
        fields = "1 field" if len(left) == 1 else f"{len(left)} fields"
        print(f"{fields} of comparisons that are gone: {', '.join(left)} ({what})", file=sys.stderr)
    return 0


def delete_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``latentdiff delete``."""
    parser.add_argument("dataset", metavar="DATASET", help="a FiftyOne dataset")
    parser.add_argument("run", metavar="RUN", help="name of the comparison")


def run_delete(args: argparse.Namespace) -> int:
    """Delete a comparison with its fields."""
    _sdk().delete_comparison(args.dataset, args.run)
    print(f"deleted {args.run} from {args.dataset}")
    return 0


def _sdk() -> Any:
    import fiftyone_plugin

    return fiftyone_plugin


def report_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``latentdiff report``."""
    parser.add_argument("dataset", metavar="DATASET", help="a FiftyOne dataset, or a folder that --save wrote")
    parser.add_argument("run", metavar="RUN", nargs="?", help="name of the comparison (needed for a dataset)")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="the report: .html, .md, .csv or .json")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is no report of LatentDiff's")


def run_report(args: argparse.Namespace) -> int:
    """Write the report and say where it is."""
    check_report(args.output, args.overwrite)
    groups = _groups(args.dataset, args.run)
    print(groups[1](args.output) if groups is not None else write_outcome(open_comparison(args.dataset, args.run), args.output))
    return 0


def _groups(named: str, run: str | None) -> tuple[GroupComparison, Callable[[str], Path]] | None:
    """A comparison of groups that a dataset or a folder holds, and what writes its report; None where they hold one of two sides."""
    if run is None:
        if not Path(named, HEAD).exists():
            return None
        found = GroupComparison.load(named)
        return found, lambda path: write_report(found, path, images=saved_items(Path(named)))
    if not any(known == run and known.groups for known in _sdk().list_comparisons(named)):
        return None
    from fiftyone_plugin.reporting import groups_report_of

    stored = _sdk().load_groups(named, run)
    return stored.found, lambda path: groups_report_of(stored, path)

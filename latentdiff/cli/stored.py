"""``latentdiff runs``, ``show``, ``report`` and ``delete``: comparisons that were stored or saved."""

from __future__ import annotations

import argparse
import shlex
import sys
from typing import Any

from .outcome import open_comparison, output_arguments, show, show_changes, show_runs


def show_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``latentdiff show``."""
    parser.add_argument("dataset", metavar="DATASET", help="a FiftyOne dataset, or a folder that --save wrote")
    parser.add_argument("run", metavar="RUN", nargs="?", help="name of the comparison (needed for a dataset)")
    output_arguments(parser)


def run_show(args: argparse.Namespace) -> int:
    """Print a comparison as ``compare`` did."""
    show(open_comparison(args.dataset, args.run), args)
    return 0


def runs_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``latentdiff runs``."""
    parser.add_argument("dataset", metavar="DATASET", help="a FiftyOne dataset")
    two = "two of them side by side: which differences stayed, which are new, which are gone"
    parser.add_argument("--compare", metavar=("BEFORE", "AFTER"), nargs=2, help=two)
    parser.add_argument("--tidy", action="store_true", help="remove fields of comparisons that are gone (after FiftyOne's own delete_run)")
    parser.add_argument("--json", action="store_true", help="print JSON on standard output, for machines")


def run_runs(args: argparse.Namespace) -> int:
    """List a dataset's comparisons, or what changed between two of them."""
    if args.compare:
        runs = [_sdk().load_comparison(args.dataset, name) for name in args.compare]
        show_changes(*runs, as_json=args.json)
        return 0
    show_runs(_sdk().list_comparisons(args.dataset), as_json=args.json)
    left = _sdk().leftover_fields(args.dataset, remove=args.tidy)
    if left:
        what = "removed" if args.tidy else f"latentdiff runs {shlex.quote(args.dataset)} --tidy removes them"
        print(f"{len(left)} fields of comparisons that are gone: {', '.join(left)} ({what})", file=sys.stderr)
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
    parser.add_argument("dataset", metavar="DATASET", help="a FiftyOne dataset, or a folder that compare --save wrote")
    parser.add_argument("run", metavar="RUN", nargs="?", help="name of the comparison (needed for a dataset)")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="the report: .html, .md, .csv or .json")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is no report of LatentDiff's")


def run_report(args: argparse.Namespace) -> int:
    """Write the report and say where it is."""
    from .outcome import open_comparison, write_outcome
    from .outputs import check_report

    check_report(args.output, args.overwrite)
    print(write_outcome(open_comparison(args.dataset, args.run), args.output))
    return 0

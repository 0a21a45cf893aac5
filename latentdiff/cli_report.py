"""``latentdiff report``: a stored or saved comparison as a file."""

from __future__ import annotations

import argparse


def report_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``latentdiff report``."""
    parser.add_argument("dataset", metavar="DATASET", help="a FiftyOne dataset, or a folder that compare --save wrote")
    parser.add_argument("run", metavar="RUN", nargs="?", help="name of the comparison (needed for a dataset)")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="the report: .html, .md, .csv or .json")


def run_report(args: argparse.Namespace) -> int:
    """Write the report and say where it is."""
    from .cli_outcome import open_comparison, write_outcome

    print(write_outcome(open_comparison(args.dataset, args.run), args.output))
    return 0

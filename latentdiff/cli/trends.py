"""``latentdiff trends``: what changes over time in one set of images."""

from __future__ import annotations

import argparse
from typing import Any

from ..compute.files import strict_json as dump
from ..errors import InputError
from ..inputs.many import read_groups
from ..progress import Progress, part
from ..report import p_text, percent, write_report
from ..report.trends import trends_notes, trends_verdict
from ..results.trends import Trends
from ..trends.comparing import compare_over_time
from .groups import DIFFERS, Opened, dataset_images, is_dataset, set_arguments
from .outcome import progress_bar
from .outputs import check_report


def trends_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``latentdiff trends``."""
    one = "a .npy of vectors, Parquet, folder or .zip of images, a CSV of paths; or a FiftyOne dataset, or dataset:saved_view"
    parser.add_argument("set", metavar="SET", help=one)
    by = "when each image was taken: a file with a date (2026-03-01) or number a line, a field of the dataset, a column of the table"
    parser.add_argument("--by", metavar="FILE|FIELD", required=True, help=by)
    lengths = "of dates: hour, day, week, month, quarter or year; of numbers: how many bins (default: by the span and the number of images)"
    parser.add_argument("--bins", metavar="LENGTH|N", help=lengths)
    parser.add_argument("--embeddings", metavar="FIELD", help="of a dataset: the field of the image vectors")
    set_arguments(parser)
    parser.add_argument("--top", type=int, default=10, metavar="K", help="changes listed (default: %(default)s)")
    parser.add_argument("--report", metavar="FILE", help="also write a report: .html (with thumbnails), .md, .csv or .json")
    parser.add_argument("--overwrite", action="store_true", help="replace a foreign file at --report")
    parser.add_argument("--exit-code", action="store_true", help="exit with 1 when something changes, 0 when not")


def run_trends(args: argparse.Namespace) -> int:
    """Compare over time, print, and say by the exit status whether anything changes where that was asked."""
    if args.top < 1:
        raise InputError(f"--top must be at least 1, not {args.top}")
    check_report(args.report, args.overwrite)
    bins = int(args.bins) if args.bins and args.bins.isdigit() else args.bins
    with progress_bar() as progress:
        found, items = (_of_dataset if is_dataset(args.set) else _of_files)(args, bins, progress)
    if args.report:
        write_report(found, args.report, images=items)
    print(dump(found.to_dict())) if args.json else _print(found, args.top)
    return DIFFERS if args.exit_code and found.differs else 0


def _of_files(args: argparse.Namespace, bins: Any, progress: Progress) -> tuple[Trends, list[Any] | None]:
    if args.embeddings:
        raise InputError("--embeddings is for a dataset; name one as SET")
    opened = Opened.of(args, progress)
    read = read_groups([args.set], args.by, opened.encoder, args.skip_bad, part(progress, 0.1, 0.5))
    times = [_number(value) for value in read.labels] if all(map(_is_number, read.labels)) else read.labels
    given = {"bins": bins, "sae": opened.sae, "vocabulary": opened.vocabulary, "config": opened.config}
    found = compare_over_time(read.vectors, times, **given, progress=part(progress, 0.5, 1.0))
    found.info["left_out"] |= read.left_out
    found.info["passed_over"] = read.passed_over
    found.info.update(read.ranges.as_info())
    return found, read.items


def _is_number(value: Any) -> bool:
    """Whether a line of a file, or a cell, is a number or nothing; a year such as 2026 is one."""
    try:
        return value is None or (isinstance(value, (str, int, float)) and float(value) == float(value))
    except ValueError:
        return False


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _of_dataset(args: argparse.Namespace, bins: Any, progress: Progress) -> tuple[Trends, list[Any] | None]:
    from fiftyone_plugin import compare_over_time as compare_in_dataset

    images, config = dataset_images(args, args.set)
    given = {"embeddings": args.embeddings, "sae": args.sae, "vocabulary": args.vocabulary, "config": config}
    found = compare_in_dataset(images, args.by, bins=bins, **given, progress=progress)
    return found.found, found.files()


def _print(found: Trends, top: int) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    console.print(Text(trends_verdict(found), style="bold"))
    for note in trends_notes(found):
        console.print(Text(note, style="dim"))
    for trend in found.trends[:top]:
        console.print(Text(f"{found.told(trend)} ({p_text(trend.q_value, 'q')})"))
    table = Table("")
    for name in found.bins:
        table.add_column(Text(name), justify="right")
    for trend in found.trends[:top]:
        table.add_row(Text(trend.text), *map(percent, trend.rates))
    if found.trends:
        console.print(table)

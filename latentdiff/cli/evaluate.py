"""``latentdiff evaluate`` and ``latentdiff noisy-diff``: arguments, and what is printed."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..benchmark.suite import Table


def evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``latentdiff evaluate``."""
    from ..benchmark.suites import SUITES

    parser.add_argument("suite", metavar="SUITE", help=f"one of: {', '.join(SUITES)}")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="folder of the suite's data; --dry-run says what belongs there")
    parser.add_argument("--out", type=Path, default=Path("evaluation"), metavar="FOLDER", help="where results go (default: %(default)s)")
    parser.add_argument("--dry-run", action="store_true", help="say what is missing, what would be run and what it would cost, and stop")
    parser.add_argument("--fresh", action="store_true", help="start anew instead of going on where an earlier call was stopped")
    parser.add_argument("--report-only", action="store_true", help="run nothing; tables and plots of what an earlier call has done")
    parser.add_argument("--methods", metavar="NAMES", default="", help="comma-separated of latentdiff, paper, visdiff, gsclip, mean")
    parser.add_argument("--pairs", type=_pairs, metavar="N", help="pairs per parent, or all (default: the suite's own number)")
    parser.add_argument("--runs", type=_count, metavar="N", help="repetitions, where a suite draws at random")
    parser.add_argument("--sizes", type=_sizes, metavar="N,N", default=(), help="numbers of images, where a suite varies them")
    parser.add_argument("--split", metavar="NAME", help="split of the data set, where it has several")
    parser.add_argument("--encoder", metavar="NAME", help="encoder of images, as load_encoder takes it (default: the paper's)")
    parser.add_argument("--pretrained", metavar="TAG", help="weights of the encoder: a pretrained tag or a checkpoint file")
    parser.add_argument("--sae", metavar="SAE", help="autoencoder of that encoder: a folder, or pach, the paper's (default: train one)")
    parser.add_argument("--vocabulary", type=Path, metavar="FILE", help="words, one a line (default: the suite's own or the package's)")
    parser.add_argument("--captions", type=Path, metavar="FILE", help="captions of the images: CSV or JSON lines with path and caption")
    parser.add_argument("--captioner", metavar="MODEL", help="image-to-text model (the paper's: BLIP-2) for images without a caption")
    parser.add_argument("--judge", metavar="MODEL", help="sentence-transformers model that scores phrases (default: all-MiniLM-L6-v2)")
    parser.add_argument("--endpoint", metavar="URL,MODEL", help="OpenAI-compatible chat server: proposes, describes, judges Acc@k")
    parser.add_argument("--llm-calls", type=_count, metavar="N", default=100_000, help="requests to it at most (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same pairs and results (default: %(default)s)")


def _count(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text!r}")
    return value


def _pairs(text: str) -> int:
    return sys.maxsize if text == "all" else _count(text)


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(_count(n) for n in text.split(",") if n.strip())


def run_evaluate(args: argparse.Namespace) -> int:
    """Run ``latentdiff evaluate``."""
    from ..benchmark.choices import endpoint_parts
    from ..benchmark.plan import plan
    from ..benchmark.runner import evaluate
    from ..benchmark.suite import Options
    from ..benchmark.suites import load_suite
    from ..describe.server import goes_with
    from .outcome import progress_bar

    listed = tuple(name.strip() for name in args.methods.split(",") if name.strip())
    own = {"methods": listed, "calls": args.llm_calls}
    same = [f.name for f in dataclasses.fields(Options) if f.name not in own]
    options = Options(**own, **{name: getattr(args, name) for name in same})
    if args.dry_run:
        planned = plan(args.suite, options, fresh=args.fresh)
        lacking = [f"{args.suite} lacks:", *(f"  - {line}" for line in planned.missing)]
        print("\n".join(lacking if planned.missing else [f"{args.suite} has all the data it needs"]))
        if planned.downloads:
            print("\n".join(["not on this machine yet:", *(f"  - {line}" for line in planned.downloads)]))
        for note in planned.notes:
            print(note)
        for table in planned.tables:
            show_table(table)
        return 2 if planned.missing else 0
    sent, parts = load_suite(args.suite)(options).sends(), endpoint_parts(options)
    if sent and parts:
        print(f"latentdiff: will send {sent} to {parts[0]} ({parts[1]})", file=sys.stderr)
        for what in goes_with(parts[0]):
            print(f"latentdiff: {what}", file=sys.stderr)
    with progress_bar() as progress:
        outcome = evaluate(args.suite, options, fresh=args.fresh, report_only=args.report_only, progress=progress)
    for note in outcome.report.notes:
        print(note)
    for table in outcome.report.tables:
        show_table(table)
    total = sum(v for k, v in outcome.seconds.items() if k != "total")
    print(f"{outcome.done} tasks done now, {outcome.kept} kept from earlier, {total:,.0f} s of work; written to {outcome.folder}")
    return 0


def show_table(table: Table) -> None:
    """Print a table for people."""
    from rich.text import Text

    from ..benchmark.runner import cell
    from .terminal import console
    from .terminal import table as drawn_table

    drawn = drawn_table(table.header, range(1, len(table.header)), title=table.title, title_justify="left")
    for row in table.rows:
        drawn.add_row(*(Text(cell(value)) for value in row))
    console().print(drawn)
    if table.note:
        print(table.note)

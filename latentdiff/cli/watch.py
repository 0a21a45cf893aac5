"""``latentdiff watch``: one batch of a stream, for cron and CI."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from ..compute.files import read_json
from ..compute.files import strict_json as dump
from ..embed.ranges import Ranges, said_ranges
from ..errors import InputError
from ..inputs.many import read_sets
from ..monitoring.monitor import Monitor
from ..progress import part
from ..report.watch import annotation, change_text, history_page, junit, watch_verdict
from ..report.writing import replace_file
from .groups import Opened, set_arguments
from .outcome import progress_bar

ALARM = 1
"""Exit status where there is, or was, an alarm."""
DEEP = "deep.json"
"""In the folder of a watch: what is black and white in deep pictures, of the reference and of every batch."""


def watch_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``latentdiff watch``."""
    kinds = ".npy of vectors, Parquet, folder or .zip of images"
    parser.add_argument("state", metavar="STATE", help="folder of the watch; made from --reference where there is none")
    parser.add_argument("batch", metavar="BATCH", nargs="?", help=f"the next images of the stream: {kinds}; none: say how things stand")
    parser.add_argument("--reference", metavar="SET", help="what is usual; needed once, to begin")
    set_arguments(parser)
    parser.add_argument("--junit", metavar="FILE", help="also write a JUnit file, with a failure where there is an alarm")
    parser.add_argument("--annotations", action="store_true", help="also print a line that a workflow's log shows as an error")
    parser.add_argument("--history", metavar="FILE", help="also write a page (.html) of the evidence over time")


def _ranges(state: Path) -> Ranges:
    """What a watch draws black and white in deep pictures; each kind is chosen when it is first met, and kept."""
    return Ranges.from_dict(read_json(state / DEEP)) if (state / DEEP).is_file() else Ranges()


def run_watch(args: argparse.Namespace) -> int:
    """Take a batch, keep the state, and exit with 1 where there is an alarm."""
    begins = not Path(args.state, "monitor.json").exists()
    if begins and not args.reference:
        raise InputError(f"{args.state} holds no watch; begin one with --reference")
    if not begins and args.reference:
        raise InputError(f"{args.state} holds a watch already; leave --reference out, or name another folder")
    left_out: list[str] = []
    ranges = _ranges(Path(args.state))
    with progress_bar() as progress:
        opened = Opened.of(args, progress)

        def vectors(of: str, what: str, low: float, high: float) -> np.ndarray:
            nonlocal ranges
            read = read_sets([of], opened.encoder, False, part(progress, low, high), ranges)[0]
            ranges = ranges.filled(read.ranges)
            for count, why in ((len(read.first), "are listed again"), (read.missing, "have no vector")):
                left_out.extend([f"{count:,} images of the {what} {why}: left out"] if count else [])
            return read.vectors

        if begins:
            given = {"sae": opened.sae, "vocabulary": opened.vocabulary, "alpha": args.alpha, "seed": args.seed}
            monitor = Monitor(vectors(args.reference, "reference", 0.1, 0.5), **given)
        else:
            monitor = Monitor.load(args.state)
        reading = monitor.update(vectors(args.batch, "batch", 0.5, 1.0)) if args.batch else monitor.reading()
    monitor.save(args.state)
    if any(ranges):
        replace_file(Path(args.state, DEEP), dump(ranges.to_dict()))
    for path, text in (
        (args.junit, lambda: junit(reading, monitor.alpha)),
        (args.history, lambda: history_page(reading, monitor.history, monitor.alpha)),
    ):
        if path:
            replace_file(Path(path), text())
    if args.annotations:
        print(annotation(reading, monitor.alpha))
    notes = [*left_out, *filter(None, [said_ranges(ranges.to_dict())])]
    said = [watch_verdict(reading, monitor.alpha), *map(change_text, reading.hypotheses), *notes]
    print(dump({**reading.to_dict(), "left_out": left_out}) if args.json else "\n".join(said))
    return ALARM if reading.alarm else 0

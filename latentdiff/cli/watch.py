"""``latentdiff watch``: one batch of a stream, for cron and CI."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..compute.files import read_json
from ..compute.files import strict_json as dump
from ..compute.locks import locked
from ..embed.fingerprint import Fingerprint
from ..embed.parquet import ParquetVectors
from ..embed.ranges import Ranges, said_ranges
from ..embed.usable import bad_rows, check_bad, checked_array
from ..errors import InputError
from ..inputs.many import read_sets
from ..inputs.named import OF_IMAGES, kind
from ..monitoring.begun import check_choices, encoder_of
from ..monitoring.monitor import Monitor
from ..monitoring.state import holds_state
from ..progress import Progress, part
from ..report.html import GENERATOR
from ..report.watch import JUNIT, annotation, change_text, history_page, junit, watch_verdict
from ..report.writing import replace_file
from ..results.reading import Reading
from .groups import Opened, set_arguments
from .outcome import progress_bar
from .outputs import carries, check_output

ALARM = 1
"""Exit status where there is, or was, an alarm."""
DEEP = "deep.json"
"""In the folder of a watch: what is black and white in deep pictures, of the reference and of every batch."""


class Images(NamedTuple):
    """Images of the stream, or of the reference."""

    vectors: np.ndarray
    """(n, d)."""
    encoder: Fingerprint | None
    """None: unknown."""
    ranges: Ranges
    """What is drawn black and white in deep pictures."""


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
    begins = not holds_state(Path(args.state))
    if begins and not args.reference:
        raise InputError(f"{args.state} holds no watch; begin one with --reference")
    if not begins and args.reference:
        raise InputError(f"{args.state} holds a watch already; leave --reference out, or name another folder")
    check_output(args.junit, "JUnit file", carries(JUNIT))
    check_output(args.history, "page", carries(GENERATOR), apart=(args.junit,))
    left_out: list[str] = []
    ranges = _ranges(Path(args.state))
    with progress_bar() as progress:
        opened = Opened.of(args, progress, None if begins else encoder_of(Monitor.load(args.state)._features.sae).get("dtype"))
        if not begins:
            chosen = args.alpha, args.seed, opened.sae, opened.vocabulary
            check_choices(Monitor.load(args.state), *chosen, _encoder_of(args.batch, opened) if args.batch else None)
        reference = _vectors(args.reference, "the reference", opened, left_out, part(progress, 0.1, 0.5), ranges) if begins else None
        known = reference.ranges if reference is not None else ranges
        batch = _vectors(args.batch, "the batch", opened, left_out, part(progress, 0.5, 1.0), known) if args.batch else None
        monitor, reading = _taken(Path(args.state), opened, reference, batch)
    _write(args, monitor, reading)
    if args.annotations:
        print(annotation(reading, monitor.alpha))
    said = [watch_verdict(reading, monitor.alpha), *map(change_text, reading.hypotheses), *reading.remarks, *left_out]
    said += filter(None, [said_ranges(_ranges(Path(args.state)).to_dict())])
    print(dump({**reading.to_dict(), "alpha": monitor.alpha, "left_out": left_out}) if args.json else "\n".join(said))
    return ALARM if reading.alarm else 0


def _vectors(of: str, what: str, opened: Opened, left_out: list[str], progress: Progress, ranges: Ranges) -> Images:
    """The usable images of a set; what is left out of it is said in ``left_out``.

    Raises:
        InputError: the set cannot be read, or has vectors that cannot be used and may not be left out.
    """
    skip_bad = opened.config.skip_bad
    read = read_sets([of], opened.encoder, skip_bad, progress, ranges)[0]
    bad = bad_rows(checked_array(what, read.vectors))
    check_bad({what: read.rows[bad].tolist()}, skip_bad)
    for count, why in ((len(read.first), "are listed again"), (read.missing, "have no vector"), (len(bad), "cannot be used")):
        left_out.extend([f"{count:,} images of {what} {why}: left out"] if count else [])
    vectors = np.delete(read.vectors, bad, axis=0) if len(bad) else read.vectors
    return Images(vectors, _encoder_of(of, opened), ranges.filled(read.ranges))


def _encoder_of(of: str, opened: Opened) -> Fingerprint | None:
    """What made, or is to make, the vectors of a set, where that is known."""
    how = kind(of)
    if how == "parquet":
        return ParquetVectors(of).fingerprint
    return opened.encoder.fingerprint if how in OF_IMAGES and opened.encoder is not None else None


def _write(args: argparse.Namespace, monitor: Monitor, reading: Reading) -> None:
    """The files that were asked for.

    Raises:
        InputError: one cannot be written; it says that the batch counts all the same.
    """
    try:
        if args.junit:
            replace_file(Path(args.junit).expanduser(), junit(reading, monitor.alpha))
        if args.history:
            replace_file(Path(args.history).expanduser(), history_page(reading, monitor.history, monitor.alpha))
    except InputError as e:
        if not args.batch:
            raise
        again = f"do not give it again; latentdiff watch {args.state}, without it, writes the files"
        raise InputError(f"{e}. The batch has been taken: {again}") from e


def _taken(state: Path, opened: Opened, reference: Images | None, batch: Images | None) -> tuple[Monitor, Reading]:
    """The watch with the batch taken and kept, and what it shows.

    From the last state to the next no other process takes a batch; images are read before, which may take long. A look locks and keeps
    nothing: it cannot take back what others bring, and the folder may be read-only.
    """
    if reference is None and batch is None:
        monitor = Monitor.load(state)
        return monitor, monitor.reading()
    begun = None
    if reference is not None:
        given = {"sae": opened.sae, "vocabulary": opened.vocabulary, "alpha": opened.config.alpha, "seed": opened.config.seed}
        begun = Monitor(reference.vectors, encoder=reference.encoder, **given)
    state.mkdir(parents=True, exist_ok=True)
    with locked(state / "lock", wait=True):
        if begun is not None and holds_state(state):
            raise InputError(f"another process began a watch in {state} meanwhile; leave --reference out, or name another folder")
        monitor = begun or Monitor.load(state)
        reading = monitor.update(batch.vectors, encoder=batch.encoder) if batch is not None else monitor.reading()
        chosen = _ranges(state).filled([one.ranges for one in (reference, batch) if one is not None][-1])
        if any(chosen):
            replace_file(state / DEEP, dump(chosen.to_dict()))
        monitor.save(state)
    return monitor, reading

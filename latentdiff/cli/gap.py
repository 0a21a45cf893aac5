"""``latentdiff gap``: which images of a pool close the gap between two sets."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..compute.files import strict_json as dump
from ..errors import InputError
from ..gap.closing import close_gap
from ..inputs.many import Labelled, read_groups
from ..progress import part
from ..report import p_text
from ..report.writing import replace_file
from ..results.gap import Gap, GapState
from .groups import Opened, set_arguments
from .outcome import progress_bar


def gap_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``latentdiff gap``."""
    kinds = ".npy of vectors, Parquet, folder or .zip of images"
    parser.add_argument("a", metavar="A", help=f"what B should be like: {kinds}")
    parser.add_argument("b", metavar="B", help="the set to mend")
    parser.add_argument("pool", metavar="POOL", help="where to choose from")
    parser.add_argument("--budget", type=int, required=True, metavar="N", help="images to choose at most")
    written = "also write the images to add, one a line: paths where there are, else row numbers"
    parser.add_argument("--output", metavar="FILE", help=written)
    set_arguments(parser)


def run_gap(args: argparse.Namespace) -> int:
    """Choose, and print."""
    with progress_bar() as progress:
        opened = Opened.of(args, progress)
        read = [
            read_groups([one], None, opened.encoder, args.skip_bad, part(progress, 0.1 + 0.1 * i, 0.2 + 0.1 * i))
            for i, one in enumerate((args.a, args.b, args.pool))
        ]
        given: dict[str, Any] = {"sae": opened.sae, "vocabulary": opened.vocabulary, "config": opened.config}
        found = close_gap(*(x.vectors for x in read), budget=args.budget, **given, progress=part(progress, 0.4, 1.0))
    names = names_of(found.rows.tolist(), read[2])
    if args.output:
        if Path(args.output).is_dir():
            raise InputError(f"{args.output} is a folder; name a file in it")
        replace_file(Path(args.output), "".join(f"{name}\n" for name in names))
    told = {**found.to_dict(), "add": names, "leave_out_items": names_of(found.leave_out.tolist(), read[1])}
    print(dump(told)) if args.json else _print(found, names)
    return 0


def names_of(rows: list[int], read: Labelled) -> list[str]:
    """What people call some rows: their paths or ids, else their numbers."""
    return [str(row) if read.items is None else str(read.items[row]) for row in rows]


def _print(found: Gap, names: list[str]) -> None:
    if not found.rows.size and not found.modes:
        print(f"A and B do not differ detectably ({p_text(found.info['p'])}), or the pool has nothing that mends it: nothing to add.")
    for mode in found.modes:
        print(mode)
    print(f"on halves not used to choose: {_said(found.before)} before, {_said(found.after)} after")
    print(f"weights of B: worth {found.effective:,.0f} images; {len(found.leave_out):,} images of B are more than A has of their kind")
    for name, why in zip(names, found.why, strict=True):
        print(f"{name}\t{why}")


def _said(state: GapState) -> str:
    return f"AUC {state.auc:.2f}, {p_text(state.p_value)}, {len(state.findings)} findings"

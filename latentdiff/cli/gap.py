"""``latentdiff gap``: which images of a pool close the gap between two sets."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from ..compute.files import strict_json as dump
from ..embed.opening import said_unread
from ..embed.ranges import said_ranges
from ..errors import InputError
from ..gap.closing import close_gap
from ..inputs.many import OneSet, read_sets
from ..progress import part
from ..report.gap import gap_sentences
from ..report.writing import replace_file
from ..results.gap import Gap
from .groups import Opened, set_arguments
from .outcome import progress_bar
from .outputs import check_output


def gap_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``latentdiff gap``."""
    kinds = ".npy of vectors, Parquet, folder or .zip of images"
    parser.add_argument("a", metavar="A", help=f"what B should be like: {kinds}")
    parser.add_argument("b", metavar="B", help="the set to mend")
    parser.add_argument("pool", metavar="POOL", help="where to choose from")
    parser.add_argument("--budget", type=int, required=True, metavar="N", help="images to choose at most")
    written = "also write the images to add, one a line: paths where there are, else row numbers"
    parser.add_argument("--output", metavar="FILE", help=written)
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there at --output")
    set_arguments(parser)


def run_gap(args: argparse.Namespace) -> int:
    """Choose, and print."""
    read = (args.a, args.b, args.pool, args.vocabulary, args.vocabulary_vectors, args.sae, args.pretrained)
    check_output(args.output, "list of images", lambda place: True, apart=read)
    if args.output and not args.overwrite and Path(args.output).expanduser().exists():
        raise InputError(f"{args.output} exists; pass --overwrite or name another file")
    with progress_bar() as progress:
        opened = Opened.of(args, progress)
        sets = read_sets((args.a, args.b, args.pool), opened.encoder, args.skip_bad, part(progress, 0.1, 0.4))
        a, b, pool, left_out = apart(*sets)
        given: dict[str, Any] = {"sae": opened.sae, "vocabulary": opened.vocabulary, "config": opened.config}
        found = close_gap(a.vectors, b.vectors, pool.vectors, budget=args.budget, **given, progress=part(progress, 0.4, 1.0))
    names, out = names_of(found.rows, pool), names_of(found.leave_out, b)
    if args.output:
        replace_file(Path(args.output).expanduser(), "".join(f"{name}\n" for name in names))
    found = _of_given(found, b, pool)
    found.info["left_out"] = left_out
    for one in sets:
        found.info.update(one.ranges.as_info())
    told = {**found.to_dict(), "add": names, "leave_out_items": out}
    print(dump(told)) if args.json else _print(found, names)
    return 0


def apart(a: OneSet, b: OneSet, pool: OneSet) -> tuple[OneSet, OneSet, OneSet, dict[str, Any]]:
    """A and B without the images that are in both, the pool without those of B, and the counts of what was left out.

    Raises:
        InputError: nothing is left of a set.
    """
    of_a, of_b = (frozenset(one.keys or ()) for one in (a, b))
    kept_a, overlap = a.without(of_b.__contains__)
    kept_b, _ = b.without(of_a.__contains__)
    kept_pool, in_b = pool.without(of_b.__contains__)
    for one, kept in ((a, kept_a), (b, kept_b), (pool, kept_pool)):
        if len(one.rows) and not len(kept.rows):
            raise InputError(f"all {len(one.rows):,} images of {one.name} are in {'B' if one is not b else 'A'} too; choose different sets")
    each = {name: {"repeated": len(one.first), "missing": one.missing} for name, one in (("A", a), ("B", b), ("pool", pool))}
    each["pool"]["in_b"] = in_b
    return kept_a, kept_b, kept_pool, {"overlap": overlap, **each, "passed_over": {one.name: one.passed_over for one in (a, b, pool)}}


def _of_given(found: Gap, b: OneSet, pool: OneSet) -> Gap:
    """The same by rows as given."""
    weights = np.full(b.given, np.nan)
    weights[b.rows] = found.weights
    return dataclasses.replace(found, rows=pool.rows[found.rows], leave_out=b.rows[found.leave_out], weights=weights)


def names_of(rows: np.ndarray, read: OneSet) -> list[str]:
    """What people call some rows: their paths or ids, else their numbers."""
    return [str(read.rows[row]) if read.items is None else str(read.items[row]) for row in rows.tolist()]


def left_out_notes(left_out: dict[str, Any]) -> list[str]:
    """What was left out of the sets, a sentence each."""
    said = [(left_out["overlap"], "of A and of B are on both sides")]
    said += [(left_out[name]["repeated"], f"of {name} are listed again") for name in ("A", "B", "pool")]
    said += [(left_out[name]["missing"], f"of {name} have no vector") for name in ("A", "B", "pool")]
    said.append((left_out["pool"]["in_b"], "of the pool are in B already"))
    told = [f"{count:,} images {what}: left out" for count, what in said if count]
    return told + [f"{name}: {text}" for name, over in left_out["passed_over"].items() if (text := said_unread(over))]


def _print(found: Gap, names: list[str]) -> None:
    drawn = filter(None, [said_ranges(found.info.get("deep") or {})])
    for line in (*left_out_notes(found.info["left_out"]), *drawn, *gap_sentences(found)):
        print(line)
    for name, why in zip(names, found.why, strict=True):
        print(f"{name}\t{why}")

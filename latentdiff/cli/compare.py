"""``latentdiff compare``: sides as people type them → an outcome to print."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ..errors import Cancelled
from ..inputs.fitting import PARQUET
from ..progress import First, Progress
from ..request import CompareRequest
from ..results.outcome import Outcome
from ..scale.engine import Engine
from .options import (
    column_arguments,
    columns_of,
    describe_arguments,
    group_arguments,
    groups_of,
    method_arguments,
    method_config,
    say_what_is_sent,
    sides_of_a_table,
)
from .outcome import DIFFERS, ITEMS, known_as, output_arguments, progress_bar, show, tell_first, write_outcome
from .outputs import check_report, check_save
from .scale import engine_arguments


def compare_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``latentdiff compare``."""
    side = "dataset:saved_view, a .npy file of vectors (n, d), Parquet of vectors (file, folder, URI), or a folder or .zip of images"
    parser.add_argument("a", metavar="A", help=f"{side}; alone: a .csv with the columns path and group_name")
    parser.add_argument("b", metavar="B", nargs="?", help=side)
    both = "the two of its groups to compare, where there are more"
    parser.add_argument("--sides", metavar=("A", "B"), nargs=2, help=f"of a .csv: {both}")
    column_arguments(parser)
    parser.add_argument("--embeddings", metavar="FIELD", help="vector field of the datasets (needed for dataset:view)")
    parser.add_argument(
        "--encoder", metavar="NAME", help="encoder of image folders and of --vocabulary without vectors, as load_encoder takes it"
    )
    parser.add_argument("--pretrained", metavar="TAG", help="weights of the encoder: a pretrained tag or a checkpoint file")
    parser.add_argument(
        "--vocabulary", metavar="FILE", help="words: .npz with words and vectors, or a text file, one word or phrase a line"
    )
    parser.add_argument("--vocabulary-vectors", metavar="FILE", help=".npy (v, d) of the text file's words")
    saes = (
        "a saved or published sparse autoencoder, a name (pach), kept:KEY, kept (that of the field or encoder) or pair (of both sides "
        "alone); default: pair of few, kept of many"
    )
    parser.add_argument("--sae", metavar="SAE", help=saes)
    kinds = "the one that is trained: flat, or from coarse to fine concepts (see --tree); default: batchtopk"
    parser.add_argument("--sae-trainer", choices=("batchtopk", "matryoshka"), help=kinds)
    method_arguments(parser)
    parser.add_argument("--run", metavar="NAME", help="name under which datasets store it (default: made of the views' names)")
    parser.add_argument("--save", metavar="FOLDER", help="also save the comparison as files")
    parser.add_argument("--report", metavar="FILE", help="also write a report: .html (with thumbnails), .md, .csv or .json")
    group_arguments(parser, "; of a .csv alone, X,Y is short for --sides X Y")
    kept = "tables (.csv, .parquet) with a row per image, of A and of B; one with a column path; measures of the images; of a dataset: "
    parser.add_argument("--fields", metavar="WHAT", nargs="+", help=f"what else is known of the images: {kept}names of its fields, or all")
    known = "differences to look past: phrases, names of fields, or NAME = VALUE; the rest is compared between images alike in them"
    parser.add_argument("--given", metavar="WHAT", nargs="+", default=[], help=known)
    parser.add_argument("--alpha", type=float, help="level of false alarms (default: 0.05)")
    parser.add_argument("--seed", type=int, help="the same seed gives the same result (default: 0)")
    parser.add_argument("--overwrite", action="store_true", help="replace a stored comparison, files in --save, a foreign --report")
    parser.add_argument("--skip-bad", action="store_true", help="drop images whose vectors are not finite or all zero, and count them")
    parser.add_argument("--exit-code", action="store_true", help="exit with 1 when the sides differ, 0 when not")
    describe_arguments(parser)
    engine_arguments(parser, exchange=True)
    output_arguments(parser)


def run_compare(args: argparse.Namespace) -> int:
    """Compare, print, and say by the exit status whether the sides differ where that was asked."""
    stored: list[str] = []

    def tell(early: Outcome) -> None:
        stored.extend(filter(None, [early.run]))
        tell_first(early)

    try:
        with progress_bar() as progress:
            outcome = compare_sides(args, progress, None if args.json or not sys.stderr.isatty() else tell)
    except KeyboardInterrupt:
        if stored:
            raise Cancelled(f"interrupted; the first answer stays, stored as run {stored[0]}") from None
        raise
    show(outcome, args)
    return DIFFERS if args.exit_code and outcome.comparison.differs else 0


def compare_sides(args: argparse.Namespace, progress: Progress, first: First | None = None) -> Outcome:
    """Run ``latentdiff compare``; ``first`` is given a first answer.

    Raises:
        InputError: sides or options that do not fit together.
    """
    check_save(args.save, args.overwrite)
    check_report(args.report, args.overwrite)
    request = request_of(args)
    kinds = request.check()
    say_what_is_sent(request.config)
    outcome = request.run(progress, first)
    if args.save and kinds == PARQUET:
        from ..scale.parquet import save

        save(outcome.comparison, args.save, args.a, args.b)
    elif args.save:
        outcome.comparison.save(args.save)
        kept = [known_as(rows) for rows in outcome.items or (None, None)]
        (Path(args.save) / ITEMS).write_text(json.dumps(kept), encoding="utf8")
    if args.report:
        write_outcome(outcome, args.report)
    return outcome


def request_of(args: argparse.Namespace) -> CompareRequest:
    """The comparison that the options ask for.

    Raises:
        InputError: options that do not fit together.
    """
    sheet = sides_of_a_table(args)
    return CompareRequest(
        args.a,
        args.b,
        encoder=(args.encoder, args.pretrained) if args.encoder else None,
        vocabulary=args.vocabulary,
        vocabulary_vectors=args.vocabulary_vectors,
        sae=args.sae,
        sae_trainer=args.sae_trainer,
        method=method_config(args),
        alpha=args.alpha,
        seed=args.seed,
        skip_bad=args.skip_bad,
        captions=Path(args.captions) if args.captions else None,
        prompts=Path(args.prompts) if args.prompts else None,
        columns=columns_of(args),
        engine=Engine(args.engine, args.address, args.exchange),
        embeddings=args.embeddings,
        stored_as=args.run,
        groups=None if sheet else groups_of(args),
        paired=args.paired,
        fields=_fields(args),
        given=args.given,
        table_sides=args.sides or sheet,
        overwrite=args.overwrite,
    )


def _fields(args: argparse.Namespace) -> Any:
    """The two tables, or the one thing, that --fields names; more are names of a dataset's fields."""
    given = args.fields or []
    return given[0] if len(given) == 1 else tuple(given) if given else None

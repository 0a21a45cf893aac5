"""``latentdiff ask``: how many images of each side show a phrase, does it tell them apart, and which images are they."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..comparing.asking import answers
from ..compute.names import shown
from ..errors import InputError
from ..inputs.opening import Opened, add_left_out
from ..progress import Progress, part
from ..report.content import left_out
from ..request import CompareRequest
from ..sae.shipped import strangers
from ..stats.verification import Verification
from .options import column_arguments, columns_of, group_arguments, groups_of, sides_of_a_table
from .terminal import console, table


def ask_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``latentdiff ask``."""
    side = "dataset:saved_view, a .npy file of vectors (n, d), Parquet of vectors (file, folder, URI), or a folder or .zip of images"
    parser.add_argument("a", metavar="A", help=f"{side}; alone: a .csv with the columns path and group_name")
    parser.add_argument("b", metavar="B", help=side)
    parser.add_argument("phrases", metavar="PHRASE", nargs="*", help='what to look for, such as "a red kite"')
    parser.add_argument("--sides", metavar=("A", "B"), nargs=2, help="of a .csv: the two of its groups to ask about, where there are more")
    parser.add_argument("--skip-bad", action="store_true", help="drop images whose vectors are not finite or all zero, and count them")
    column_arguments(parser)
    parser.add_argument("--embeddings", metavar="FIELD", help="vector field of the datasets (needed for dataset:view)")
    parser.add_argument("--encoder", metavar="NAME", help="encoder of image folders and of the phrases, as load_encoder takes it")
    parser.add_argument("--pretrained", metavar="TAG", help="weights of the encoder: a pretrained tag or a checkpoint file")
    parser.add_argument(
        "--vocabulary", metavar="FILE", help="words on whose mean phrases are centred; without an encoder, phrases are made of them"
    )
    parser.add_argument("--vocabulary-vectors", metavar="FILE", help=".npy (v, d) of the text file's words")
    group_arguments(parser, "; of a .csv alone, X,Y is short for --sides X Y")
    parser.add_argument("--images", type=int, default=5, metavar="K", help="images listed per side (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON on standard output, for machines")


def run_ask(args: argparse.Namespace) -> int:
    """Answer and print."""
    from .outcome import progress_bar

    if Path(args.a).suffix.lower() == ".csv":  # both sides in one: what follows it is a phrase
        args.b, args.phrases = None, [args.b, *args.phrases]
    if not args.phrases:
        raise InputError('say what to look for after the two sides, such as "a red kite"')
    if args.images < 0:
        raise InputError(f"--images must be at least 0, not {args.images}")
    with progress_bar() as progress:
        opened = _open(args, part(progress, 0.0, 0.8))
        vectors = opened.a.vectors, opened.b.vectors
        found = answers(*vectors, args.phrases, opened.encoder, opened.vocabulary, args.images, opened.groups, part(progress, 0.8, 1.0))
    info = opened.ranges.as_info()
    if opened.left_out:
        add_left_out(info, opened.left_out)
    strange = strangers(opened.encoder.fingerprint, *vectors) if opened.encoder is not None else ""
    notes = (*([strange] if strange else ()), *left_out(info, opened.names))
    (_print_json if args.json else _print_table)(found, opened.names, opened.items, notes)
    return 0


def _open(args: argparse.Namespace, progress: Progress) -> Opened:
    """Both sides and the words, wherever they lie."""
    sheet = sides_of_a_table(args)
    request = CompareRequest(
        args.a,
        args.b,
        encoder=(args.encoder, args.pretrained) if args.encoder else None,
        vocabulary=args.vocabulary,
        vocabulary_vectors=args.vocabulary_vectors,
        embeddings=args.embeddings,
        columns=columns_of(args),
        table_sides=args.sides or sheet,
        skip_bad=args.skip_bad,
        groups=None if sheet else groups_of(args),
        paired=args.paired,
    )
    return request.open(progress)


def _listed(rows: Sequence[int], items: Any) -> list[str]:
    return [shown(items[r]) if items is not None else f"row {r}" for r in rows]


def _print_json(found: list[Verification], names: tuple[str, str], items: tuple[Any, Any], notes: Sequence[str]) -> None:
    from ..compute.files import strict_json

    shown = [{**dataclasses.asdict(v), "images_a": _listed(v.rows_a, items[0]), "images_b": _listed(v.rows_b, items[1])} for v in found]
    print(strict_json({"names": list(names), "notes": list(notes), "answers": shown}))


def _print_table(found: list[Verification], names: tuple[str, str], items: tuple[Any, Any], notes: Sequence[str]) -> None:
    from rich.text import Text

    from ..report import p_text, percent

    out, drawn = console(), table(("phrase", f"in {names[0]}", f"in {names[1]}", "AUROC", "q"), right=range(1, 5))
    for note in notes:
        out.print(Text(note, style="dim"))
    for v in found:
        q = p_text(v.q_value, "").strip().removeprefix("= ")
        drawn.add_row(*map(Text, (v.text, percent(v.rate_a), percent(v.rate_b), f"{v.auroc:.2f}", q)))
    out.print(drawn)
    out.print(Text(f"AUROC: how often a random image of {names[0]} fits better than one of {names[1]}; 0.5 is chance.", style="dim"))
    for v in found:
        for name, rows, own in ((names[0], v.rows_a, items[0]), (names[1], v.rows_b, items[1])):
            if rows:
                out.print(Text(f'"{v.text}" in {name}: {", ".join(_listed(rows, own))}'), soft_wrap=True)

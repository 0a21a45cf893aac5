"""``latentdiff compare``: sides as people type them → an outcome to print."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..inputs.folders import distinct_names
from ..inputs.named import encode_paths, encoder_of, groups_of, kind, read_side, row_groups, stem, vocabulary_of
from ..methods.config import MethodConfig
from ..methods.run import compare_with
from ..progress import Progress, part
from ..sae.loading import check_encoder, load_sae
from .options import describe_arguments, method_arguments, method_config, say_what_is_sent, texts_of
from .outcome import ITEMS, Outcome, output_arguments, progress_bar, show, stored_outcome, write_outcome
from .scale import engine_arguments

DIFFERS = 1
"""Exit status of ``--exit-code`` where the sides differ."""


def compare_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``latentdiff compare``."""
    side = "dataset:saved_view, a .npy file of vectors (n, d), Parquet of vectors (file, folder, URI), or a folder of images"
    parser.add_argument("a", metavar="A", help=f"{side}; alone: a .csv with the columns path and group_name")
    parser.add_argument("b", metavar="B", nargs="?", help=side)
    both = "the two of its groups to compare, where there are more"
    parser.add_argument("--sides", metavar=("A", "B"), nargs=2, help=f"of a .csv: {both}")
    parser.add_argument("--embeddings", metavar="FIELD", help="vector field of the datasets (needed for dataset:view)")
    parser.add_argument(
        "--encoder", metavar="NAME", help="encoder of image folders and of --vocabulary without vectors, as load_encoder takes it"
    )
    parser.add_argument("--pretrained", metavar="TAG", help="weights of the encoder: a pretrained tag or a checkpoint file")
    parser.add_argument(
        "--vocabulary", metavar="FILE", help="words: .npz with words and vectors, or a text file, one word or phrase a line"
    )
    parser.add_argument("--vocabulary-vectors", metavar="FILE", help=".npy (v, d) of the text file's words")
    parser.add_argument("--sae", metavar="SAE", help="a saved or published sparse autoencoder, or a name (pach); default: train one")
    kinds = "the one that is trained: flat, or from coarse to fine concepts (see --tree); default: batchtopk"
    parser.add_argument("--sae-trainer", choices=("batchtopk", "matryoshka"), help=kinds)
    method_arguments(parser)
    parser.add_argument("--run", metavar="NAME", help="name under which datasets store it (default: made of the views' names)")
    parser.add_argument("--save", metavar="FOLDER", help="also save the comparison as files")
    parser.add_argument("--report", metavar="FILE", help="also write a report: .html (with thumbnails), .md, .csv or .json")
    grouped = "what is no independent evidence: a field of the dataset (scene, video), or two files with a label a line, of A and B"
    parser.add_argument("--groups", metavar="FIELD|FILE", nargs="+", help=grouped)
    parser.add_argument("--paired", action="store_true", help="row i of A and row i of B are one thing seen twice")
    parser.add_argument("--alpha", type=float, help="level of false alarms (default: 0.05)")
    parser.add_argument("--seed", type=int, help="the same seed gives the same result (default: 0)")
    parser.add_argument("--overwrite", action="store_true", help="replace a stored comparison of that name, or the files in --save")
    parser.add_argument("--skip-bad", action="store_true", help="drop images with NaN or infinite vectors, and count them")
    parser.add_argument("--exit-code", action="store_true", help="exit with 1 when the sides differ, 0 when not")
    describe_arguments(parser)
    engine_arguments(parser, exchange=True)
    output_arguments(parser)


def run_compare(args: argparse.Namespace) -> int:
    """Compare, print, and say by the exit status whether the sides differ where that was asked."""
    with progress_bar() as progress:
        outcome = compare_sides(args, progress)
    show(outcome, args)
    return DIFFERS if args.exit_code and outcome.comparison.differs else 0


def compare_sides(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Run ``latentdiff compare``.

    Raises:
        InputError: sides or options that do not fit together.
    """
    if args.save and Path(args.save, "comparison.json").exists() and not args.overwrite:
        raise InputError(f"{args.save} already holds a comparison; pass --overwrite or another folder")
    if args.sides and args.b is not None:
        raise InputError("--sides are two groups of one .csv; name that file alone")
    config = method_config(args)
    kinds = ("table", "table") if args.b is None else (kind(args.a), kind(args.b))
    if kinds == ("parquet", "parquet"):
        from .scale import compare_parquet

        outcome = compare_parquet(args, config, progress)
    elif "parquet" in kinds or (args.engine != "local" and kinds != ("view", "view")):
        raise InputError("both sides must be Parquet (a file, a folder or a URI) where one is; --engine ray takes Parquet or views")
    elif kinds == ("view", "view"):
        outcome = _compare_views(args, config, progress)
    elif "view" in kinds:
        raise InputError("one side is a dataset's view and the other is not; compare two views, or two files or folders")
    else:
        outcome = _compare_files(args, config, kinds, progress)
    if args.save and kinds != ("parquet", "parquet"):
        outcome.comparison.save(args.save)
        (Path(args.save) / ITEMS).write_text(json.dumps(outcome.items, default=list), encoding="utf8")
    if args.report:
        write_outcome(outcome, args.report)
    return outcome


def _compare_views(args: argparse.Namespace, config: MethodConfig, progress: Progress) -> Outcome:
    if not args.embeddings:
        raise InputError("name the datasets' vector field: --embeddings FIELD")
    if args.encoder:
        raise InputError("--encoder is for folders of images; a dataset's vectors are in --embeddings FIELD")
    import fiftyone_plugin
    from fiftyone_plugin.store.runs import as_dataset

    (name_a, _, view_a), (name_b, _, view_b) = args.a.partition(":"), args.b.partition(":")
    dataset, other = as_dataset(name_a), as_dataset(name_b)
    if other is not dataset:
        if view_b not in other.list_saved_views():
            raise InputError(f"{name_b!r} has no saved view {view_b!r}; it has {', '.join(other.list_saved_views()[:20]) or 'none'}")
        view_b = other.load_saved_view(view_b)
    run = args.run or _run_name(args.a.partition(":")[2], args.b.partition(":")[2])
    texts = texts_of(args, config, named=True)
    say_what_is_sent(config)
    stored = fiftyone_plugin.compare_views(
        dataset,
        view_a,
        view_b,
        embeddings=args.embeddings,
        vocabulary=vocabulary_of(args, None),
        sae=args.sae,
        run=run,
        method=config,
        **texts,
        groups=_field(args),
        overwrite=args.overwrite,
        engine=args.engine,
        address=args.address,
        exchange=args.exchange,
        progress=progress,
    )
    return stored_outcome(stored)


def _compare_files(args: argparse.Namespace, config: MethodConfig, kinds: tuple[str, str], progress: Progress) -> Outcome:
    if args.embeddings or args.run:
        raise InputError("--embeddings and --run are for datasets; files and folders take --save FOLDER")
    texts = texts_of(args, config, named="vectors" not in kinds)
    table = groups_of(args.a, args.sides) if "table" in kinds else ()
    encoder = None
    if table or "folder" in kinds or (args.vocabulary and Path(args.vocabulary).suffix != ".npz" and not args.vocabulary_vectors):
        encoder = encoder_of(args)
    parts = part(progress, 0.0, 0.25), part(progress, 0.25, 0.5)
    names, given = (stem(args.a), stem(args.b or "")), (args.a, args.b or "")
    if table:
        names = given = (table[0].name, table[1].name)
        sides = [encode_paths(s.paths, s.name, encoder, config.compare.skip_bad, report) for s, report in zip(table, parts, strict=True)]
    else:
        sides = [read_side(s, k, encoder, config.compare.skip_bad, report) for s, k, report in zip(given, kinds, parts, strict=True)]
    vocabulary = vocabulary_of(args, encoder)
    (a, items_a), (b, items_b) = sides
    files = None if items_a is None or items_b is None else ([*map(os.path.abspath, items_a)], [*map(os.path.abspath, items_b)])
    say_what_is_sent(config)
    comparison = compare_with(
        config,
        a,
        b,
        sae=_sae_of(args.sae, encoder),
        vocabulary=vocabulary,
        encode_texts=encoder.encode_texts if encoder is not None else None,
        images=files,
        **texts,
        **row_groups(args),
        progress=part(progress, 0.5, 1.0),
    )
    names = distinct_names(names, given)
    comparison.info["names"] = list(names)
    return Outcome(comparison, names, items=(items_a, items_b))


def _field(args: argparse.Namespace) -> str | None:
    """The field that --groups names for datasets."""
    if args.paired:
        raise InputError("--paired is for files and folders, whose rows have an order; views have none")
    if args.groups and len(args.groups) != 1:
        raise InputError("--groups names one field of the datasets")
    return args.groups[0] if args.groups else None


def _sae_of(name: str | None, encoder: Any) -> Any:
    """The SAE that was named, where its encoder is known to be the images' and the words'."""
    if not name or encoder is None:
        return name
    sae = load_sae(name)
    check_encoder(sae, encoder.fingerprint, what="what --encoder encodes")
    return sae


def _run_name(a: str, b: str) -> str:
    name = "_vs_".join("".join(c if c.isalnum() else "_" for c in side).strip("_") or "view" for side in (a, b))
    return name if name.isidentifier() else f"run_{name}"

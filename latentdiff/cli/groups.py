"""``latentdiff groups``: many sets of images, each against the rest."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from ..compute.files import strict_json as dump
from ..config import CompareConfig
from ..errors import EncoderError, InputError
from ..groups.comparing import compare_groups
from ..inputs.many import read_groups
from ..inputs.named import needs_encoder, open_encoder, open_vocabulary
from ..progress import Progress, part
from ..report import percent, title, write_report
from ..report.groups import group_dict, group_verdict, notes
from ..results.groups import GroupComparison
from ..sae.loading import check_encoder, load_sae
from .outcome import DIFFERS, ITEMS, known_as, progress_bar
from .outputs import check_report, check_save


def set_arguments(parser: argparse.ArgumentParser) -> None:
    """Options that say how sets of images become vectors, and what they are compared with; level and seed are None where not given."""
    parser.add_argument("--encoder", metavar="NAME", help="encoder of image folders and of --vocabulary without vectors")
    parser.add_argument("--pretrained", metavar="TAG", help="weights of the encoder: a pretrained tag or a checkpoint file")
    words = "words: .npz with words and vectors, or a text file, one word or phrase a line"
    parser.add_argument("--vocabulary", metavar="FILE", help=words)
    parser.add_argument("--vocabulary-vectors", metavar="FILE", help=".npy (v, d) of the text file's words")
    parser.add_argument("--sae", metavar="SAE", help="a saved or published sparse autoencoder, or a name (pach); default: train one")
    parser.add_argument("--alpha", type=float, help=f"level of false alarms (default: {CompareConfig.alpha})")
    parser.add_argument("--seed", type=int, help=f"the same seed gives the same result (default: {CompareConfig.seed})")
    parser.add_argument("--skip-bad", action="store_true", help="drop images whose vectors are not finite or all zero, and count them")
    parser.add_argument("--json", action="store_true", help="print JSON on standard output, for machines")


def groups_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``latentdiff groups``."""
    sets = "two or more sets, each a group (.npy of vectors, Parquet, folder or .zip of images); with --by: one or more, grouped by label;"
    parser.add_argument("sets", metavar="SET", nargs="+", help=f"{sets} or one FiftyOne dataset, or dataset:saved_view")
    by = "a file with the group of each row, one label a line (an empty line: in none); or a field of the dataset, a column of the table"
    parser.add_argument("--by", metavar="FILE|FIELD", help=by)
    parser.add_argument("--embeddings", metavar="FIELD", help="of a dataset: the field of the image vectors")
    parser.add_argument("--run", metavar="NAME", help="of a dataset: also store the comparison in it, under this name")
    set_arguments(parser)
    parser.add_argument("--top", type=int, default=5, metavar="K", help="differences listed per group (default: %(default)s)")
    parser.add_argument("--save", metavar="FOLDER", help="also save the comparison as files")
    parser.add_argument("--report", metavar="FILE", help="also write a report: .html (with thumbnails), .md, .csv or .json")
    what = "replace the files in --save, the comparison --run, or a foreign file at --report"
    parser.add_argument("--overwrite", action="store_true", help=what)
    parser.add_argument("--exit-code", action="store_true", help="exit with 1 when the groups differ, 0 when not")


def run_groups(args: argparse.Namespace) -> int:
    """Compare, print, and say by the exit status whether the groups differ where that was asked."""
    if args.top < 1:
        raise InputError(f"--top must be at least 1, not {args.top}")
    check_save(args.save, args.overwrite)
    check_report(args.report, args.overwrite)
    if args.by is None and len(args.sets) < 2:
        raise InputError("name two or more sets, or one with --by, the group of each of its rows")
    stored = is_dataset(args.sets[0]) if len(args.sets) == 1 else False
    if not stored and (args.run or args.embeddings):
        raise InputError("--run and --embeddings are for a dataset; name one as the only SET")
    with progress_bar() as progress:
        found, items = (_of_dataset if stored else _of_files)(args, progress)
    _keep(found, items, args)
    show_groups(found, args.top, args.json)
    return DIFFERS if args.exit_code and found.differs else 0


def is_dataset(name: str) -> bool:
    """Whether a set is named that is no file or folder: a dataset, or a saved view of one."""
    return not Path(name).expanduser().exists() and "/" not in name and not Path(name).suffix


def _of_files(args: argparse.Namespace, progress: Progress) -> tuple[GroupComparison, list[Any] | None]:
    opened = Opened.of(args, progress)
    read = read_groups(args.sets, args.by, opened.encoder, args.skip_bad, part(progress, 0.1, 0.5))
    given = {"sae": opened.sae, "vocabulary": opened.vocabulary, "config": opened.config}
    found = compare_groups(read.vectors, read.labels, **given, progress=part(progress, 0.5, 1.0))
    found.info["left_out"] |= read.left_out
    found.info["passed_over"] = read.passed_over
    found.info.update(read.ranges.as_info())
    return found, read.items


def _of_dataset(args: argparse.Namespace, progress: Progress) -> tuple[GroupComparison, list[Any] | None]:
    """Groups of a dataset by a field, stored where they get a name."""
    from fiftyone_plugin import compare_groups as compare_in_dataset

    images, config = dataset_images(args, args.sets[0])
    given = {"embeddings": args.embeddings, "run": args.run, "sae": args.sae, "vocabulary": args.vocabulary, "config": config}
    found = compare_in_dataset(images, args.by, **given, overwrite=args.overwrite, progress=progress)
    return found.found, found.files()


def dataset_images(args: argparse.Namespace, named: str) -> tuple[Any, CompareConfig]:
    """The dataset, or its saved view, that is named, and the config that the options make.

    Raises:
        InputError: there is no such dataset or view, or options that are for files.
    """
    from fiftyone_plugin.store.targets import as_dataset, split_name

    if args.encoder or args.vocabulary_vectors:
        raise InputError("the encoder of a dataset's vectors is recorded with their field; leave --encoder and --vocabulary-vectors out")
    if not args.embeddings:
        raise InputError("name the field of the dataset's image vectors: --embeddings FIELD")
    name, view = split_name(named)
    dataset = as_dataset(name)
    if view and not dataset.has_saved_view(view):
        raise InputError(f"dataset {name!r} has no saved view {view!r}")
    return (dataset.load_saved_view(view) if view else dataset), config_of(args)


class Opened:
    """Encoder, words, SAE and config that the options name."""

    def __init__(self, encoder: Any, vocabulary: Any, sae: Any, config: CompareConfig) -> None:
        self.encoder, self.vocabulary, self.sae, self.config = encoder, vocabulary, sae, config

    @classmethod
    def of(cls, args: argparse.Namespace, progress: Progress, dtype: str | None = None) -> Opened:
        """Open them.

        Args:
            args: the options.
            progress: ``progress(fraction, label)``.
            dtype: precision of vectors that are there, for the encoder to compute in where it can.

        Raises:
            InputError: options that do not fit together.
        """
        encoder = _encoder((args.encoder, args.pretrained), dtype) if args.encoder else None
        if encoder is None and needs_encoder(args.vocabulary, args.vocabulary_vectors):
            raise InputError("--vocabulary holds words without vectors: name the encoder of the images too (--encoder)")
        vocabulary = open_vocabulary(args.vocabulary, args.vocabulary_vectors, lambda: encoder, part(progress, 0.0, 0.1))
        sae = load_sae(args.sae) if args.sae else None
        if sae is not None and encoder is not None:
            check_encoder(sae, encoder.fingerprint, what="what --encoder encodes")
        return cls(encoder, vocabulary, sae, config_of(args))


def _encoder(source: tuple[str, str | None], dtype: str | None) -> Any:
    try:
        return open_encoder(source, dtype)[0]
    except EncoderError:
        if dtype != "int8":  # the others can be had everywhere
            raise
        return open_encoder(source)[0]


def config_of(args: argparse.Namespace) -> CompareConfig:
    """The choices that the options make."""
    given = {name: getattr(args, name) for name in ("alpha", "seed") if getattr(args, name) is not None}
    return CompareConfig(**given, skip_bad=args.skip_bad)


def _keep(found: GroupComparison, items: list[Any] | None, args: argparse.Namespace) -> None:
    if args.save:
        found.save(args.save)
        (Path(args.save) / ITEMS).write_text(json.dumps(known_as(items)), encoding="utf8")
    if args.report:
        write_report(found, args.report, images=items)


def show_groups(found: GroupComparison, top: int, as_json: bool) -> None:
    """Print a comparison of groups: a table of the groups, what tells each, and one of how far apart they are; or JSON."""
    print(dump(group_dict(found, top))) if as_json else _print(found, top)


def _print(found: GroupComparison, top: int) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    console.print(Text(group_verdict(found), style="bold"))
    for note in notes(found):
        console.print(Text(note, style="dim"))
    table = Table("group", "images", "AUC", "p", "what", "in it", "in the rest", "q")
    for name, comparison in found.groups.items():
        test = comparison.two_sample
        table.add_row(Text(name), f"{len(found.rows(name)):,}", f"{test.auc:.2f}", f"{test.p_value:.2g}")
        for h in sorted(comparison.top("A", top) + comparison.top("B", top), key=lambda h: -abs(h.effect))[:top]:
            what = f"{'more' if h.side == 'A' else 'less'}: {title(h)}"
            table.add_row("", "", "", "", Text(what), percent(h.rate_a), percent(h.rate_b), f"{h.q_value:.2g}")
    console.print(table)
    apart = Table("AUC")
    for name in found.names:
        apart.add_column(Text(name), justify="right")
    for name, row in zip(found.names, found.distances.tolist(), strict=True):
        apart.add_row(Text(name), *(f"{value:.2f}" for value in row))
    console.print(apart)

"""What ``latentdiff compare`` and ``show`` do: sides as people type them → an outcome to print."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import compare
from .cli_describe import describe_config, describer_of
from .cli_methods import method_of
from .config import CompareConfig
from .describe.captions import read_captions
from .embed.parquet import ParquetVectors
from .embed.vocabulary import Vocabulary
from .embed.words import load_vocabulary, read_phrases
from .errors import InputError
from .inputs import load_vectors, read_vocabulary
from .progress import Progress, part
from .report import write_report
from .result import Comparison
from .scale import is_parquet
from .sources import ImageSide, distinct_names, encode_side, image_files, read_table

ITEMS = "items.json"
"""Beside a saved comparison: what its rows are."""


@dataclass(frozen=True)
class Outcome:
    """A comparison with what people call its sides and its images."""

    comparison: Comparison
    names: tuple[str, str]
    run: str | None = None
    """Name under which a dataset stores it."""
    items: tuple[Any, Any] | None = None
    """Per side, what row i is: a sample id or a file's path; None where rows have no name."""
    stored: Any = None
    """The ``ComparisonRun`` where a dataset holds it."""


def compare_sides(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Run ``latentdiff compare``.

    Raises:
        InputError: sides or options that do not fit together.
    """
    if args.save and Path(args.save, "comparison.json").exists() and not args.overwrite:
        raise InputError(f"{args.save} already holds a comparison; pass --overwrite or another folder")
    config = CompareConfig(alpha=args.alpha, seed=args.seed, skip_bad=args.skip_bad)
    kinds = ("table", "table") if args.b is None else (kind(args.a), kind(args.b))
    if kinds == ("parquet", "parquet"):
        from .cli_scale import compare_parquet

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


def write_outcome(outcome: Outcome, path: str) -> Path:
    """Write a report of an outcome; its thumbnails are of the images that it names, and of a dataset's where it is stored in one."""
    if outcome.stored is not None:
        from fiftyone_plugin.reporting import report_of

        return report_of(outcome.stored, path)
    return write_report(outcome.comparison, path, images=outcome.items, names=outcome.names)


def kind(side: str) -> str:
    """ "vectors" (.npy), "parquet", "folder", or "view" (dataset:saved_view).

    Raises:
        InputError: it is none of them.
    """
    path = Path(side).expanduser()
    if path.suffix == ".npy":
        return "vectors"
    if is_parquet(side):
        return "parquet"
    if path.is_dir():
        return "folder"
    dataset, colon, view = side.partition(":")
    if colon and dataset and view and not path.exists():
        return "view"
    raise InputError(f"{side!r} is no .npy file, no Parquet, no folder, and not written as dataset:saved_view")


def open_comparison(dataset: str, run: str | None) -> Outcome:
    """A comparison from a dataset (by run name), or from a folder that ``--save`` wrote."""
    if run is None:
        if not Path(dataset).is_dir():
            raise InputError(f"{dataset!r} is no folder; for a dataset name the run too: latentdiff show {dataset} RUN")
        comparison = Comparison.load(dataset)
        names = comparison.info.get("names") or ("A", "B")
        return Outcome(comparison, (str(names[0]), str(names[1])), items=_saved_items(Path(dataset)))
    from fiftyone_plugin import load_comparison

    return _stored(load_comparison(dataset, run))


def _saved_items(folder: Path) -> tuple[Any, Any] | None:
    """What the rows of a saved comparison are; None where that was not kept or cannot be read."""
    try:
        a, b = json.loads((folder / ITEMS).read_text(encoding="utf8"))
    except (OSError, ValueError, TypeError):
        return None
    return tuple(side if isinstance(side, list) and all(isinstance(i, str) for i in side) else None for side in (a, b))  # type: ignore[return-value]


def _compare_views(args: argparse.Namespace, config: CompareConfig, progress: Progress) -> Outcome:
    if not args.embeddings:
        raise InputError("name the datasets' vector field: --embeddings FIELD")
    if args.encoder:
        raise InputError("--encoder is for folders of images; a dataset's vectors are in --embeddings FIELD")
    import fiftyone_plugin
    from fiftyone_plugin.runs import as_dataset

    (name_a, _, view_a), (name_b, _, view_b) = args.a.partition(":"), args.b.partition(":")
    dataset, other = as_dataset(name_a), as_dataset(name_b)
    if other is not dataset:
        if view_b not in other.list_saved_views():
            raise InputError(f"{name_b!r} has no saved view {view_b!r}; it has {', '.join(other.list_saved_views()[:20]) or 'none'}")
        view_b = other.load_saved_view(view_b)
    run = args.run or _run_name(args.a.partition(":")[2], args.b.partition(":")[2])
    stored = fiftyone_plugin.compare_views(
        dataset,
        view_a,
        view_b,
        embeddings=args.embeddings,
        vocabulary=vocabulary_of(args, None),
        sae=args.sae,
        run=run,
        config=config,
        describe=describe_config(args),
        captions=read_captions(args.captions) if args.captions else None,
        overwrite=args.overwrite,
        skip_bad=args.skip_bad,
        method=method_of(args, None),
        engine=args.engine,
        address=args.address,
        exchange=args.exchange,
        progress=progress,
    )
    return _stored(stored)


def _compare_files(args: argparse.Namespace, config: CompareConfig, kinds: tuple[str, str], progress: Progress) -> Outcome:
    if args.embeddings or args.run:
        raise InputError("--embeddings and --run are for datasets; files and folders take --save FOLDER")
    table = _table(args.a) if "table" in kinds else ()
    encoder = None
    if table or "folder" in kinds or (args.vocabulary and Path(args.vocabulary).suffix != ".npz" and not args.vocabulary_vectors):
        encoder = encoder_of(args)
    parts = part(progress, 0.0, 0.25), part(progress, 0.25, 0.5)
    names, given = (_stem(args.a), _stem(args.b or "")), (args.a, args.b or "")
    if table:
        names = given = (table[0].name, table[1].name)
        sides = [_encode(s.paths, s.name, encoder, args.skip_bad, report) for s, report in zip(table, parts, strict=True)]
    else:
        sides = [read_side(s, k, encoder, args.skip_bad, report) for s, k, report in zip(given, kinds, parts, strict=True)]
    vocabulary = vocabulary_of(args, encoder)
    (a, items_a), (b, items_b) = sides
    report = part(progress, 0.5, 1.0)
    if method := method_of(args, encoder):
        images = None if items_a is None or items_b is None else (items_a, items_b)
        comparison = method(a, b, vocabulary, config, images, report)
    else:
        describer = describer_of(args, (items_a, items_b), encoder.encode_texts if encoder is not None else None)
        comparison = compare(a, b, sae=args.sae, vocabulary=vocabulary, describer=describer, config=config, progress=report)
    names = distinct_names(names, given)
    comparison.info["names"] = list(names)
    return Outcome(comparison, names, items=(items_a, items_b))


def read_side(side: str, how: str, encoder: Any, skip_bad: bool, progress: Progress) -> tuple[np.ndarray, Any]:
    """Vectors of a file, of Parquet, or of a folder of images, and what its rows are (None: nothing with a name)."""
    if how == "vectors":
        return load_vectors(side), None
    if how == "parquet":
        table = ParquetVectors(side)
        return np.concatenate([block for group in table.groups for block in table.blocks(group)]), table.ids
    return _encode(image_files(side), side, encoder, skip_bad, progress)


def _encode(paths: tuple[Path, ...], what: str, encoder: Any, skip_bad: bool, progress: Progress) -> tuple[np.ndarray, Any]:
    vectors = encode_side(encoder, paths, f"{what} (--skip-bad leaves them out)", skip_bad=skip_bad, progress=progress)
    return vectors, [str(p) for p in paths]


def _table(path: str) -> tuple[ImageSide, ImageSide]:
    """The two groups of a CSV file."""
    file = Path(path).expanduser()
    if file.suffix.lower() != ".csv":
        raise InputError(f"{path!r} alone is no comparison; name the other side too, or a .csv with the columns path and group_name")
    try:
        return read_table(file.read_text(encoding="utf-8-sig"), file.absolute().parent)
    except (OSError, UnicodeDecodeError) as e:
        raise InputError(f"{path} cannot be read as a UTF-8 table: {e}") from e


def _stem(side: str) -> str:
    return Path(side).stem or side


def encoder_of(args: argparse.Namespace) -> Any:
    """The encoder that --encoder names."""
    if not args.encoder:
        raise InputError("folders of images, and words without vectors, need an encoder: --encoder NAME")

    from .embed.encoder import load_encoder

    return load_encoder(args.encoder, args.pretrained)


def vocabulary_of(args: argparse.Namespace, encoder: Any) -> Vocabulary | None:
    """The words asked for; for images without any, common English words by the images' encoder."""
    if not args.vocabulary:
        return load_vocabulary(encoder) if encoder is not None else None
    if encoder is None or args.vocabulary_vectors or Path(args.vocabulary).suffix == ".npz":
        return read_vocabulary(args.vocabulary, args.vocabulary_vectors)
    return load_vocabulary(encoder, words=(), phrases=read_phrases(args.vocabulary))


def _run_name(a: str, b: str) -> str:
    name = "_vs_".join("".join(c if c.isalnum() else "_" for c in side).strip("_") or "view" for side in (a, b))
    return name if name.isidentifier() else f"run_{name}"


def _stored(run: Any) -> Outcome:
    sides = run.sides
    return Outcome(run.comparison, (sides["A"].name, sides["B"].name), run.name, (sides["A"].ids, sides["B"].ids), run)

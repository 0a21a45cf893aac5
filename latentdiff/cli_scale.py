"""What ``latentdiff compare`` does with sides in Parquet, and where it runs; ``latentdiff embed``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from .cli_outcome import Outcome
from .cli_output import progress_bar
from .cli_sides import encoder_of, vocabulary_of
from .embed.parquet import ParquetVectors, is_parquet
from .errors import InputError
from .method_config import MethodConfig
from .progress import Progress
from .sources import image_files


def engine_arguments(parser: argparse.ArgumentParser, exchange: bool = False) -> None:
    """``--engine``, ``--address`` and ``--exchange``."""
    parser.add_argument("--engine", choices=("local", "ray"), default="local", help="where it runs (default: %(default)s)")
    where = "with --engine ray: a running cluster (auto, host:6379, ray://host:10001); default: a new one here"
    parser.add_argument("--address", metavar="ADDR", help=where)
    if exchange:
        where = "with --engine ray and views: folder or URI that all machines of the cluster can read; default: a temporary folder here"
        parser.add_argument("--exchange", metavar="FOLDER", help=where)


def compare_parquet(args: argparse.Namespace, config: MethodConfig, progress: Progress) -> Outcome:
    """Compare two sides in Parquet, and save where ``--save`` says.

    Raises:
        InputError: options that do not go with Parquet.
    """
    from . import scale

    if args.embeddings or args.run:
        raise InputError("--embeddings and --run are for datasets; Parquet takes --save FOLDER")
    if config.method != "latentdiff":
        raise InputError(f"--method {config.method} needs the vectors in memory; give .npy files or folders")
    if config.describe is not None:
        raise InputError("--captions, --captioner and --llm-url need the images; for Parquet leave them out")
    a, b = ParquetVectors(args.a), ParquetVectors(args.b)
    words_only = args.vocabulary and Path(args.vocabulary).suffix != ".npz" and not args.vocabulary_vectors
    encoder = encoder_of(args) if args.encoder or words_only else None
    vocabulary = vocabulary_of(args, encoder)
    comparison = scale.compare_parquet(
        a, b, engine=args.engine, address=args.address, sae=args.sae, vocabulary=vocabulary, config=config.compare, progress=progress
    )
    names = tuple(Path(side.rstrip("/")).stem for side in (args.a, args.b))
    names = names if names[0] != names[1] else (args.a, args.b)
    comparison.info["names"] = list(names)
    if args.save:
        scale.save(comparison, args.save, a, b)
    return Outcome(comparison, (names[0], names[1]), items=(a.ids, b.ids))


def embed_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``latentdiff embed``."""
    parser.add_argument("images", metavar="IMAGES", help="a folder of images, or Parquet (file, folder, URI) with a column bytes or path")
    where = "folder or URI for the Parquet shards of vectors; the same command goes on with a stopped run"
    parser.add_argument("out", metavar="OUT", help=where)
    parser.add_argument("--encoder", metavar="NAME", required=True, help="encoder, as load_encoder takes it")
    parser.add_argument("--pretrained", metavar="TAG", help="weights of the encoder: a pretrained tag or a checkpoint file")
    parser.add_argument("--float32", action="store_true", help="write float32 vectors (default: float16)")
    engine_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print JSON on standard output, for machines")


def run_embed(args: argparse.Namespace) -> int:
    """Embed, and say how many images there are now."""
    from . import scale

    source = args.images if is_parquet(args.images) else [str(p) for p in image_files(args.images)]
    with progress_bar() as progress:
        done = scale.embed(
            source,
            args.out,
            args.encoder,
            args.pretrained,
            engine=args.engine,
            address=args.address,
            vector_dtype="float32" if args.float32 else "float16",
            progress=progress,
        )
    if args.json:
        print(json.dumps({"images": done.rows, "failed": done.failed, "shards": done.shards, "shards_kept": done.kept}))
    else:
        print(f"{done.rows:,} images in {done.shards} shards ({done.kept} were there already), {done.failed} cannot be read")
    return 0

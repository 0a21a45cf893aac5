"""Sides as people type them → vectors, and the encoder and the words that they ask for."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..embed.filesystem import is_parquet
from ..embed.parquet import ParquetVectors
from ..embed.vocabulary import Vocabulary
from ..embed.words import load_vocabulary, read_phrases
from ..errors import InputError
from ..progress import Progress
from .arrays import load_vectors, read_labels, read_vocabulary
from .folders import ImageSide, encode_side, image_files, read_table


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


def read_side(side: str, how: str, encoder: Any, skip_bad: bool, progress: Progress) -> tuple[np.ndarray, Any]:
    """Vectors of a file, of Parquet, or of a folder of images, and what its rows are (None: nothing with a name)."""
    if how == "vectors":
        return load_vectors(side), None
    if how == "parquet":
        table = ParquetVectors(side)
        return np.concatenate([block for group in table.groups for block in table.blocks(group)]), table.ids
    return encode_paths(image_files(side), side, encoder, skip_bad, progress)


def encode_paths(paths: tuple[Path, ...], what: str, encoder: Any, skip_bad: bool, progress: Progress) -> tuple[np.ndarray, Any]:
    """Vectors of image files, and their paths."""
    vectors = encode_side(encoder, paths, f"{what} (--skip-bad leaves them out)", skip_bad=skip_bad, progress=progress)
    return vectors, [str(p) for p in paths]


def groups_of(path: str, groups: Sequence[str] | None = None) -> tuple[ImageSide, ImageSide]:
    """The two groups of a CSV file, or those that are named, where it has more."""
    file = Path(path).expanduser()
    if file.suffix.lower() != ".csv":
        raise InputError(f"{path!r} alone is no comparison; name the other side too, or a .csv with the columns path and group_name")
    try:
        return read_table(file.read_text(encoding="utf-8-sig"), file.absolute().parent, groups=groups)
    except (OSError, UnicodeDecodeError) as e:
        raise InputError(f"{path} cannot be read as a UTF-8 table: {e}") from e


def row_groups(args: argparse.Namespace) -> dict[str, Any]:
    """Groups of two files' rows, or that they are pairs."""
    if args.groups and len(args.groups) != 2:
        raise InputError("--groups names two files here, of A's rows and of B's, with one label a line")
    labels = [read_labels(file) for file in args.groups or ()] or [None, None]
    return {"groups_a": labels[0], "groups_b": labels[1], "paired": args.paired}


def stem(side: str) -> str:
    """A side's name where it has no other."""
    return Path(side).stem or side


def encoder_of(args: argparse.Namespace) -> Any:
    """The encoder that --encoder names."""
    if not args.encoder:
        raise InputError("folders of images, and words without vectors, need an encoder: --encoder NAME")

    from ..embed.encoder import load_encoder

    return load_encoder(args.encoder, args.pretrained)


def vocabulary_of(args: argparse.Namespace, encoder: Any) -> Vocabulary | None:
    """The words asked for; for images without any, common English words by the images' encoder."""
    if not args.vocabulary:
        return load_vocabulary(encoder) if encoder is not None else None
    if encoder is None or args.vocabulary_vectors or Path(args.vocabulary).suffix == ".npz":
        return read_vocabulary(args.vocabulary, args.vocabulary_vectors)
    return load_vocabulary(encoder, words=(), phrases=read_phrases(args.vocabulary))
